// The metadata of SOPS files as anybody could commit it, nested and flattened. What is read and
// written again must say the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sluice/decrypt/master_keys.hpp"

#include "decrypt/metadata.hpp"
#include "decrypt/metadata_write.hpp"
#include "decrypt/tree.hpp"

namespace {

using namespace sluice;
using namespace sluice::decrypt;

void check(bool holds) {
  if (!holds) std::abort();
}

bool same(const Metadata& a, const Metadata& b) {
  if (a.mac != b.mac || a.last_modified != b.last_modified || a.groups.size() != b.groups.size() ||
      a.shamir_threshold != b.shamir_threshold || a.mac_only_encrypted != b.mac_only_encrypted ||
      a.rule.kind != b.rule.kind || a.rule.pattern != b.rule.pattern) {
    return false;
  }
  for (std::size_t i = 0; i < a.groups.size(); ++i) {
    if (a.groups[i].size() != b.groups[i].size()) return false;
    for (std::size_t k = 0; k < a.groups[i].size(); ++k) {
      const MasterKey& x = a.groups[i][k];
      const MasterKey& y = b.groups[i][k];
      if (x.type != y.type || x.wrapped_key != y.wrapped_key ||
          master_key_text(x) != master_key_text(y)) {
        return false;
      }
    }
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto format = static_cast<Format>(data[0] % 5);
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  auto tree = read_tree(text, format);
  if (!tree) return 0;
  const auto metadata = extract_metadata(*tree, format);
  if (!metadata || !*metadata) return 0;
  const auto again = parse_metadata(metadata_block(**metadata));
  check(again && same(**metadata, *again));
  check(!flat_metadata(**metadata, "sops_", true).empty());
  return 0;
}
