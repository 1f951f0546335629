#include "kustomize/odd_keys.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sluice/base/encoding.hpp"
#include "sluice/yaml/go_value.hpp"

namespace sluice::kustomize {
namespace {

struct Repeats {
  std::string lines;
  yaml::Node first;
};

/// Every two entries of `mapping` with the same key, in go-yaml's words. Keys that are collections
/// have no text, so that two of them are equal.
std::string repeats_in(yaml::Node mapping, yaml::Node& first) {
  constexpr std::size_t kMostLines = 20;
  std::unordered_map<std::string_view, std::vector<std::size_t>> scalars, collections;
  const auto entries_like = [&](yaml::Node key) -> std::vector<std::size_t>& {
    return (key.is_scalar() ? scalars : collections)[key.text()];
  };
  for (std::size_t i = 0; i < mapping.size(); ++i)
    entries_like(mapping.key(i)).push_back(i);
  std::string lines;
  for (std::size_t i = 0, count = 0; i < mapping.size() && count < kMostLines; ++i) {
    const std::vector<std::size_t>& same = entries_like(mapping.key(i));
    for (auto later = std::upper_bound(same.begin(), same.end(), i);
         later != same.end() && count < kMostLines; ++later, ++count) {
      const yaml::Node key = mapping.key(*later);
      if (!first.exists()) first = key;
      lines += "\n  line " + std::to_string(key.position().line()) + ": mapping key " +
               go_quote(key.text()) + " already defined at line " +
               std::to_string(mapping.key(i).position().line());
    }
  }
  return lines;
}

/// In the order in which go-yaml decodes; a mapping with repeated keys is not looked into. Returns
/// the first key that is a collection, at which it stops.
yaml::Node find_repeats(yaml::Node node, Repeats& found, bool is_root = false) {
  if (node.is_mapping()) {
    const std::string lines = repeats_in(node, found.first);
    found.lines += lines;
    if (!lines.empty()) return {};
  }
  for (std::size_t i = 0; i < node.size(); ++i) {
    if (node.is_mapping()) {
      const yaml::Node key = node.key(i);
      if (is_root && !key.is_scalar()) {  // the top level alone is decoded into string keys
        if (!found.first.exists()) found.first = key;
        found.lines += "\n  line " + std::to_string(key.position().line()) +
                       ": cannot unmarshal !!" + (key.is_mapping() ? "map" : "seq") +
                       " into string";
        continue;
      }
      if (const yaml::Node inner = find_repeats(key, found); inner.exists()) return inner;
      if (!key.is_scalar()) return key;
    }
    const yaml::Node child = node.is_mapping() ? node.value(i) : node.at(i);
    if (const yaml::Node odd = find_repeats(child, found); odd.exists()) return odd;
  }
  return {};
}

}  // namespace

Result<void> refuse_odd_keys(yaml::Node root, const BuildContext& context) {
  Repeats found;
  if (const yaml::Node key = find_repeats(root, found, /*is_root=*/true); key.exists()) {
    return fail(Error(Code::kInvalid,
                      "yaml: invalid map key: " + yaml::go_syntax(key, yaml::Schema::kV3),
                      context.where(key), "write this in quotes"));
  }
  if (!found.first.exists()) return {};
  return fail(Error(Code::kInvalid, "yaml: unmarshal errors:" + found.lines,
                    context.where(found.first), "leave one of them"));
}

void keep_last_keys(yaml::Ref mapping) {
  std::unordered_map<std::string_view, std::size_t> places;
  std::vector<std::pair<yaml::NodeId, yaml::NodeId>> entries;
  for (std::size_t i = 0; i < mapping.size(); ++i) {
    const auto [place, is_new] = places.emplace(mapping.key(i).text(), entries.size());
    if (is_new) entries.emplace_back(mapping.key(i).id(), yaml::NodeId());
    entries[place->second].second = mapping.value(i).id();
  }
  mapping.set_entries(entries);
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
