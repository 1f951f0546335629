#include "sluice/http/curl_client.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <malloc.h>
#include <thread>
#include <unordered_map>
#include <vector>

#include <curl/curl.h>

#include "exchange.hpp"

namespace sluice::http {
namespace {

// libcurl's memory: every block is wiped when it is given back, since request and response bodies
// and headers pass through its buffers.
void wiping_free(void* block) {
  if (block == nullptr) return;
  crypto::wipe(block, ::malloc_usable_size(block));
  std::free(block);
}
void* wiping_realloc(void* block, std::size_t size) {
  if (block == nullptr) return std::malloc(size);
  const std::size_t old = ::malloc_usable_size(block);
  void* bigger = std::malloc(size);
  if (bigger == nullptr) return nullptr;
  std::memcpy(bigger, block, std::min(old, size));
  wiping_free(block);
  return bigger;
}
void* plain_malloc(std::size_t size) {
  return std::malloc(size);
}
void* plain_calloc(std::size_t count, std::size_t size) {
  return std::calloc(count, size);
}
char* plain_strdup(const char* text) {
  return ::strdup(text);
}

void initialize_curl_once() {
  static const CURLcode code = curl_global_init_mem(CURL_GLOBAL_ALL, plain_malloc, wiping_free,
                                                    wiping_realloc, plain_strdup, plain_calloc);
  if (code != CURLE_OK) throw std::bad_alloc();
}

struct MultiCleanup {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};

/// A thread that runs exchanges over one curl_multi.
class Lane {
 public:
  explicit Lane(long max_host_connections) : multi_(curl_multi_init()) {
    if (!multi_) throw std::bad_alloc();
    curl_multi_setopt(multi_.get(), CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_MULTIPLEX));
    curl_multi_setopt(multi_.get(), CURLMOPT_MAX_HOST_CONNECTIONS, max_host_connections);
    curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, 64L);
    thread_ = std::thread([this] { run(); });
  }
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;
  ~Lane() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    curl_multi_wakeup(multi_.get());
    thread_.join();
  }

  void start(std::shared_ptr<Exchange> exchange) { post(starting_, std::move(exchange)); }
  void cancel(std::shared_ptr<Exchange> exchange) { post(cancelling_, std::move(exchange)); }

 private:
  using Queue = std::vector<std::shared_ptr<Exchange>>;

  void post(Queue& queue, std::shared_ptr<Exchange> exchange) {
    bool was_idle = false;
    {
      const std::lock_guard lock(mutex_);
      was_idle = starting_.empty() && cancelling_.empty();
      queue.push_back(std::move(exchange));
    }
    if (was_idle) curl_multi_wakeup(multi_.get());
  }

  void run() {
    while (true) {
      Queue starting;
      Queue cancelling;
      bool stopping = false;
      {
        const std::lock_guard lock(mutex_);
        starting.swap(starting_);
        cancelling.swap(cancelling_);
        stopping = stopping_;
      }
      for (auto& exchange : starting)
        add(std::move(exchange));
      for (const auto& exchange : cancelling)
        remove_cancelled(exchange.get());
      if (stopping) break;
      int running = 0;
      curl_multi_perform(multi_.get(), &running);
      // After completions the connections are free for waiting handles: perform again first.
      if (collect() || !starting.empty()) continue;
      curl_multi_poll(multi_.get(), nullptr, 0, running == 0 ? 60'000 : 1'000, nullptr);
    }
    while (!active_.empty())
      remove_cancelled(active_.begin()->first);
  }

  void add(std::shared_ptr<Exchange> exchange) {
    CURL* handle = exchange->handle();
    if (const CURLMcode code = curl_multi_add_handle(multi_.get(), handle); code != CURLM_OK) {
      exchange->finish(CURLE_OUT_OF_MEMORY);
      return;
    }
    Exchange* key = exchange.get();
    active_.emplace(key, std::move(exchange));
  }

  void remove_cancelled(Exchange* key) {
    // One that has ended is not here, and its handle may be gone or be another's by now.
    const auto found = active_.find(key);
    if (found == active_.end()) return;
    curl_multi_remove_handle(multi_.get(), key->handle());
    const auto exchange = std::move(found->second);
    active_.erase(found);
    exchange->finish_cancelled();
  }

  /// True when an exchange ended.
  bool collect() {
    bool any = false;
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      CURL* handle = message->easy_handle;
      const CURLcode code = message->data.result;  // `message` dies with the removal
      curl_multi_remove_handle(multi_.get(), handle);
      char* owner = nullptr;
      curl_easy_getinfo(handle, CURLINFO_PRIVATE, &owner);
      const auto found = active_.find(reinterpret_cast<Exchange*>(owner));
      const auto exchange = std::move(found->second);
      active_.erase(found);
      exchange->finish(code);
      any = true;
    }
    return any;
  }

  std::unique_ptr<CURLM, MultiCleanup> multi_;
  std::mutex mutex_;  // guards the next three
  Queue starting_;
  Queue cancelling_;
  bool stopping_ = false;
  std::unordered_map<Exchange*, std::shared_ptr<Exchange>> active_;  // the thread's own
  std::thread thread_;
};

class LazyLane {
 public:
  explicit LazyLane(long max_host_connections) : max_host_connections_(max_host_connections) {}
  Lane& get() {
    std::call_once(once_, [this] { lane_ = std::make_unique<Lane>(max_host_connections_); });
    return *lane_;
  }

 private:
  long max_host_connections_;
  std::once_flag once_;
  std::unique_ptr<Lane> lane_;
};

class RealClient final : public CurlClient {
 public:
  explicit RealClient(const CurlOptions& options)
      : user_agent_(options.user_agent),
        exchanges_(options.max_host_connections),
        private_(options.max_host_connections),
        streams_(0) {
    initialize_curl_once();
  }

  Result<Response> send(const Request& request, const CancelToken& cancel) override {
    if (cancel.cancelled()) return fail(Code::kCancelled, "the request was cancelled");
    SLUICE_TRY(const std::shared_ptr<Exchange> exchange, Exchange::prepare(request, user_agent_));
    const bool is_stream = request.timeout.count() == 0 && request.on_body;
    Lane& lane = (exchange->is_private() ? private_ : is_stream ? streams_ : exchanges_).get();
    ++requests_sent_;
    lane.start(exchange);
    const auto registration = cancel.on_cancel([&lane, exchange] { lane.cancel(exchange); });
    return exchange->wait();
  }

  std::uint64_t requests_sent() const override { return requests_sent_; }

 private:
  std::string user_agent_;
  std::atomic<std::uint64_t> requests_sent_{0};
  LazyLane exchanges_;
  LazyLane private_;
  LazyLane streams_;
};

}  // namespace

std::unique_ptr<CurlClient> make_curl_client(const CurlOptions& options) {
  return std::make_unique<RealClient>(options);
}

}  // namespace sluice::http
