#pragma once
/// A tree of a Git object database.

#include <memory>
#include <optional>

#include "sluice/base/digest.hpp"
#include "sluice/sources/tree.hpp"

#include "git_store.hpp"

namespace sluice::sources {

/// Submodules are left out, as Flux leaves them out. Reads are checked against the object's id:
/// kIntegrity when the disk gives something else.
std::shared_ptr<const Tree> make_git_tree(std::shared_ptr<const ObjectStore> store, Digest root,
                                          std::size_t max_file_bytes = kMaxFileBytes);

/// The commit that the submodule at `path` stands for; nothing when there is none at `path`, or
/// `tree` is not of a Git object database.
std::optional<Digest> submodule_commit(const Tree& tree, const TreePath& path);

}  // namespace sluice::sources
