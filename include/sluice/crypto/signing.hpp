#pragma once
/// RSA signatures of tokens (RFC 7518: RS256, PS256), and where their keys are: PEM and PKCS#12.
/// Thin over OpenSSL; keys stay in secret memory between calls. Thread-safe.

#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"

namespace sluice::crypto {

enum class RsaSignature : std::uint8_t { kPkcs1, kPss };  ///< with SHA-256, the salt as long

/// A private key as PKCS#8 DER, and its certificate with those above it as DER, its own first.
struct CertifiedKey {
  SecretBytes key;
  std::vector<std::string> certificates;
};

/// The first private key in `pem`. Errors: kInvalid, never quoting.
Result<SecretBytes> read_private_key(const SecretBytes& pem);
/// PEM (the key may need `password`) or PKCS#12. Errors: kInvalid; kDenied for a wrong password.
Result<CertifiedKey> read_certified_key(const SecretBytes& bytes, const SecretBytes& password);

/// Signs with a key that the above gave. Errors: kInvalid (no RSA key of 2048 to 16384 bits).
Result<std::string> sign_rsa_sha256(const SecretBytes& key, RsaSignature scheme,
                                    std::string_view message);

}  // namespace sluice::crypto
