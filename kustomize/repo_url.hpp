#pragma once
/// Which words in `resources:` name a Git repository or a file on the web (api/internal/git
/// repospec.go, api/internal/loader).

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::kustomize {

/// A repository and a directory in it.
struct RepoUrl {
  std::string host;       ///< "https://github.com/", "git@github.com:", "file://"
  std::string repo_path;  ///< "org/repo"
  std::string path;       ///< within the repository; "" is its root
  std::string ref;        ///< branch, tag or commit; "" is HEAD
  std::chrono::milliseconds timeout{27'000};
  bool submodules = true;
  /// What is cloned: host and repo_path.
  std::string clone_url() const { return host + repo_path; }
};

/// nullopt when kustomize would take `text` for a local path.
std::optional<RepoUrl> parse_repo_url(std::string_view text);

/// "git::" in front, which is not read (kustomize: with a warning).
bool has_git_prefix(std::string_view text);

/// "http:" or "https:" before anything else: fetched as a file first.
bool is_remote_file(std::string_view text);

}  // namespace sluice::kustomize
