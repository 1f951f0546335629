#pragma once
/// A directory of this machine as a tree.

#include <memory>
#include <string>

#include "sluice/sources/tree.hpp"

namespace sluice::sources {

/// The tree below `root` ("/" gives paths anywhere, as `kustomize build` needs). `root` must be
/// absolute. Errors of its methods: as Tree, and kDenied when the system refuses.
std::unique_ptr<Tree> make_dir_tree(std::string root);

}  // namespace sluice::sources
