#pragma once
/// Changing values where they stand in a text, and nothing else of it. Knows how each format writes
/// a value at a given place; whether the result says what it should is for the caller to check, who
/// reads it again (layout.hpp).

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/crypto/secret.hpp"
#include "sluice/decrypt/sops_file.hpp"

#include "tree.hpp"

namespace sluice::decrypt {

/// Replacements in one text. The new pieces may be secret.
class Splicer {
 public:
  explicit Splicer(std::string_view original) : original_(original) {}
  void replace(std::size_t begin, std::size_t end, std::string_view text);
  /// nullopt when two replacements overlap.
  std::optional<crypto::SecretBytes> apply();

 private:
  struct Edit {
    std::size_t begin, end, text, size;
  };
  std::string_view original_;
  crypto::SecretBuffer texts_;
  std::vector<Edit> edits_;
};

/// How ciphertexts are written in a text, with their quotes or dash.
using RawValues = std::map<std::string, std::string>;

/// How `value` is written where `place` stands in `original` (both of the same kind of node: a
/// value, or a comment). `in_list`: an item of a list. false when there is no way.
bool render(Format format, std::string_view original, const Item& place, bool in_list,
            const Item& value, ByteSink& out);

/// Adds to `splicer` what turns the values of `old_item` into those of `new_item`, which has the
/// same shape. `raw`, if given, is how some ciphertexts are to be written. false when the shapes
/// differ or a value cannot be written where it is.
bool splice_values(Format format, std::string_view original, const Item& old_item,
                   const Item& new_item, Splicer& splicer, const RawValues* raw = nullptr);

/// How the ciphertexts of `ciphertext`, whose decrypted tree is `opened`, are written in `text`.
void note_raw_values(std::string_view text, const Item& ciphertext, const Item& opened,
                     RawValues& raw);
/// Turns comments of lists whose ciphertext was an item into items again.
void restore_list_comments(Item& encrypted, const RawValues& raw);

/// Start of the line that `at` is on.
std::size_t line_start(std::string_view text, std::size_t at);

}  // namespace sluice::decrypt
