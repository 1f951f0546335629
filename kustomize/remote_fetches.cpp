#include "remote_fetches.hpp"

#include <algorithm>
#include <utility>

namespace sluice::kustomize {

namespace {

constexpr std::size_t kMaxThreads = 256;  // of one build, most of them waiting for their turn

tl::unexpected<Error> refused(const std::string& what) {
  return fail(Error(Code::kUnsupported, "'" + what + "': remote bases and files are not allowed",
                    {}, "put a copy next to the kustomization, or allow remote bases"));
}

std::string key_of(const RepoUrl& url) {
  return url.clone_url() + "\n" + url.ref + (url.submodules ? "\n+" : "\n-");
}

}  // namespace

RemoteFetches::RemoteFetches(sources::RemoteContent* content, const CancelToken& cancel)
    : content_(content), cancel_(cancel) {}

RemoteFetches::~RemoteFetches() {
  if (threads_.empty()) return;
  cancel_.cancel();
  for (std::thread& thread : threads_)
    thread.join();
}

template <typename T>
Result<T> RemoteFetches::once(Known<T>& known, const std::string& key,
                              const std::function<Result<T>()>& fetch) {
  std::promise<Result<T>> promise;
  {
    std::unique_lock lock(mutex_);
    const auto found = known.find(key);
    if (found != known.end()) {
      const auto future = found->second;
      lock.unlock();
      return future.get();
    }
    known.emplace(key, promise.get_future().share());
  }
  try {
    Result<T> result = fetch();
    promise.set_value(result);
    return result;
  } catch (...) {
    promise.set_exception(std::current_exception());
    throw;
  }
}

Result<sources::RemoteFile> RemoteFetches::file(const std::string& url) {
  if (content_ == nullptr) return refused(without_password(url));
  return once<sources::RemoteFile>(files_, url, [&] {
    auto file = content_->file(url, cancel_.token());
    const std::lock_guard lock(mutex_);
    names_.push_back(without_password(url));
    return file;
  });
}

Result<sources::Artifact> RemoteFetches::repository(const RepoUrl& url) {
  if (content_ == nullptr) return refused(without_password(url.clone_url()));
  return once<sources::Artifact>(repositories_, key_of(url), [&] {
    auto artifact = content_->repository({.url = url.clone_url(),
                                          .ref = url.ref,
                                          .timeout = url.timeout,
                                          .submodules = url.submodules},
                                         cancel_.token());
    const std::lock_guard lock(mutex_);
    names_.push_back(without_password(url.clone_url()) + "@" +
                     (artifact ? artifact->commit : url.ref));
    return artifact;
  });
}

bool RemoteFetches::is_known(const std::string& entry) const {
  const std::lock_guard lock(mutex_);
  if (is_remote_file(entry)) return files_.contains(entry);
  const auto url = parse_repo_url(entry);
  return url && repositories_.contains(key_of(*url));
}

// As the build will: a web address is a file first.
void RemoteFetches::fetch_entry(const std::string& entry) {
  if (is_remote_file(entry)) {
    const auto got = file(entry);
    const bool is_file = got && got->status >= 200 && got->status <= 299 &&
                         !got->body->starts_with('<');  // a web page about the repository
    if (is_file || (!got && got.error().code() == Code::kCancelled)) return;
  }
  if (const auto url = parse_repo_url(entry)) (void)repository(*url);
}

void RemoteFetches::expect(std::initializer_list<const std::vector<std::string>*> lists) {
  if (content_ == nullptr) return;
  std::vector<std::string> wanted;
  for (const std::vector<std::string>* entries : lists) {
    for (const std::string& entry : *entries) {
      if ((is_remote_file(entry) || parse_repo_url(entry)) && !is_known(entry)) {
        wanted.push_back(entry);
      }
    }
  }
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  if (wanted.size() < 2) return;
  content_->prepare();
  for (std::string& entry : wanted) {
    if (threads_.size() == kMaxThreads) return;
    threads_.emplace_back([this, entry = std::move(entry)] {
      turns_.acquire();
      try {
        fetch_entry(entry);
      } catch (...) {  // the build meets it again when it asks
      }
      turns_.release();
    });
  }
}

std::vector<std::string> RemoteFetches::fetched() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names = names_;
  std::sort(names.begin(), names.end());
  return names;
}

std::string without_password(std::string url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string::npos) return url;
  const std::size_t start = scheme + 3;
  const std::size_t end = std::min(url.size(), url.find_first_of("/?#", start));
  const std::size_t at = url.find_last_of('@', end);
  if (at == std::string::npos || at < start || at >= end) return url;
  const std::size_t colon = url.find(':', start);
  if (colon < at) return url.replace(colon, at - colon, ":xxxxx");
  return url;
}

}  // namespace sluice::kustomize
