#pragma once
/// X-Wing (draft-connolly-cfrg-xwing-kem): ML-KEM-768 and X25519 in one, safe while either is.
/// Thread-safe.

#include <cstddef>
#include <optional>
#include <string>

#include "sluice/crypto/aead.hpp"
#include "sluice/crypto/ml_kem.hpp"
#include "sluice/crypto/secret.hpp"

namespace sluice::crypto {

inline constexpr std::size_t kXWingSeed = 32;
inline constexpr std::size_t kXWingPublic = kMlKem768Public + 32;
inline constexpr std::size_t kXWingCiphertext = kMlKem768Ciphertext + 32;

/// nullopt when a size is wrong.
std::optional<std::string> x_wing_public(Bytes seed);
/// The shared secret, 32 bytes. nullopt when a size is wrong or the X25519 share has low order.
std::optional<SecretBytes> x_wing_decapsulate(Bytes seed, Bytes ciphertext);
/// With fresh randomness. nullopt when `public_key` is no key.
std::optional<Encapsulated> x_wing_encapsulate(Bytes public_key);

}  // namespace sluice::crypto
