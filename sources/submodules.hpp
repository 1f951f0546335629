#pragma once
/// Submodules: what `.gitmodules` names (gitmodules(5)), and a tree with other trees in the places
/// where a commit names submodules.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/sources/tree.hpp"

namespace sluice::sources {

struct Submodule {
  std::string path, url;  ///< as written
};

/// The submodules that have both a path and a URL, in file order. Unreadable lines are skipped, as
/// no part of a submodule's place or URL.
std::vector<Submodule> parse_gitmodules(std::string_view text);

/// `url` of a submodule of the repository at `parent`: one that begins with "./" or "../" is
/// relative to it (git-submodule(1)).
std::string submodule_url(const std::string& parent, const std::string& url);

struct Mount {
  TreePath at;
  std::shared_ptr<const Tree> tree;
};
/// `base` with `mounts` in places where it has nothing. A symbolic link is followed inside its own
/// tree only.
std::shared_ptr<const Tree> make_mounted_tree(std::shared_ptr<const Tree> base,
                                              std::vector<Mount> mounts);

}  // namespace sluice::sources
