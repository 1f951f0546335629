#pragma once
/// Time as a seam: all waiting goes through `Clock`, so a test runs an hour of retries at once.

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>

#include "sluice/base/cancel.hpp"

namespace sluice {

using Duration = std::chrono::nanoseconds;
using WallTime = std::chrono::sys_time<std::chrono::nanoseconds>;
using SteadyTime = std::chrono::steady_clock::time_point;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime wall() const = 0;      ///< for timestamps that people read
  virtual SteadyTime steady() const = 0;  ///< for measuring and deadlines
  /// Waits on `condition` until `deadline` or a notification (spurious wake-ups are allowed).
  virtual void wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                          SteadyTime deadline) = 0;
};

class SystemClock final : public Clock {
 public:
  WallTime wall() const override;
  SteadyTime steady() const override;
  void wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                  SteadyTime deadline) override;
};

/// Waits for `duration` or until cancelled; false when cancelled.
bool sleep_for(Clock& clock, Duration duration, const CancelToken& cancel);

/// "2026-11-23T08:54:56Z", as metav1.Time prints it.
std::string rfc3339(WallTime time);
/// "2026-11-23T08:54:56.123456789Z": up to nine digits, trailing zeros dropped.
std::string rfc3339_nano(WallTime time);

}  // namespace sluice
