#pragma once
/// Encrypted and plain forms of one text that differ in values and metadata only: the layout stays.
/// Each function reads back what it made and gives nullopt unless that says exactly what it should;
/// the caller prints the file anew then.

#include <optional>
#include <string>
#include <vector>

#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"

#include "encrypt_tree.hpp"
#include "metadata.hpp"
#include "splice.hpp"
#include "tree.hpp"

namespace sluice::decrypt {

/// The metadata of an encrypted text: where it stands, for each document that has it.
struct MetadataPlace {
  std::size_t document = 0;
  std::size_t begin = 0, end = 0;  ///< whole lines, or a JSON member without its comma
  std::vector<Item> entries;       ///< the entries with their places; flattened in dotenv and INI
};
/// Empty when it cannot be told.
std::vector<MetadataPlace> find_metadata(std::string_view text, Format format);

/// What a text is given as metadata: one piece for each document; the last one serves for more.
/// Empty: printed anew.
using MetadataTexts = std::vector<std::string>;

/// The metadata of `text` with what is new in `metadata`: values are replaced where they stand when
/// the keys are the same, else the block is printed anew in its place.
MetadataTexts updated_metadata(std::string_view text, Format format, const Metadata& metadata,
                               const PrintOptions& style);

/// The plaintext of `text`, an encrypted file with `opened` as its decrypted tree, without its
/// metadata.
std::optional<crypto::SecretBytes> plain_layout(std::string_view text, Format format,
                                                const Tree& ciphertext, const Tree& opened);

/// An encrypted text from a plain one: `plaintext` with the values of `encrypted` (of the same
/// shape as `plain`, its tree) and metadata at the end of each document. `raw`: how a ciphertext
/// was written before, quotes and all; `before`: the encrypted text as it was, "" when it is new.
std::optional<std::string> encrypted_layout(std::string_view plaintext, Format format,
                                            const Tree& plain, Tree encrypted,
                                            const Metadata& metadata, const MetadataTexts& texts,
                                            const RawValues& raw, std::string_view before,
                                            const PrintOptions& style,
                                            const crypto::SecretBytes& data_key);

/// An encrypted text with other values and metadata. `before` is its tree, `after` has the same
/// shape.
std::optional<std::string> changed_layout(std::string_view text, Format format, const Tree& before,
                                          const Tree& after, const Metadata& metadata,
                                          const PrintOptions& style,
                                          const crypto::SecretBytes& data_key);

}  // namespace sluice::decrypt
