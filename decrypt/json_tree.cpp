// JSON to a SOPS tree and back: SOPS stores/json/store.go over Go's encoding/json. Keeps the order
// of keys and repeated keys, as upstream does; refuses what follows the object, which upstream
// ignores.
#include <cmath>
#include <string>
#include <utility>

#include "sluice/base/ascii.hpp"
#include "sluice/base/encoding.hpp"

#include "numbers.hpp"
#include "tree.hpp"

namespace sluice::decrypt {
namespace {

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Result<Item> read() {
    skip_space();
    if (peek() != '{') {
      return broken("SOPS only supports JSON files with an object at the top");
    }
    SLUICE_TRY(Item root, value(0));
    skip_space();
    if (at_ != text_.size()) return broken("data after the top-level object");
    return root;
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) {
      ++at_;
    }
  }
  bool take(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  Where where() const {
    Where place;
    place.line = 1;
    place.column = 1;
    for (std::size_t i = 0; i < at_ && i < text_.size(); ++i) {
      if (text_[i] == '\n') {
        ++place.line;
        place.column = 1;
      } else {
        ++place.column;
      }
    }
    return place;
  }
  tl::unexpected<Error> broken(std::string what) const {
    return fail(Code::kInvalid, "json: " + std::move(what), where());
  }

  Result<Item> value(std::size_t depth) {
    const std::size_t begin = at_;
    SLUICE_TRY(Item item, any(depth));
    item.begin = begin;
    item.end = at_;
    return item;
  }

  Result<Item> any(std::size_t depth) {
    if (depth > kMaxDepth) {
      return fail(Code::kUnsupported,
                  "json: nested more than " + std::to_string(kMaxDepth) + " levels deep", where());
    }
    Item item;
    switch (peek()) {
      case '{':
        return object(depth);
      case '[':
        return array(depth);
      case '"': {
        item.kind = ItemKind::kString;
        SLUICE_CHECK(string(item.text));
        return item;
      }
      case 't':
      case 'f':
        item.kind = ItemKind::kBool;
        item.text = peek() == 't' ? "true" : "false";
        if (!take(item.text)) return broken("expected a value");
        return item;
      case 'n':
        if (!take("null")) return broken("expected a value");
        return item;
      default:
        return number();
    }
  }

  Result<Item> object(std::size_t depth) {
    Item item;
    item.kind = ItemKind::kMapping;
    ++at_;
    skip_space();
    if (take("}")) return item;
    for (;;) {
      if (peek() != '"') return broken("expected a key in double quotes");
      const std::size_t key_begin = at_;
      std::string key;
      SLUICE_CHECK(string(key));
      skip_space();
      if (!take(":")) return broken("expected ':' after the key");
      skip_space();
      SLUICE_TRY(Item child, value(depth + 1));
      child.key = std::move(key);
      child.key_begin = key_begin;
      item.items.push_back(std::move(child));
      skip_space();
      if (take("}")) return item;
      if (!take(",")) return broken("expected ',' or '}'");
      skip_space();
    }
  }

  Result<Item> array(std::size_t depth) {
    Item item;
    item.kind = ItemKind::kSequence;
    ++at_;
    skip_space();
    if (take("]")) return item;
    for (;;) {
      SLUICE_TRY(Item child, value(depth + 1));
      item.items.push_back(std::move(child));
      skip_space();
      if (take("]")) return item;
      if (!take(",")) return broken("expected ',' or ']'");
      skip_space();
    }
  }

  Result<Item> number() {
    const std::size_t start = at_;
    const auto digits = [&] {
      const std::size_t first = at_;
      while (is_digit(peek()))
        ++at_;
      return at_ != first;
    };
    take("-");
    const bool leading_zero = peek() == '0';
    const std::size_t first = at_;
    if (!digits() || (leading_zero && at_ - first > 1)) return broken("expected a value");
    bool whole = true;
    if (take(".")) {
      whole = false;
      if (!digits()) return broken("expected digits after '.'");
    }
    if (peek() == 'e' || peek() == 'E') {
      whole = false;
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      if (!digits()) return broken("expected digits in the exponent");
    }
    const std::string_view text = text_.substr(start, at_ - start);
    Item item;
    if (whole) {
      if (const auto number = parse_int(text)) {
        item.kind = ItemKind::kInt;
        item.text = std::to_string(*number);
        return item;
      }
    }
    const auto number = parse_float(text);
    if (!number || std::isinf(*number)) return broken("a number that is too large");
    ShortText printed;
    format_float(*number, 'f', printed);
    item.kind = ItemKind::kFloat;
    item.text = printed.view();
    return item;
  }

  Result<void> string(std::string& out) {
    ++at_;
    for (;;) {
      const std::size_t end = text_.find_first_of("\"\\", at_);
      if (end == std::string_view::npos) return broken("a string without an end");
      const std::string_view part = text_.substr(at_, end - at_);
      for (const char c : part) {
        if (static_cast<unsigned char>(c) < 0x20) return broken("a control character in a string");
      }
      out += part;
      at_ = end + 1;
      if (text_[end] == '"') break;
      SLUICE_CHECK(escape(out));
    }
    if (!is_valid_utf8(out)) return broken("a string that is not UTF-8");
    return {};
  }

  std::optional<unsigned> hex4() {
    if (text_.size() - at_ < 4) return std::nullopt;
    const auto bytes = hex_decode(text_.substr(at_, 4));
    if (!bytes) return std::nullopt;
    at_ += 4;
    return static_cast<unsigned>(static_cast<unsigned char>((*bytes)[0])) << 8 |
           static_cast<unsigned char>((*bytes)[1]);
  }

  Result<void> escape(std::string& out) {
    const char c = peek();
    ++at_;
    switch (c) {
      case '"':
      case '\\':
      case '/':
        out += c;
        return {};
      case 'b':
        out += '\b';
        return {};
      case 'f':
        out += '\f';
        return {};
      case 'n':
        out += '\n';
        return {};
      case 'r':
        out += '\r';
        return {};
      case 't':
        out += '\t';
        return {};
      case 'u':
        break;
      default:
        return broken("an unknown escape in a string");
    }
    auto rune = hex4();
    if (!rune) return broken("an unknown escape in a string");
    if (*rune >= 0xd800 && *rune < 0xe000) {  // half of a pair; alone it becomes U+FFFD
      const std::size_t before = at_;
      std::optional<unsigned> low;
      if (*rune < 0xdc00 && take("\\u")) low = hex4();
      if (low && *low >= 0xdc00 && *low < 0xe000) {
        rune = 0x10000 + ((*rune - 0xd800) << 10 | (*low - 0xdc00));
      } else {
        at_ = before;
        rune = 0xfffd;
      }
    }
    StringSink sink(out);
    append_utf8(*rune, sink);
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

class Writer {
 public:
  Writer(ByteSink& out, std::string_view indent) : out_(out), indent_(indent) {}
  // Spaces a level; -1: a tab.
  Writer(ByteSink& out, int indent)
      : out_(out),
        indent_(indent < 0 ? "\t" : std::string(static_cast<std::size_t>(indent), ' ')) {}

  Result<void> value(const Item& item, std::size_t depth) {
    switch (item.kind) {
      case ItemKind::kNull:
        out_.append("null");
        return {};
      case ItemKind::kMapping:
      case ItemKind::kSequence:
        return collection(item, depth);
      case ItemKind::kFloat: {
        const auto number = parse_float(item.bytes());
        if (!number || !std::isfinite(*number)) {
          return fail(Code::kInvalid,
                      "json: unsupported value: an infinity or NaN under \"" + item.key + "\"");
        }
        ShortText text;
        format_float(*number, 'j', text);
        out_.append(text.view());
        return {};
      }
      case ItemKind::kString:
      case ItemKind::kTime:
      case ItemKind::kComment:
        string(item.bytes());
        return {};
      default:
        out_.append(item.bytes());
        return {};
    }
  }

 private:
  void line(std::size_t depth) {
    out_.append("\n");
    for (std::size_t i = 0; i < depth; ++i)
      out_.append(indent_);
  }

  Result<void> collection(const Item& item, std::size_t depth) {
    const bool is_mapping = item.kind == ItemKind::kMapping;
    out_.append(is_mapping ? "{" : "[");
    bool empty = true;
    for (const Item& child : item.items) {
      if (child.is_comment()) continue;
      if (!empty) out_.append(",");
      empty = false;
      line(depth + 1);
      if (is_mapping) {
        string(child.key);
        out_.append(": ");
      }
      SLUICE_CHECK(value(child, depth + 1));
    }
    if (!empty) line(depth);
    out_.append(is_mapping ? "}" : "]");
    return {};
  }

 public:
  // encoding/json with its default escapes for HTML.
  void string(std::string_view text) {
    out_.append("\"");
    std::size_t done = 0;
    const auto replace = [&](std::size_t at, std::size_t size, std::string_view with) {
      out_.append(text.substr(done, at - done));
      out_.append(with);
      done = at + size;
    };
    for (std::size_t i = 0; i < text.size();) {
      const char c = text[i];
      const auto code = static_cast<unsigned char>(c);
      if (code < 0x80) {
        static constexpr std::string_view kDigits = "0123456789abcdef";
        if (c == '"') {
          replace(i, 1, "\\\"");
        } else if (c == '\\') {
          replace(i, 1, "\\\\");
        } else if (c == '\b') {
          replace(i, 1, "\\b");
        } else if (c == '\f') {
          replace(i, 1, "\\f");
        } else if (c == '\n') {
          replace(i, 1, "\\n");
        } else if (c == '\r') {
          replace(i, 1, "\\r");
        } else if (c == '\t') {
          replace(i, 1, "\\t");
        } else if (code < 0x20 || c == '<' || c == '>' || c == '&') {
          replace(i, 1, "\\u00");
          out_.append(kDigits.substr(code >> 4, 1));
          out_.append(kDigits.substr(code & 15, 1));
        }
        ++i;
        continue;
      }
      std::size_t size = 4;
      while (size > 1 && (text.size() - i < size || !is_valid_utf8(text.substr(i, size)) ||
                          one_rune_size(code) != size)) {
        --size;
      }
      if (size == 1) {
        replace(i, 1, "\\ufffd");
      } else if (text.substr(i, size) == "\xE2\x80\xA8") {
        replace(i, size, "\\u2028");
      } else if (text.substr(i, size) == "\xE2\x80\xA9") {
        replace(i, size, "\\u2029");
      }
      i += size;
    }
    out_.append(text.substr(done));
    out_.append("\"");
  }

 private:
  static std::size_t one_rune_size(unsigned char first) {
    return first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  }

  ByteSink& out_;
  std::string indent_;
};

Result<void> check_indent(int indent) {
  constexpr int kMost = 64;
  if (indent >= -1 && indent <= kMost) return {};
  return fail(Code::kInvalid, "json: an indentation of " + std::to_string(indent), Where{},
              "use 0 to " + std::to_string(kMost) + ", or -1 for tabs");
}

Result<void> go_value(const Item& item, Writer& writer, ByteSink& out) {
  if (!item.is_collection()) {
    if (!item.is_comment()) return writer.value(item, 0);
    out.append("{\"Value\":");
    SLUICE_CHECK(writer.value(item, 0));
    out.append(item.inline_comment ? ",\"Inline\":true}" : ",\"Inline\":false}");
    return {};
  }
  out.append("[");
  bool first = true;
  for (const Item& child : item.items) {
    if (!std::exchange(first, false)) out.append(",");
    if (item.kind == ItemKind::kSequence) {
      SLUICE_CHECK(go_value(child, writer, out));
      continue;
    }
    out.append("{\"Key\":");
    if (child.is_comment()) {
      SLUICE_CHECK(go_value(child, writer, out));
      out.append(",\"Value\":null}");
      continue;
    }
    writer.string(child.key);
    out.append(",\"Value\":");
    SLUICE_CHECK(go_value(child, writer, out));
    out.append("}");
  }
  out.append("]");
  return {};
}

}  // namespace

Result<Tree> read_json_tree(std::string_view text) {
  SLUICE_TRY(Item root, Reader(text).read());
  Tree tree;
  tree.push_back(std::move(root));
  return tree;
}

Result<void> print_json_tree(const Tree& tree, int indent, ByteSink& out) {
  SLUICE_CHECK(check_indent(indent));
  SLUICE_CHECK(Writer(out, indent).value(tree.front(), 0));
  out.append("\n");
  return {};
}

Result<void> print_json_member(const Item& item, std::string_view indent, ByteSink& out) {
  Writer writer(out, indent);
  writer.string(item.key);
  out.append(": ");
  return writer.value(item, 1);
}

Result<void> print_json_value(const Item& item, int indent, ByteSink& out) {
  SLUICE_CHECK(check_indent(indent));
  return Writer(out, indent).value(item, 0);
}

Result<void> print_go_json_value(const Item& item, ByteSink& out) {
  Writer writer(out, -1);
  return go_value(item, writer, out);
}

}  // namespace sluice::decrypt
