#include <filesystem>
#include <memory>

#include <git2.h>

#include "sluice/sources/work_tree.hpp"

#include "git_store.hpp"

namespace sluice::sources {
namespace {

struct Free {
  void operator()(git_repository* repository) const { git_repository_free(repository); }
  void operator()(git_reference* reference) const { git_reference_free(reference); }
  void operator()(git_object* object) const { git_object_free(object); }
  void operator()(git_tree_entry* entry) const { git_tree_entry_free(entry); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

bool is_as_committed(git_repository* repository, git_object* commit, const std::string& path) {
  git_object* raw_tree = nullptr;
  if (git_object_peel(&raw_tree, commit, GIT_OBJECT_TREE) < 0) return false;
  const Owned<git_object> tree(raw_tree);
  git_tree_entry* raw_entry = nullptr;
  if (git_tree_entry_bypath(&raw_entry, reinterpret_cast<git_tree*>(raw_tree), path.c_str()) < 0) {
    return false;
  }
  const Owned<git_tree_entry> entry(raw_entry);
  git_oid now;
  return git_repository_hashfile(&now, repository, path.c_str(), GIT_OBJECT_BLOB, nullptr) == 0 &&
         git_oid_equal(&now, git_tree_entry_id(raw_entry)) == 1;
}

}  // namespace

std::optional<WorkTreeRevision> work_tree_revision(const std::string& absolute_path) {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::canonical(absolute_path, error);
  if (error) return std::nullopt;
  initialize_libgit2();
  git_repository* raw = nullptr;
  if (git_repository_open_ext(&raw, path.parent_path().c_str(), 0, nullptr) < 0) {
    return std::nullopt;
  }
  const Owned<git_repository> repository(raw);
  const char* const top = git_repository_workdir(raw);  // null for a bare one
  git_reference* raw_head = nullptr;
  if (top == nullptr || git_repository_head(&raw_head, raw) < 0) return std::nullopt;
  const Owned<git_reference> head(raw_head);
  git_object* raw_commit = nullptr;
  if (git_reference_peel(&raw_commit, raw_head, GIT_OBJECT_COMMIT) < 0) return std::nullopt;
  const Owned<git_object> commit(raw_commit);
  char hex[GIT_OID_HEXSZ + 1];
  git_oid_tostr(hex, sizeof hex, git_object_id(raw_commit));
  std::string name;
  if (git_reference_is_branch(raw_head) == 1)
    name = std::string(git_reference_shorthand(raw_head)) + "@";
  const std::string inside =
      path.lexically_relative(std::filesystem::canonical(top, error)).string();
  return WorkTreeRevision{name + "sha1:" + hex, error || !is_as_committed(raw, raw_commit, inside)};
}

}  // namespace sluice::sources
