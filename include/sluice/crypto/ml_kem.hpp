#pragma once
/// ML-KEM-768 (FIPS 203): the post-quantum half of age's hybrid recipients. Uses OpenSSL's (3.5 and
/// later) where the library that is loaded has it, an implementation of our own otherwise; both
/// give the same bytes. Takes no branch and no memory address from a secret. Thread-safe.

#include <cstddef>
#include <optional>
#include <string>

#include "sluice/crypto/aead.hpp"
#include "sluice/crypto/secret.hpp"

namespace sluice::crypto {

inline constexpr std::size_t kMlKem768Seed = 64;  ///< FIPS 203's d, then z
inline constexpr std::size_t kMlKem768Public = 1184;
inline constexpr std::size_t kMlKem768Ciphertext = 1088;

/// The encapsulation key of `seed` (64 bytes; throws on another size, which is our bug).
std::string ml_kem_768_public(Bytes seed);

/// The shared secret, 32 bytes. A ciphertext that was not made for the key gives a secret that
/// nobody knows, as the standard asks. nullopt when a size is wrong.
std::optional<SecretBytes> ml_kem_768_decapsulate(Bytes seed, Bytes ciphertext);

struct Encapsulated {
  SecretBytes shared;
  std::string ciphertext;
};
/// `randomness` is 32 bytes. nullopt when a size is wrong, or `public_key` is not in the form that
/// the standard checks (numbers below 3329).
std::optional<Encapsulated> ml_kem_768_encapsulate(Bytes public_key, Bytes randomness);

/// Whether the loaded OpenSSL has ML-KEM; for tests.
bool openssl_has_ml_kem();
/// Our own, whatever OpenSSL has; for tests.
std::optional<SecretBytes> ml_kem_768_decapsulate_here(Bytes seed, Bytes ciphertext);

}  // namespace sluice::crypto
