#pragma once
/// buildMetadata: where each resource came from and what changed it (api/resource/origin.go).

#include <string>
#include <string_view>
#include <vector>

#include "res_map.hpp"

namespace sluice::kustomize {

/// `origin` with `path`, a file, directory or repository, appended.
Origin append_origin(const Origin& origin, std::string_view path);

/// The values of the annotations `config.kubernetes.io/origin` and
/// `alpha.config.kubernetes.io/transformations`.
std::string origin_text(const Origin& origin);
std::string transformations_text(const std::vector<Origin>& transformations);

/// filepath.Join of slash-separated paths; may begin with "..".
std::string join_paths(std::string_view base, std::string_view path);

}  // namespace sluice::kustomize
