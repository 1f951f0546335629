#pragma once
/// Writing age files (age-encryption.org/v1): X25519 recipients, header, STREAM payload, armor. The
/// stanzas of hybrid and SSH recipients are made in age_hybrid and age_ssh.

#include <span>
#include <string>
#include <string_view>

#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"

#include "age_file.hpp"

namespace sluice::decrypt {

/// An X25519 recipient of a file, from its text: `age1…`.
using AgePoint = std::array<std::byte, 32>;
/// Errors: kInvalid (no recipient), kUnsupported (a kind that cannot be written), never quoting a
/// text that looks like an identity.
Result<AgePoint> parse_age_recipient(std::string_view text);

/// Whether something could be encrypted for it: X25519, hybrid, SSH, or a plugin's, which is not
/// asked. Errors: kInvalid.
Result<void> check_age_recipient(std::string_view text);

/// The stanza that gives `file_key` to the X25519 key `recipient`. Errors: kInvalid for a point of
/// low order.
Result<AgeStanza> wrap_x25519(const crypto::SecretBytes& file_key, const AgePoint& recipient);

/// The stanza for any recipient: `age1…`, `age1pq1…`, `ssh-ed25519 …`, `ssh-rsa …`. Errors:
/// kInvalid, kUnsupported (plugins).
Result<AgeStanza> wrap_file_key(const crypto::SecretBytes& file_key, std::string_view recipient);

/// A binary age file of `plaintext` with `stanzas`, which all wrap `file_key` (16 bytes).
std::string seal_age(const crypto::SecretBytes& plaintext, std::span<const AgeStanza> stanzas,
                     const crypto::SecretBytes& file_key);
/// `-----BEGIN AGE ENCRYPTED FILE-----` around `file`, ending in a line break.
std::string encode_age_armor(std::string_view file);

/// The armored file that SOPS keeps in `enc`.
Result<std::string> encrypt_age(const crypto::SecretBytes& plaintext, std::string_view recipient);

}  // namespace sluice::decrypt
