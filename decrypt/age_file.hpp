#pragma once
/// The age file format, version 1 (age-encryption.org/v1): armor, header, X25519 stanzas and the
/// STREAM payload, as strict as the C2SP test vectors ask. Decrypts whole files in memory; gives
/// out nothing of a payload unless all of it authenticates.

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"

namespace sluice::decrypt {

/// Longest header that is read; real ones have some 200 bytes a recipient.
inline constexpr std::size_t kMaxAgeHeaderBytes = std::size_t{256} << 10;

struct AgeStanza {
  std::string type;
  std::vector<std::string> args;  ///< without the type
  std::string body;               ///< decoded
};

struct AgeHeader {
  std::vector<AgeStanza> stanzas;
  std::size_t mac_input = 0;  ///< bytes of the file that the MAC covers
  std::array<std::byte, 32> mac{};
  std::size_t size = 0;  ///< bytes of the file before the payload
};

/// Errors: kInvalid, naming the line.
Result<AgeHeader> parse_age_header(std::string_view file);

/// The bytes inside `-----BEGIN AGE ENCRYPTED FILE-----`. Errors: kInvalid.
Result<std::string> decode_age_armor(std::string_view text);

struct X25519Identity {
  crypto::SecretBytes scalar;
  std::array<std::byte, 32> point{};  ///< its public key
};

/// `file` is binary (not armored). Errors: kNotFound (no stanza is for one of `identities`),
/// kInvalid (header), kIntegrity (header MAC or payload).
Result<crypto::SecretBytes> decrypt_age(std::string_view file,
                                        std::span<const X25519Identity> identities);

}  // namespace sluice::decrypt
