#pragma once
/// Read-only files by path: what a source looked like at one revision, without a checkout.
///
/// Three trees: Git object database (git_tree.hpp), a directory (dir_tree.hpp), memory
/// (mem_tree.hpp, which also counts reads). Symbolic links are followed inside the tree only: one
/// that leaves it is an error that says so. Immutable as far as the caller can see; thread-safe.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/digest.hpp"
#include "sluice/base/result.hpp"
#include "sluice/base/tree_path.hpp"

namespace sluice::sources {

enum class EntryKind : std::uint8_t { kFile, kDirectory };

struct Stat {
  EntryKind kind = EntryKind::kFile;
  TreePath real_path;  ///< after following links
  Digest digest;       ///< Git object id; empty where it costs a read (DirTree)
};

struct Entry {
  std::string name;
  EntryKind kind = EntryKind::kFile;  ///< of what a link points to; a dangling link is left out
  Digest digest;
};

struct Blob {
  std::shared_ptr<const std::string> bytes;
  Digest digest;       ///< Git blob id; empty where it was not needed
  TreePath real_path;  ///< after following links
  bool executable = false;
};

class Tree {
 public:
  virtual ~Tree() = default;
  /// Errors: kNotFound; kInvalid when a link leaves the tree or links form a loop (40 at most).
  virtual Result<Stat> stat(const TreePath& path) const = 0;
  /// The bytes of a file. Errors: as stat; kInvalid when it is a directory or over
  /// `max_file_bytes`.
  virtual Result<Blob> read(const TreePath& path) const = 0;
  /// Entries of a directory in byte order of their names.
  virtual Result<std::vector<Entry>> list(const TreePath& path) const = 0;
  /// `path` as the user would write it: absolute for a directory tree, relative to the source root
  /// ("apps/prod") for others. For messages.
  virtual std::string display(const TreePath& path) const = 0;
};

inline constexpr std::size_t kMaxFileBytes = 256U << 20;
/// The error of a file over the limit.
tl::unexpected<Error> file_too_large(const std::string& display_path,
                                     std::size_t limit_bytes = kMaxFileBytes);

}  // namespace sluice::sources
