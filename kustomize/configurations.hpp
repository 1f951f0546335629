#pragma once
/// The files that say which fields transformers and name references look at, besides kustomize's
/// own tables: `configurations:` and `crds:`.

#include <memory>
#include <string>
#include <vector>

#include "sluice/base/result.hpp"

#include "build_context.hpp"
#include "loader.hpp"
#include "transformer_config.hpp"

namespace sluice::kustomize {

/// Merges the tables of `configurations:` files. Errors: as kustomize's.
Result<std::shared_ptr<const TransformerConfig>> load_configurations(
    const std::vector<std::string>& paths, const Loader& loader, BuildContext& context);
/// Tables from `crds:`, OpenAPI definitions (loadconfigfromcrds.go).
Result<std::shared_ptr<const TransformerConfig>> load_crds(const std::vector<std::string>& paths,
                                                           const Loader& loader,
                                                           BuildContext& context);

}  // namespace sluice::kustomize
