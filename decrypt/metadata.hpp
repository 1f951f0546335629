#pragma once
/// The `sops` block of an encrypted file (SOPS stores/stores.go). Keyless.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sluice/base/result.hpp"
#include "sluice/decrypt/decryptor.hpp"

#include "tree.hpp"

namespace sluice::decrypt {

/// Which values are encrypted. At most one rule is in a file; without one it is kUnencryptedSuffix
/// with "_unencrypted".
struct Rule {
  enum class Kind : std::uint8_t {
    kUnencryptedSuffix,
    kEncryptedSuffix,
    kUnencryptedRegex,
    kEncryptedRegex,
    kUnencryptedCommentRegex,
    kEncryptedCommentRegex,
  };
  Kind kind = Kind::kUnencryptedSuffix;
  std::string pattern = "_unencrypted";
  bool is_stated = false;  ///< in the file; else the default
  bool by_comments() const {
    return kind == Kind::kUnencryptedCommentRegex || kind == Kind::kEncryptedCommentRegex;
  }
  /// As in the file: "encrypted_regex".
  std::string name() const;
};

struct Metadata {
  std::string last_modified;  ///< RFC 3339 as Go prints it again: what the MAC is bound to
  std::string mac;            ///< ciphertext; "" when missing
  Rule rule;
  bool mac_only_encrypted = false;
  std::int64_t shamir_threshold = 0;
  std::vector<std::vector<MasterKey>> groups;  ///< never empty
  std::string version;
};

/// Takes the metadata out of `tree`: the top-level `sops` of every document, or dotenv's `sops_`
/// and ini's [sops] entries. nullopt when there is none. Errors: kInvalid.
Result<std::optional<Metadata>> extract_metadata(Tree& tree, Format format);

/// The same for a mapping that was taken out already.
Result<Metadata> parse_metadata(const Item& block);

/// `text` as Go's time.Format(RFC3339) prints what time.Parse(RFC3339) reads: no fraction, "Z" for
/// an offset of zero. nullopt when it is no such time.
std::optional<std::string> normal_rfc3339(std::string_view text);
/// The same question without an answer; copies nothing.
bool is_rfc3339(std::string_view text);

}  // namespace sluice::decrypt
