#pragma once
/// Symbolic links inside a tree, for every kind of tree.
///
/// A path is walked segment by segment as POSIX does it: a link's target continues from the real
/// directory that holds the link, and ".." is taken of what was really reached. Leaving the tree is
/// an error, never a clamp at the root.

#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/result.hpp"
#include "sluice/base/tree_path.hpp"

namespace sluice::sources {

inline constexpr int kMaxLinks = 40;  // as Linux's MAXSYMLINKS

/// What lies at one real path, not following it.
struct Look {
  enum class Kind { kMissing, kFile, kDirectory, kLink } kind = Kind::kMissing;
  std::string target;  ///< of a link
};

/// Returns the real path of `path`. `look(real_path)` returns Result<Look>; it is only called with
/// paths whose parent is real. `root` is where the tree lies on the machine ("" when nowhere): an
/// absolute target below it stays inside.
/// Errors: kNotFound, kInvalid (leaves the tree, a loop), and those of `look`.
template <class LookAt>
Result<TreePath> resolve_links(const TreePath& path, std::string_view root, LookAt&& look) {
  std::vector<std::string> pending;  // reversed: the next segment is at the back
  const auto push = [&pending](std::string_view text) {
    std::vector<std::string> parts;
    while (!text.empty()) {
      const std::size_t slash = text.find('/');
      const std::string_view part = text.substr(0, slash);
      if (!part.empty() && part != ".") parts.emplace_back(part);
      if (slash == std::string_view::npos) break;
      text.remove_prefix(slash + 1);
    }
    pending.insert(pending.end(), std::make_move_iterator(parts.rbegin()),
                   std::make_move_iterator(parts.rend()));
  };
  push(path.text());
  std::string real;
  int links = 0;
  while (!pending.empty()) {
    const std::string part = std::move(pending.back());
    pending.pop_back();
    if (part == "..") {
      if (real.empty()) {
        return fail(Code::kInvalid,
                    "\"" + path.text() + "\": a symbolic link on the way leaves the source root");
      }
      const std::size_t slash = real.rfind('/');
      real.resize(slash == std::string::npos ? 0 : slash);
      continue;
    }
    const std::size_t parent_size = real.size();
    if (!real.empty()) real += '/';
    real += part;
    SLUICE_TRY(const Look found, look(static_cast<const std::string&>(real)));
    if (found.kind == Look::Kind::kMissing ||
        (found.kind == Look::Kind::kFile && !pending.empty())) {
      return fail(Code::kNotFound, "no such file or directory: \"" + path.text() + "\"");
    }
    if (found.kind != Look::Kind::kLink) continue;
    if (++links > kMaxLinks) {
      return fail(Code::kInvalid, "\"" + path.text() + "\": more than " +
                                      std::to_string(kMaxLinks) +
                                      " symbolic links on the way (a loop?)");
    }
    std::string_view target = found.target;
    real.resize(parent_size);
    if (target.starts_with('/')) {
      const bool inside =
          !root.empty() && (root == "/" || target == root ||
                            (target.starts_with(root) && target[root.size()] == '/'));
      if (!inside) {
        return fail(Code::kInvalid, "\"" + path.text() + "\": the symbolic link to \"" +
                                        found.target + "\" leaves the source root");
      }
      target.remove_prefix(root == "/" ? 1 : root.size());
      real.clear();
    }
    push(target);
  }
  return TreePath::parse(real);
}

}  // namespace sluice::sources
