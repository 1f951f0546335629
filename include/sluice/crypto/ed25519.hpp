#pragma once
/// What age needs of Ed25519 keys: the X25519 key that is the same point.

#include <array>
#include <optional>

#include "sluice/crypto/aead.hpp"

namespace sluice::crypto {

/// The Montgomery form, u = (1 + y) / (1 - y), of an Ed25519 public key (32 bytes), which is not
/// secret. nullopt for a wrong size or y = 1, which has none. Whether the point is on the curve is
/// not looked at: X25519 takes any u.
std::optional<std::array<std::byte, 32>> x25519_from_ed25519(Bytes public_key);

}  // namespace sluice::crypto
