#pragma once
/// Bearer tokens of Microsoft Entra ID, as azidentity's DefaultAzureCredential finds them without a
/// program: a client's secret or certificate from the environment, workload identity, managed
/// identity (App Service, then the instance's metadata). Thread-safe.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sluice/base/cancel.hpp"
#include "sluice/base/clock.hpp"
#include "sluice/http/aws_credentials.hpp"
#include "sluice/http/surroundings.hpp"

namespace sluice::http {

/// Credentials that were given, as Flux's `sops.azure-kv` has them.
struct AzureCredentials {
  std::string tenant, client;
  crypto::SecretBytes secret;                ///< of the client, or
  crypto::SecretBytes certificate;           ///< PEM or PKCS#12 with its key
  crypto::SecretBytes certificate_password;  ///< of that
  bool send_chain = false;
  std::string authority_host;  ///< "": the public cloud's
};

class AzureIdentity {
 public:
  /// With `given`, that is used: a managed identity of `client` when it has no tenant. Its
  /// authority_host must be one of the clouds' own.
  AzureIdentity(std::shared_ptr<Surroundings> surroundings, SecretExchange exchange, Clock& clock,
                std::shared_ptr<const AzureCredentials> given = nullptr, std::string origin = {});
  ~AzureIdentity();
  /// For `resource`, "https://vault.azure.net". Kept until two minutes before its end. Errors:
  /// kDenied, kInvalid, kUnavailable, kCancelled.
  Result<std::shared_ptr<const crypto::SecretBytes>> token(const std::string& resource,
                                                           const CancelToken& cancel);
  void forget();
  std::vector<std::string> looked_in() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::http
