#pragma once
/// One pass over one Kustomization: pull, check, build, apply, prune, health, record. Straight
/// down, no loop, no sleep: what must be waited for is returned as an Outcome.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sluice/apply/apply.hpp"
#include "sluice/base/cancel.hpp"
#include "sluice/kustomize/build_cache.hpp"
#include "sluice/reconciler/controller.hpp"
#include "sluice/reconciler/log.hpp"
#include "sluice/reconciler/spec.hpp"
#include "sluice/sources/source_store.hpp"

#include "decryption_keys.hpp"
#include "events.hpp"
#include "object_store.hpp"
#include "work_queue.hpp"

namespace sluice::reconciler {

/// What a pass leaves for the queue and for the summary.
struct Outcome {
  enum class End : std::uint8_t {
    kReady,    ///< next at the interval
    kFailed,   ///< next at the retry interval
    kWaiting,  ///< on a dependency or a source: woken when that changes
    kHealth,   ///< applied, looks again soon
    kGone,     ///< deleted or suspended: nothing to do
  };
  End end = End::kGone;
  std::optional<Duration> again;  ///< when the queue brings it back by itself
  std::string reason, message;    ///< of the Ready condition, for the summary
  Code code = Code::kInternal;
};

/// What the process remembers of a Kustomization between passes. Owned by the controller; one
/// worker at a time.
struct Memory {
  /// The last pass that ended Ready: an interval with the same source and spec only looks for
  /// drift.
  struct Applied {
    std::int64_t generation = 0;
    std::string revision;
    Digest tree;
    std::shared_ptr<const kustomize::BuildResult> build;
    std::shared_ptr<decrypt::LeafDecryptor> decryptor;
  };
  std::optional<Applied> applied;
  /// Applied, and now waiting for health.
  struct HealthWait {
    std::int64_t generation = 0;
    std::string revision, requested_at;
    SteadyTime started, deadline;
    std::vector<ObjectId> objects;  ///< not known to be healthy yet
    apply::Inventory stale;         ///< to be pruned when healthy
    Applied then;
    int looks = 0;
    bool changed = false;  ///< something was applied or the revision is new
    SteadyTime pass_started;
  };
  std::optional<HealthWait> health;
  std::string waiting_for;  ///< last DependencyNotReady message: its event is sent once
};

/// Everything a pass may use. All references outlive it.
struct Services {
  const ControllerOptions& options;
  kube::Client& client;
  Clock& clock;
  Log& log;
  EventRecorder& events;
  KeyRing& keys;
  apply::AppliedCache* applied;
  kustomize::BuildCache& builds;
  ObjectStore& kustomizations;
  ObjectStore& repositories;
  /// The artifact that this process holds for a GitRepository; null when it has none yet.
  std::function<std::shared_ptr<const sources::Artifact>(const Key&)> artifact;
  /// Text of the dependency cycle that a Kustomization cannot leave, or "".
  std::function<std::string(const Key&)> cycle;
};

Outcome reconcile(const Key& key, Services& services, Memory& memory, const CancelToken& cancel);

}  // namespace sluice::reconciler
