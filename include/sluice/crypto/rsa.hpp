#pragma once
/// RSA private keys that open what was encrypted to them with OAEP. Thin over OpenSSL; knows no
/// file format beyond PEM. Thread-safe after construction.

#include <memory>
#include <optional>
#include <string>

#include "sluice/base/result.hpp"
#include "sluice/crypto/aead.hpp"
#include "sluice/crypto/secret.hpp"

namespace sluice::crypto {

class RsaPrivateKey {
 public:
  /// The first private key in `pem`: PKCS#1 or PKCS#8, without a passphrase, 1024 to 16384 bits.
  /// Errors: kInvalid (no such block, not RSA, too small or large), never quoting the text.
  static Result<RsaPrivateKey> from_pem(const SecretBytes& pem);
  /// From its numbers, big-endian, as an OpenSSH key has them. Errors: kInvalid.
  struct Numbers {
    Bytes n, e, d, p, q, inverse_q;
  };
  static Result<RsaPrivateKey> from_numbers(const Numbers& numbers);
  RsaPrivateKey(RsaPrivateKey&&) noexcept;
  RsaPrivateKey& operator=(RsaPrivateKey&&) noexcept;
  ~RsaPrivateKey();

  /// RSA-OAEP (RFC 8017) with SHA-256 for hash and MGF1. nullopt when it does not open: another
  /// key, another label, changed bytes; nothing tells which.
  std::optional<SecretBytes> open_oaep_sha256(Bytes ciphertext, Bytes label) const;
  int bits() const;
  /// Big-endian, without leading zeros.
  std::string modulus() const;
  std::string exponent() const;

 private:
  struct State;
  explicit RsaPrivateKey(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// The other direction, for the public key of these numbers. nullopt when they are no key, or the
/// plaintext is too long for it.
std::optional<std::string> rsa_seal_oaep_sha256(Bytes modulus, Bytes exponent, Bytes plaintext,
                                                Bytes label);

}  // namespace sluice::crypto
