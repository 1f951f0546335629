#pragma once
/// Records what each step of a build does to each resource (sluice/kustomize/provenance.hpp). Costs
/// a copy of each document and a comparison per step; nothing when a build is not asked to explain.

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/kustomize/provenance.hpp"
#include "sluice/yaml/document.hpp"

#include "res_map.hpp"

namespace sluice::kustomize {

/// What BuildResource::trace points to.
struct Trace {
  yaml::Document last;  ///< as the last step left it
  History history;
};

/// Adds to each resource what changed since the last call; a resource that is new gets `step` as
/// its first entry. With `always`, also where nothing changed.
void trace_step(const ResMap& resources, std::size_t begin, const Where& where,
                std::string_view step, bool always = false);

/// The place that made a step change a field of `resource` from `before` to `after`.
using PlaceOf = std::function<Where(const BuildResource& resource, std::string_view before,
                                    std::string_view after)>;

/// The same for a step that each build ends with: there is no entry of a kustomization file for it,
/// `place_of` tells for each field which entry is behind the change.
void trace_last_step(const ResMap& resources, std::string_view step, const PlaceOf& place_of);

/// The fields of `root`: each scalar, encrypted leaf and empty collection with its path.
using Field = std::pair<std::string, yaml::Node>;
std::vector<Field> list_fields(yaml::Node root);

/// The path under which list_fields() and the traces have the node that `path` leads to; "" when
/// there is none.
std::string canonical_path(yaml::Node root, std::string_view path);

}  // namespace sluice::kustomize
