#pragma once
/// Encrypting a tree, the other half of open_tree.hpp (SOPS sops.go, Tree.Encrypt; aes/cipher.go).

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"

#include "metadata.hpp"
#include "open_tree.hpp"
#include "tree.hpp"

namespace sluice::decrypt {

/// `ENC[AES256_GCM,…]` of a plaintext in the form that Item::text has, with a fresh IV of 32 bytes.
std::string seal_enc(ItemKind kind, std::string_view text, const crypto::SecretBytes& data_key,
                     std::string_view path);

/// Ciphertext to use again for values that did not change, so that an edit touches nothing else.
/// Keyed by an HMAC under the data key: holds no plaintext.
class KnownValues {
 public:
  explicit KnownValues(crypto::SecretBytes data_key) : data_key_(std::move(data_key)) {}
  void add(ItemKind kind, std::string_view path, std::string_view plaintext,
           std::string ciphertext);
  /// In the order in which they were added: equal items of a list have ciphertexts of their own.
  /// nullptr when there is none.
  const std::vector<std::string>* find(ItemKind kind, std::string_view path,
                                       std::string_view plaintext) const;

 private:
  using Key = std::array<std::byte, 32>;
  Key key_of(ItemKind kind, std::string_view path, std::string_view plaintext) const;
  crypto::SecretBytes data_key_;
  std::map<Key, std::vector<std::string>> values_;
};

/// Decrypts `file` as open_tree() does and notes what each value was. `known` may be null.
Result<void> open_tree_knowing(SopsFile& file, const crypto::SecretBytes& data_key, bool ignore_mac,
                               KnownValues* known);

/// What becomes of encrypted comments inside of lists.
enum class ListComments {
  kItems,  ///< items of the list, as upstream prints them
  kStay,   ///< comments, for files whose text is kept
};

/// Encrypts every selected value and gives the MAC, still in plaintext. Afterwards the tree holds
/// no plaintext of selected values. `known` may be null. Errors: kInvalid with kReasonEncrypt.
Result<crypto::SecretBytes> encrypt_tree(Tree& tree, const Metadata& metadata,
                                         const crypto::SecretBytes& data_key,
                                         ListComments list_comments, const KnownValues* known);

/// Sets last_modified and the MAC's ciphertext.
void seal_mac(Metadata& metadata, const crypto::SecretBytes& mac,
              const crypto::SecretBytes& data_key, std::string now);

}  // namespace sluice::decrypt
