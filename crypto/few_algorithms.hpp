#pragma once
/// The algorithms that opening a file takes, without the rest of OpenSSL's default provider.
///
/// The first fetch of any algorithm makes a table of all of its kind: 130 ciphers, each with its
/// names, for the sake of two. That was a fifth of `sluice decrypt`. This library context has a
/// provider that names only what crypto fetches; the implementations are the default provider's
/// own. What is not listed (RSA, signatures, scrypt, random bytes) comes from the default context.

#include <openssl/types.h>

namespace sluice::crypto {

/// SHA1, SHA2-256, SHA2-512, AES-256-GCM, ChaCha20-Poly1305 and X25519. Made at the first call and
/// never freed. nullptr, which is OpenSSL's default context with everything, when it cannot be
/// made. Thread-safe.
OSSL_LIB_CTX* few_algorithms();

}  // namespace sluice::crypto
