#include "written_file.hpp"

#include <algorithm>

#include "layout.hpp"
#include "metadata_write.hpp"
#include "open_tree.hpp"

namespace sluice::decrypt {
namespace {

Item clone(const Item& item) {
  Item copy;
  copy.kind = item.kind;
  copy.inline_comment = item.inline_comment;
  copy.key_is_string = item.key_is_string;
  copy.line = item.line;
  copy.column = item.column;
  copy.key = item.key;
  copy.text = item.text;
  copy.secret = item.secret.clone();
  copy.is_secret = item.is_secret;
  copy.begin = item.begin;
  copy.end = item.end;
  copy.key_begin = item.key_begin;
  copy.in_flow = item.in_flow;
  copy.items.reserve(item.items.size());
  for (const Item& child : item.items)
    copy.items.push_back(clone(child));
  return copy;
}

bool same(const Item& a, const Item& b) {
  return a.kind == b.kind && a.key_is_string == b.key_is_string && a.key == b.key &&
         a.bytes() == b.bytes() &&
         std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(), same);
}

bool is_number(const Item& item) {
  return item.kind == ItemKind::kInt || item.kind == ItemKind::kFloat;
}

// What INI and dotenv hold are strings: what else there is becomes one there. SOPS prints a float
// without a fraction as an integer, and in JSON a time as a string.
bool same_scalar(const Item& a, const Item& b, bool is_flat) {
  if (is_flat && a.kind != ItemKind::kString) return true;
  const bool same_kind = is_flat || a.kind == b.kind || (is_number(a) && is_number(b)) ||
                         (a.kind == ItemKind::kTime && b.kind == ItemKind::kString);
  return same_kind && !b.is_collection() && a.bytes() == b.bytes();
}

std::vector<const Item*> values_of(const Item& item, bool is_flat) {
  std::vector<const Item*> values;
  for (const Item& child : item.items) {
    const bool no_section = is_flat && child.kind == ItemKind::kMapping && child.items.empty() &&
                            child.key == "DEFAULT";
    if (!child.is_comment() && !no_section) values.push_back(&child);
  }
  return values;
}

const Item* first_difference(const Item& a, const Item& b, bool is_flat) {
  if (!a.is_collection()) return same_scalar(a, b, is_flat) ? nullptr : &a;
  if (a.kind != b.kind) return &a;
  const auto from = values_of(a, is_flat);
  const auto to = values_of(b, is_flat);
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (i == to.size() || from[i]->key != to[i]->key) return from[i];
    if (const Item* const other = first_difference(*from[i], *to[i], is_flat)) return other;
  }
  return from.size() == to.size() ? nullptr : &a;
}

}  // namespace

Result<Tree> read_plain_tree(const crypto::SecretBytes& text, Format format) {
  if (format != Format::kBinary) return read_tree(text.reveal_text(), format);
  if (text.size() > kMaxSopsFileBytes) {
    return fail(Code::kUnsupported,
                "a file larger than " + std::to_string(kMaxSopsFileBytes >> 20) + " MiB");
  }
  Item data;
  data.kind = ItemKind::kString;
  data.key = "data";
  data.secret = text.clone();
  data.is_secret = true;
  Item root;
  root.kind = ItemKind::kMapping;
  root.items.push_back(std::move(data));
  Tree tree;
  tree.push_back(std::move(root));
  return tree;
}

Tree clone_tree(const Tree& tree) {
  Tree copy;
  for (const Item& document : tree)
    copy.push_back(clone(document));
  return copy;
}

bool same_tree(const Tree& a, const Tree& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same);
}

const Item* first_difference(const Tree& a, const Tree& b, Format format) {
  const bool is_flat = format == Format::kIni || format == Format::kDotenv;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (i == b.size()) return &a[i];
    if (const Item* const other = first_difference(a[i], b[i], is_flat)) return other;
  }
  return a.size() == b.size() ? nullptr : &a.back();
}

Result<std::string> print_encrypted(Tree tree, Metadata metadata, Format format,
                                    const PrintOptions& style, const crypto::SecretBytes& data_key,
                                    const KnownValues* known, const std::string& now) {
  const auto refused = [](Error error, std::string_view reason) {
    return fail(std::move(error).reason(std::string(reason)));
  };
  SLUICE_TRY(const auto mac, encrypt_tree(tree, metadata, data_key, ListComments::kItems, known));
  seal_mac(metadata, mac, data_key, now);
  const Tree wanted = clone_tree(tree);
  SLUICE_CHECK(add_metadata(tree, metadata, format));
  std::string text;
  StringSink sink(text);
  const Format printed_as = format == Format::kBinary ? Format::kJson : format;
  if (auto printed = print_tree(tree, printed_as, style, sink); !printed) {
    return refused(std::move(printed).error(), kReasonPrint);
  }
  auto again = read_sops_file(text, format);
  auto opened = again ? open_tree(*again, data_key, Keep::kNothing, /*ignore_mac=*/false)
                      : Result<void>(fail(std::move(again).error()));
  if (opened && first_difference(wanted, again->tree, format) != nullptr) {
    opened = fail(Code::kInvalid, "a value would be read as something else");
  }
  if (!opened) {
    return refused(
        Error(Code::kUnsupported,
              "this content cannot be encrypted so that it can be decrypted again (" +
                  opened.error().message() + ")",
              Where{},
              "encrypted_comment_regex and comments inside of lists, or numbers in another "
              "format, are the usual cause"),
        kReasonEncrypt);
  }
  return text;
}

Result<std::optional<std::string>> encrypt_in_place(
    const crypto::SecretBytes& plaintext, const Tree& tree, Metadata metadata, Format format,
    const crypto::SecretBytes& data_key, const KnownValues* known, const std::string& now,
    const PrintOptions& style) {
  if (format == Format::kBinary) return std::optional<std::string>();
  Tree encrypted = clone_tree(tree);
  SLUICE_TRY(const auto mac,
             encrypt_tree(encrypted, metadata, data_key, ListComments::kStay, known));
  seal_mac(metadata, mac, data_key, now);
  return encrypted_layout(plaintext.reveal_text(), format, tree, std::move(encrypted), metadata,
                          /*texts=*/{}, /*raw=*/{}, /*before=*/{}, style, data_key);
}

}  // namespace sluice::decrypt
