#pragma once
/// Files as one kustomization sees them: relative to its directory, under the load restrictions,
/// and the chain of directories that led to it, so that no base contains its own user
/// (api/internal/loader).

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "sluice/base/result.hpp"
#include "sluice/sources/tree.hpp"

#include "build_context.hpp"
#include "repo_url.hpp"
#include "temporary_files.hpp"

namespace sluice::kustomize {

/// A file, and what messages and origins call it.
struct LoadedFile : sources::Blob {
  std::string shown;
};

class Loader {
 public:
  /// The loader of the directory of `tree` that is built. Errors: kNotFound, kInvalid ("must build
  /// at directory: …"). `tree` outlives it.
  static Result<Loader> at(const sources::Tree& tree, const TreePath& directory,
                           BuildContext& context);
  /// The same of a repository. Errors: as descend().
  static Result<Loader> at(const RepoUrl& url, std::string_view text, BuildContext& context);

  /// The same for a branch of the build; `context` outlives it, and so does this.
  Loader in(BuildContext& context) const;

  /// Real path of the directory.
  const TreePath& root() const { return root_; }
  /// As messages show it.
  const std::string& display() const { return display_; }
  /// A path of the same tree, as messages show it.
  std::string shown(const TreePath& path) const;
  const sources::Tree& tree() const { return *tree_; }

  /// A file named in the kustomization, or a web address. Errors: kNotFound and kInvalid in
  /// kustomize's words ("evalsymlink failure on …", "security; file … is not in or below …", "…
  /// must resolve to a file", "HTTP Error: status code 404 (Not Found)", "URL is a git
  /// repository"), those of RemoteFetches.
  Result<LoadedFile> load(std::string_view path) const;
  /// The same without load restrictions, for what a program would open by itself. Never a URL.
  Result<sources::Blob> load_anywhere(std::string_view path) const;
  /// The same directory for a program that reads it: display() is its path on this machine. A
  /// repository that was fetched is written to a temporary directory for it, which goes with the
  /// last of its loaders. Errors: those of write_tree().
  Result<Loader> on_disk() const;
  /// The file `name` of this directory, or nothing when load() would fail: for looking for one of
  /// several names without the cost of the message.
  std::optional<LoadedFile> find(std::string_view name) const;
  /// Whether `path` names a directory that is there, and cannot be taken for a URL.
  bool leads_to_directory(std::string_view path) const;
  /// A directory named in the kustomization, or a repository. Errors: as at(), "cycle detected: …",
  /// "security; bases in kustomizations found in cloned git repos must be within the repo …", those
  /// of RemoteFetches.
  Result<Loader> descend(std::string_view path) const;

 private:
  /// A repository that was fetched for one entry: two entries are two, as two clones would be.
  struct Clone {
    std::string text{};   // the entry
    std::string shown{};  // "https://host/org/repo@ref"
    std::shared_ptr<const sources::Tree> tree{};
    TemporaryDirectory directory{};  // what `tree` reads; of a clone that is on disk

    mutable std::mutex mutex{};
    mutable std::shared_ptr<const Clone> on_disk{};  // this one, made when it is asked for
  };
  Loader(BuildContext& context, const sources::Tree& tree, std::shared_ptr<const Clone> clone,
         TreePath root, const Loader* referrer);
  static Result<Loader> open(const RepoUrl& url, std::string_view text, BuildContext& context,
                             const Loader* referrer);
  Result<TreePath> join(std::string_view path) const;
  Result<TreePath> resolve(std::string_view path) const;
  Result<LoadedFile> load_web(const std::string& url) const;
  Result<TreePath> confirm_directory(const TreePath& path) const;
  Error missing_error(const TreePath& path) const;
  std::string lstat_failure(const TreePath& path) const;
  bool is_root_only() const;
  bool is_on_disk() const { return !clone_ || !clone_->directory.path().empty(); }
  void note_read(const TreePath& path) const;

  BuildContext* context_;
  const sources::Tree* tree_;           // of clone_, or given
  std::shared_ptr<const Clone> clone_;  // null: not in a repository that was fetched
  TreePath root_;
  std::string display_;
  const Loader* referrer_;  // outlives this
  std::size_t depth_;       // how many referrers there are
};

/// True for an error that a file was expected and a directory found.
bool is_directory_error(const Error& error);

/// The reason of the error that a web server answered other than with a file.
inline constexpr std::string_view kHttpError = "HTTP error";

/// kustomize's warning when `url` has a prefix that is not read (has_git_prefix).
void warn_of_git_prefix(std::string_view url, BuildContext& context);

}  // namespace sluice::kustomize
