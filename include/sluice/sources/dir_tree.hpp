#pragma once
/// A directory of this machine as a tree.

#include <memory>
#include <string>

#include "sluice/sources/tree.hpp"

namespace sluice::sources {

/// The tree below `root` ("/" gives paths anywhere, as `kustomize build` needs). `root` must be
/// absolute. Errors of its methods: as Tree, and kDenied when the system refuses.
/// Reads are one openat2, fstat and read; a path without symbolic links costs nothing more. Nothing
/// is cached: a file changed between two reads is seen. Digests are left empty.
std::unique_ptr<Tree> make_dir_tree(std::string root, std::size_t max_file_bytes = kMaxFileBytes);

}  // namespace sluice::sources
