#pragma once
/// What the sources of bearer tokens share: base64url, signed assertions, and reading OAuth
/// answers.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sluice/base/clock.hpp"
#include "sluice/crypto/signing.hpp"
#include "sluice/http/client.hpp"

namespace sluice::http {

std::string base64url(std::string_view bytes);

/// "HEADER.PAYLOAD.SIGNATURE" of two JSON texts.
Result<crypto::SecretBytes> sign_jwt(std::string_view header, std::string_view payload,
                                     const crypto::SecretBytes& key, crypto::RsaSignature scheme);

struct Bearer {
  std::shared_ptr<const crypto::SecretBytes> token;
  std::optional<WallTime> expires;
  bool fresh(const Clock& clock) const {
    return token && (!expires || *expires - std::chrono::minutes(2) > clock.wall());
  }
};

/// {"access_token": "…", "expires_in": 3600} of RFC 6749; `what` starts every message. An error
/// answer gives its error and error_description. Errors: kDenied, kUnavailable, kInvalid.
Result<Bearer> read_bearer(const Response& answer, const std::string& what, WallTime now);

crypto::SecretBytes without_blanks_around(const crypto::SecretBytes& bytes);

}  // namespace sluice::http
