#pragma once
/// What an artifact leaves out of a repository: `.sourceignore` files, `spec.ignore` and, when
/// there is neither, Flux's own patterns. Follows fluxcd/pkg sourceignore and go-git's gitignore,
/// whose rules differ from git's: a file below an excluded directory can be included again, and the
/// last pattern that matches a file's whole path decides.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sluice/sources/tree.hpp"

namespace sluice::sources {

/// `tree` without what is ignored; `tree` itself when that is nothing. `.sourceignore` files are
/// looked for in every directory; `ignore` is `spec.ignore`, whose patterns come last.
/// Thread-safe to use. Errors: those of Tree; kInvalid (more than 100,000 patterns).
Result<std::shared_ptr<const Tree>> make_ignored_tree(std::shared_ptr<const Tree> tree,
                                                      const std::optional<std::string>& ignore);

/// Go's filepath.Match: nullopt when the pattern is malformed.
std::optional<bool> glob_matches(std::string_view pattern, std::string_view name);

}  // namespace sluice::sources
