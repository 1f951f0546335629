#include "work_queue.hpp"

#include <algorithm>

namespace sluice::reconciler {

void WorkQueue::add(const Item& item, Duration delay, Due due) {
  const std::lock_guard lock(mutex_);
  put(item, {clock_.steady() + delay, due});
  changed_.notify_all();
}

void WorkQueue::put(const Item& item, Entry entry) {
  const auto [found, is_new] = queued_.try_emplace(item, entry);
  if (!is_new) {
    by_time_.erase({found->second.at, item});
    found->second.at = std::min(found->second.at, entry.at);
    found->second.due = std::min(found->second.due, entry.due);
  }
  if (!active_.contains(item)) by_time_.emplace(found->second.at, item);
}

void WorkQueue::remove(const Item& item) {
  const std::lock_guard lock(mutex_);
  if (const auto found = queued_.find(item); found != queued_.end()) {
    by_time_.erase({found->second.at, item});
    queued_.erase(found);
  }
  changed_.notify_all();
}

std::optional<Item> WorkQueue::next() {
  std::unique_lock lock(mutex_);
  while (!closed_) {
    if (by_time_.empty()) {
      clock_.wait_until(lock, changed_, SteadyTime::max());
      continue;
    }
    const auto [at, item] = *by_time_.begin();
    if (at > clock_.steady()) {
      clock_.wait_until(lock, changed_, at);
      continue;
    }
    by_time_.erase(by_time_.begin());
    queued_.erase(item);
    active_.insert(item);
    return item;
  }
  return std::nullopt;
}

void WorkQueue::done(const Item& item) {
  const std::lock_guard lock(mutex_);
  active_.erase(item);
  if (const auto found = queued_.find(item); found != queued_.end()) {
    by_time_.emplace(found->second.at, item);
  }
  changed_.notify_all();
}

void WorkQueue::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

bool WorkQueue::idle() const {
  const std::lock_guard lock(mutex_);
  return active_.empty() && std::none_of(queued_.begin(), queued_.end(), [](const auto& entry) {
           return entry.second.due == Due::kWork;
         });
}

void WorkQueue::wait_change(Duration timeout) {
  std::unique_lock lock(mutex_);
  clock_.wait_until(lock, changed_, clock_.steady() + timeout);
}

}  // namespace sluice::reconciler
