#pragma once
/// From a ResourceSet to objects in a cluster: order, apply, inventory, prune, health.
///
/// Follows fluxcd/pkg/ssa (stages, field managers, skip annotations) and kustomize-controller
/// (inventory ids, owner labels), with the same texts, so that objects applied by Flux are adopted
/// and not fought over. Every object is tried in dry-run before any is applied; nothing is deleted
/// that was not confirmed to be ours. Never knows sources or Kustomization specs.

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sluice/base/cancel.hpp"
#include "sluice/base/clock.hpp"
#include "sluice/base/object_id.hpp"
#include "sluice/base/result.hpp"
#include "sluice/decrypt/decryptor.hpp"
#include "sluice/kube/client.hpp"
#include "sluice/kustomize/resource_set.hpp"

namespace sluice::apply {

/// One entry of status.inventory.entries: {id, v}. id is "<ns>_<name>_<group>_<Kind>", with ':' in
/// names written "__"; v is the version.
struct InventoryEntry {
  ObjectId object;
  std::string id() const;
  static Result<InventoryEntry> parse(std::string_view id, std::string_view version);
  friend bool operator==(const InventoryEntry&, const InventoryEntry&) = default;
};
using Inventory = std::vector<InventoryEntry>;

enum class Action : std::uint8_t { kCreated, kConfigured, kUnchanged, kDeleted, kSkipped };
std::string_view action_name(Action action);  ///< "created", …

struct ChangeEntry {
  ObjectId object;
  Action action;
  /// "ConfigMap/ns/a created", as Flux's events list it.
  std::string text() const;
};
using ChangeSet = std::vector<ChangeEntry>;

/// spec.ignore: fields that drift detection leaves out and that applying leaves to others
/// (fluxcd/pkg/ssa/jsondiff). Selector texts are as in Flux: regular expressions for group,
/// version, kind, name and namespace, anchored; label selectors for the other two; "" matches all.
struct IgnoreRule {
  std::vector<std::string> paths;  ///< JSON pointers
  std::string group{}, version{}, kind{}, name{}, ns{};
  std::string label_selector{}, annotation_selector{};
};

struct ApplyOptions {
  std::string field_manager = "kustomize-controller";
  std::string owner_group = "kustomize.toolkit.fluxcd.io";  ///< of owner labels and annotations
  std::string owner_name, owner_namespace;                  ///< the Kustomization
  bool force = false;  ///< recreate objects with immutable changes
  std::map<std::string, std::string> common_labels, common_annotations;
  std::chrono::seconds stage_timeout{60};  ///< for definitions and namespaces to be established
  unsigned concurrency = 4;                ///< requests in flight of one Kustomization
  /// --custom-apply-stage-kinds: {group, kind}, applied after classes and before the rest.
  std::set<std::pair<std::string, std::string>> custom_stage_kinds;
  /// --override-manager: field managers whose fields are taken over, besides kubectl's.
  std::vector<std::string> override_managers;
  bool migrate_api_version = false;  ///< Flux's gate MigrateAPIVersion
  std::vector<IgnoreRule> ignore;
  /// What status.inventory holds now.
  Inventory before;
  /// Called once, before the first change, with the union of `before` and what will exist: to be
  /// stored, so that a killed process orphans nothing. An error stops the apply. Not called when
  /// nothing changes or when `before` already names everything.
  std::function<Result<void>(const Inventory&)> record;
};

/// Remembers what was applied, so that an unchanged object costs no request and no decryption:
/// ObjectId -> (digest of the desired object at ciphertext level, resourceVersion after apply).
/// Holds metadata-only watches of the applied kinds to see drift. Shared by all workers;
/// thread-safe.
class AppliedCache {
 public:
  struct Drift {
    ObjectId object;
    std::string owner_name, owner_namespace;
    bool deleted = false;
  };
  /// `client` must be allowed to list and watch what is applied; a kind that it may not watch is
  /// asked for each time. `on_drift` is called (on a watch's thread) when somebody else changed or
  /// deleted an object that was applied: Flux corrects that at the next interval, and so do we.
  AppliedCache(kube::Client& client, Clock& clock, std::string owner_group,
               std::function<void(const Drift&)> on_drift = {});
  ~AppliedCache();
  AppliedCache(const AppliedCache&) = delete;
  AppliedCache& operator=(const AppliedCache&) = delete;
  struct State;
  State& state() { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

struct Cluster {
  kube::Client& client;
  Clock& clock;
  AppliedCache* cache = nullptr;                ///< null: always ask the server
  decrypt::LeafDecryptor* decryptor = nullptr;  ///< opens leaves in request bodies
};

/// Error::reason() when leaves could not be opened; the message begins "decryption failed for …".
inline constexpr std::string_view kReasonDecryption = "DecryptionFailed";

struct ApplyResult {
  ChangeSet changes;    ///< of everything applied, in apply order, unchanged ones included
  Inventory inventory;  ///< of everything that exists after the call, in apply order
};

/// Applies all resources, stage by stage; all objects of a stage are tried in dry-run before any of
/// them is applied, and their refusals are reported together. Errors in Flux's words ("Deployment/
/// ns/app dry-run failed (Invalid): …"); kInvalid before any request for an object that still holds
/// ciphertext or a `sops` block. After an error, `partial` (may be null) holds what was applied.
Result<ApplyResult> apply_all(const kustomize::ResourceSet& resources, const ApplyOptions& options,
                              Cluster& cluster, const CancelToken& cancel, ApplyResult* partial);

struct PruneResult {
  ChangeSet changes;    ///< deleted or skipped
  Inventory remaining;  ///< entries whose deletion was not confirmed: stay in the inventory
};
/// Deletes what is in `stale`, in reverse order, if the owner labels match and no annotation
/// forbids it.
Result<PruneResult> prune(const Inventory& stale, const ApplyOptions& options, Cluster& cluster,
                          const CancelToken& cancel, PruneResult* partial);

/// Entries of `before` that are not in `after`.
Inventory difference(const Inventory& before, const Inventory& after);

enum class HealthStatus : std::uint8_t {
  kInProgress,
  kFailed,
  kCurrent,
  kTerminating,
  kNotFound,
  kUnknown
};
std::string_view health_name(HealthStatus status);  ///< "InProgress", …
struct Health {
  HealthStatus status;
  std::string message;
};
/// kstatus rules of fluxcd/cli-utils (pkg/kstatus/status). Pure.
/// `now` decides how long a Pod may stay unschedulable (15 seconds after its creation).
Health health(yaml::Node live, WallTime now = WallTime::max());

/// health(), and for a StatefulSet or ReplicaSet that is in progress a look at its Pods, as Flux
/// does (one request): kFailed, "2 pods have failed", when some crash. kUnknown with the server's
/// words when the Pods cannot be listed.
Health health_with_pods(yaml::Node live, kube::Client& client, WallTime now,
                        const CancelToken& cancel);

}  // namespace sluice::apply
