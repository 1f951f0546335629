#pragma once
/// The transformers that set fields by tables: namespace, namePrefix, nameSuffix, labels,
/// annotations, images, replicas, ValueAdd (api/internal/builtins, api/filters). Each changes all
/// resources of a map, keeps its index right, and reports what kustomize would.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/result.hpp"

#include "kustomize/field_spec.hpp"
#include "kustomize/res_map.hpp"
#include "kustomize/selector.hpp"

namespace sluice::kustomize {

struct NamespaceArgs {
  std::string ns;  ///< empty: nothing happens
  bool unset_only = false;
  enum class Subjects : std::uint8_t { kDefaultOnly, kAllServiceAccounts, kNone };
  Subjects subjects = Subjects::kDefaultOnly;  ///< which subjects of (Cluster)RoleBindings get it
};
/// "defaultOnly", "allServiceAccounts", "none" or "" (defaultOnly). Error: kInvalid.
Result<NamespaceArgs::Subjects> parse_subjects(std::string_view word);
Result<void> set_namespace(ResMap& resources, const NamespaceArgs& args,
                           std::span<const FieldSpec> specs);
/// The same for one resource, without touching any index.
Result<void> set_namespace(BuildResource& resource, const NamespaceArgs& args,
                           std::span<const FieldSpec> specs);

/// Prefixes and suffixes are remembered for name references. Skips CustomResourceDefinitions,
/// APIServices and Namespaces. Call neither without a prefix or suffix, as kustomize.
Result<void> add_prefix(ResMap& resources, std::string_view prefix,
                        std::span<const FieldSpec> specs);
Result<void> add_suffix(ResMap& resources, std::string_view suffix,
                        std::span<const FieldSpec> specs);

using StringMap = std::map<std::string, std::string, std::less<>>;
Result<void> set_labels(ResMap& resources, const StringMap& labels,
                        std::span<const FieldSpec> specs);
Result<void> set_annotations(ResMap& resources, const StringMap& annotations,
                             std::span<const FieldSpec> specs);

struct ImageRule {
  std::string name;  ///< a regular expression that nobody escapes
  std::string new_name, tag_suffix, new_tag, digest;
};
/// "host:5000/name:tag@digest" in parts.
struct ImageParts {
  std::string_view name, tag, digest;
};
ImageParts split_image(std::string_view image);
/// All rules in order, each first on every `containers`/`initContainers` list, then on `specs`.
Result<void> set_images(ResMap& resources, std::span<const ImageRule> rules,
                        std::span<const FieldSpec> specs);

struct ReplicaRule {
  std::string name;
  std::int64_t count = 0;
};
/// Errors: kInvalid "resource with name x does not match a config with the following GVK […]".
Result<void> set_replicas(ResMap& resources, const ReplicaRule& rule,
                          std::span<const FieldSpec> specs);

struct ValueAddTarget {
  std::optional<Selector> selector;  ///< none: every resource
  std::string field_path;
  std::int64_t file_path_position = 0;
};
/// `value` is already trimmed, and the directory's name when the config gave none.
Result<void> add_value(ResMap& resources, std::string_view value,
                       std::span<const ValueAddTarget> targets);

struct IamPolicyArgs {
  std::string cloud, kubernetes_service_name, service_account_name, project_id, ns;
};
/// The ServiceAccount that IAMPolicyGenerator makes. Error: "cloud provider x not supported yet".
Result<yaml::Document> generate_iam_policy(const IamPolicyArgs& args);

/// Resources that a selector chooses, in order (api/resmap/reswrangler.go Select).
Result<std::vector<BuildResource*>> select(const ResMap& resources, const Selector& selector);

}  // namespace sluice::kustomize
