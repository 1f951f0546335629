// A SOPS tree as YAML, byte for byte as SOPS prints it through go-yaml v3: what
// stores/yaml/store.go makes of values and comments, and encode.go of strings; the rest is
// yaml::Emitter's.
#include <deque>

#include "sluice/base/encoding.hpp"
#include "sluice/crypto/secret.hpp"
#include "sluice/yaml/commented.hpp"
#include "sluice/yaml/emitter.hpp"
#include "sluice/yaml/scalar.hpp"

#include "numbers.hpp"
#include "tree.hpp"

namespace sluice::decrypt {
namespace {

using yaml::CommentPieces;
using yaml::EmitNode;

constexpr int kDefaultIndent = 4;

// encode.go: what YAML 1.1 would read as something else is quoted, though 1.2 would not need it.
bool is_old_bool(std::string_view text) {
  for (const std::string_view word : {"y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N",
                                      "no", "No", "NO", "off", "Off", "OFF"}) {
    if (text == word) return true;
  }
  return false;
}

// Base64 in lines of 70, as go-yaml writes bytes that are not UTF-8.
crypto::SecretBytes binary_text(std::string_view bytes) {
  constexpr std::size_t kLine = 70;
  const auto encoded = crypto::base64_encode_secret(std::as_bytes(std::span(bytes)));
  std::string_view rest = encoded.reveal_text();
  const bool one_line = rest.size() < kLine;
  crypto::SecretBuffer out(rest.size() + rest.size() / kLine + 1);
  while (!rest.empty()) {
    out.append(rest.substr(0, kLine));
    if (!one_line) out.append("\n");
    rest.remove_prefix(std::min(kLine, rest.size()));
  }
  return std::move(out).take();
}

/// Makes what the emitter is given; the views in it are good as long as this and the tree.
class Arranger {
 public:
  EmitNode node(const Item& item) {
    if (!item.is_collection()) return scalar(item);
    EmitNode made;
    made.kind =
        item.kind == ItemKind::kMapping ? EmitNode::Kind::kMapping : EmitNode::Kind::kSequence;
    children(item, made);
    return made;
  }

 private:
  // stores/yaml/store.go, appendTreeBranch and appendSequence: comments before the first value are
  // the collection's, those behind the last its foot.
  void children(const Item& item, EmitNode& made) {
    std::vector<std::string_view> head;
    std::vector<std::string_view> inlines;
    bool beginning = true;
    const bool is_mapping = item.kind == ItemKind::kMapping;
    for (const Item& child : item.items) {
      if (child.is_comment()) {
        (child.inline_comment ? inlines : head).push_back(child.bytes());
        continue;
      }
      if (beginning) add(made.head, std::exchange(head, {}));
      beginning = false;
      EmitNode value = node(child);
      add(value.line, std::exchange(inlines, {}));
      if (is_mapping) {
        EmitNode key = string(child.key);
        add(key.head, std::exchange(head, {}));
        made.content.push_back(std::move(key));
      } else if (!head.empty()) {
        // In front of what a collection brings along.
        CommentPieces own = std::exchange(value.head, {});
        add(value.head, std::exchange(head, {}));
        if (!own.empty()) own.front() = "\n#";
        value.head.insert(value.head.end(), own.begin(), own.end());
      }
      made.content.push_back(std::move(value));
    }
    head.insert(head.end(), inlines.begin(), inlines.end());
    if (beginning) {
      add(made.head, head);
    } else {
      // Of a mapping, its last key's.
      add(is_mapping ? made.content[made.content.size() - 2].foot : made.content.back().foot, head);
    }
  }

  // The text of an item's comment has no '#'.
  static void add(CommentPieces& comment, const std::vector<std::string_view>& lines) {
    for (const std::string_view line : lines) {
      comment.push_back(comment.empty() ? "#" : "\n#");
      comment.push_back(line);
    }
  }

  EmitNode scalar(const Item& item) {
    EmitNode made;
    switch (item.kind) {
      case ItemKind::kNull:
        made.text = "null";
        break;
      case ItemKind::kFloat: {
        ShortText text;
        format_float(parse_float(item.bytes()).value_or(0), 'g', text);
        const std::string_view view = text.view();
        if (view == "+Inf") {
          made.text = ".inf";
        } else if (view == "-Inf") {
          made.text = "-.inf";
        } else if (view == "NaN") {
          made.text = ".nan";
        } else {
          made.text = kept(crypto::SecretBytes::copy_of(view));
        }
        break;
      }
      case ItemKind::kString:
        return string(item.bytes());
      default:
        made.text = item.bytes();
    }
    return made;
  }

  EmitNode string(std::string_view text) {
    EmitNode made;
    made.text = text;
    bool can_be_plain = true;
    if (!is_valid_utf8(text)) {
      made.text = kept(binary_text(text));
      made.tag = "!!binary";
    } else if (text == "<<") {
      made.tag = "!!merge";
    } else {
      can_be_plain = yaml::resolve_plain(text, yaml::Schema::kV3) == yaml::Kind::kString &&
                     !yaml::is_base60(text) && !is_old_bool(text);
    }
    const bool has_newline = made.text.find('\n') != std::string_view::npos;
    made.style = has_newline    ? yaml::Style::kLiteral
                 : can_be_plain ? yaml::Style::kPlain
                                : yaml::Style::kDoubleQuoted;
    return made;
  }

  std::string_view kept(crypto::SecretBytes text) {
    return texts_.emplace_back(std::move(text)).reveal_text();
  }

  std::deque<crypto::SecretBytes> texts_;  // what is not the tree's own
};

}  // namespace

Result<void> print_yaml_tree(const Tree& tree, int indent, ByteSink& out) {
  if (indent < 0) {
    return fail(Code::kInvalid, "YAML indentation of " + std::to_string(indent), Where{},
                "use 2 to 9");
  }
  if (indent == 0) indent = kDefaultIndent;
  // libyaml's emitter: what it cannot do becomes 2.
  yaml::Emitter emitter(out, {.indent = indent < 2 || indent > 9 ? 2 : indent});
  // A comment behind the last collection of a document is printed in the next one.
  Arranger arranger;
  std::deque<yaml::EmitNode> documents;
  for (const Item& document : tree)
    emitter.document(documents.emplace_back(arranger.node(document)));
  return {};
}

Result<void> print_yaml_value(const Item& item, ByteSink& out) {
  Arranger arranger;  // upstream ignores the setting of the indentation here
  yaml::Emitter(out, {.indent = kDefaultIndent}).document(arranger.node(item));
  return {};
}

Result<std::vector<crypto::SecretBytes>> reprint_yaml_tree(const Tree& tree) {
  Arranger arranger;
  std::deque<yaml::EmitNode> documents;
  for (const Item& document : tree)
    documents.push_back(arranger.node(document));
  std::deque<crypto::SecretBuffer> texts;
  SLUICE_CHECK(yaml::reprint(documents, {.indent = kDefaultIndent},
                             [&texts]() -> ByteSink& { return texts.emplace_back(); }));
  std::vector<crypto::SecretBytes> taken;
  for (crypto::SecretBuffer& text : texts)
    taken.push_back(std::move(text).take());
  return taken;
}

}  // namespace sluice::decrypt
