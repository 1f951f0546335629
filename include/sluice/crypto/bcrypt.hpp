#pragma once
/// What OpenSSH protects private keys with: bcrypt_pbkdf and AES-256 in counter mode. Neither
/// authenticates; the caller checks what comes out. Thread-safe.

#include <cstdint>

#include "sluice/crypto/aead.hpp"
#include "sluice/crypto/secret.hpp"

namespace sluice::crypto {

/// OpenBSD's bcrypt_pbkdf: `size` bytes (at most 1024) from a passphrase. Slow on purpose, some
/// milliseconds for each of `rounds`. `salt` has at most 1 MiB.
SecretBytes bcrypt_pbkdf(Bytes passphrase, Bytes salt, std::uint32_t rounds, std::size_t size);

/// `key` is 32 bytes, `counter` 16; the same way for both directions.
SecretBytes aes256_ctr(Bytes key, Bytes counter, Bytes input);

}  // namespace sluice::crypto
