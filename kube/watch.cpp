#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <random>
#include <thread>
#include <utility>

#include "sluice/kube/client.hpp"
#include "sluice/yaml/read.hpp"

#include "kube/client_state.hpp"
#include "kube/resource_path.hpp"

namespace sluice::kube {
namespace {

using yaml::Node;

constexpr int kShortestSeconds = 300, kLongestSeconds = 600;
constexpr std::chrono::seconds kSilence{180};       // bookmarks come about once a minute
constexpr std::size_t kMaxQueuedBytes = 64U << 20;  // beyond: the stream is cut and resumed
constexpr std::size_t kMaxEventBytes = 16U << 20;   // etcd objects are below 2 MB

int random_seconds() {
  thread_local std::minstd_rand engine(std::random_device{}());
  return std::uniform_int_distribution<int>(kShortestSeconds, kLongestSeconds)(engine);
}

/// Bytes from the HTTP client's thread to the thread that parses them. Never blocks the former.
class Pipe {
 public:
  /// false: the reader is too far behind.
  bool put(std::string_view bytes) {
    const std::lock_guard lock(mutex_);
    if (queued_ + bytes.size() > kMaxQueuedBytes) return false;
    queued_ += bytes.size();
    chunks_.emplace_back(bytes);
    condition_.notify_one();
    return true;
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    condition_.notify_one();
  }
  /// nullopt: closed and empty.
  std::optional<std::string> take() {
    std::unique_lock lock(mutex_);
    condition_.wait(lock, [&] { return closed_ || !chunks_.empty(); });
    if (chunks_.empty()) return std::nullopt;
    std::string chunk = std::move(chunks_.front());
    chunks_.pop_front();
    queued_ -= chunk.size();
    return chunk;
  }

 private:
  std::mutex mutex_;  // guards all members
  std::condition_variable condition_;
  std::deque<std::string> chunks_;
  std::size_t queued_ = 0;
  bool closed_ = false;
};

/// Calls `on_line` for each complete line of the chunks it is given.
class Lines {
 public:
  Result<void> feed(std::string_view bytes,
                    const std::function<Result<void>(std::string_view)>& on_line) {
    for (std::size_t end; (end = bytes.find('\n')) != std::string_view::npos;
         bytes.remove_prefix(end + 1)) {
      if (rest_.empty()) {
        if (end != 0) SLUICE_CHECK(on_line(bytes.substr(0, end)));
      } else {
        rest_.append(bytes.substr(0, end));
        const std::string line = std::exchange(rest_, {});
        SLUICE_CHECK(on_line(line));
      }
    }
    rest_.append(bytes);
    if (rest_.size() > kMaxEventBytes)
      return fail(Code::kUnavailable, "the server sent a watch event larger than 16 MiB");
    return {};
  }

 private:
  std::string rest_;
};

std::optional<WatchKind> watch_kind(std::string_view type) {
  if (type == "ADDED") return WatchKind::kAdded;
  if (type == "MODIFIED") return WatchKind::kModified;
  if (type == "DELETED") return WatchKind::kDeleted;
  if (type == "BOOKMARK") return WatchKind::kBookmark;
  return std::nullopt;
}

}  // namespace

Result<std::string> Client::watch(const ResourceType& type, const ListParams& params,
                                  const std::string& resource_version,
                                  const std::function<void(WatchEvent)>& on_event,
                                  const CancelToken& cancel) {
  const int seconds = random_seconds();
  const bool metadata_only =
      params.metadata_only || (type.gvk.group.empty() && type.gvk.kind == "Secret");
  Query query;
  query.add("watch", "true");
  query.add("allowWatchBookmarks", "true");
  query.add_given("resourceVersion", resource_version);
  query.add("timeoutSeconds", std::to_string(seconds));
  query.add_given("labelSelector", params.label_selector);
  query.add_given("fieldSelector", params.field_selector);

  Pipe pipe;
  http::Request request;
  request.url = collection_path(type, params.ns) + query.text();
  request.headers.emplace_back("Accept",
                               params.metadata_only
                                   ? "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
                                   : "application/json");
  request.timeout = std::chrono::milliseconds(0);  // a stream; the server ends it
  request.stall_timeout = kSilence;
  request.on_body = [&pipe](std::string_view bytes) { return pipe.put(bytes); };
  const Asked asked = state_->asked("GET", request, {type.gvk, params.ns, ""}, false);

  CancelSource stop(cancel);
  std::optional<Result<http::Response>> response;
  std::jthread sender([&, request = std::move(request)]() mutable {
    response = state_->server->transport.send(std::move(request), state_->user, stop.token());
    pipe.close();
  });

  std::string last = resource_version;
  const auto on_line = [&](std::string_view line) -> Result<void> {
    auto document = yaml::read_json(line);
    if (!document)
      return fail(Code::kUnavailable, "the server sent a watch event that is not JSON");
    const Node object = document->root().get("object");
    const std::string_view word = document->root().get("type").text();
    if (word == "ERROR") return fail(status_error(object, asked));
    const auto kind = watch_kind(word);
    if (!kind || !object.is_mapping()) return {};  // later servers may send more kinds
    const auto version = object.find("metadata", "resourceVersion").text();
    if (!version.empty()) last = version;
    document->set_root(object.id());
    if (metadata_only) {
      document->root().put_string("apiVersion", type.gvk.api_version());
      document->root().put_string("kind", type.gvk.kind);
    }
    on_event({*kind, *std::move(document)});
    return {};
  };

  Lines lines;
  Result<void> parsed;
  while (auto chunk = pipe.take()) {
    if (!parsed) continue;  // drain until the sender has stopped
    parsed = lines.feed(*chunk, on_line);
    if (!parsed) stop.cancel();
  }
  sender.join();
  if (!parsed) return fail(std::move(parsed).error());
  if (cancel.cancelled()) return fail(Code::kCancelled, "the watch was cancelled");
  if (!*response) return fail(std::move(*response).error());
  const int status = (*response)->status;
  if (status < 200 || status > 299) return fail(status_error(**response, asked));
  return last;
}

}  // namespace sluice::kube
