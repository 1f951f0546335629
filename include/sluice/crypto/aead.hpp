#pragma once
/// Opening and sealing authenticated ciphertext, and the keyed hash and key derivation around it.
/// Everything secret that comes out is SecretBytes; nothing unauthenticated ever comes out. Thin
/// over OpenSSL; knows no file format. Thread-safe.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sluice/crypto/secret.hpp"

namespace sluice::crypto {

using Bytes = std::span<const std::byte>;

inline Bytes as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

inline constexpr std::size_t kAeadTagSize = 16;

/// AES-256-GCM (NIST SP 800-38D). `key` is 32 bytes, `tag` 16, `iv` 1..128: other lengths than 12
/// are hashed into the counter, and SOPS uses 32. nullopt when the tag does not fit or a length is
/// wrong.
std::optional<SecretBytes> aes256_gcm_open(Bytes key, Bytes iv, Bytes aad, Bytes ciphertext,
                                           Bytes tag);

/// The same the other way: ciphertext of plaintext's size, then the 16-byte tag. The caller never
/// uses an IV twice with one key (see random_bytes). Throws on lengths that are wrong: our bug.
std::string aes256_gcm_seal(Bytes key, Bytes iv, Bytes aad, Bytes plaintext);

/// ChaCha20-Poly1305 (RFC 8439) without associated data. `key` is 32 bytes, `nonce` 12, `sealed`
/// the ciphertext followed by its 16-byte tag. The plaintext is written to `out`, which must have
/// room for sealed.size() - 16 bytes; false, and `out` zeroized, when the tag does not fit.
bool chacha20_poly1305_open(Bytes key, Bytes nonce, Bytes sealed, std::span<std::byte> out);

/// Ciphertext and its 16-byte tag. The caller never uses a nonce twice with one key.
std::string chacha20_poly1305_seal(Bytes key, Bytes nonce, Bytes plaintext);

/// Bytes from OpenSSL's generator (RAND_priv_bytes) that nobody can guess: keys, or IVs and nonces.
/// Throws when there is no entropy: going on would be worse.
SecretBytes random_bytes(std::size_t size);

/// HMAC-SHA-256 (RFC 2104).
std::array<std::byte, 32> hmac_sha256(Bytes key, Bytes message);

/// HKDF-SHA-256 (RFC 5869), 32 bytes of output.
SecretBytes hkdf_sha256(Bytes secret, Bytes salt, std::string_view info);

/// X25519 (RFC 7748). nullopt when the shared secret is all zeros (a low-order point) or a length
/// is not 32. `own_point`: the public key of `scalar`, when it is known; computing it takes as long
/// as the agreement.
std::optional<SecretBytes> x25519(Bytes scalar, Bytes point, Bytes own_point = {});
/// The public key of `scalar`, 32 bytes.
std::optional<std::array<std::byte, 32>> x25519_public(Bytes scalar);

/// scrypt (RFC 7914) with r = 8, p = 1 and N = 2^log_n, 32 bytes of output: age's passphrase keys.
/// Needs 2^log_n KiB of memory; log_n 1..22. nullopt otherwise.
std::optional<SecretBytes> scrypt(Bytes passphrase, Bytes salt, unsigned log_n);

}  // namespace sluice::crypto
