// YAML text: libyaml against yaml-cpp, and reader, printer, reader.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "fuzz/yaml_properties.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string wrong =
      sluice::yaml::check_reading({reinterpret_cast<const char*>(data), size});
  if (!wrong.empty()) {
    std::fprintf(stderr, "%s\n", wrong.c_str());
    std::abort();
  }
  return 0;
}
