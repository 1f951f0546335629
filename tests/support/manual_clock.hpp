#pragma once
/// A clock that moves only when told, so that a test runs an hour of retries at once.

#include <set>

#include "sluice/base/clock.hpp"

namespace sluice::test {

class ManualClock final : public Clock {
 public:
  WallTime wall() const override {
    const std::lock_guard lock(mutex_);
    return WallTime(std::chrono::nanoseconds(1'764'000'000'000'000'000)) + elapsed_;
  }
  SteadyTime steady() const override {
    const std::lock_guard lock(mutex_);
    return SteadyTime() + std::chrono::hours(1) + elapsed_;
  }
  /// Really waits only until advance() is called or a moment has passed: waiters see the new time.
  void wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                  SteadyTime deadline) override {
    if (steady() >= deadline) return;
    condition.wait_for(lock, std::chrono::milliseconds(1));
  }
  void advance(Duration by) {
    const std::lock_guard lock(mutex_);
    elapsed_ += by;
  }

 private:
  mutable std::mutex mutex_;  // guards elapsed_
  Duration elapsed_{};
};

}  // namespace sluice::test
