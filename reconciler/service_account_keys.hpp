#pragma once
/// Key services that act as a ServiceAccount of the cluster: spec.decryption.serviceAccountName.
/// Follows fluxcd/pkg auth/{aws,azure,gcp} and kustomize-controller's SetAuthOptions: a token of
/// the ServiceAccount (TokenRequest, for the cloud's audience) is exchanged for the cloud's own
/// credentials, whose names are annotations of the ServiceAccount:
///
///   AWS    eks.amazonaws.com/role-arn
///   Azure  azure.workload.identity/tenant-id, azure.workload.identity/client-id
///   GCP    gcp.auth.fluxcd.io/workload-identity-provider, iam.gke.io/gcp-service-account
///   Vault  none: logs in as role NAMESPACE_NAME where the controller's ConfigMap says
///
/// Nothing of the controller's own credentials is ever used for it. A cloud whose annotations are
/// missing or malformed is an error when a key of it is met, not before.

#include <memory>
#include <string>

#include "sluice/decrypt/remote_keys.hpp"
#include "sluice/kube/client.hpp"

namespace sluice::reconciler {

/// `object` is the ServiceAccount `ns`/`name`, read as the controller; `vault_login` as in
/// VaultCredentials, of this ServiceAccount.
decrypt::KeyServices service_account_keys(kube::Client& client, const std::string& ns,
                                          const std::string& name, yaml::Node object,
                                          const std::shared_ptr<decrypt::RemoteContext>& remote,
                                          std::function<Result<std::optional<decrypt::VaultLogin>>(
                                              const std::string&, const CancelToken&)>
                                              vault_login);

}  // namespace sluice::reconciler
