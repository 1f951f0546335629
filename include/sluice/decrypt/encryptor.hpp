#pragma once
/// Writing SOPS files: encrypt, change keys, change values. What is written here, `sops -d` (3.13)
/// reads. Text that need not change stays as it was, byte for byte: comments, order, quotes,
/// indentation; where a text cannot hold ciphertext in its layout (aliases, flow collections at the
/// top), the file is printed anew, as SOPS prints it. Whatever is written was read back and its MAC
/// verified before it is given out.
///
/// Data keys and IVs come from OpenSSL's generator. Plaintext that a reader has to parse lies in
/// ordinary memory while it is parsed; it is wiped when its ciphertext replaces it, and commands
/// call crypto::harden_heap() first.

#include <functional>
#include <string>
#include <string_view>

#include "sluice/base/cancel.hpp"
#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"
#include "sluice/decrypt/decryptor.hpp"
#include "sluice/decrypt/sops_config.hpp"

namespace sluice::decrypt {

/// Error::reason() of failures to write; sops_exit_code() knows them.
inline constexpr std::string_view kReasonInput = "not readable as its type";  // 2
inline constexpr std::string_view kReasonRules = "contradicting rules";       // 8
inline constexpr std::string_view kReasonEncrypt = "cannot encrypt";          // 23
inline constexpr std::string_view kReasonEmpty = "empty file";                // 92
inline constexpr std::string_view kReasonEncrypted = "encrypted already";     // 203

struct EncryptFileOptions {
  Format input, output;
  int yaml_indent = 0;
  int json_indent = -1;
  EncryptSettings settings = {};
  std::string now = {};  ///< RFC 3339, UTC: lastmodified and created_at
};
/// `sops encrypt`. Errors: as above; those of KeyService::wrap with the key named. Messages name
/// `path` and never quote a value.
Result<std::string> encrypt_file(const crypto::SecretBytes& plaintext, const std::string& path,
                                 const EncryptFileOptions& options, const KeyServices& services,
                                 const CancelToken& cancel);

}  // namespace sluice::decrypt
