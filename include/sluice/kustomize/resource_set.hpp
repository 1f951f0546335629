#pragma once
/// What a build gives: rendered objects in order, unique by id.

#include <memory>
#include <string>
#include <vector>

#include "sluice/base/file_table.hpp"
#include "sluice/base/object_id.hpp"
#include "sluice/base/result.hpp"
#include "sluice/yaml/document.hpp"
#include "sluice/yaml/write.hpp"

namespace sluice::kustomize {

/// One rendered object. The document is a mapping with apiVersion, kind and metadata; no build
/// annotation is left in it. Encrypted values are leaves.
struct Resource {
  ObjectId id;  ///< ns as in metadata.namespace: "" when not set
  yaml::Document document;
  bool cluster_scoped = false;  ///< known to live outside namespaces
  /// What the object was called in lower layers; only with BuildOptions::explain.
  std::vector<std::string> former_names{};
};

struct ResourceSet {
  std::vector<Resource> resources;         ///< in output order
  std::shared_ptr<const FileTable> files;  ///< where nodes were written; null: not known

  /// The multi-document YAML that `kustomize build` prints. Leaves are redacted.
  Result<std::string> to_yaml() const;
  /// The same text in parts, which is half the memory.
  Result<std::vector<std::string>> to_yaml_parts() const;
  /// The text of the file that `kustomize build -o DIR` makes of one of `resources`.
  Result<std::string> to_file(const Resource& resource) const;
  /// to_yaml() with plaintext; only for a caller that was asked to show it.
  Result<void> write_yaml(yaml::ByteSink& out, yaml::LeafReader* leaves) const;
};

}  // namespace sluice::kustomize
