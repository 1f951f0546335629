#pragma once
/// The keys of a Kustomization: from spec.decryption.secretRef, read as Flux reads it
/// (kustomize-controller internal/decryptor/decryptor.go, ImportKeys and SetAuthOptions).

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "sluice/base/cancel.hpp"
#include "sluice/base/result.hpp"
#include "sluice/decrypt/decryptor.hpp"
#include "sluice/kube/client.hpp"
#include "sluice/reconciler/controller.hpp"

namespace sluice::reconciler {

/// Gives the key services of a Secret, the same ones as long as the Secret is unchanged: what they
/// remember (unwrapped keys, tokens) then serves the next pass, too. Two Secrets never share.
/// Thread-safe.
class KeyRing {
 public:
  KeyRing(kube::Client& client, DecryptionOptions options);

  /// Of Secret `ns`/`name`: each `*.agekey` and `*.asc`, `sops.vault-token` (sent to the servers
  /// that `sops.vault-addresses` beside it names, or the controller trusts), `sops.aws-kms`,
  /// `sops.azure-kv`, `sops.gcp-kms`. Clouds without an entry: the controller's own credentials.
  /// `name` "": those, and the controller's default age keys. With `service_account`, of `ns`, that
  /// one's credentials stand in for the controller's (service_account_keys.hpp). Errors: kNotFound
  /// (`secrets "name" not found`), kInvalid naming the entry.
  Result<decrypt::KeyServices> keys(const std::string& ns, const std::string& name,
                                    const std::string& service_account, const CancelToken& cancel);

 private:
  struct Held {
    std::string resource_version;
    decrypt::KeyServices services;
  };
  /// The services of clouds: the controller's, or those of a ServiceAccount.
  struct Clouds {
    decrypt::KeyServices services;
    std::string held_as, version;  ///< whose, and its resourceVersion; "" for the controller's
  };
  Result<Clouds> clouds(const std::string& ns, const std::string& service_account,
                        const CancelToken& cancel);
  Result<decrypt::KeyServices> read(const std::string& ns, const std::string& name, bool age_only,
                                    const Clouds& clouds, const CancelToken& cancel);

  Result<std::optional<decrypt::VaultLogin>> vault_login(const std::string& address,
                                                         const std::string& ns,
                                                         const std::string& service_account,
                                                         const CancelToken& cancel);

  kube::Client& client_;
  const DecryptionOptions options_;
  decrypt::KeyServices own_;  // of the controller's credentials
  std::mutex mutex_;          // guards held_ and accounts_
  std::map<std::string, Held> held_;
  std::map<std::string, Held> accounts_;  // by "namespace/name"
};

}  // namespace sluice::reconciler
