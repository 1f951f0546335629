#pragma once
/// An encrypted file that is opened to be written again.

#include <memory>
#include <string_view>

#include "sluice/decrypt/encryptor.hpp"

#include "encrypt_tree.hpp"
#include "metadata.hpp"
#include "tree.hpp"

namespace sluice::decrypt {

struct OpenedFile {
  Tree before;  ///< ciphertext, with its places in the text
  Tree opened;  ///< the same in plaintext
  Metadata metadata;
  crypto::SecretBytes data_key;
  std::unique_ptr<KnownValues> known;
};
/// Errors: as decrypt_file().
Result<OpenedFile> open_to_rewrite(std::string_view bytes, const std::string& path,
                                   const RewriteOptions& options, const KeyServices& services,
                                   const CancelToken& cancel);

/// Comments that stood as items of a list stand so again.
void restore_kinds(const Item& before, Item& encrypted);

}  // namespace sluice::decrypt
