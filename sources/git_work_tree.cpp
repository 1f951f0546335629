#include <filesystem>
#include <map>
#include <mutex>

#include <git2.h>

#include "sluice/sources/work_tree.hpp"

#include "git_store.hpp"

namespace sluice::sources {
namespace {

namespace fs = std::filesystem;

struct Free {
  void operator()(git_repository* repository) const { git_repository_free(repository); }
  void operator()(git_reference* reference) const { git_reference_free(reference); }
  void operator()(git_object* object) const { git_object_free(object); }
  void operator()(git_tree* tree) const { git_tree_free(tree); }
  void operator()(git_tree_entry* entry) const { git_tree_entry_free(entry); }
  void operator()(git_buf* buffer) const { git_buf_dispose(buffer); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

struct WorkTree {
  Owned<git_repository> repository;
  Owned<git_tree> head;
  fs::path top;
  std::string revision;
};

/// The repository's own folder (".git") for a file in `directory`; "" when it is in none.
std::string find_repository(const fs::path& directory) {
  git_buf found = GIT_BUF_INIT;
  const Owned<git_buf> owner(&found);
  return git_repository_discover(&found, directory.c_str(), 0, nullptr) == 0 ? found.ptr : "";
}

std::optional<WorkTree> open_work_tree(const std::string& git_directory) {
  WorkTree tree;
  git_repository* repository = nullptr;
  if (git_repository_open(&repository, git_directory.c_str()) < 0) return std::nullopt;
  tree.repository.reset(repository);
  const char* const top = git_repository_workdir(repository);  // null for a bare one
  git_reference* reference = nullptr;
  if (top == nullptr || git_repository_head(&reference, repository) < 0) return std::nullopt;
  const Owned<git_reference> head(reference);
  git_object* commit = nullptr;
  if (git_reference_peel(&commit, reference, GIT_OBJECT_COMMIT) < 0) return std::nullopt;
  const Owned<git_object> owner(commit);
  git_object* root = nullptr;
  if (git_object_peel(&root, commit, GIT_OBJECT_TREE) < 0) return std::nullopt;
  tree.head.reset(reinterpret_cast<git_tree*>(root));
  std::error_code error;
  tree.top = fs::canonical(top, error);
  if (error) return std::nullopt;
  char hex[GIT_OID_HEXSZ + 1];
  git_oid_tostr(hex, sizeof hex, git_object_id(commit));
  if (git_reference_is_branch(reference) == 1)
    tree.revision = std::string(git_reference_shorthand(reference)) + "@";
  tree.revision += std::string("sha1:") + hex;
  return tree;
}

bool is_as_committed(const WorkTree& tree, const std::string& path) {
  git_tree_entry* entry = nullptr;
  if (git_tree_entry_bypath(&entry, tree.head.get(), path.c_str()) < 0) return false;
  const Owned<git_tree_entry> owner(entry);
  git_oid now;
  return git_repository_hashfile(&now, tree.repository.get(), path.c_str(), GIT_OBJECT_BLOB,
                                 nullptr) == 0 &&
         git_oid_equal(&now, git_tree_entry_id(entry)) == 1;
}

}  // namespace

struct WorkTrees::State {
  std::mutex mutex;                                      // guards trees, and the repositories in it
  std::map<std::string, std::optional<WorkTree>> trees;  // by the repository's own folder
};

WorkTrees::WorkTrees() : state_(new State) {}
WorkTrees::~WorkTrees() = default;

std::optional<WorkTreeRevision> WorkTrees::revision_of(const std::string& absolute_path) {
  std::error_code error;
  const fs::path path = fs::canonical(absolute_path, error);
  if (error) return std::nullopt;
  initialize_libgit2();
  const std::string repository = find_repository(path.parent_path());
  if (repository.empty()) return std::nullopt;
  const std::lock_guard lock(state_->mutex);
  const auto [found, is_new] = state_->trees.try_emplace(repository);
  if (is_new) found->second = open_work_tree(repository);
  if (!found->second) return std::nullopt;
  const WorkTree& tree = *found->second;
  return WorkTreeRevision{tree.revision,
                          !is_as_committed(tree, path.lexically_relative(tree.top).string())};
}

}  // namespace sluice::sources
