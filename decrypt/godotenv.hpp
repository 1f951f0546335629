#pragma once
/// Env files as KSOPS reads them: joho/godotenv 1.5.1, with quotes, escapes, `export`, `$NAME`
/// expansion and trailing comments. Not what kustomize's own generators do (generators/generate).
/// Messages never hold a value.

#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"
#include "sluice/decrypt/sops_file.hpp"

namespace sluice::decrypt {

struct GodotenvEntry {
  std::string key;
  crypto::SecretBytes value;
};

/// In order of first appearance; of a repeated key the last value counts. Errors: kInvalid
/// `unexpected character "x" in variable name`, `unterminated quoted value of "KEY"`; kUnsupported
/// when variables expand to more than 16 MiB.
Result<std::vector<GodotenvEntry>> read_godotenv(std::string_view text);

/// The names in an encrypted file, read while its values are ciphertext. Errors: as
/// read_sops_file().
Result<std::vector<std::string>> godotenv_names(std::string_view encrypted, Format format);

/// The variables of the plaintext of `encrypted`. Errors: kInvalid when it does not have the names
/// that godotenv_names() gave.
Result<std::vector<GodotenvEntry>> godotenv_values(std::string_view encrypted, Format format,
                                                   const crypto::SecretBytes& plaintext);

}  // namespace sluice::decrypt
