#pragma once
/// One encrypted value: `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]` (SOPS aes/cipher.go).
/// Stricter than upstream in one thing: the tag is 16 bytes and the IV 1 to 128.

#include <optional>
#include <string>
#include <string_view>

#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"

#include "tree.hpp"

namespace sluice::decrypt {

struct EncValue {
  std::string data, iv, tag;
  ItemKind kind = ItemKind::kString;  ///< of the plaintext
};

/// Whether `text` claims to be an encrypted value.
bool looks_like_enc(std::string_view text);
/// Errors: kInvalid; never quotes `text`, which may be a plaintext value that was not encrypted.
Result<EncValue> parse_enc(std::string_view text);

struct OpenedValue {
  ItemKind kind = ItemKind::kString;
  crypto::SecretBytes text;  ///< in the form that Item::text has
};

/// `path` is the additional data: keys joined and followed by ":". Errors: kInvalid; kIntegrity
/// with reason kReasonValue when it does not authenticate.
Result<OpenedValue> open_enc(std::string_view text, const crypto::SecretBytes& data_key,
                             std::string_view path);

}  // namespace sluice::decrypt
