#pragma once
/// What kube-apiserver does to the built-in kinds besides their shape: values it fills in depending
/// on others, fields it allocates, what may not change, and the most common mistakes it refuses.

#include "sandbox/failure.hpp"
#include "sandbox/resource.hpp"

namespace sluice::sandbox {

/// Before fields are owned: stringData into data, defaults that depend on other fields.
void set_builtin_defaults(const Resource& resource, yaml::Ref object);
/// After fields are owned, at creation: phases, cluster IPs, Job selectors.
void allocate_builtin(const Resource& resource, yaml::Ref object, std::uint64_t serial);
/// At an update: what was allocated stays when the update leaves it out.
void keep_allocated(const Resource& resource, yaml::Node before, yaml::Ref after);

void check_metadata(const Resource& resource, yaml::Node object, FieldErrors& errors);
void check_builtin(const Resource& resource, yaml::Node object, FieldErrors& errors);
void check_builtin_update(const Resource& resource, yaml::Node before, yaml::Node after,
                          FieldErrors& errors);

}  // namespace sluice::sandbox
