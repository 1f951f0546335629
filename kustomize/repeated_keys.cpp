#include "kustomize/repeated_keys.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "sluice/base/encoding.hpp"

namespace sluice::kustomize {
namespace {

struct Repeats {
  std::string lines;
  yaml::Node first;
};

void find_repeats(yaml::Node node, Repeats& found) {
  constexpr std::size_t kMostLines = 20;
  std::unordered_map<std::string_view, yaml::Node> seen;
  if (node.is_mapping()) {
    std::string lines;
    for (std::size_t i = 0, count = 0; i < node.size() && count < kMostLines; ++i) {
      const yaml::Node key = node.key(i);
      if (!key.is_scalar()) continue;
      const auto [known, is_new] = seen.emplace(key.text(), key);
      if (is_new) continue;
      if (!found.first.exists()) found.first = key;
      ++count;
      lines += "\n  line " + std::to_string(key.position().line()) + ": mapping key " +
               go_quote(key.text()) + " already defined at line " +
               std::to_string(known->second.position().line());
    }
    found.lines += lines;
    if (!lines.empty()) return;  // go-yaml does not look inside
  }
  if (!node.is_mapping() && !node.is_sequence()) return;
  for (std::size_t i = 0; i < node.size(); ++i)
    find_repeats(node.is_mapping() ? node.value(i) : node.at(i), found);
}

}  // namespace

Result<void> refuse_repeated_keys(yaml::Node root, const BuildContext& context) {
  Repeats found;
  find_repeats(root, found);
  if (!found.first.exists()) return {};
  return fail(Error(Code::kInvalid, "yaml: unmarshal errors:" + found.lines,
                    context.where(found.first), "leave one of them"));
}

void keep_first_keys(yaml::Ref node) {
  if (node.is_mapping()) {
    std::unordered_map<std::string, bool> seen;
    for (std::size_t i = 0; i < node.size();) {
      if (node.key(i).is_scalar() && !seen.emplace(node.key(i).text(), true).second) {
        node.erase_entry(i);
      } else {
        keep_first_keys(node.value(i++));
      }
    }
  } else if (node.is_sequence()) {
    for (std::size_t i = 0; i < node.size(); ++i)
      keep_first_keys(node.at(i));
  }
}

void join_repeated_annotations(yaml::Ref root) {
  const yaml::Ref metadata = root.get("metadata");
  if (!metadata.is_mapping()) return;
  std::optional<std::size_t> first;
  for (std::size_t i = 0; i < metadata.size(); ++i) {
    if (metadata.key(i).text() != "annotations") continue;
    if (!first) {
      first = i;
      continue;
    }
    const yaml::Ref from = metadata.value(*first);
    const yaml::Ref to = metadata.value(i);
    if (!from.is_mapping() && !from.is_null()) return;
    if (to.is_null()) to.set_mapping();
    if (!to.is_mapping()) return;
    for (std::size_t j = 0; j < from.size(); ++j)
      to.put_string(from.key(j).text(), from.value(j).text());
    metadata.erase_entry(*first);
    first = --i;  // where the joined one is now
  }
}

}  // namespace sluice::kustomize
