#pragma once
/// Waiting for definitions and classes before what needs them is applied
/// (fluxcd/pkg/ssa/manager_wait.go, WaitForSet).

#include <chrono>
#include <optional>
#include <vector>

#include "sluice/apply/apply.hpp"

namespace sluice::apply {

struct Awaited {
  ObjectId id;
  std::optional<yaml::Document> live;  ///< as last seen
};

/// Returns when all are Current. Errors, worded as Flux's: kUnavailable ("timeout waiting for:
/// [Kind/name status: 'InProgress']"), kInvalid when nothing is left to wait for but some have
/// failed ("failed early due to stalled resources: […]"), kCancelled.
Result<void> wait_established(std::vector<Awaited> awaited, std::chrono::seconds timeout,
                              Cluster& cluster, const CancelToken& cancel);

}  // namespace sluice::apply
