#pragma once
/// What Flux's custom resources ask for, parsed once at the edge: kustomize.toolkit.fluxcd.io/v1
/// Kustomization and source.toolkit.fluxcd.io/v1 GitRepository (their API types are the
/// specification). Fields that sluice does not act on yet are refused by name, never ignored.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sluice/base/clock.hpp"
#include "sluice/base/object_id.hpp"
#include "sluice/base/result.hpp"
#include "sluice/kustomize/build.hpp"
#include "sluice/sources/source_store.hpp"
#include "sluice/yaml/document.hpp"

namespace sluice::reconciler {

inline constexpr std::string_view kKustomizeGroup = "kustomize.toolkit.fluxcd.io";
inline constexpr std::string_view kSourceGroup = "source.toolkit.fluxcd.io";
inline constexpr std::string_view kRequestedAt = "reconcile.fluxcd.io/requestedAt";
inline constexpr std::string_view kFinalizer = "finalizers.fluxcd.io";

Gvk kustomization_gvk();
Gvk git_repository_gvk();

/// Namespace and name of an object of a known kind.
struct Key {
  std::string ns, name;
  std::string text() const { return ns + "/" + name; }
  friend bool operator==(const Key&, const Key&) = default;
  friend auto operator<=>(const Key&, const Key&) = default;
};
Key key_of(yaml::Node object);

/// metadata and status fields that both kinds have.
struct ObjectState {
  Key key;
  std::string uid, resource_version;
  std::int64_t generation = 0;
  std::int64_t observed_generation = -1;
  bool deleting = false;
  bool has_finalizer = false;
  std::string requested_at;  ///< annotation reconcile.fluxcd.io/requestedAt
  std::string last_handled;  ///< status.lastHandledReconcileAt
};
ObjectState object_state(yaml::Node object);

struct KustomizationSpec {
  Duration interval{};
  Duration retry_interval{};  ///< spec.retryInterval or interval
  Duration timeout{};         ///< spec.timeout or interval - 30s; never below 30s
  std::string path;           ///< "" : the source root
  bool prune = false;
  std::string deletion_policy;  ///< MirrorPrune, Delete, WaitForTermination or Orphan
  bool wait = false;
  bool force = false;
  bool suspend = false;
  std::string source_kind;
  Key source;
  std::vector<Key> depends_on;
  bool decrypt = false;  ///< decryption.provider: sops
  std::string decryption_secret;
  std::string decryption_account;  ///< spec.decryption.serviceAccountName
  kustomize::Overrides overrides;
  std::map<std::string, std::string> common_labels, common_annotations;
  std::vector<ObjectId> health_checks;
};
/// Errors: kInvalid (durations), kUnsupported naming the field.
Result<KustomizationSpec> parse_kustomization(yaml::Node object);

struct GitRepositorySpec {
  Duration interval{};
  bool suspend = false;
  sources::GitSpec git;
  std::string secret;  ///< spec.secretRef.name
  std::optional<std::string> ignore;
};
Result<GitRepositorySpec> parse_git_repository(yaml::Node object);

}  // namespace sluice::reconciler
