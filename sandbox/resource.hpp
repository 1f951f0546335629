#pragma once
/// A served resource type: one version of a built-in kind or of a CustomResourceDefinition.

#include <memory>
#include <string>
#include <vector>

#include "sandbox/failure.hpp"
#include "sandbox/types.hpp"

namespace sluice::sandbox {

/// additionalPrinterColumns of a definition.
struct PrinterColumn {
  std::string name, type, format, json_path;
  int priority = 0;
};

struct Resource {
  std::string group, version, kind, list_kind, plural, singular;
  bool namespaced = false;
  std::vector<std::string> short_names, categories;
  bool has_status = false, has_scale = false;
  const Type* type = nullptr;
  // Of custom resources only:
  bool custom = false;
  std::string definition;  ///< name of the CustomResourceDefinition
  std::shared_ptr<const TypeArena> types;
  std::vector<PrinterColumn> columns;
  std::vector<std::string> selectable_fields;  ///< ".spec.color"
  std::string replicas_path = ".spec.replicas", status_replicas_path = ".status.replicas",
              selector_path;

  std::string api_version() const { return group.empty() ? version : group + "/" + version; }
  std::string storage_key() const { return group + "/" + plural; }  ///< one for all versions
  Named named(std::string name) const { return {group, plural, kind, std::move(name)}; }
};
using ResourcePtr = std::shared_ptr<const Resource>;

/// All resources that `definition`, a CustomResourceDefinition, serves. The schemas must be valid
/// (check_definition).
std::vector<ResourcePtr> custom_resources(yaml::Node definition);
/// Holds a CustomResourceDefinition against the rules of apiextensions.k8s.io/v1.
void check_definition(yaml::Node definition, FieldErrors& errors);

}  // namespace sluice::sandbox
