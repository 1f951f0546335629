#pragma once
/// What one build fetches by URL: everything once, several things at a time.

#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "sluice/base/cancel.hpp"
#include "sluice/base/result.hpp"
#include "sluice/sources/remote_content.hpp"

#include "repo_url.hpp"

namespace sluice::kustomize {

/// Thread-safe.
class RemoteFetches {
 public:
  /// `content` may be null: then nothing may be fetched. It outlives this.
  RemoteFetches(sources::RemoteContent* content, const CancelToken& cancel);
  RemoteFetches(const RemoteFetches&) = delete;
  RemoteFetches& operator=(const RemoteFetches&) = delete;
  /// Cancels what is still on its way, and waits for it.
  ~RemoteFetches();

  /// Starts to fetch what is remote in these lists of a kustomization, when it is more than one
  /// thing.
  void expect(std::initializer_list<const std::vector<std::string>*> lists);
  /// Errors: kUnsupported (nothing may be fetched), those of RemoteContent.
  Result<sources::RemoteFile> file(const std::string& url);
  Result<sources::Artifact> repository(const RepoUrl& url);

  /// What was asked for so far, without passwords: repositories with their commits, files.
  std::vector<std::string> fetched() const;

 private:
  template <typename T>
  using Known = std::map<std::string, std::shared_future<Result<T>>, std::less<>>;
  template <typename T>
  Result<T> once(Known<T>& known, const std::string& key, const std::function<Result<T>()>& fetch);
  bool is_known(const std::string& entry) const;
  void fetch_entry(const std::string& entry);

  static constexpr int kAtOnce = 8;
  sources::RemoteContent* content_;
  CancelSource cancel_;
  std::counting_semaphore<kAtOnce> turns_{kAtOnce};
  mutable std::mutex mutex_;  // guards the maps and names_
  Known<sources::RemoteFile> files_;
  Known<sources::Artifact> repositories_;
  std::vector<std::string> names_;
  std::vector<std::thread> threads_;  // of the building thread
};

/// `url` without the password in it.
std::string without_password(std::string url);

}  // namespace sluice::kustomize
