#pragma once
/// One pass over one GitRepository: credentials, pull, status.

#include <memory>

#include "sluice/sources/source_store.hpp"

#include "events.hpp"
#include "object_store.hpp"
#include "reconcile.hpp"

namespace sluice::reconciler {

/// What the process holds for a GitRepository.
struct SourceMemory {
  std::shared_ptr<const sources::Artifact> artifact;
  std::string content;  ///< what `artifact` was made of: the Git tree's id and spec.ignore
};

struct SourceServices {
  const ControllerOptions& options;
  kube::Client& client;
  Clock& clock;
  Log& log;
  EventRecorder& events;
  ObjectStore& repositories;
  sources::SourceStore& store;
};

/// After a pass that brought a new revision, memory.artifact is another one than before.
Outcome reconcile_repository(const Key& key, SourceServices& services, SourceMemory& memory,
                             const CancelToken& cancel);

}  // namespace sluice::reconciler
