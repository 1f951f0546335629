// dotenv files: what is read and printed reads as the same again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "decrypt/tree.hpp"
#include "decrypt/written_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  using namespace sluice::decrypt;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto tree = read_dotenv_tree(text);
  if (!tree) return 0;
  for (const Item& item : tree->front().items) {
    if (item.begin > item.end || item.end > size) std::abort();
  }
  std::string printed;
  StringSink sink(printed);
  if (!print_dotenv_tree(*tree, sink)) std::abort();
  const auto again = read_dotenv_tree(printed);
  if (!again || !same_tree(*tree, *again)) std::abort();
  return 0;
}
