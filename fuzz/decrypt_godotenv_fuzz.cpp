// Env files as KSOPS reads them.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <unordered_set>

#include "decrypt/godotenv.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::decrypt;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto entries = read_godotenv(text);
  if (!entries) return 0;
  std::unordered_set<std::string_view> names;
  for (const GodotenvEntry& entry : *entries) {
    if (!names.insert(entry.key).second) std::abort();  // each name is there once
  }
  return 0;
}
