#pragma once
/// age's hybrid recipients, mlkem768x25519: the file key sealed with HPKE (RFC 9180, base mode,
/// X-Wing, HKDF-SHA256, ChaCha20-Poly1305).

#include <memory>

#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"

#include "age_file.hpp"

namespace sluice::decrypt {

/// `seed` is what AGE-SECRET-KEY-PQ-1… holds, 32 bytes; null when it is something else.
std::shared_ptr<const AgeIdentity> make_hybrid_identity(crypto::SecretBytes seed);

/// The stanza that gives `file_key` to `recipient`, what age1pq1… holds. Errors: kInvalid.
Result<AgeStanza> wrap_hybrid(const crypto::SecretBytes& file_key, std::string_view recipient);

}  // namespace sluice::decrypt
