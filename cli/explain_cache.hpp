#pragma once
/// `sluice build --explain-cache`: says what of the files that the last build of a directory looked
/// at has changed since, misses included: what makes a controller that has that build in memory
/// build again.
///
/// A command keeps no build. It keeps, in $XDG_CACHE_HOME/sluice/reads (0600), paths and Git object
/// ids.

#include "sluice/base/result.hpp"
#include "sluice/kustomize/build.hpp"
#include "sluice/sources/tree.hpp"

namespace sluice::cli {

/// build(tree, directory, options), with lines on stderr that start with "cache: ". Errors: as
/// build(); a cache directory that cannot be written is a line, not an error.
Result<kustomize::BuildResult> build_and_explain(const sources::Tree& tree,
                                                 const TreePath& directory,
                                                 const kustomize::BuildOptions& options);

}  // namespace sluice::cli
