#pragma once
/// Output order (api/internal/builtins/SortOrderTransformer.go).

#include "sluice/base/result.hpp"

#include "kustomization_file.hpp"
#include "res_map.hpp"

namespace sluice::kustomize {

/// Sorts by `options`; the plain `legacy` order is {"legacy", none}. Errors: kInvalid "the field
/// 'sortOptions.order' must be one of …". O(n log n).
Result<void> sort_resources(ResMap& resources, const SortOptions& options);

}  // namespace sluice::kustomize
