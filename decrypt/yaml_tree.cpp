// YAML to a SOPS tree: what SOPS stores/yaml/store.go makes of go-yaml's nodes. Stricter in one
// thing: repeated keys are refused in every document, upstream looks at the first one only.
#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "sluice/base/encoding.hpp"
#include "sluice/yaml/commented.hpp"
#include "sluice/yaml/scalar.hpp"

#include "numbers.hpp"
#include "tree.hpp"

namespace sluice::decrypt {
namespace {

using yaml::CommentedDocument;
using yaml::CommentedNode;
using yaml::Kind;

// Nodes that aliases may add: this many, and ten for each node that is written out.
constexpr std::size_t kFreeAliasNodes = 100'000;

constexpr std::string_view kTagPrefix = "tag:yaml.org,2002:";

class Builder {
 public:
  explicit Builder(std::string_view text) : text_(text), budget_(kFreeAliasNodes + text.size()) {}

  Result<Item> document(const CommentedDocument& document) {
    Item root;
    root.kind = ItemKind::kMapping;
    add_comment(document.head, root.items, false);
    SLUICE_CHECK(add_content(*document.root, root, 0));
    add_comment(document.foot, root.items, false);
    root.begin = document.root->begin;
    root.column = document.root->column;
    root.end = document.end;
    root.in_flow = document.root->kind != CommentedNode::Kind::kMapping ||
                   document.root->style == yaml::Style::kFlow;
    return root;
  }

 private:
  // The comment lines of `comment`, each as an item.
  void add_comment(const std::string& comment, std::vector<Item>& items, bool is_inline) const {
    std::string_view rest = comment;
    while (!rest.empty()) {
      const std::size_t end = rest.find('\n');
      const std::string_view line = rest.substr(0, end);
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
      if (line.empty()) continue;
      Item item;
      item.kind = ItemKind::kComment;
      item.inline_comment = is_inline;
      const std::size_t place = line.find(yaml::kCommentPlace);
      item.text = line.substr(1, place - 1);
      if (place != std::string_view::npos && aliases_ == 0) {
        const char* const digits = line.data() + place + 1;
        std::from_chars(digits, line.data() + line.size(), item.begin);
        item.end = item.begin + place;
      }
      items.push_back(std::move(item));
    }
  }

  static tl::unexpected<Error> refuse(const CommentedNode& node, std::string message) {
    return fail(Code::kInvalid, std::move(message), Where{"", node.line_number, node.column});
  }

  Result<void> count(const CommentedNode& node) {
    if (++nodes_ <= budget_) return {};
    return fail(Code::kUnsupported,
                "yaml: aliases expand to more than " + std::to_string(budget_) + " nodes",
                Where{"", node.line_number, node.column});
  }

  // The top of a document: its entries go into `root`.
  Result<void> add_content(const CommentedNode& node, Item& root, std::size_t depth) {
    add_comment(node.head, root.items, false);
    add_comment(node.line, root.items, false);
    switch (node.kind) {
      case CommentedNode::Kind::kSequence:
        return refuse(node, "YAML documents that are sequences are not supported by SOPS");
      case CommentedNode::Kind::kMapping:
        SLUICE_CHECK(add_entries(node, root, depth));
        break;
      case CommentedNode::Kind::kScalar: {
        SLUICE_TRY(const Item value, scalar(node));
        if (value.kind != ItemKind::kNull) {
          return refuse(node, "YAML documents that are values are not supported by SOPS");
        }
        return {};  // upstream drops the foot of an empty document too
      }
      case CommentedNode::Kind::kAlias:
        ++aliases_;
        SLUICE_CHECK(add_content(*node.alias, root, depth + 1));
        --aliases_;
        break;
    }
    add_comment(node.foot, root.items, false);
    return {};
  }

  Result<void> add_entries(const CommentedNode& node, Item& mapping, std::size_t depth) {
    std::unordered_map<std::string_view, const CommentedNode*> seen;
    for (std::size_t i = 0; i + 1 < node.content.size(); i += 2) {
      const CommentedNode& key = *node.content[i];
      const CommentedNode& value = *node.content[i + 1];
      add_comment(key.head, mapping.items, false);
      add_comment(key.line, mapping.items, false);
      // Comments of collections are added by them, inside.
      const bool is_leaf =
          value.kind == CommentedNode::Kind::kScalar || value.kind == CommentedNode::Kind::kAlias;
      if (is_leaf) {
        add_comment(value.head, mapping.items, false);
        add_comment(value.line, mapping.items, true);
      }
      SLUICE_TRY(Item item, build(value, is_leaf, depth + 1));
      SLUICE_CHECK(set_key(key, item));
      const CommentedNode& named = key.kind == CommentedNode::Kind::kAlias ? *key.alias : key;
      const auto [it, is_new] = seen.emplace(named.text, &key);
      if (!is_new) {
        return refuse(key, "mapping key " + go_quote(named.text) + " already defined at line " +
                               std::to_string(it->second->line_number));
      }
      if (aliases_ == 0) item.key_begin = key.begin;
      mapping.items.push_back(std::move(item));
      if (is_leaf) add_comment(value.foot, mapping.items, false);
      add_comment(key.foot, mapping.items, false);
    }
    return {};
  }

  static Result<void> set_key(const CommentedNode& key, Item& item) {
    const CommentedNode& node = key.kind == CommentedNode::Kind::kAlias ? *key.alias : key;
    if (node.kind != CommentedNode::Kind::kScalar) {
      return refuse(key, "a mapping or sequence as a key is not supported by SOPS");
    }
    SLUICE_TRY(Item value, scalar(node));
    item.key_is_string = value.kind == ItemKind::kString;
    item.key = item.key_is_string ? std::move(value.text) : node.text;
    return {};
  }

  Result<Item> build(const CommentedNode& node, bool comments_done, std::size_t depth) {
    SLUICE_CHECK(count(node));
    if (depth > kMaxDepth) {
      return fail(Code::kUnsupported,
                  "yaml: nested more than " + std::to_string(kMaxDepth) + " levels deep",
                  Where{"", node.line_number, node.column});
    }
    Item item;
    switch (node.kind) {
      case CommentedNode::Kind::kScalar: {
        SLUICE_TRY(item, scalar(node));
        break;
      }
      case CommentedNode::Kind::kAlias: {
        ++aliases_;
        auto copy = build(*node.alias, false, depth + 1);
        --aliases_;
        return copy;
      }
      case CommentedNode::Kind::kMapping:
        item.kind = ItemKind::kMapping;
        if (!comments_done) {
          add_comment(node.head, item.items, false);
          add_comment(node.line, item.items, false);
        }
        SLUICE_CHECK(add_entries(node, item, depth));
        if (!comments_done) add_comment(node.foot, item.items, false);
        break;
      case CommentedNode::Kind::kSequence:
        item.kind = ItemKind::kSequence;
        if (!comments_done) {
          add_comment(node.head, item.items, false);
          add_comment(node.line, item.items, false);
        }
        for (const auto& child : node.content) {
          add_comment(child->head, item.items, false);
          add_comment(child->line, item.items, true);
          SLUICE_TRY(Item value, build(*child, true, depth + 1));
          item.items.push_back(std::move(value));
          add_comment(child->foot, item.items, false);
        }
        if (!comments_done) add_comment(node.foot, item.items, false);
        break;
    }
    item.line = node.line_number;
    item.column = node.column;
    if (aliases_ == 0) place(node, item);
    return item;
  }

  // Where a node ends: block ones where their last entry does, without the line breaks that the
  // scanner read on the way to the next token. Those of "|+" are its own, but for the last.
  void place(const CommentedNode& node, Item& item) const {
    item.in_flow = node.in_flow;
    item.begin = node.begin;
    item.end = node.end;
    for (const Item& child : item.items)
      item.end = std::max(item.end, child.end);
    const bool is_block = node.style == yaml::Style::kLiteral || node.style == yaml::Style::kFolded;
    if (!is_block) return;
    const std::string_view head =
        text_.substr(item.begin, text_.find('\n', item.begin) - item.begin);
    const bool keeps = head.substr(0, head.find(" #")).find('+') != std::string_view::npos;
    while (item.end > item.begin && text_[item.end - 1] <= ' ') {
      --item.end;
      if (keeps && text_[item.end] == '\n') break;
    }
    if (keeps && item.end > item.begin && text_[item.end - 1] == '\r') --item.end;
  }

  static Result<Item> scalar(const CommentedNode& node) {
    Item item;
    item.kind = ItemKind::kString;
    item.text = node.text;
    const std::string_view tag = node.tag;
    Kind kind = Kind::kString;
    if (tag.empty() || tag == "!") {  // go-yaml resolves behind a "!", too
      if (node.style != yaml::Style::kPlain) return item;
      kind = yaml::resolve_plain(node.text, yaml::Schema::kV3);
    } else if (!tag.starts_with(kTagPrefix)) {
      return item;  // an unknown tag leaves a string
    } else {
      const std::string_view name = tag.substr(kTagPrefix.size());
      if (name == "binary") {
        auto bytes = base64_decode(node.text);
        if (!bytes) return refuse(node, "!!binary value that is not base64");
        item.text = std::move(*bytes);
        return item;
      }
      const bool known = name == "null" || name == "bool" || name == "int" || name == "float" ||
                         name == "timestamp";
      if (!known) return item;
      kind = yaml::resolve_plain(node.text, yaml::Schema::kV3);
      const bool fits = (name == "null" && kind == Kind::kNull) ||
                        (name == "bool" && kind == Kind::kBool) ||
                        (name == "int" && kind == Kind::kInt) ||
                        (name == "float" && (kind == Kind::kFloat || kind == Kind::kInt)) ||
                        (name == "timestamp" && kind == Kind::kTimestamp);
      if (!fits) return refuse(node, "value does not fit its tag !!" + std::string(name));
      if (name == "float") kind = Kind::kFloat;
    }
    return resolved(node, kind, std::move(item));
  }

  static Result<Item> resolved(const CommentedNode& node, Kind kind, Item item) {
    switch (kind) {
      case Kind::kNull:
        item.kind = ItemKind::kNull;
        item.text.clear();
        return item;
      case Kind::kBool:
        item.kind = ItemKind::kBool;
        item.text =
            yaml::bool_value(node.text, yaml::Schema::kV3).value_or(false) ? "true" : "false";
        return item;
      case Kind::kInt:
        if (const auto value = yaml::int64_value(node.text)) {
          item.kind = ItemKind::kInt;
          item.text = std::to_string(*value);
        } else {
          item.kind = ItemKind::kUnsigned;
        }
        return item;
      case Kind::kFloat: {
        const auto value = yaml::float_value(node.text);
        if (!value) return refuse(node, "not a number");
        ShortText text;
        format_float(*value, 'f', text);
        item.kind = ItemKind::kFloat;
        item.text = text.view();
        return item;
      }
      case Kind::kTimestamp: {
        auto text = yaml::timestamp_rfc3339(node.text);
        if (!text) return refuse(node, "not a timestamp");
        item.kind = ItemKind::kTime;
        item.text = std::move(*text);
        return item;
      }
      default:
        return item;
    }
  }

  std::string_view text_;
  std::size_t budget_;
  std::size_t nodes_ = 0;
  std::size_t aliases_ = 0;  // that we are inside of
};

}  // namespace

Result<Tree> read_yaml_tree(std::string_view text) {
  SLUICE_TRY(const std::vector<CommentedDocument> documents, yaml::read_commented(text));
  Tree tree;
  Builder builder(text);
  for (const CommentedDocument& document : documents) {
    SLUICE_TRY(Item root, builder.document(document));
    tree.push_back(std::move(root));
  }
  return tree;
}

}  // namespace sluice::decrypt
