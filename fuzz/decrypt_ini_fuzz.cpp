// INI files: places lie inside the text, and what is printed can be read.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "decrypt/tree.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  using namespace sluice::decrypt;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto tree = read_ini_tree(text);
  if (!tree) return 0;
  for (const Item& section : tree->front().items) {
    if (section.begin > section.end || section.end > size) std::abort();
    for (const Item& item : section.items) {
      if (item.begin > item.end || item.end > size || item.key_begin > size) std::abort();
    }
  }
  std::string printed;
  StringSink sink(printed);
  if (!print_ini_tree(*tree, sink)) std::abort();
  static_cast<void>(read_ini_tree(printed).has_value());
  return 0;
}
