#pragma once
/// A SOPS file as SOPS sees it (sops.Tree): ordered values and comments in order of the file, the
/// same for every format. Values that were decrypted lie in secret memory; what was never encrypted
/// is ordinary text.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"
#include "sluice/decrypt/sops_file.hpp"

namespace sluice::decrypt {

/// `text` of each kind: kBool "true" or "false"; kInt decimal; kFloat as Go's 'f' format prints it;
/// kTime RFC 3339; kUnsigned an integer past int64, which SOPS refuses to walk.
enum class ItemKind : std::uint8_t {
  kNull,
  kBool,
  kInt,
  kUnsigned,
  kFloat,
  kString,
  kTime,
  kComment,
  kMapping,
  kSequence,
};

struct Item {
  ItemKind kind = ItemKind::kNull;
  bool inline_comment = false;  ///< a comment behind a value
  bool key_is_string = true;    ///< of a mapping's entry; SOPS refuses others
  std::uint32_t line = 0;       ///< 1-based; 0 unknown
  std::uint32_t column = 0;
  std::string key;             ///< of a mapping's entry; comments have none
  std::string text;            ///< ciphertext, or a value that is not secret
  crypto::SecretBytes secret;  ///< set by decryption, together with is_secret
  bool is_secret = false;
  std::vector<Item> items;  ///< of a mapping or sequence, comments included

  /// Bytes of the text it was read from; of a comment from its mark on; of a document up to where
  /// more could be added. `end` 0: it stands nowhere (what an alias brings in, made items).
  std::size_t begin = 0, end = 0;
  std::size_t key_begin = 0;  ///< of a mapping's entry
  bool in_flow = false;       ///< inside of YAML's [] or {}; of a document: nothing can be added

  bool is_comment() const { return kind == ItemKind::kComment; }
  bool is_collection() const { return kind == ItemKind::kMapping || kind == ItemKind::kSequence; }
  /// The value's bytes, wherever they are.
  std::string_view bytes() const {
    return is_secret ? secret.reveal_text() : std::string_view(text);
  }
};

/// One mapping for each document; only YAML has more than one.
using Tree = std::vector<Item>;

/// Limits of every reader; one past each is refused with kUnsupported.
inline constexpr std::size_t kMaxSopsFileBytes = std::size_t{64} << 20;
inline constexpr std::size_t kMaxDepth = 500;

/// The tree of `text`, the `sops` metadata still inside. Errors: kInvalid with line and column,
/// kUnsupported.
Result<Tree> read_tree(std::string_view text, Format format);
Result<Tree> read_yaml_tree(std::string_view text);
Result<Tree> read_json_tree(std::string_view text);
Result<Tree> read_dotenv_tree(std::string_view text);
Result<Tree> read_ini_tree(std::string_view text);

class ShortText;
/// As dotenv and INI hold it (stores.go, ValToString): a kFloat in 'G', with a decimal point or
/// exponent; a kTime without its fraction of a second.
void format_for_people(const Item& item, ShortText& out);

struct PrintOptions {
  int yaml_indent = 4;   ///< 0 is 4, as upstream; what libyaml's emitter cannot do becomes 2
  int json_indent = -1;  ///< spaces; -1 is a tab
};
/// Prints `tree` as `sops -d` does. Errors: kInvalid when the format cannot hold it.
Result<void> print_tree(const Tree& tree, Format format, const PrintOptions& options,
                        ByteSink& out);
Result<void> print_yaml_tree(const Tree& tree, int indent, ByteSink& out);
/// Each document as kustomize prints what it read of print_yaml_tree's text (yaml::reprint).
Result<std::vector<crypto::SecretBytes>> reprint_yaml_tree(const Tree& tree);
Result<void> print_json_tree(const Tree& tree, int indent, ByteSink& out);
Result<void> print_dotenv_tree(const Tree& tree, ByteSink& out);
Result<void> print_ini_tree(const Tree& tree, ByteSink& out);
void print_ini_value(const Item& item, ByteSink& out);
/// What follows the `=` of a line.
void print_dotenv_value(const Item& item, ByteSink& out);
Result<void> print_binary_tree(const Tree& tree, ByteSink& out);

/// Prints one value that is neither a string nor a mapping, as `sops -d --extract` does (EmitValue
/// of the stores). Errors: kInvalid for the formats that hold strings only.
Result<void> print_value(const Item& item, Format format, const PrintOptions& options,
                         ByteSink& out);
Result<void> print_yaml_value(const Item& item, ByteSink& out);
Result<void> print_json_value(const Item& item, int indent, ByteSink& out);
/// `"key": value` one level deep, with `indent` for a level.
Result<void> print_json_member(const Item& item, std::string_view indent, ByteSink& out);
/// Without line breaks, mappings as lists of {"Key", "Value"}: what Go makes of SOPS's types.
Result<void> print_go_json_value(const Item& item, ByteSink& out);

}  // namespace sluice::decrypt
