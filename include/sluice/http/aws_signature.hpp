#pragma once
/// AWS Signature Version 4 over a request (AWS General Reference, "Create a signed AWS API
/// request"). Pure but for the time that is given.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sluice/base/clock.hpp"
#include "sluice/http/client.hpp"

namespace sluice::http {

struct AwsCredentials {
  std::string access_key_id;
  crypto::SecretBytes secret_access_key;
  std::shared_ptr<const crypto::SecretBytes> session_token;  ///< null: none
  std::optional<WallTime> expires;
};

/// Signs method, path, query, body and every header that is there, and the Host header that the URL
/// gives: adds X-Amz-Date, X-Amz-Content-Sha256, Authorization and, as the request's secret header,
/// X-Amz-Security-Token. The path and query are signed as written: give them encoded. Errors:
/// kInvalid for a URL that is none.
Result<void> sign_aws(Request& request, const AwsCredentials& credentials, std::string_view region,
                      std::string_view service, WallTime now);

}  // namespace sluice::http
