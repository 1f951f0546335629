#pragma once
/// Key services that are reached over the network: HashiCorp Vault and OpenBao, AWS KMS, GCP KMS,
/// Azure Key Vault, Huawei KMS. Requests, credentials and their order follow SOPS 3.13 and the SDKs
/// it uses; nothing is read, made or contacted before the first key of the type is met.
///
/// A file in Git names the server (vault_address, vault_url, the ARN's region). It does not decide
/// who gets credentials: a server gets them only when it is one of the cloud's own, or when
/// `TrustedHosts` has it. Redirects are never followed. Programs are never started
/// (credential_process, az, executable sources are refused by name).
///
/// For one key and ciphertext one call is under way at a time, and its answer is remembered in
/// locked memory for `RemoteKeyOptions::remember`, for these credentials only. All are thread-safe.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/cancel.hpp"
#include "sluice/base/clock.hpp"
#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"
#include "sluice/decrypt/decryptor.hpp"
#include "sluice/http/aws_signature.hpp"
#include "sluice/http/azure_identity.hpp"
#include "sluice/http/client.hpp"
#include "sluice/http/retry.hpp"
#include "sluice/http/surroundings.hpp"

namespace sluice::decrypt {

/// Servers that may get credentials although a file named them: SOPS_HC_VAULT_ALLOWLIST's form.
class TrustedHosts {
 public:
  TrustedHosts() = default;  ///< none
  /// "all", "none", or URLs separated by commas or white space; each allows what is below it.
  /// Errors: kInvalid naming the entry.
  static Result<TrustedHosts> parse(std::string_view text);
  void add(const TrustedHosts& others);
  bool allows(std::string_view address) const;

 private:
  bool all_ = false;
  std::vector<std::string> prefixes_;  // "https://host:port/path/"
};

struct RemoteKeyOptions {
  std::shared_ptr<http::Surroundings> surroundings;
  std::function<http::Client&()> client;  ///< asked at the first call, again at each
  Clock* clock = nullptr;
  TrustedHosts trusted;
  /// The proxy for a URL, "" for none; empty: never one. Not asked for loopback, link-local and
  /// metadata servers, which a proxy would take for its own.
  std::function<std::string(const std::string& url)> proxy = {};
  unsigned concurrent = 16;            ///< calls under way, of all services of the context
  std::chrono::seconds remember{600};  ///< an unwrapped key; 0: never
  std::size_t remember_at_most = 20'000;
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds timeout{15'000};  ///< of one attempt
  http::RetryPolicy retry;
};

/// What the services of a process share: options and the bound on calls under way.
class RemoteContext;
std::shared_ptr<RemoteContext> make_remote_context(RemoteKeyOptions options);
/// Another context for somebody else's credentials: `replace` is given the surroundings of
/// `context` and gives those of the new one.
std::shared_ptr<RemoteContext> with_surroundings(
    const std::shared_ptr<RemoteContext>& context,
    const std::function<std::shared_ptr<http::Surroundings>(std::shared_ptr<http::Surroundings>)>&
        replace);

// --- HashiCorp Vault, OpenBao: the transit engine

/// For `POST ADDRESS/v1/PATH` of an auth method that takes a JWT (kubernetes, jwt).
struct VaultLogin {
  std::string path;  ///< "auth/kubernetes/login"
  std::string role;
  crypto::SecretBytes jwt;
};
struct VaultCredentials {
  /// Given: this token. Else VAULT_TOKEN, then ~/.vault-token, then `login`.
  std::shared_ptr<const crypto::SecretBytes> token;
  std::string origin;    ///< of the token, for messages
  TrustedHosts trusted;  ///< by whoever gave the token, beside the context's
  /// How to log in to a server; nullopt when it is not for us to. An address it knows is trusted.
  std::function<Result<std::optional<VaultLogin>>(const std::string& address, const CancelToken&)>
      login;
};
/// Type "hc_vault". An address is trusted when `TrustedHosts` or `login` has it, or when it is that
/// of VAULT_ADDR; with VAULT_AGENT_ADDR that agent is asked instead. Also VAULT_NAMESPACE,
/// VAULT_CACERT, VAULT_CLIENT_CERT, VAULT_CLIENT_KEY, VAULT_TLS_SERVER_NAME, VAULT_SKIP_VERIFY.
std::shared_ptr<KeyService> make_vault_key_service(std::shared_ptr<RemoteContext> context,
                                                   VaultCredentials credentials = {});

// --- AWS KMS

struct AwsKeyCredentials {
  std::shared_ptr<const http::AwsCredentials> given;  ///< null: found as the SDK finds them
  std::string origin;                                 ///< of `given`, for messages
  bool use_profile_of_file = true;                    ///< aws_profile; Flux leaves it out
};
/// Type "kms". The server follows from the ARN's region alone, unless the operator set another
/// (AWS_ENDPOINT_URL_KMS …). With `role` in the file, that role is assumed through STS.
/// Credentials: http/aws_credentials.hpp.
std::shared_ptr<KeyService> make_aws_key_service(std::shared_ptr<RemoteContext> context,
                                                 AwsKeyCredentials credentials = {});

// --- GCP KMS

struct GcpKeyCredentials {
  /// The text of a credentials file; null: found as Google's libraries find them.
  std::shared_ptr<const crypto::SecretBytes> given;
  std::string origin;
};
/// Type "gcp_kms". The server is Google's, or the operator's SOPS_GCP_KMS_ENDPOINT or
/// SOPS_GCP_KMS_UNIVERSE_DOMAIN. Credentials: http/gcp_identity.hpp.
std::shared_ptr<KeyService> make_gcp_key_service(std::shared_ptr<RemoteContext> context,
                                                 GcpKeyCredentials credentials = {});

// --- Azure Key Vault

struct AzureKeyCredentials {
  std::shared_ptr<const http::AzureCredentials> given;  ///< null: found as azidentity does
  std::string origin;
};
/// Type "azure_kv". A vault_url is trusted under the domains of Azure's clouds, where the token is
/// for that domain, or when `TrustedHosts` has it: then for the resource of its challenge, if the
/// vault belongs to it. Credentials: http/azure_identity.hpp.
std::shared_ptr<KeyService> make_azure_key_service(std::shared_ptr<RemoteContext> context,
                                                   AzureKeyCredentials credentials = {});

// --- Huawei Cloud KMS

/// Type "hckms". Credentials: HUAWEICLOUD_SDK_AK, HUAWEICLOUD_SDK_SK, HUAWEICLOUD_SDK_PROJECT_ID,
/// HUAWEICLOUD_SDK_SECURITY_TOKEN. The region of the key id is held to its alphabet.
std::shared_ptr<KeyService> make_huawei_key_service(std::shared_ptr<RemoteContext> context);

}  // namespace sluice::decrypt
