#pragma once
/// Bech32 (BIP 173) as age uses it: any human-readable part, no limit of 90 characters, upper or
/// lower case but not mixed. Decodes straight into secret memory, since identities come this way.

#include <optional>
#include <string>
#include <string_view>

#include "sluice/crypto/secret.hpp"

namespace sluice::decrypt {

struct Bech32 {
  std::string prefix;  ///< lower case
  crypto::SecretBytes data;
};

/// nullopt when `text` is not Bech32 or its checksum is wrong.
std::optional<Bech32> decode_bech32(std::string_view text);
/// `prefix` in lower case; gives lower case.
std::string encode_bech32(std::string_view prefix, std::span<const std::byte> data);

}  // namespace sluice::decrypt
