#pragma once
/// References follow renames: every field that holds the name of a resource gets its new one
/// (api/internal/accumulator/namereferencetransformer.go, api/filters/nameref).

#include <span>

#include "sluice/base/result.hpp"

#include "res_map.hpp"
#include "transformer_config.hpp"

namespace sluice::kustomize {

/// Rewrites all references in `resources`. Each resource is walked once, whatever the number of
/// paths; candidates are found by name. Errors: kInvalid "found multiple possible referrals: …",
/// "path config error; no 'name' field in node", worded as kustomize's.
Result<void> fix_name_references(ResMap& resources, std::span<const NameReference> references);

}  // namespace sluice::kustomize
