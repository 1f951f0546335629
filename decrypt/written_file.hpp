#pragma once
/// From a tree in plaintext to the text of an encrypted file: printed anew as SOPS prints, or with
/// the layout that a text has. Both read back what they made, and give nothing out unless it opens
/// with the data key and says what it should.

#include <optional>
#include <string>

#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"
#include "sluice/decrypt/encryptor.hpp"

#include "encrypt_tree.hpp"
#include "metadata.hpp"
#include "tree.hpp"

namespace sluice::decrypt {

/// The tree of a file that is not encrypted; a binary one is a string "data".
Result<Tree> read_plain_tree(const crypto::SecretBytes& text, Format format);

/// Encrypts `tree` and prints it with its metadata, whose MAC and lastmodified are set. Errors:
/// those of encrypt_tree() and print_tree() (kReasonPrint); kUnsupported with kReasonEncrypt when
/// the result could not be decrypted, which SOPS would write all the same.
Result<std::string> print_encrypted(Tree tree, Metadata metadata, Format format,
                                    const PrintOptions& style, const crypto::SecretBytes& data_key,
                                    const KnownValues* known, const std::string& now);

/// The same with the layout of `plaintext`, whose tree is `tree`. nullopt when that cannot be:
/// print it anew then.
Result<std::optional<std::string>> encrypt_in_place(
    const crypto::SecretBytes& plaintext, const Tree& tree, Metadata metadata, Format format,
    const crypto::SecretBytes& data_key, const KnownValues* known, const std::string& now,
    const PrintOptions& style);

/// A deep copy, secrets included.
Tree clone_tree(const Tree& tree);

/// Whether both hold the same: kinds, keys, values and comments in order. Where a comment stands on
/// a line does not count.
bool same_tree(const Tree& a, const Tree& b);

/// The first of `a`, what was printed in `format`, that is something else in `b`, what was read of
/// it: a key or a value, comments aside. nullptr when nothing is.
const Item* first_difference(const Tree& a, const Tree& b, Format format);

}  // namespace sluice::decrypt
