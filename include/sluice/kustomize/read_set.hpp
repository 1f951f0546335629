#pragma once
/// What a build looked at, misses included, and whether another tree would have answered the same.
///
/// A build is a function of a tree, a directory and options; it sees the tree only through what it
/// reads. So a result stays good for every tree that gives the same answers. Holds paths and Git
/// object ids, never content.

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "sluice/base/digest.hpp"
#include "sluice/base/result.hpp"
#include "sluice/base/tree_path.hpp"
#include "sluice/sources/tree.hpp"

namespace sluice::kustomize {

/// One question to a tree and its answer.
struct Read {
  enum class Asked : std::uint8_t { kKind, kContent, kListing };
  Asked asked = Asked::kKind;
  TreePath path;
  bool found = false;  ///< false: no such file or directory, or another error
  sources::EntryKind kind = sources::EntryKind::kFile;
  TreePath real_path;  ///< where links led
  Digest digest;       ///< of content: the blob id; of a listing: of its names and kinds
};

/// A tree that notes what it is asked. Thread-safe. `tree` outlives it.
class RecordingTree final : public sources::Tree {
 public:
  explicit RecordingTree(const sources::Tree& tree) : tree_(tree) {}
  Result<sources::Stat> stat(const TreePath& path) const override;
  Result<sources::Blob> read(const TreePath& path) const override;
  Result<std::vector<sources::Entry>> list(const TreePath& path) const override;
  std::string display(const TreePath& path) const override { return tree_.display(path); }
  /// What was asked so far, each once, in order of paths.
  std::vector<Read> reads() const;

 private:
  void note(Read read) const;
  const sources::Tree& tree_;
  mutable std::mutex mutex_;  // guards reads_
  mutable std::map<std::pair<TreePath, Read::Asked>, Read> reads_;
};

/// Why a result is no longer good.
struct ReadChange {
  TreePath path;
  std::string what;  ///< "changed", "is new", "is gone", "is now a directory" …
};

/// Reads, ordered by directory, with the ids that the directories on the way had. Thread-safe.
class ReadSet {
 public:
  /// `tree` is what the reads were answered by.
  ReadSet(std::vector<Read> reads, const sources::Tree& tree);
  /// The first `most` reads that `tree` answers otherwise; none: a build of it gives the same. From
  /// the top: a directory that still has its id settles what was found below it, so this costs a
  /// few look-ups for a commit elsewhere. When nothing changed, the ids of `tree` are taken over.
  std::vector<ReadChange> changes(const sources::Tree& tree, std::size_t most = 1);
  const std::vector<Read>& reads() const { return reads_; }

 private:
  struct Directory {
    TreePath path;
    Digest digest;
    std::vector<std::size_t> reads;  // into reads_
    std::vector<std::unique_ptr<Directory>> below;
  };
  Directory& directory(const TreePath& path);
  void note_ids(Directory& at, const sources::Tree& tree);
  void compare(Directory& at, const sources::Tree& tree, std::size_t most,
               std::vector<ReadChange>& found);

  std::vector<Read> reads_;
  std::vector<std::size_t>
      unsettled_;     // misses and what is behind links: only the root's id settles
  std::mutex mutex_;  // guards the ids in top_
  Directory top_;
  std::map<TreePath, Directory*> directories_;
};

}  // namespace sluice::kustomize
