#include "sluice/base/cancel.hpp"

#include <atomic>
#include <map>
#include <mutex>
#include <utility>

namespace sluice {

struct CancelToken::State {
  std::atomic<bool> cancelled{false};
  // Guards `callbacks` and is held while they run, so that unregistering waits for them. Recursive:
  // a callback may drop a registration of the same source.
  std::recursive_mutex mutex;
  std::map<std::size_t, std::function<void()>> callbacks;
  std::size_t next = 0;
};

bool CancelToken::cancelled() const {
  return state_ && state_->cancelled.load();
}

CancelToken::Registration& CancelToken::Registration::operator=(Registration&& other) noexcept {
  if (this != &other) {
    if (undo_) undo_();
    undo_ = std::exchange(other.undo_, nullptr);
  }
  return *this;
}
CancelToken::Registration::~Registration() {
  if (undo_) undo_();
}

CancelToken::Registration CancelToken::on_cancel(std::function<void()> callback) const {
  if (!state_) return {};
  const std::lock_guard lock(state_->mutex);
  if (state_->cancelled) {
    callback();
    return {};
  }
  const std::size_t id = state_->next++;
  state_->callbacks.emplace(id, std::move(callback));
  return Registration([state = state_, id] {
    const std::lock_guard undo_lock(state->mutex);
    state->callbacks.erase(id);
  });
}

CancelSource::CancelSource() {
  token_.state_ = std::make_shared<CancelToken::State>();
}

CancelSource::CancelSource(const CancelToken& parent) : CancelSource() {
  parent_ = parent.on_cancel([token = token_] {
    CancelSource same;
    same.token_ = token;
    same.cancel();
  });
}

void CancelSource::cancel() {
  const auto& state = token_.state_;
  const std::lock_guard lock(state->mutex);
  if (state->cancelled.exchange(true)) return;
  while (!state->callbacks.empty()) {
    auto node = state->callbacks.extract(state->callbacks.begin());
    node.mapped()();
  }
}

}  // namespace sluice
