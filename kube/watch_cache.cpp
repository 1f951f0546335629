#include "sluice/kube/watch_cache.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

namespace sluice::kube {
namespace {

using Object = std::shared_ptr<const yaml::Document>;
using Key = std::pair<std::string, std::string>;  // namespace, name

constexpr std::chrono::milliseconds kFirstBackoff{200};
constexpr std::chrono::milliseconds kLongestBackoff{30'000};
constexpr std::chrono::seconds kShortestWatch{1};  // of one that the server ends as agreed

/// Doubles from kFirstBackoff to kLongestBackoff, each time with up to half as much again, so that
/// a returning server does not meet all watches at once.
class Backoff {
 public:
  std::chrono::milliseconds next() {
    const auto step =
        std::min(kFirstBackoff * (std::int64_t{1} << std::min(failures_, 20)), kLongestBackoff);
    ++failures_;
    return step + std::chrono::milliseconds(
                      std::uniform_int_distribution<std::int64_t>(0, step.count() / 2)(engine_));
  }
  void reset() { failures_ = 0; }

 private:
  int failures_ = 0;
  std::minstd_rand engine_{std::random_device{}()};
};

std::string_view version_of(const yaml::Document& object) {
  return object.root().find("metadata", "resourceVersion").text();
}

Key key_of(const yaml::Document& object) {
  const yaml::Node metadata = object.root().get("metadata");
  return {std::string(metadata.get("namespace").text()), std::string(metadata.get("name").text())};
}

}  // namespace

struct WatchCache::State {
  State(Client& client_in, Gvk gvk_in, ListParams params_in, Clock& clock_in,
        std::function<void(const Change&)> on_change_in, Trim trim_in)
      : client(client_in),
        gvk(std::move(gvk_in)),
        params(std::move(params_in)),
        clock(clock_in),
        on_change(std::move(on_change_in)),
        trim(std::move(trim_in)) {}

  void run();
  /// Lists once; "" and `failure` set when that failed.
  Result<std::string> list();
  void take_event(WatchEvent event);
  void tell(const Key& key, Object before, Object after) const;
  Object keep(yaml::Document object) const;
  void fail_and_wait(Error error);
  void works();

  Client& client;
  const Gvk gvk;
  const ListParams params;
  Clock& clock;
  const std::function<void(const Change&)> on_change;
  const Trim trim;
  CancelSource stop;
  Backoff backoff;           // of the thread
  ResourceType type;         // of the thread
  std::string seen_version;  // of the thread

  mutable std::mutex mutex;  // guards the members below
  mutable std::condition_variable changed;
  std::map<Key, Object> objects;
  bool synced = false;
  std::optional<Error> failure;

  std::jthread thread;  // last: starts when all is there
};

Object WatchCache::State::keep(yaml::Document object) const {
  if (trim) return std::make_shared<const yaml::Document>(trim(object));
  return std::make_shared<const yaml::Document>(std::move(object));
}

void WatchCache::State::tell(const Key& key, Object before, Object after) const {
  if (!on_change || stop.token().cancelled()) return;
  on_change({ObjectId{gvk, key.first, key.second}, std::move(before), std::move(after)});
}

void WatchCache::State::works() {
  backoff.reset();
  const std::lock_guard lock(mutex);
  failure.reset();
}

void WatchCache::State::fail_and_wait(Error error) {
  if (error.code() == Code::kCancelled) return;
  {
    const std::lock_guard lock(mutex);
    failure = std::move(error);
  }
  sleep_for(clock, backoff.next(), stop.token());
}

Result<std::string> WatchCache::State::list() {
  SLUICE_TRY(type, client.resolve(gvk, stop.token()));
  SLUICE_TRY(List fresh, client.list(type, params, stop.token()));
  std::map<Key, Object> next;
  for (yaml::Document& item : fresh.items) {
    Key key = key_of(item);
    next.insert_or_assign(std::move(key), keep(std::move(item)));
  }
  std::map<Key, Object> before;
  {
    const std::lock_guard lock(mutex);
    for (auto& [key, object] : next) {  // keep what readers and on_change already know
      const auto old = objects.find(key);
      if (old != objects.end() && version_of(*old->second) == version_of(*object))
        object = old->second;
    }
    before = std::exchange(objects, next);
  }
  for (const auto& [key, object] : before) {
    if (!next.contains(key)) tell(key, object, nullptr);
  }
  for (const auto& [key, object] : next) {
    const auto old = before.find(key);
    if (old == before.end()) {
      tell(key, nullptr, object);
    } else if (old->second != object) {
      tell(key, old->second, object);
    }
  }
  // Only now: who waits for this counts on on_change having heard of everything.
  {
    const std::lock_guard lock(mutex);
    synced = true;
    changed.notify_all();
  }
  return fresh.resource_version;
}

void WatchCache::State::take_event(WatchEvent event) {
  works();
  seen_version = version_of(event.object);
  if (event.kind == WatchKind::kBookmark) return;
  const Key key = key_of(event.object);
  Object before;
  Object after;
  {
    const std::lock_guard lock(mutex);
    const auto it = objects.find(key);
    if (it != objects.end()) before = it->second;
    if (event.kind == WatchKind::kDeleted) {
      if (!before) return;
      objects.erase(it);
    } else {
      if (before && version_of(*before) == version_of(event.object)) return;  // seen by the list
      after = keep(std::move(event.object));
      objects.insert_or_assign(key, after);
    }
  }
  tell(key, std::move(before), std::move(after));
}

void WatchCache::State::run() {
  const CancelToken cancel = stop.token();
  while (!cancel.cancelled()) {
    auto listed = list();
    if (!listed) {
      fail_and_wait(std::move(listed).error());
      continue;
    }
    works();
    seen_version = *std::move(listed);
    while (!cancel.cancelled()) {
      const std::string from = seen_version;
      const SteadyTime started = clock.steady();
      auto watched = client.watch(
          type, params, from, [this](WatchEvent event) { take_event(std::move(event)); }, cancel);
      if (watched) {
        if (from == seen_version && clock.steady() - started < kShortestWatch) {
          sleep_for(clock, backoff.next(), cancel);  // it ended without a word: do not spin
        } else {
          works();
        }
        continue;
      }
      const bool list_again = watched.error().reason() == "Expired" ||
                              watched.error().code() == Code::kNotFound ||
                              watched.error().code() == Code::kInvalid;
      if (watched.error().reason() == "Expired") {
        if (from != seen_version) break;  // it worked for a while
      }
      fail_and_wait(std::move(watched).error());
      if (list_again) break;
    }
  }
}

WatchCache::WatchCache(Client& client, Gvk gvk, ListParams params, Clock& clock,
                       std::function<void(const Change&)> on_change, Trim trim)
    : state_(std::make_unique<State>(client, std::move(gvk), std::move(params), clock,
                                     std::move(on_change), std::move(trim))) {
  state_->thread = std::jthread([state = state_.get()] { state->run(); });
}

WatchCache::~WatchCache() {
  state_->stop.cancel();
  state_->thread.join();
}

bool WatchCache::wait_synced(std::chrono::milliseconds timeout, const CancelToken& cancel) const {
  State& state = *state_;
  // Declared before the lock: unregistering waits for a callback, which takes the lock.
  const auto registration = cancel.on_cancel([&state] {
    const std::lock_guard lock(state.mutex);
    state.changed.notify_all();
  });
  const SteadyTime deadline = state.clock.steady() + timeout;
  std::unique_lock lock(state.mutex);
  while (!state.synced && !cancel.cancelled() && state.clock.steady() < deadline) {
    state.clock.wait_until(lock, state.changed, deadline);
  }
  return state.synced;
}

bool WatchCache::synced() const {
  const std::lock_guard lock(state_->mutex);
  return state_->synced;
}

std::shared_ptr<const yaml::Document> WatchCache::find(const std::string& ns,
                                                       const std::string& name) const {
  const std::lock_guard lock(state_->mutex);
  const auto it = state_->objects.find({ns, name});
  return it == state_->objects.end() ? nullptr : it->second;
}

std::vector<std::shared_ptr<const yaml::Document>> WatchCache::all() const {
  const std::lock_guard lock(state_->mutex);
  std::vector<Object> all;
  all.reserve(state_->objects.size());
  for (const auto& [key, object] : state_->objects) {
    all.push_back(object);
  }
  return all;
}

std::optional<Error> WatchCache::failure() const {
  const std::lock_guard lock(state_->mutex);
  return state_->failure;
}

}  // namespace sluice::kube
