// A SOPS tree as YAML, byte for byte as SOPS prints it through go-yaml v3 (encode.go, emitterc.go):
// block style, quoting by content, comments where go-yaml puts them. Its oddities are kept: a
// comment can move to the next line that takes one, and a literal block in a sequence states the
// wrong indentation.
#include <algorithm>
#include <cstring>
#include <optional>

#include "sluice/base/encoding.hpp"
#include "sluice/crypto/secret.hpp"
#include "sluice/yaml/scalar.hpp"

#include "numbers.hpp"
#include "tree.hpp"

namespace sluice::decrypt {
namespace {

// A comment is the text of its lines, each without the '#'.
using Lines = std::vector<std::string_view>;

// What go-yaml's emitter is given: values with their comments.
struct Value {
  const Item* item = nullptr;
  Lines head, line, foot;
  struct Entry;
  std::vector<Entry> entries;  // of a mapping
  std::vector<Value> items;    // of a sequence
};
struct Value::Entry {
  const Item* item = nullptr;  // for its key
  Lines head, foot;
  Value value;
};

Value arrange(const Item& item);

// stores/yaml/store.go, appendTreeBranch and appendSequence: comments before the first value are
// the collection's, those behind the last its foot.
void arrange_children(const Item& item, Value& value) {
  Lines head;
  Lines inlines;
  bool beginning = true;
  const bool is_mapping = item.kind == ItemKind::kMapping;
  for (const Item& child : item.items) {
    if (child.is_comment()) {
      (child.inline_comment ? inlines : head).push_back(child.bytes());
      continue;
    }
    if (beginning) value.head = std::exchange(head, {});
    beginning = false;
    Value made = arrange(child);
    if (is_mapping) {
      made.line.insert(made.line.end(), inlines.begin(), inlines.end());
      value.entries.push_back({&child, std::exchange(head, {}), {}, std::move(made)});
    } else {
      made.head.insert(made.head.begin(), head.begin(), head.end());
      made.line.insert(made.line.end(), inlines.begin(), inlines.end());
      head.clear();
      value.items.push_back(std::move(made));
    }
    inlines.clear();
  }
  head.insert(head.end(), inlines.begin(), inlines.end());
  if (head.empty()) return;
  if (beginning) {
    value.head = std::move(head);
  } else if (is_mapping) {
    value.entries.back().foot = std::move(head);
  } else {
    Lines& foot = value.items.back().foot;
    foot.insert(foot.end(), head.begin(), head.end());
  }
}

Value arrange(const Item& item) {
  Value value;
  value.item = &item;
  if (item.is_collection()) arrange_children(item, value);
  return value;
}

// --- scalars

enum class ScalarStyle { kPlain, kSingle, kDouble, kLiteral };

struct Scalar {
  std::string_view text;
  std::string_view tag;  // "", "!!merge" or "!!binary"
  ScalarStyle style = ScalarStyle::kPlain;
  bool multiline = false;
  crypto::SecretBytes made;  // holds `text` when it is not the item's own
};

std::size_t width_at(std::string_view text, std::size_t i) {
  const auto c = static_cast<unsigned char>(text[i]);
  const std::size_t width = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
  return std::min(width, text.size() - i);
}

unsigned byte_at(std::string_view text, std::size_t i) {
  return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
}

bool is_break_at(std::string_view text, std::size_t i) {
  const unsigned c = byte_at(text, i);
  return c == '\r' || c == '\n' || (c == 0xc2 && byte_at(text, i + 1) == 0x85) ||
         (c == 0xe2 && byte_at(text, i + 1) == 0x80 &&
          (byte_at(text, i + 2) == 0xa8 || byte_at(text, i + 2) == 0xa9));
}

// yamlprivateh.go, is_printable: nothing past U+FFFF, no byte order mark.
bool is_printable_at(std::string_view text, std::size_t i) {
  const unsigned a = byte_at(text, i);
  const unsigned b = byte_at(text, i + 1);
  const unsigned c = byte_at(text, i + 2);
  if (a == '\n' || (a >= 0x20 && a <= 0x7e)) return true;
  if (a == 0xc2) return b >= 0xa0;
  if (a > 0xc2 && a < 0xed) return true;
  if (a == 0xed) return b < 0xa0;
  if (a == 0xee) return true;
  return a == 0xef && !(b == 0xbb && c == 0xbf) && !(b == 0xbf && (c == 0xbe || c == 0xbf));
}

struct Analysis {
  bool multiline = false;
  bool plain_allowed = true;
  bool single_allowed = true;
  bool block_allowed = true;
};

// emitterc.go, analyze_scalar; only what matters outside of flow collections.
Analysis analyze(std::string_view text) {
  Analysis result;
  if (text.empty()) {
    result.block_allowed = false;
    return result;
  }
  bool indicators = text.starts_with("---") || text.starts_with("...");
  bool special = false;
  bool tabs = false;
  bool leading_space = false;
  bool trailing_space = false;
  bool edge_break = false;
  bool break_space = false;
  bool space_break = false;
  bool previous_space = false;
  bool previous_break = false;
  bool preceded_by_blank = true;
  for (std::size_t i = 0, width = 0; i < text.size(); i += width) {
    width = width_at(text, i);
    const char c = text[i];
    const bool last = i + width >= text.size();
    const bool followed_by_blank = last || text[i + width] == ' ' || text[i + width] == '\t';
    if (i == 0) {
      if (std::strchr("#,[]{}&*!|>'\"%@`", c) != nullptr && c != '\0') indicators = true;
      if ((c == '?' || c == ':' || c == '-') && followed_by_blank) indicators = true;
    } else {
      if (c == ':' && followed_by_blank) indicators = true;
      if (c == '#' && preceded_by_blank) indicators = true;
    }
    if (c == '\t') {
      tabs = true;
    } else if (!is_printable_at(text, i)) {
      special = true;
    }
    const bool is_break = is_break_at(text, i);
    if (c == ' ') {
      leading_space = leading_space || i == 0;
      trailing_space = trailing_space || last;
      break_space = break_space || previous_break;
    } else if (is_break) {
      result.multiline = true;
      edge_break = edge_break || i == 0 || last;
      space_break = space_break || previous_space;
    }
    previous_space = c == ' ';
    previous_break = is_break;
    preceded_by_blank = c == ' ' || c == '\t' || c == '\0' || is_break;
  }
  if (leading_space || trailing_space || edge_break || result.multiline || indicators) {
    result.plain_allowed = false;
  }
  if (break_space || space_break || tabs || special) {
    result.plain_allowed = false;
    result.single_allowed = false;
  }
  if (trailing_space || space_break || special) result.block_allowed = false;
  return result;
}

// encode.go: what YAML 1.1 would read as something else is quoted, though 1.2 would not need it.
bool is_old_bool(std::string_view text) {
  for (const std::string_view word : {"y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N",
                                      "no", "No", "NO", "off", "Off", "OFF"}) {
    if (text == word) return true;
  }
  return false;
}

// ^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$
bool is_base60(std::string_view text) {
  std::size_t i = 0;
  const auto is_digit = [&](std::size_t at) {
    return at < text.size() && text[at] >= '0' && text[at] <= '9';
  };
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
  if (!is_digit(i)) return false;
  while (is_digit(i) || (i < text.size() && text[i] == '_'))
    ++i;
  std::size_t groups = 0;
  while (i < text.size() && text[i] == ':') {
    if (!is_digit(i + 1)) return false;
    const bool two = is_digit(i + 2);
    if (two && text[i + 1] > '5') return false;
    i += two ? 3 : 2;
    ++groups;
  }
  if (groups == 0) return false;
  if (i < text.size() && text[i] == '.') {
    ++i;
    while (is_digit(i) || (i < text.size() && text[i] == '_'))
      ++i;
  }
  return i == text.size();
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

ScalarStyle allowed_style(ScalarStyle style, const Analysis& analysis) {
  if (style == ScalarStyle::kPlain && !analysis.plain_allowed) style = ScalarStyle::kSingle;
  if (style == ScalarStyle::kSingle && !analysis.single_allowed) style = ScalarStyle::kDouble;
  if (style == ScalarStyle::kLiteral && !analysis.block_allowed) style = ScalarStyle::kDouble;
  return style;
}

Scalar plan_string(std::string_view text) {
  Scalar scalar;
  scalar.text = text;
  bool can_be_plain = true;
  if (!is_valid_utf8(text)) {
    scalar.made = binary_text(text);
    scalar.text = scalar.made.reveal_text();
    scalar.tag = "!!binary";
  } else if (text == "<<") {
    scalar.tag = "!!merge";
  } else {
    can_be_plain = yaml::resolve_plain(text, yaml::Schema::kV3) == yaml::Kind::kString &&
                   !is_base60(text) && !is_old_bool(text);
  }
  const Analysis analysis = analyze(scalar.text);
  scalar.multiline = analysis.multiline;
  const bool has_newline = scalar.text.find('\n') != std::string_view::npos;
  scalar.style = allowed_style(has_newline    ? ScalarStyle::kLiteral
                               : can_be_plain ? ScalarStyle::kPlain
                                              : ScalarStyle::kDouble,
                               analysis);
  return scalar;
}

Scalar plan_plain(std::string_view text) {
  Scalar scalar;
  scalar.made = crypto::SecretBytes::copy_of(text);
  scalar.text = scalar.made.reveal_text();
  return scalar;
}

Scalar plan_scalar(const Item& item) {
  switch (item.kind) {
    case ItemKind::kNull:
      return plan_plain("null");
    case ItemKind::kFloat: {
      ShortText text;
      format_float(parse_float(item.bytes()).value_or(0), 'g', text);
      const std::string_view view = text.view();
      if (view == "+Inf") return plan_plain(".inf");
      if (view == "-Inf") return plan_plain("-.inf");
      if (view == "NaN") return plan_plain(".nan");
      return plan_plain(view);
    }
    case ItemKind::kString:
      return plan_string(item.bytes());
    default:
      return plan_plain(item.bytes());
  }
}

// --- the emitter

class Emitter {
 public:
  Emitter(ByteSink& out, int indent) : out_(out), best_indent_(indent) {}

  void document(const Value& root) {
    if (!first_) {
      write_indent();
      indicator("---", true, false, false);
      write_indent();
    }
    first_ = false;
    note(root.head, {}, {}, {});
    process_head();
    process_line();
    process_foot();
    collection(root, Parent::kRoot);
    foot_indent_ = 0;
    process_foot();
    foot_indent_ = -1;
    write_indent();
  }

  // A document that is a single value.
  void alone(const Value& root) {
    note(root.head, {}, {}, {});
    process_head();
    value(root, Parent::kRoot);
    write_indent();
  }

 private:
  enum class Parent { kRoot, kMapping, kSequence };

  // --- output
  void put(std::string_view text, std::int64_t columns) {
    out_.append(text);
    column_ += columns;
  }
  void put_break() {
    out_.append("\n");
    column_ = 0;
    indention_ = true;
  }
  // One character that is not a line feed; other breaks are copied and start a line all the same.
  void put_character(std::string_view text, std::size_t& i) {
    const std::size_t width = width_at(text, i);
    put(text.substr(i, width), 1);
    i += width;
  }
  void copy_break(std::string_view text, std::size_t& i) {
    if (text[i] == '\n') {
      put_break();
      ++i;
    } else {
      put_character(text, i);
      column_ = 0;
      indention_ = true;
    }
  }
  void indicator(std::string_view text, bool need_space, bool is_space, bool is_indention) {
    if (need_space && !whitespace_) put(" ", 1);
    put(text, static_cast<std::int64_t>(text.size()));
    whitespace_ = is_space;
    indention_ = indention_ && is_indention;
  }
  void write_indent() {
    const std::int64_t indent = std::max<std::int64_t>(indent_, 0);
    if (!indention_ || column_ > indent || (column_ == indent && !whitespace_)) put_break();
    if (foot_indent_ == indent) put_break();
    while (column_ < indent)
      put(" ", 1);
    whitespace_ = true;
    foot_indent_ = -1;
  }

  void push_indent(bool flow, Parent parent) {
    indents_.push_back(indent_);
    if (indent_ < 0) {
      indent_ = flow ? best_indent_ : 0;
    } else if (parent == Parent::kSequence) {
      indent_ += 2;  // past the "- "
    } else {
      indent_ = best_indent_ * ((indent_ + best_indent_) / best_indent_);
    }
  }
  void pop_indent() {
    indent_ = indents_.back();
    indents_.pop_back();
  }

  // --- comments: kept until a place that prints them comes by
  void note(const Lines& head, const Lines& line, const Lines& foot, const Lines& tail) {
    if (!head.empty()) head_ = head;
    if (!line.empty()) line_ = line;
    if (!foot.empty()) foot_ = foot;
    if (!tail.empty()) tail_ = tail;
  }
  void process_head() {
    if (!tail_.empty()) {
      write_indent();
      write_comment(tail_);
      tail_.clear();
      foot_indent_ = std::max<std::int64_t>(indent_, 0);
    }
    if (head_.empty()) return;
    write_indent();
    write_comment(head_);
    head_.clear();
  }
  void process_line(bool line_break = false) {
    if (line_.empty()) {
      if (line_break) put_break();
      return;
    }
    if (!whitespace_) put(" ", 1);
    write_comment(line_);
    line_.clear();
  }
  void process_key_line(const Value& value) {
    if (key_line_.empty()) return;
    if (!value.item->is_collection()) {
      if (line_.empty()) line_ = std::exchange(key_line_, {});
      return;
    }
    std::swap(line_, key_line_);
    process_line();
    std::swap(line_, key_line_);
  }
  void process_foot() {
    if (foot_.empty()) return;
    write_indent();
    write_comment(foot_);
    foot_.clear();
    foot_indent_ = std::max<std::int64_t>(indent_, 0);
  }
  void write_comment(const Lines& lines) {
    bool breaks = false;
    bool pound = false;
    const auto write = [&](std::string_view text) {
      for (std::size_t i = 0; i < text.size();) {
        if (is_break_at(text, i)) {
          copy_break(text, i);
          breaks = true;
          pound = false;
          continue;
        }
        if (breaks) write_indent();
        if (!pound && text[i] != '#') put("# ", 2);  // a line inside a decrypted comment
        pound = true;
        put_character(text, i);
        indention_ = false;
        breaks = false;
      }
    };
    for (std::size_t n = 0; n < lines.size(); ++n) {
      write(n == 0 ? "#" : "\n#");
      write(lines[n]);
    }
    if (!breaks) put_break();
    whitespace_ = true;
  }

  // --- values
  void value(const Value& value, Parent parent) {
    if (!value.item->is_collection()) scalar(plan_scalar(*value.item), parent, false);
    process_line();
    process_foot();
    if (value.item->is_collection()) collection(value, parent);
  }

  void collection(const Value& value, Parent parent) {
    if (value.item->kind == ItemKind::kMapping) {
      if (value.entries.empty()) return empty("{", "}", value, parent);
      push_indent(false, parent);
      mapping(value);
    } else {
      if (value.items.empty()) return empty("[", "]", value, parent);
      push_indent(false, parent);
      sequence(value);
    }
    pop_indent();
  }

  void empty(std::string_view open, std::string_view close, const Value& value, Parent parent) {
    indicator(open, true, true, false);
    push_indent(true, parent);
    note({}, value.line, value.foot, {});
    if (close == "}") process_head();
    pop_indent();
    if (close == "]" && column_ == 0) write_indent();
    indicator(close, false, false, false);
    process_line();
    process_foot();
  }

  static const Lines& line_of(const Value& value) {
    static const Lines none;
    return value.item->is_collection() ? none : value.line;
  }
  static const Lines& foot_of(const Value& value) {
    static const Lines none;
    return value.item->is_collection() ? none : value.foot;
  }

  void mapping(const Value& value) {
    Lines tail;  // the foot of the entry before
    for (const Value::Entry& entry : value.entries) {
      note(entry.head, {}, {}, tail);
      process_head();
      write_indent();
      // A comment left from the end of a collection: for this entry's value to print.
      if (!line_.empty()) key_line_ = std::exchange(line_, {});
      const Scalar key = plan_string(entry.item->key);
      const bool simple = !key.multiline && key.text.size() + key.tag.size() <= 128;
      if (!simple) indicator("?", true, false, true);
      scalar(key, Parent::kMapping, simple);
      tail = entry.foot;
      note(entry.value.head, line_of(entry.value), foot_of(entry.value), {});
      if (!simple) write_indent();
      indicator(":", !simple, false, !simple);
      process_key_line(entry.value);
      this->value(entry.value, Parent::kMapping);
    }
    note({}, value.line, value.foot, tail);
    process_head();
  }

  void sequence(const Value& value) {
    for (const Value& item : value.items) {
      note(item.head, line_of(item), foot_of(item), {});
      process_head();
      write_indent();
      indicator("-", true, false, true);
      this->value(item, Parent::kSequence);
    }
    note({}, value.line, value.foot, {});
  }

  void scalar(const Scalar& scalar, Parent parent, bool simple_key) {
    if (!scalar.tag.empty()) {
      if (!whitespace_) put(" ", 1);
      put(scalar.tag, static_cast<std::int64_t>(scalar.tag.size()));
      whitespace_ = false;
      indention_ = false;
    }
    push_indent(true, parent);
    ScalarStyle style = scalar.style;
    if (simple_key && scalar.text.empty() && style == ScalarStyle::kPlain) {
      style = ScalarStyle::kSingle;
    }
    switch (style) {
      case ScalarStyle::kPlain:
        plain(scalar.text);
        break;
      case ScalarStyle::kSingle:
        single_quoted(scalar.text);
        break;
      case ScalarStyle::kDouble:
        double_quoted(scalar.text);
        break;
      case ScalarStyle::kLiteral:
        literal(scalar.text);
        break;
    }
    pop_indent();
  }

  void plain(std::string_view text) {
    if (!text.empty() && !whitespace_) put(" ", 1);
    put(text, static_cast<std::int64_t>(text.size()));  // only "column > 0" matters from here
    if (!text.empty()) whitespace_ = false;
    indention_ = false;
  }

  void single_quoted(std::string_view text) {
    indicator("'", true, false, false);
    bool breaks = false;
    for (std::size_t i = 0; i < text.size();) {
      if (text[i] == ' ') {
        put_character(text, i);
      } else if (is_break_at(text, i)) {
        if (!breaks && text[i] == '\n') put_break();
        copy_break(text, i);
        breaks = true;
      } else {
        if (breaks) write_indent();
        if (text[i] == '\'') put("'", 1);
        put_character(text, i);
        indention_ = false;
        breaks = false;
      }
    }
    indicator("'", false, false, false);
    whitespace_ = false;
    indention_ = false;
  }

  void double_quoted(std::string_view text) {
    indicator("\"", true, false, false);
    // go-yaml looks for a byte order mark at the start of the text, whatever character it is at.
    const bool starts_with_bom = text.starts_with("\xEF\xBB\xBF");
    for (std::size_t i = 0; i < text.size();) {
      const char c = text[i];
      if (starts_with_bom || c == '"' || c == '\\' || !is_printable_at(text, i) ||
          is_break_at(text, i)) {
        escape(text, i);
      } else {
        put_character(text, i);
      }
    }
    indicator("\"", false, false, false);
    whitespace_ = false;
    indention_ = false;
  }

  void escape(std::string_view text, std::size_t& i) {
    const std::size_t width = width_at(text, i);
    unsigned rune = byte_at(text, i);
    if (width > 1) rune &= 0x7fU >> width;
    for (std::size_t k = 1; k < width; ++k)
      rune = rune << 6 | (byte_at(text, i + k) & 0x3f);
    i += width;
    static constexpr std::pair<unsigned, char> kShort[] = {
        {0x00, '0'},  {0x07, 'a'}, {0x08, 'b'}, {0x09, 't'},   {0x0a, 'n'},
        {0x0b, 'v'},  {0x0c, 'f'}, {0x0d, 'r'}, {0x1b, 'e'},   {0x22, '"'},
        {0x5c, '\\'}, {0x85, 'N'}, {0xa0, '_'}, {0x2028, 'L'}, {0x2029, 'P'}};
    for (const auto& [code, letter] : kShort) {
      if (rune != code) continue;
      const char escaped[2] = {'\\', letter};
      return put({escaped, 2}, 2);
    }
    const int digits = rune <= 0xff ? 2 : rune <= 0xffff ? 4 : 8;
    put(rune <= 0xff ? "\\x" : rune <= 0xffff ? "\\u" : "\\U", 2);
    for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) {
      put(std::string_view("0123456789ABCDEF").substr(rune >> shift & 15, 1), 1);
    }
  }

  void literal(std::string_view text) {
    indicator("|", true, false, false);
    if (text[0] == ' ' || is_break_at(text, 0)) {
      const char hint = static_cast<char>('0' + best_indent_);
      indicator({&hint, 1}, false, false, false);
    }
    if (const std::string_view chomp = chomp_hint(text); !chomp.empty()) {
      indicator(chomp, false, false, false);
    }
    process_line(/*line_break=*/true);
    whitespace_ = true;
    bool breaks = true;
    for (std::size_t i = 0; i < text.size();) {
      if (is_break_at(text, i)) {
        copy_break(text, i);
        breaks = true;
        continue;
      }
      if (breaks) write_indent();
      std::size_t end = i;
      while (end < text.size() && !is_break_at(text, end))
        end += width_at(text, end);
      put(text.substr(i, end - i), static_cast<std::int64_t>(end - i));
      i = end;
      indention_ = false;
      breaks = false;
    }
  }

  static std::string_view chomp_hint(std::string_view text) {
    const auto last = [](std::string_view part) {
      std::size_t i = part.size() - 1;
      while (i > 0 && (static_cast<unsigned char>(part[i]) & 0xc0U) == 0x80U)
        --i;
      return i;
    };
    const std::size_t i = last(text);
    if (!is_break_at(text, i)) return "-";
    if (i == 0 || is_break_at(text, last(text.substr(0, i)))) return "+";
    return "";
  }

  ByteSink& out_;
  std::int64_t best_indent_;
  bool first_ = true;
  std::int64_t indent_ = -1;
  std::vector<std::int64_t> indents_;
  std::int64_t column_ = 0;
  bool whitespace_ = true;
  bool indention_ = true;
  std::int64_t foot_indent_ = -1;
  Lines head_, line_, foot_, tail_, key_line_;
};

}  // namespace

Result<void> print_yaml_tree(const Tree& tree, int indent, ByteSink& out) {
  constexpr int kDefault = 4;
  if (indent < 0) {
    return fail(Code::kInvalid, "YAML indentation of " + std::to_string(indent), Where{},
                "use 2 to 9");
  }
  if (indent == 0) indent = kDefault;
  // libyaml's emitter: what it cannot do becomes 2.
  Emitter emitter(out, indent < 2 || indent > 9 ? 2 : indent);
  for (const Item& document : tree)
    emitter.document(arrange(document));
  return {};
}

Result<void> print_yaml_value(const Item& item, ByteSink& out) {
  constexpr int kDefault = 4;  // upstream ignores the setting here
  Emitter(out, kDefault).alone(arrange(item));
  return {};
}

}  // namespace sluice::decrypt
