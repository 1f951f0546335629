#pragma once
/// Creating, changing and deleting objects, with everything kube-apiserver does around it:
/// decoding, defaults, ownership of fields, metadata, validation, finalizers, namespaces.
/// Thread-safe: a change is computed on a snapshot and committed only if that is still current.

#include <atomic>
#include <functional>
#include <optional>

#include "sandbox/managed_fields.hpp"
#include "sandbox/registry.hpp"
#include "sandbox/resource.hpp"
#include "sandbox/store.hpp"

namespace sluice::sandbox {

enum class FieldValidation : std::uint8_t { kIgnore, kWarn, kStrict };
enum class PatchKind : std::uint8_t { kJson, kMerge, kStrategic, kApply };

struct WriteOptions {
  std::string manager;
  std::string subresource;  ///< "", "status" or "scale"
  bool dry_run = false;
  bool force = false;
  FieldValidation validation = FieldValidation::kWarn;
};

struct DeleteOptions {
  std::string uid, resource_version;  ///< preconditions
  bool dry_run = false;
};

struct Written {
  ObjectPtr object;
  bool created = false;
  std::vector<std::string> warnings;
};

struct Deleted {
  ObjectPtr object;
  bool gone = false;  ///< else it waits for its finalizers, or its content
};

class Objects {
 public:
  Objects(Store& store, Registry& registry) : store_(store), registry_(registry) {}

  Answer<ObjectPtr> get(const Resource& resource, const std::string& ns, const std::string& name);
  Answer<Written> create(const Resource& resource, const std::string& ns, yaml::Document body,
                         const WriteOptions& options);
  Answer<Written> update(const Resource& resource, const std::string& ns, const std::string& name,
                         yaml::Document body, const WriteOptions& options);
  Answer<Written> patch(const Resource& resource, const std::string& ns, const std::string& name,
                        PatchKind kind, const yaml::Document& patch, const WriteOptions& options);
  Answer<Deleted> remove(const Resource& resource, const std::string& ns, const std::string& name,
                         const DeleteOptions& options);

 private:
  struct Candidate;
  Answer<Written> apply(const Resource& resource, const std::string& ns, const std::string& name,
                        const yaml::Document& config, const WriteOptions& options);
  Answer<ObjectPtr> commit_create(const Resource& resource, const std::string& ns,
                                  Candidate candidate, const WriteOptions& options);
  /// Null when the object changed meanwhile: start over.
  Answer<ObjectPtr> commit_update(const Resource& resource, const ObjectPtr& live,
                                  Candidate candidate, const WriteOptions& options);
  /// Removes for good, and what waited for that. False when it changed meanwhile.
  bool remove_now(const Resource& resource, const ObjectPtr& live);
  /// Marks as being deleted, or removes when nothing holds it. Null: changed meanwhile.
  std::optional<Deleted> remove_once(const Resource& resource, const ObjectPtr& live);
  void empty_namespace(const std::string& ns);
  void finish_namespace(const std::string& ns);
  void finish_definition(const std::string& name);

  Store& store_;
  Registry& registry_;
  std::atomic<std::uint64_t> serial_{0};
};

/// The Scale of an object (autoscaling/v1).
yaml::Document scale_of(const Resource& resource, yaml::Node object);
/// A copy of `object` as `resource`'s version serves it.
yaml::Document in_version(const Resource& resource, const Object& object);

}  // namespace sluice::sandbox
