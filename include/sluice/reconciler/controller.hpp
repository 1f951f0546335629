#pragma once
/// `sluice run`: the loop. Watches GitRepositories and Kustomizations, keeps sources up to date,
/// and brings the cluster to what they say, again and again. Speaks Flux's status, conditions and
/// events (kustomize-controller and source-controller, v1), so that the flux command line and
/// dashboards work.
///
/// Workers are a few blocking threads; whatever waits (an interval, a dependency, health) waits in
/// the queue.

#include <memory>
#include <string>
#include <utility>

#include "sluice/base/cancel.hpp"
#include "sluice/base/clock.hpp"
#include "sluice/base/result.hpp"
#include "sluice/decrypt/remote_keys.hpp"
#include "sluice/kube/client.hpp"
#include "sluice/kustomize/build_cache.hpp"
#include "sluice/reconciler/log.hpp"
#include "sluice/sources/remote_content.hpp"
#include "sluice/sources/source_store.hpp"

namespace sluice::reconciler {

/// Keys beside those of a Kustomization's own Secret.
struct DecryptionOptions {
  /// For cloud key services, with the controller's own credentials; null: they are refused.
  std::shared_ptr<decrypt::RemoteContext> remote;
  /// Flux's --sops-age-secret: age keys of Kustomizations without a secretRef. "": none.
  std::string age_secret_namespace, age_secret;
  /// Flux's --sops-vault-configmap: Vault servers to log in to with a token of the controller's own
  /// service account, and where; each is thereby trusted. "": none.
  std::string vault_config_namespace, vault_config;
  std::string service_account_namespace, service_account;
};

/// Namespace and name of the service account that a Kubernetes token is of: its subject,
/// "system:serviceaccount:NAMESPACE:NAME". Errors: kInvalid, never quoting the token.
Result<std::pair<std::string, std::string>> service_account_of(const crypto::SecretBytes& token);

struct ControllerOptions {
  unsigned concurrent = 4;                      ///< reconciliations at a time
  bool once = false;                            ///< end when every object is ready or failed
  std::chrono::seconds requeue_dependency{30};  ///< fallback; dependants are woken at once
  std::chrono::seconds sync_timeout{60};        ///< for the first lists
  double interval_jitter = 0.05;
  bool no_cross_namespace_refs = false;
  DecryptionOptions decryption = {};
  /// Builds that are still good; null: the controller keeps its own. Outlives it.
  kustomize::BuildCache* builds = nullptr;
  /// Fetches remote bases and files of kustomizations; null refuses them (Flux:
  /// --no-remote-bases). Outlives the controller.
  sources::RemoteContent* remotes = nullptr;
};

/// What `--once` ended with, and what the demo prints.
struct RunSummary {
  std::size_t ready = 0;
  struct Failure {
    std::string object;  ///< "Kustomization/ns/name"
    std::string reason;  ///< of the Ready condition
    std::string message;
    Code code;
  };
  std::vector<Failure> failures;
};

class Controller {
 public:
  Controller(ControllerOptions options, kube::Client& client, sources::SourceStore& store,
             Clock& clock, Log& log);
  ~Controller();
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  /// Runs until `cancel`, or with `once` until all is settled. Errors: kUnavailable, kDenied when
  /// the first lists fail for `sync_timeout`; otherwise failures are in the summary.
  Result<RunSummary> run(const CancelToken& cancel);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::reconciler
