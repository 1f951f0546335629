#pragma once
/// Bearer tokens for Google Cloud, as its libraries find them (Application Default Credentials),
/// and as sops adds to them: GOOGLE_CREDENTIALS, GOOGLE_OAUTH_ACCESS_TOKEN, then
/// GOOGLE_APPLICATION_CREDENTIALS, gcloud's file, the metadata server.
///
/// Kinds of files: service_account, authorized_user, external_account (workload identity federation
/// with a file or URL source), impersonated_service_account. Executable and AWS sources are refused
/// by name. Thread-safe.

#include <memory>
#include <string>
#include <vector>

#include "sluice/base/cancel.hpp"
#include "sluice/base/clock.hpp"
#include "sluice/http/aws_credentials.hpp"
#include "sluice/http/surroundings.hpp"

namespace sluice::http {

class GcpIdentity {
 public:
  /// `given` instead of looking anywhere: the text of a credentials file that somebody else than
  /// the operator wrote. It may name no server but Google's and no file, so external_account is
  /// refused.
  GcpIdentity(std::shared_ptr<Surroundings> surroundings, SecretExchange exchange, Clock& clock,
              std::shared_ptr<const crypto::SecretBytes> given = nullptr, std::string origin = {});
  ~GcpIdentity();
  /// Kept until two minutes before its end. Errors: kDenied, kInvalid, kUnsupported, kUnavailable,
  /// kCancelled.
  Result<std::shared_ptr<const crypto::SecretBytes>> token(const CancelToken& cancel);
  void forget();
  std::vector<std::string> looked_in() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::http
