// The YAML that kustomize prints. Upstream: api/resource/resource.go AsYAML prints a resource as
// JSON, reads that with go.yaml.in/yaml/v2 and prints it again; so this is v2's emitter (encode.go,
// emitterc.go) in block style, plus what the way through JSON does to values.
#include <array>
#include <optional>
#include <string.h>  // explicit_bzero
#include <vector>

#include "sluice/base/encoding.hpp"
#include "sluice/yaml/scalar.hpp"
#include "sluice/yaml/write.hpp"

#include "go_scalar.hpp"
#include "natural_order.hpp"
#include "output.hpp"
#include "scalar_shape.hpp"

namespace sluice::yaml {
namespace {

constexpr std::size_t kWidth = 80;
constexpr std::size_t kNoWidth = static_cast<std::size_t>(-1) / 2;
constexpr std::size_t kLongestSimpleKey = 128;  // emitterc.go, check_simple_key
// scannerc.go, simple_key_is_valid: go-yaml cannot read back a longer key from one line of JSON.
constexpr std::size_t kLongestJsonKey = 1022;
constexpr std::string_view kNextLine = "\xC2\x85";

/// `text` with each broken byte replaced, as encoding/json replaces it.
std::string replace_invalid_utf8(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t width = utf8_width(text[i]);
    const std::string_view character = text.substr(i, width);
    if (character.size() == width && is_valid_utf8(character)) {
      out += character;
      i += width;
    } else {
      out += "\xEF\xBF\xBD";
      ++i;
    }
  }
  return out;
}

/// JSON leaves U+0085 as it is, and go-yaml then folds it in the quoted string like a line break:
/// spaces around go, one break becomes a space, n become n-1 newlines.
Result<std::string> fold_next_lines(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (!text.substr(i).starts_with(kNextLine)) {
      out += text[i++];
      continue;
    }
    while (!out.empty() && out.back() == ' ')
      out.pop_back();
    std::size_t breaks = 0;
    bool at_line_start = true;
    while (i < text.size()) {
      if (text.substr(i).starts_with(kNextLine)) {
        i += kNextLine.size();
        ++breaks;
        at_line_start = true;
      } else if (text[i] == ' ') {
        ++i;
        at_line_start = false;
      } else {
        break;
      }
    }
    const std::string_view rest = text.substr(i);
    if (at_line_start && (rest.starts_with("---") || rest.starts_with("...")) && rest.size() > 3 &&
        (rest[3] == ' ' || rest.substr(3).starts_with(kNextLine))) {
      return fail(Code::kInvalid, "yaml: line 2: found unexpected document indicator");
    }
    out += breaks == 1 ? std::string(1, ' ') : std::string(breaks - 1, '\n');
  }
  return out;
}

/// Characters that go-yaml refuses to read, which JSON does not escape: DEL, C1 controls, U+FFFE/F.
bool has_unreadable(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == 0x7F) return true;
    if (byte == 0xC2 && i + 1 < text.size()) {
      const auto next = static_cast<unsigned char>(text[i + 1]);
      if (next < 0xA0 && next != 0x85) return true;
    }
    if (byte == 0xEF && (text.substr(i).starts_with("\xEF\xBF\xBE") ||
                         text.substr(i).starts_with("\xEF\xBF\xBF"))) {
      return true;
    }
  }
  return false;
}

/// What happens to a string on the way through JSON. `scratch` holds the result if it differs.
Result<std::string_view> through_json(std::string_view text, std::string& scratch) {
  if (!is_valid_utf8(text)) {
    scratch = replace_invalid_utf8(text);
    text = scratch;
  }
  if (has_unreadable(text)) return fail(Code::kInvalid, "yaml: control characters are not allowed");
  if (text.find(kNextLine) != std::string_view::npos) {
    SLUICE_TRY(scratch, fold_next_lines(text));
    text = scratch;
  }
  return text;
}

std::size_t json_characters(std::string_view key) {
  std::size_t count = 0;
  for (const char c : key) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0U) == 0x80U) continue;
    const bool short_escape =
        c == '"' || c == '\\' || c == '\n' || c == '\t' || c == '\r' || c == '\b' || c == '\f';
    const bool long_escape = byte < 0x20 || c == '<' || c == '>' || c == '&';
    count += short_escape ? 2 : long_escape ? 6 : 1;
  }
  return count;
}

/// What kustomize does with a node before it prints it.
enum class Way : std::uint8_t {
  kThroughText,  ///< prints it with go-yaml v3 and reads that
  kDecoded,      ///< decodes it
  kAsRead,       ///< nothing: write_yaml_as_read
};

/// libyaml's emitter state, reduced to block collections. `Out` is a StringOutput or SinkOutput.
template <class Out>
class YamlWriter {
 public:
  YamlWriter(Out& out, LeafReader* leaves, Way way)
      : out_(out),
        leaves_(leaves),
        as_read_(way == Way::kAsRead),
        through_text_(way == Way::kThroughText),
        width_(as_read_ ? kNoWidth : kWidth) {}

  Result<void> document(Node root) {
    SLUICE_CHECK(node(root, /*in_mapping=*/false));
    write_indent();  // ends the last line
    return {};
  }

 private:
  // --- output with the column kept
  void put(char c) {
    out_.put(c);
    ++column_;
  }
  void put_break() {
    out_.put('\n');
    column_ = 0;
  }
  void append_ascii(std::string_view text) {
    out_.append(text);
    column_ += text.size();
  }
  /// One character of any width; `i` moves past it.
  void copy_character(std::string_view text, std::size_t& i) {
    const std::size_t width = utf8_width(text[i]);
    out_.append(text.substr(i, width));
    ++column_;
    i += width;
  }
  void copy_break(std::string_view text, std::size_t& i) {
    if (text[i] == '\n') {
      put_break();
      ++i;
    } else {
      copy_character(text, i);
      column_ = 0;
    }
  }
  void write_indent() {
    const std::size_t indent = indent_ < 0 ? 0 : static_cast<std::size_t>(indent_);
    if (!indention_ || column_ > indent || (column_ == indent && !whitespace_)) put_break();
    if (column_ < indent) {
      out_.fill(indent - column_, ' ');
      column_ = indent;
    }
    whitespace_ = indention_ = true;
  }
  /// '-', '?' or ':' of a collection. Such an indicator may stand in the indentation of what
  /// follows.
  void write_indicator(char c, bool needs_space, bool is_indention) {
    if (needs_space && !whitespace_) put(' ');
    put(c);
    whitespace_ = false;
    indention_ = indention_ && is_indention;
  }
  void write_token(std::string_view token) {
    if (!whitespace_) put(' ');
    append_ascii(token);
    whitespace_ = indention_ = false;
  }

  // --- nodes
  Result<void> node(Node node, bool in_mapping) {
    switch (node.kind()) {
      case Kind::kMapping:
        return mapping(node);
      case Kind::kSequence:
        return sequence(node, in_mapping);
      case Kind::kEncrypted:
        return leaf(node);
      case Kind::kString:
        if (as_read_) {
          styled(node.text(), shape_of(node.text()), false, node.style());
          return {};
        }
        if (through_text_ && node.style() == Style::kFolded && !flow_) {
          return string(refolded(node.text()), node);
        }
        return string(node.text(), node);
      default: {
        if (as_read_) {
          write_token(node.text());
          return {};
        }
        if (through_text_ && flow_ && is_quoted_in_flow(node)) return string(node.text(), node);
        auto value = go_scalar(node.kind(), node.text(), NumberForm::kYamlThroughJson, scratch_);
        if (!value) return fail(std::move(value.error()).at(where_of(node)));
        if (value->is_text) {
          const std::string text(value->text);  // scratch_ is used again below
          return string(text, node);
        }
        write_token(value->text);
        return {};
      }
    }
  }

  Result<void> sequence(Node node, bool in_mapping) {
    if (node.size() == 0) {
      write_token("[]");
      return {};
    }
    const int outer = indent_;
    const bool outer_flow = flow_;
    flow_ |= node.style() == Style::kFlow;
    const bool indentless = in_mapping && !indention_;
    indent_ = indent_ < 0 ? 0 : indentless ? indent_ : indent_ + 2;
    for (std::size_t i = 0; i < node.size(); ++i) {
      write_indent();
      write_indicator('-', true, true);
      SLUICE_CHECK(this->node(node.at(i), false));
    }
    indent_ = outer;
    flow_ = outer_flow;
    return {};
  }

  Result<void> mapping(Node node) {
    const bool is_root = indent_ < 0;
    const std::size_t first = keys_.size();
    for (std::size_t i = 0; i < node.size(); ++i) {
      const Node key = node.key(i);
      if (key.is_string()) {
        keys_.push_back({key.text(), static_cast<std::uint32_t>(i)});
      } else if (is_root && key.is_scalar() && key.kind() != Kind::kBinary) {
        // The top level alone is decoded into string keys: their text counts, null is dropped.
        if (!key.is_null()) keys_.push_back({key.text(), static_cast<std::uint32_t>(i)});
      } else {
        return fail(Code::kInvalid, "json: unsupported type: map[interface {}]interface {}",
                    where_of(key), "write this key in quotes");
      }
    }
    const std::size_t count = keys_.size() - first;
    if (count == 0) {
      write_token("{}");
      return {};
    }
    if (!as_read_) sort_keys_naturally(std::span<SortKey>(keys_).subspan(first));
    const int outer = indent_;
    const bool outer_flow = flow_;
    flow_ |= node.style() == Style::kFlow;
    indent_ = indent_ < 0 ? 0 : indent_ + 2;
    for (std::size_t i = 0; i < count; ++i) {
      const SortKey key = keys_[first + i];
      write_indent();
      SLUICE_CHECK(this->key(key.text, node.key(key.index)));
      SLUICE_CHECK(this->node(node.value(key.index), true));
    }
    indent_ = outer;
    flow_ = outer_flow;
    keys_.resize(first);
    return {};
  }

  Result<void> key(std::string_view text, Node at) {
    ScalarShape shape = shape_of(text);
    if (!shape.simple && !as_read_) {
      if (text.find(kNextLine) != std::string_view::npos) {  // a line break: no key of JSON in YAML
        return fail(Code::kInvalid, "yaml: line 1: did not find expected ',' or '}'", where_of(at),
                    "kustomize cannot print a key that holds U+0085");
      }
      std::string converted;
      auto read = through_json(text, converted);
      if (!read) return fail(std::move(read.error()).at(where_of(at)));
      if (!converted.empty()) {
        shape = shape_of(*read);
        return key(*read, shape, at);
      }
    }
    return key(text, shape, at);
  }

  Result<void> key(std::string_view text, const ScalarShape& shape, Node at) {
    if (text.size() * 6 > kLongestJsonKey && json_characters(text) > kLongestJsonKey) {
      return fail(Code::kInvalid, "yaml: mapping values are not allowed in this context",
                  where_of(at), "kustomize cannot print a key of more than 1022 characters");
    }
    if (!shape.multiline && text.size() <= kLongestSimpleKey) {
      styled(text, shape, /*simple_key=*/true, style_of(at));
      write_indicator(':', false, false);
    } else {
      write_indicator('?', true, true);
      styled(text, shape, /*simple_key=*/false, style_of(at));
      write_indent();
      write_indicator(':', true, true);
    }
    return {};
  }

  /// kustomize prints a resource with go-yaml v3 and reads it again: a block scalar that begins
  /// with a tab it cannot read.
  Result<void> check_first_tab(std::string_view text, Node at) const {
    if (text.front() != '\t' || flow_) return {};
    const Style style = at.style();
    const bool is_block = style == Style::kLiteral || style == Style::kFolded ||
                          (style == Style::kPlain && text.find('\n') != std::string_view::npos);
    if (!is_block || !is_block_in_v3(text)) return {};
    return fail(Code::kInvalid,
                "yaml: found a tab character where an indentation space is expected", where_of(at),
                "kustomize cannot print a block scalar that begins with a tab: write it in quotes");
  }

  Result<void> string(std::string_view text, Node at) {
    const ScalarShape shape = shape_of(text);
    if (shape.simple) {
      styled(text, shape, false);
      return {};
    }
    SLUICE_CHECK(check_first_tab(text, at));
    std::string converted;
    auto read = through_json(text, converted);
    if (!read) return fail(std::move(read.error()).at(where_of(at)));
    styled(*read, converted.empty() ? shape : shape_of(*read), false);
    return {};
  }

  /// Plaintext is read where it lies and written to the sink; it is in no string of ours.
  Result<void> leaf(Node node) {
    if (leaves_ == nullptr) return string(kRedacted, node);
    SLUICE_TRY(const LeafReader::Value value, leaves_->read(node.leaf()));
    if (value.kind == Kind::kString) {
      if (!is_valid_utf8(value.text)) {
        return fail(Code::kInvalid,
                    "the decrypted value of \"" + node.leaf().selector + "\" is not UTF-8 text",
                    where_of(node), "put binary data under \"data\" in base64");
      }
      out_.begin_plaintext();
      styled(value.text, shape_of(value.text), false);
      out_.end_plaintext();
      return {};
    }
    std::string digits;
    auto printed = go_scalar(value.kind, value.text, NumberForm::kYamlThroughJson, digits);
    if (!printed) return fail(std::move(printed.error()).at(where_of(node)));
    out_.begin_plaintext();
    if (printed->is_text) {
      styled(printed->text, shape_of(printed->text), false);
    } else {
      write_token(printed->text);
    }
    out_.end_plaintext();
    ::explicit_bzero(digits.data(), digits.size());
    return {};
  }

  // --- strings
  enum class Quoting : std::uint8_t { kPlain, kSingle, kDouble, kLiteral };

  static Quoting choose(std::string_view text, const ScalarShape& shape, bool simple_key) {
    const bool has_newline = shape.multiline && text.find('\n') != std::string_view::npos;
    if (has_newline && !simple_key && shape.block_allowed) return Quoting::kLiteral;
    if (has_newline) return Quoting::kDouble;
    const bool reads_as_string =
        resolve_plain(text, Schema::kV2) == Kind::kString && !is_base60(text);
    if (!reads_as_string || (simple_key && shape.multiline)) return Quoting::kDouble;
    if (shape.plain_allowed) return Quoting::kPlain;
    return shape.single_allowed ? Quoting::kSingle : Quoting::kDouble;
  }

  /// go-yaml v3 keeps the style that a node was read with, where the text allows it.
  static Quoting keep(Style style, const ScalarShape& shape, bool simple_key) {
    if (style == Style::kPlain && shape.plain_allowed && !shape.multiline) return Quoting::kPlain;
    const bool block = style == Style::kLiteral || style == Style::kFolded;
    if (block && shape.block_allowed && !simple_key) return Quoting::kLiteral;
    const bool single = !block && style != Style::kDoubleQuoted;
    return single && shape.single_allowed ? Quoting::kSingle : Quoting::kDouble;
  }
  std::optional<Style> style_of(Node at) const {
    return as_read_ ? std::optional<Style>(at.style()) : std::nullopt;
  }

  void styled(std::string_view text, const ScalarShape& shape, bool simple_key,
              std::optional<Style> written = std::nullopt) {
    const int outer = indent_;
    indent_ = indent_ < 0 ? 2 : indent_ + 2;  // of continuation lines
    switch (written ? keep(*written, shape, simple_key) : choose(text, shape, simple_key)) {
      case Quoting::kPlain:
        plain(text, shape, !simple_key);
        break;
      case Quoting::kSingle:
        single_quoted(text, !simple_key);
        break;
      case Quoting::kDouble:
        double_quoted(text, !simple_key);
        break;
      case Quoting::kLiteral:
        literal(text, shape);
        break;
    }
    indent_ = outer;
  }

  void plain(std::string_view text, const ScalarShape& shape, bool may_fold) {
    if (!whitespace_) put(' ');
    whitespace_ = indention_ = false;
    if (!may_fold || (shape.simple && column_ + text.size() <= width_)) {
      if (shape.simple) {
        append_ascii(text);
      } else {
        for (std::size_t i = 0; i < text.size();)
          copy_character(text, i);
      }
      return;
    }
    bool after_space = false;
    for (std::size_t i = 0; i < text.size();) {
      const bool is_space = text[i] == ' ';
      if (is_space && !after_space && column_ > width_ && text[i + 1] != ' ') {
        write_indent();
        indention_ = whitespace_ = false;
        ++i;
      } else {
        copy_character(text, i);
      }
      after_space = is_space;
    }
  }

  void single_quoted(std::string_view text, bool may_fold) {
    if (!whitespace_) put(' ');
    put('\'');
    whitespace_ = indention_ = false;
    bool after_space = false;
    bool after_break = false;
    for (std::size_t i = 0; i < text.size();) {
      if (text[i] == ' ') {
        if (may_fold && !after_space && column_ > width_ && i > 0 && i + 1 < text.size() &&
            text[i + 1] != ' ') {
          write_indent();
          ++i;
        } else {
          copy_character(text, i);
        }
        after_space = true;
      } else if (is_break(text, i)) {
        if (!after_break && text[i] == '\n') put_break();
        copy_break(text, i);
        indention_ = after_break = true;
      } else {
        if (after_break) write_indent();
        if (text[i] == '\'') put('\'');
        copy_character(text, i);
        indention_ = after_space = after_break = false;
      }
    }
    put('\'');
    whitespace_ = indention_ = false;
  }

  void double_quoted(std::string_view text, bool may_fold) {
    // The port looks for a byte order mark at the start of the text, not at the character: a text
    // that starts with one is escaped to its end.
    const bool escape_all = text.starts_with("\xEF\xBB\xBF");
    if (!whitespace_) put(' ');
    put('"');
    whitespace_ = indention_ = false;
    bool after_space = false;
    for (std::size_t i = 0; i < text.size();) {
      const char c = text[i];
      if (escape_all || c == '"' || c == '\\' || !is_printable(text, i) || is_break(text, i)) {
        escape(text, i);
        after_space = false;
      } else if (c == ' ') {
        if (may_fold && !after_space && column_ > width_ && i > 0 && i + 1 < text.size()) {
          write_indent();
          if (text[i + 1] == ' ') put('\\');
          ++i;
        } else {
          copy_character(text, i);
        }
        after_space = true;
      } else {
        copy_character(text, i);
        after_space = false;
      }
    }
    put('"');
    whitespace_ = indention_ = false;
  }

  void escape(std::string_view text, std::size_t& i) {
    const std::size_t width = utf8_width(text[i]);
    std::uint32_t point = static_cast<unsigned char>(text[i]);
    if (width > 1) {
      point &= 0x7FU >> width;
      for (std::size_t k = 1; k < width; ++k)
        point = point << 6U | (static_cast<unsigned char>(text[i + k]) & 0x3FU);
    }
    i += width;
    put('\\');
    switch (point) {
      case 0x00:
        return put('0');
      case 0x07:
        return put('a');
      case 0x08:
        return put('b');
      case 0x09:
        return put('t');
      case 0x0A:
        return put('n');
      case 0x0B:
        return put('v');
      case 0x0C:
        return put('f');
      case 0x0D:
        return put('r');
      case 0x1B:
        return put('e');
      case '"':
        return put('"');
      case '\\':
        return put('\\');
      case 0x85:
        return put('N');
      case 0xA0:
        return put('_');
      case 0x2028:
        return put('L');
      case 0x2029:
        return put('P');
      default:
        break;
    }
    const int digits = point <= 0xFF ? 2 : point <= 0xFFFF ? 4 : 8;
    put(digits == 2 ? 'x' : digits == 4 ? 'u' : 'U');
    for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) {
      put("0123456789ABCDEF"[(point >> static_cast<unsigned>(shift)) & 0xFU]);
    }
  }

  void literal(std::string_view text, const ScalarShape& shape) {
    if (!whitespace_) put(' ');
    put('|');
    if (text[0] == ' ' || is_break(text, 0)) put('2');
    if (const char chomping = chomping_of(text); chomping != '\0') put(chomping);
    put_break();
    indention_ = whitespace_ = true;
    if (shape.simple) {
      literal_lines(text);
      return;
    }
    bool after_break = true;
    for (std::size_t i = 0; i < text.size();) {
      if (is_break(text, i)) {
        copy_break(text, i);
        indention_ = after_break = true;
      } else {
        if (after_break) write_indent();
        copy_character(text, i);
        indention_ = after_break = false;
      }
    }
  }

  /// The same by lines, for text whose only break is '\n'.
  void literal_lines(std::string_view text) {
    const auto indent = static_cast<std::size_t>(indent_);
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      const std::string_view line = text.substr(0, end);
      if (!line.empty()) {
        out_.fill(indent, ' ');
        out_.append(line);
      }
      if (end == std::string_view::npos) {
        column_ = indent + line.size();
        indention_ = false;
        return;
      }
      out_.put('\n');
      text.remove_prefix(end + 1);
    }
    column_ = 0;
    indention_ = true;
  }

  /// '-' when the text does not end in a break, '+' when it ends in several.
  static char chomping_of(std::string_view text) {
    const std::size_t last = character_before(text, text.size());
    if (!is_break(text, last)) return '-';
    if (last == 0) return '+';
    return is_break(text, character_before(text, last)) ? '+' : '\0';
  }
  static std::size_t character_before(std::string_view text, std::size_t end) {
    do
      --end;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U);
    return end;
  }

  Out& out_;
  LeafReader* leaves_;
  const bool as_read_, through_text_;
  const std::size_t width_;
  std::vector<SortKey> keys_;  // of all open mappings, innermost last
  std::string scratch_;
  std::size_t column_ = 0;
  int indent_ = -1;
  bool flow_ = false;       // inside what was written as a flow collection
  bool whitespace_ = true;  // the last character was a space or an indentation
  bool indention_ = true;   // only indentation stands on the line so far
};

}  // namespace

Result<void> write_yaml(Node node, std::string& out) {
  StringOutput output(out);
  return YamlWriter<StringOutput>(output, nullptr, Way::kThroughText).document(node);
}

Result<void> write_yaml(Node node, ByteSink& out, LeafReader* leaves) {
  SinkOutput output(out);
  return YamlWriter<SinkOutput>(output, leaves, Way::kThroughText).document(node);
}

Result<void> write_yaml_decoded(Node node, std::string& out) {
  StringOutput output(out);
  return YamlWriter<StringOutput>(output, nullptr, Way::kDecoded).document(node);
}

Result<void> write_yaml_as_read(Node node, std::string& out) {
  StringOutput output(out);
  return YamlWriter<StringOutput>(output, nullptr, Way::kAsRead).document(node);
}

Result<void> write_yaml_as_read(Node node, ByteSink& out, LeafReader* leaves) {
  SinkOutput output(out);
  return YamlWriter<SinkOutput>(output, leaves, Way::kAsRead).document(node);
}

}  // namespace sluice::yaml
