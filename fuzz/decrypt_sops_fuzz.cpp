// SOPS files as anybody could commit them: every reader, the metadata, the selection, encrypted
// values and the printers. What is read and printed as YAML must read again, and print the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "decrypt/enc_value.hpp"
#include "decrypt/metadata.hpp"
#include "decrypt/tree.hpp"
#include "decrypt/walk.hpp"

namespace {

using namespace sluice;
using namespace sluice::decrypt;

void check(bool holds) {
  if (!holds) std::abort();
}

void print_all(const Tree& tree) {
  for (const Format format :
       {Format::kYaml, Format::kJson, Format::kDotenv, Format::kIni, Format::kBinary}) {
    std::string out;
    StringSink sink(out);
    static_cast<void>(print_tree(tree, format, {}, sink).has_value());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto format = static_cast<Format>(data[0] % 5);
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  static_cast<void>(parse_enc(text).has_value());
  static_cast<void>(normal_rfc3339(text).has_value());
  auto tree = read_tree(text, format);
  if (!tree) return 0;
  print_all(*tree);
  auto metadata = extract_metadata(*tree, format);
  const Rule rule = metadata && *metadata ? (*metadata)->rule : Rule{};
  const auto selection = Selection::make(rule);
  if (!selection) return 0;
  const auto walked = walk(*tree, *selection, [](const Visit& visit) -> Result<void> {
    check(visit.item.is_comment() || !visit.selector.empty());
    check(visit.path.ends_with(':'));
    return {};
  });
  static_cast<void>(walked.has_value());
  return 0;
}
