#include "apply/stage_wait.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace sluice::apply {
namespace {

constexpr std::chrono::milliseconds kFirstPoll{20};
constexpr std::chrono::milliseconds kLongestPoll{1000};

HealthStatus status_of(const Awaited& awaited, const Clock& clock) {
  if (!awaited.live) return HealthStatus::kNotFound;
  return health(awaited.live->root(), clock.wall()).status;
}

std::string list(const std::vector<Awaited>& left, const Clock& clock) {
  std::string text;
  for (const Awaited& each : left) {
    if (!text.empty()) text += ", ";
    text += each.id.text() + " status: '" + std::string(health_name(status_of(each, clock))) + "'";
  }
  return "[" + text + "]";
}

}  // namespace

Result<void> wait_established(std::vector<Awaited> awaited, std::chrono::seconds timeout,
                              Cluster& cluster, const CancelToken& cancel) {
  Clock& clock = cluster.clock;
  const SteadyTime deadline = clock.steady() + timeout;
  for (auto wait = kFirstPoll;; wait = std::min(wait * 2, kLongestPoll)) {
    std::erase_if(awaited, [&](const Awaited& each) {
      return status_of(each, clock) == HealthStatus::kCurrent;
    });
    if (awaited.empty()) return {};
    if (std::all_of(awaited.begin(), awaited.end(), [&](const Awaited& each) {
          return status_of(each, clock) == HealthStatus::kFailed;
        }))
      return fail(Code::kInvalid, "failed early due to stalled resources: " + list(awaited, clock));
    if (clock.steady() >= deadline)
      return fail(Code::kUnavailable, "timeout waiting for: " + list(awaited, clock));
    if (!sleep_for(clock, wait, cancel)) return fail(Code::kCancelled, "cancelled");
    for (Awaited& each : awaited) {
      auto live = cluster.client.get(each.id, cancel);
      if (live) {
        each.live = *std::move(live);
      } else if (live.error().code() == Code::kNotFound) {
        each.live.reset();
      } else {
        return fail(std::move(live).error());
      }
    }
  }
}

}  // namespace sluice::apply
