#include "sluice/base/clock.hpp"

#include <cstdio>

namespace sluice {
namespace {

std::string seconds_text(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  char text[40];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text;
}

}  // namespace

WallTime SystemClock::wall() const {
  return std::chrono::system_clock::now();
}
SteadyTime SystemClock::steady() const {
  return std::chrono::steady_clock::now();
}
void SystemClock::wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                             SteadyTime deadline) {
  if (deadline == SteadyTime::max()) {
    condition.wait(lock);
  } else {
    condition.wait_until(lock, deadline);
  }
}

bool sleep_for(Clock& clock, Duration duration, const CancelToken& cancel) {
  std::mutex mutex;
  std::condition_variable condition;
  // Declared before the lock: unregistering waits for a callback, which takes the lock.
  const auto registration = cancel.on_cancel([&] {
    const std::lock_guard lock(mutex);
    condition.notify_all();
  });
  const SteadyTime deadline =
      clock.steady() + std::chrono::duration_cast<SteadyTime::duration>(duration);
  std::unique_lock lock(mutex);
  while (!cancel.cancelled() && clock.steady() < deadline) {
    clock.wait_until(lock, condition, deadline);
  }
  return !cancel.cancelled();
}

std::string rfc3339(WallTime time) {
  return seconds_text(time) + "Z";
}

std::string rfc3339_nano(WallTime time) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  char digits[16];
  std::snprintf(digits, sizeof digits, ".%09lld", static_cast<long long>((time - whole).count()));
  std::string fraction = digits;
  fraction.erase(fraction.find_last_not_of('0') + 1);
  if (fraction == ".") fraction.clear();
  return seconds_text(time) + fraction + "Z";
}

}  // namespace sluice
