#pragma once
/// Order of kinds (kyaml/resid/gvk.go) and look-ups of fields as kyaml does them. Printing and
/// selecting kinds is in res_map.hpp.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "sluice/base/object_id.hpp"
#include "sluice/yaml/document.hpp"

namespace sluice::kustomize {

/// Of a resource's root node. Text of any scalar counts, as kustomize does not look at types here.
Gvk gvk_of(yaml::Node root);

/// The order of kinds in merged configurations and in `legacy` output: first the kinds that others
/// need, last the webhooks, between them "group_version_kind" by bytes (~G, ~V, ~K for empty
/// parts).
bool gvk_less(const Gvk& a, const Gvk& b);
std::span<const std::string_view> kinds_ordered_first();
std::span<const std::string_view> kinds_ordered_last();
/// That "group_version_kind".
std::string sort_text(const Gvk& gvk);

/// The value under `name` in a mapping; keys match by text whatever their type (`1:` is found as
/// "1"), as kyaml looks fields up. Missing for anything but a mapping.
yaml::Node field(yaml::Node mapping, std::string_view name);
yaml::Ref field(yaml::Ref mapping, std::string_view name);
/// Index of that entry, or Node::npos.
std::size_t field_index(yaml::Node mapping, std::string_view name);

/// The tag of a scalar that kustomize made without a type (yaml.NewScalarRNode): its kind is what
/// its text reads as, for printing alone. Such a node is never null to kyaml, and a strategic
/// merge that passes it quotes what YAML 1.1 reads as anything but a string.
inline constexpr std::uint16_t kUntyped = 0xffff;
inline bool is_untyped(yaml::Node node) {
  return node.exists() && node.tag() == kUntyped;
}
/// kyaml's RNode.IsTaggedNull.
inline bool is_tagged_null(yaml::Node node) {
  return node.is_null() && !is_untyped(node);
}

/// A scalar or an encrypted leaf: what kyaml calls a ScalarNode. Null counts.
inline bool is_leaf(yaml::Node node) {
  return node.exists() && !node.is_mapping() && !node.is_sequence();
}

}  // namespace sluice::kustomize
