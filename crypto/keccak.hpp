#pragma once
/// SHA-3 and SHAKE of one message in parts (FIPS 202), into memory of the caller.

#include <initializer_list>
#include <span>

#include "sluice/crypto/aead.hpp"

namespace sluice::crypto {

enum class Keccak : std::uint8_t { kSha3_256, kSha3_512, kShake128, kShake256 };

/// Hashes the concatenation of `parts` and fills `out`: 32 or 64 bytes for SHA-3, any number for
/// SHAKE.
void keccak(Keccak algorithm, std::initializer_list<Bytes> parts, std::span<std::byte> out);

}  // namespace sluice::crypto
