#pragma once
/// buildMetadata: where each resource came from and what changed it (api/resource/origin.go).

#include <string>
#include <string_view>
#include <vector>

#include "res_map.hpp"

namespace sluice::kustomize {

/// `origin` with `path`, a file, directory or repository, appended.
Origin append_origin(const Origin& origin, std::string_view path);

inline constexpr std::string_view kOriginKey = "config.kubernetes.io/origin";
inline constexpr std::string_view kTransformationsKey =
    "alpha.config.kubernetes.io/transformations";

/// Writes the annotation kOriginKey and notes the origin in each resource that a file has.
/// Errors: kInvalid when annotations are no mapping.
Result<void> annotate_origins(ResMap& resources, const Origin& origin);
/// The same for one resource, whatever its annotations are.
void annotate_origin(BuildResource& resource, const Origin& origin);
/// Adds to the annotation kTransformationsKey; false, and nothing done, when the resource has no
/// origin.
bool annotate_transformation(BuildResource& resource, const Origin& origin);

/// filepath.Join of slash-separated paths; may begin with "..".
std::string join_paths(std::string_view base, std::string_view path);

}  // namespace sluice::kustomize
