#pragma once
/// A Git object database on disk that only grows: one bare repository directory ("generation") of a
/// source. When it has grown too much or is damaged, the next one is made and this one is deleted
/// with its last user. libgit2 is included in git_*.cpp only.

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sluice/base/digest.hpp"
#include "sluice/base/result.hpp"

#include "spool.hpp"

struct git_odb;

namespace sluice::sources {

enum class ObjectKind : std::uint8_t { kCommit, kTree, kBlob, kTag };

struct Object {
  ObjectKind kind = ObjectKind::kBlob;
  std::shared_ptr<const std::string> bytes;
};

/// One entry of a tree object.
struct TreeItem {
  enum class Kind : std::uint8_t { kFile, kDirectory, kLink, kSubmodule } kind = Kind::kFile;
  std::string name;
  Digest id;
  bool executable = false;
};
/// Sorted by the bytes of the names.
using TreeItems = std::vector<TreeItem>;

/// Errors: kInvalid (an entry "..", ".", with a slash, or twice), kIntegrity (not a tree).
Result<TreeItems> parse_tree(std::string_view bytes);

struct Commit {
  Digest tree;
  std::int64_t committed = 0;  ///< seconds since 1970
  std::string subject;         ///< as Flux shows it: 50 characters and "..."
};
Result<Commit> parse_commit(std::string_view bytes);
/// What an annotated tag names.
Result<Digest> parse_tag_target(std::string_view bytes);

struct PackSummary {
  std::size_t objects = 0, bytes = 0;
};

/// Thread-safe.
class ObjectStore {
 public:
  /// Opens `directory`, making it when it is not there. Errors: kUnavailable (disk).
  static Result<std::shared_ptr<ObjectStore>> open(const std::string& directory);
  ObjectStore(const ObjectStore&) = delete;
  ObjectStore& operator=(const ObjectStore&) = delete;
  ~ObjectStore();

  const std::string& directory() const { return directory_; }
  std::string pack_directory() const { return directory_ + "/objects/pack"; }
  bool has(const Digest& id) const;
  /// Errors: kIntegrity (missing or damaged: is_damaged() is true from then on), kInvalid (larger
  /// than `max_bytes`).
  Result<Object> read(const Digest& id, std::size_t max_bytes) const;
  /// The parsed tree, kept from then on.
  Result<std::shared_ptr<const TreeItems>> tree(const Digest& id) const;
  /// The commit that `id` names, through annotated tags. Errors: as read; kInvalid (no commit).
  Result<Digest> peel_to_commit(Digest id) const;
  Result<Commit> commit(const Digest& id) const;

  /// Verifies a server's answer to a fetch and adds its pack, which may build on objects that are
  /// here. All or nothing. Errors: those of FetchAnswer; kIntegrity (not a good pack);
  /// kUnavailable.
  Result<PackSummary> add_pack(int protocol, Spool& answer);
  /// Checks that a commit, its tree and all that the tree names are here; what `known` (a commit,
  /// or empty) names is taken for granted. Errors: kIntegrity, kInvalid.
  Result<void> check_complete(const Digest& commit, const Digest& known) const;
  /// After others have added packs.
  void refresh() const;

  std::size_t packs() const;  ///< how many pack files
  bool is_damaged() const { return damaged_; }
  /// Deletes the directory with the last user of this store.
  void retire() { retired_ = true; }

 private:
  explicit ObjectStore(std::string directory) : directory_(std::move(directory)) {}
  Result<void> check_tree(const Digest& tree, const Digest& known_tree) const;

  std::string directory_;
  git_odb* odb_ = nullptr;
  mutable std::atomic<bool> damaged_{false};
  std::atomic<bool> retired_{false};
  mutable std::shared_mutex trees_mutex_;  // guards trees_
  mutable std::unordered_map<Digest, std::shared_ptr<const TreeItems>> trees_;
};

/// Starts libgit2, once per process.
void initialize_libgit2();
/// libgit2's last error in this thread.
std::string libgit2_message();

}  // namespace sluice::sources
