#pragma once
/// What the MAC of a SOPS file is computed over (sops.go, Tree.Encrypt and Tree.Decrypt).

#include <string_view>

#include "sluice/crypto/hash.hpp"
#include "sluice/crypto/secret.hpp"

#include "tree.hpp"

namespace sluice::decrypt {

class MacInput {
 public:
  /// A MAC over encrypted values only starts differently, so that it is never one over all values.
  explicit MacInput(bool only_encrypted);
  /// The next value, in the form that Item::text has. Never a comment.
  void add(ItemKind kind, std::string_view text);
  /// 128 upper-case hexadecimal digits. Ends it.
  crypto::SecretBytes finish();

 private:
  crypto::Hash hash_{crypto::HashAlgorithm::kSha512};
};

}  // namespace sluice::decrypt
