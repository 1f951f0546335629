#pragma once
/// What `kubectl get` prints: meta.k8s.io/v1 Table answers, and metadata-only objects.

#include <string>
#include <vector>

#include "sandbox/resource.hpp"
#include "sandbox/store.hpp"

namespace sluice::sandbox {

enum class IncludeObject : std::uint8_t { kMetadata, kObject, kNone };

/// `list_metadata` is the JSON of the table's metadata.
std::string table_json(const Resource& resource, const std::vector<ObjectPtr>& objects,
                       const std::string& list_metadata, IncludeObject include);
/// PartialObjectMetadata of one object.
std::string metadata_only_json(const Object& object);

}  // namespace sluice::sandbox
