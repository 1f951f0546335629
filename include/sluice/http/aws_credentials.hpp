#pragma once
/// Credentials for AWS as its SDKs find them: environment, web identity, shared configuration,
/// container, instance metadata (IMDSv2 only), and roles assumed through STS.
///
/// Follows aws-sdk-go-v2 config/resolve_credentials.go and shared_config.go. Never starts a program
/// (credential_process), never opens a browser (SSO), never asks for a code (mfa_serial): profiles
/// that need these are refused by name. Never contacts the metadata service with
/// AWS_EC2_METADATA_DISABLED=true. Thread-safe.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sluice/base/cancel.hpp"
#include "sluice/http/aws_signature.hpp"
#include "sluice/http/surroundings.hpp"

namespace sluice::http {

/// How requests for credentials are sent: with the caller's limits. The answer's body is secret;
/// redirects are errors.
struct SecretExchange {
  using Send = std::function<Result<Response>(Request, const CancelToken&)>;
  Send retried;
  Send once;  ///< for what is either there at once or not at all: metadata services
};

class AwsIdentity {
 public:
  /// `given` instead of looking anywhere; `origin` says where it is from.
  AwsIdentity(std::shared_ptr<Surroundings> surroundings, SecretExchange exchange, Clock& clock,
              std::shared_ptr<const AwsCredentials> given = nullptr, std::string origin = {});
  ~AwsIdentity();

  /// Of `profile` ("": AWS_PROFILE, then "default"), kept until five minutes before their end.
  /// `role` is assumed with them when it is not "". Errors: kDenied (none found, refused by STS),
  /// kUnsupported, kInvalid (configuration), kUnavailable, kCancelled.
  Result<std::shared_ptr<const AwsCredentials>> credentials(const std::string& profile,
                                                            const std::string& region,
                                                            const std::string& role,
                                                            const CancelToken& cancel);
  /// What was given out last for these is refused: look again next time.
  void forget(const std::string& profile, const std::string& region, const std::string& role);

  /// Where a service ("kms", "sts") is: AWS_ENDPOINT_URL_KMS, AWS_ENDPOINT_URL, endpoint_url of the
  /// profile, or the region's own host, by partition. Ends with '/'. Errors: kInvalid for a region
  /// that is none.
  Result<std::string> endpoint(const std::string& service, const std::string& region,
                               const std::string& profile);
  /// AWS_CA_BUNDLE; null when it is not set.
  Result<std::shared_ptr<const Tls>> tls();
  std::vector<std::string> looked_in() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// "[a-z0-9-]+": what may become a part of a host's name.
bool is_aws_region(std::string_view text);

}  // namespace sluice::http
