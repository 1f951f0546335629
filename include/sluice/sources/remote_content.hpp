#pragma once
/// What a kustomization names by URL: whole repositories, and single files on the web, as
/// `kustomize build` fetches them. Follows kustomize 5.8 (api/internal/git/cloner.go,
/// api/internal/loader/fileloader.go) in what is fetched and how long it may take. Never checks
/// files out: a repository is fetched, one commit deep, into the object database of a SourceStore.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/cancel.hpp"
#include "sluice/base/result.hpp"
#include "sluice/http/client.hpp"
#include "sluice/sources/source_store.hpp"

namespace sluice::sources {

struct RemoteRepository {
  std::string url{};  ///< what `git clone` would be given; may hold credentials
  std::string ref{};  ///< as `git fetch URL REF` takes it; "" is HEAD
  std::chrono::milliseconds timeout{27'000};  ///< of each step
  bool submodules = true;                     ///< those too, recursively
};

struct RemoteFile {
  int status = 0;  ///< of HTTP, after redirects
  std::shared_ptr<const std::string> body;
};

/// Thread-safe. No error and nothing on disk holds the password of a URL.
class RemoteContent {
 public:
  virtual ~RemoteContent() = default;
  /// Called by the thread that builds before it starts others that fetch.
  virtual void prepare() {}
  /// The tree of a repository. Errors: those of SourceStore::pull, and those of the git program;
  /// kUnavailable with reason kTimeout.
  virtual Result<Artifact> repository(const RemoteRepository& wanted,
                                      const CancelToken& cancel) = 0;
  /// One GET, redirects followed. Errors: those of http::Client.
  virtual Result<RemoteFile> file(const std::string& url, const CancelToken& cancel) = 0;
};

inline constexpr std::string_view kTimeout = "timeout";

struct RemoteOptions {
  /// Repositories of this machine: file:// and what only the git program understands. Off in a
  /// controller, where the paths of a tenant's repository must not name the controller's files.
  bool allow_local = false;
  /// Path of the git program, which is tried with what our own client cannot fetch: ssh, and
  /// servers that want credentials it does not have (git asks its helpers). "": none.
  std::string git_program{};
  std::vector<std::string> git_environment{};  ///< its environment: "NAME=value"
  std::string scratch_directory{};             ///< for what `git_program` fetches
  /// The proxy for a URL, "" for none; unset: none.
  std::function<std::string(const std::string& url)> proxy{};
  std::size_t max_file_bytes = kMaxFileBytes;
};

/// `store` and `http` outlive it.
std::unique_ptr<RemoteContent> make_remote_content(SourceStore& store, http::Client& http,
                                                   RemoteOptions options);

}  // namespace sluice::sources
