#pragma once
/// The steps of one pass over one Kustomization, for the three files that have them.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sluice/base/go_duration.hpp"

#include "conditions.hpp"
#include "reconcile.hpp"

namespace sluice::reconciler {

/// What status.inventory lists.
apply::Inventory inventory_of(yaml::Node status);
void put_inventory(yaml::Ref status, const apply::Inventory& inventory);
/// The lines of a Progressing event, or "" when nothing in `changes` is worth one.
std::string change_lines(const apply::ChangeSet& changes);
std::string prune_lines(const apply::PruneResult& result);
/// A Kustomization finds only its own builds again.
std::string build_scope(const Key& key);

/// Of status and finalizers. Not the manager that applies: a Kustomization that another one applies
/// would lose its finalizer, since what the applying manager updated is taken over.
inline constexpr char kStatusManager[] = "gotk-kustomize-controller";

/// One Kustomization in one pass. Members are what its steps hand on.
class Pass {
 public:
  Pass(ObjectStore::Object object, Services& services, Memory& memory, const CancelToken& cancel)
      : object_(std::move(object)),
        services_(services),
        memory_(memory),
        cancel_(cancel),
        state_(object_state(object_->root())),
        status_(object_->root(), services.clock, kStatusManager),
        started_(services.clock.steady()) {}

  Outcome run();

 private:
  // A step that gives an outcome has ended the pass; nullopt: go on.
  std::optional<Outcome> ensure_finalizer();
  Outcome apply_revision();
  bool is_built() const;
  std::optional<Outcome> build(Memory::Applied& applied);
  Result<void> record(const apply::Inventory& inventory);
  Outcome settle_health();
  Result<apply::HealthStatus> health_of(const ObjectId& id);
  std::optional<Outcome> check_health(Memory::HealthWait& wait);
  std::optional<Outcome> let_go(const apply::Inventory& stale);
  Outcome finish(Memory::Applied applied, bool changed);
  Outcome finalize(const KustomizationSpec* spec);

  /// Ready=False for something that is tried again; Reconciling says which phase it was in, "" for
  /// none.
  Outcome failed(std::string_view reason, const std::string& message, Code code, bool event = true);
  Outcome waiting(std::string_view reason, const std::string& message, Duration again);
  /// Ready=False and Stalled=True for something that only a change of the spec can mend.
  Outcome stalled(std::string_view reason, const std::string& message, Code code);
  std::string unready_dependency(const std::string& revision) const;
  Result<decrypt::KeyServices> key_services();
  std::shared_ptr<decrypt::LeafDecryptor> make_decryptor(std::shared_ptr<decrypt::SopsFiles> files,
                                                         decrypt::KeyServices keys) const;
  apply::ApplyOptions apply_options() const;
  apply::Cluster cluster(decrypt::LeafDecryptor* decryptor) {
    return {services_.client, services_.clock, services_.applied, decryptor};
  }
  /// `result` is what was done also when it fails.
  Result<void> prune(const apply::Inventory& inventory, apply::PruneResult& result);
  /// Writes metadata.finalizers with ours or without it.
  Result<yaml::Document> patch_finalizers(bool with_ours);
  Result<void> write_status();
  Outcome unwritten(const Error& error);
  void event(EventType type, std::string_view reason, std::string_view message) {
    services_.events.record(object_->root(), type, reason, message, revision_, cancel_);
  }
  /// The fields that name this object in the log, then `more`.
  Log::Fields about(Log::Fields more = {}) const {
    return log_fields("Kustomization", state_.key.ns, state_.key.name, std::move(more));
  }
  std::string phase_text(std::string_view phase) const {
    return std::string(phase) + " for revision " + revision_ + " with a timeout of " +
           format_go_duration(spec_.timeout);
  }
  Duration jittered(Duration interval) const;

  ObjectStore::Object object_;
  Services& services_;
  Memory& memory_;
  const CancelToken& cancel_;
  ObjectState state_;
  StatusDraft status_;
  SteadyTime started_;
  KustomizationSpec spec_;
  std::shared_ptr<const sources::Artifact> artifact_;
  std::string revision_;
  std::string phase_;  ///< message of Reconciling while this pass goes on
};

}  // namespace sluice::reconciler
