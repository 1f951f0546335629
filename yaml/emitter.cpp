#include "sluice/yaml/emitter.hpp"

#include <algorithm>
#include <utility>

#include "scalar_shape.hpp"

namespace sluice::yaml {
namespace {

const CommentPieces kNone;

bool is_blank_at(std::string_view text, std::size_t i) {
  return i < text.size() && (text[i] == ' ' || text[i] == '\t');
}

/// emitterc.go, yaml_emitter_analyze_scalar.
struct Analysis {
  bool empty = false, multiline = false;
  bool flow_plain = true, block_plain = true, single_quoted = true, block = true;

  explicit Analysis(std::string_view text) {
    empty = text.empty();
    if (empty) {
      flow_plain = block = false;
      return;
    }
    bool block_indicators = text.starts_with("---") || text.starts_with("...");
    bool flow_indicators = block_indicators;
    bool special = false, tabs = false, edge = false, trailing_space = false;
    bool break_space = false, space_break = false;
    bool previous_space = false, previous_break = false, preceded_by_blank = true;
    for (std::size_t i = 0, width = 0; i < text.size(); i += width) {
      width = utf8_width(text[i]);
      const char c = text[i];
      const bool last = i + width >= text.size();
      const bool followed_by_blank = last || is_blank_at(text, i + width);
      if (i == 0) {
        if (std::string_view("#,[]{}&*!|>'\"%@`").find(c) != std::string_view::npos) {
          flow_indicators = block_indicators = true;
        } else if (c == '?' || c == ':') {
          flow_indicators = true;
          block_indicators = block_indicators || followed_by_blank;
        } else if (c == '-' && followed_by_blank) {
          flow_indicators = block_indicators = true;
        }
      } else if (std::string_view(",?[]{}").find(c) != std::string_view::npos) {
        flow_indicators = true;
      } else if (c == ':') {
        flow_indicators = true;
        block_indicators = block_indicators || followed_by_blank;
      } else if (c == '#' && preceded_by_blank) {
        flow_indicators = block_indicators = true;
      }
      const bool breaks = is_break(text, i);
      if (c == '\t') {
        tabs = true;
      } else if (!is_printable(text, i)) {
        special = true;
      }
      if (c == ' ') {
        edge = edge || i == 0 || last;
        trailing_space = trailing_space || last;
        break_space = break_space || previous_break;
      } else if (breaks) {
        multiline = true;
        edge = edge || i == 0 || last;
        space_break = space_break || previous_space;
      }
      previous_space = c == ' ';
      previous_break = breaks;
      preceded_by_blank = c == ' ' || c == '\t' || c == '\0' || breaks;
    }
    const bool only_double = space_break || tabs || special;
    flow_plain = block_plain = !edge && !break_space && !only_double && !multiline;
    flow_plain = flow_plain && !flow_indicators;
    block_plain = block_plain && !block_indicators;
    single_quoted = !break_space && !only_double;
    block = !trailing_space && !space_break && !special;
  }
};

bool is_collection(const EmitNode& node) {
  return node.kind == EmitNode::Kind::kSequence || node.kind == EmitNode::Kind::kMapping;
}

bool is_simple_key(const EmitNode& key) {
  constexpr std::size_t kMaxSimple = 128;
  if (key.kind == EmitNode::Kind::kAlias) return key.text.size() <= kMaxSimple;
  if (is_collection(key)) return key.content.empty();
  return !Analysis(key.text).multiline &&
         key.anchor.size() + key.tag.size() + key.text.size() <= kMaxSimple;
}

/// What a block scalar's header says of the breaks at the end of `text`.
std::string_view chomp_hint(std::string_view text) {
  const auto last = [](std::string_view part) {
    std::size_t i = part.size() - 1;
    while (i > 0 && (static_cast<unsigned char>(part[i]) & 0xc0U) == 0x80U)
      --i;
    return i;
  };
  const std::size_t i = last(text);
  if (!is_break(text, i)) return "-";
  if (i == 0 || is_break(text, last(text.substr(0, i)))) return "+";
  return "";
}

Style printed_style(Style style, const Analysis& may, bool in_flow, bool simple_key) {
  if (simple_key && may.multiline) style = Style::kDoubleQuoted;
  if (style == Style::kPlain) {
    if (!(in_flow ? may.flow_plain : may.block_plain)) style = Style::kSingleQuoted;
    if (may.empty && (in_flow || simple_key)) style = Style::kSingleQuoted;
  }
  if (style == Style::kSingleQuoted && !may.single_quoted) style = Style::kDoubleQuoted;
  const bool is_block = style == Style::kLiteral || style == Style::kFolded;
  return is_block && (!may.block || in_flow || simple_key) ? Style::kDoubleQuoted : style;
}

}  // namespace

Style printed_style(Style wanted, std::string_view text) {
  return printed_style(wanted, Analysis(text), /*in_flow=*/false, /*simple_key=*/false);
}

void Emitter::document(const EmitNode& root, const CommentPieces& head, const CommentPieces& foot) {
  if (!first_) {
    write_indent();
    indicator("---", true, false, false);
    write_indent();
  }
  first_ = false;
  note(head, kNone, kNone, kNone);
  if (head_ != nullptr) {
    process_head();
    put_break();
  }
  note_node(root, kNone);
  process_head();
  node(root, Parent::kRoot, /*simple_key=*/false);
  note(kNone, kNone, foot, kNone);
  foot_indent_ = 0;
  process_foot();
  foot_indent_ = -1;
  write_indent();
}

// --- output
void Emitter::put(std::string_view text) {
  out_.append(text);
  column_ += static_cast<std::int64_t>(text.size());
}
void Emitter::put_character(std::string_view text, std::size_t& i) {
  const std::size_t width = std::min(utf8_width(text[i]), text.size() - i);
  out_.append(text.substr(i, width));
  ++column_;
  i += width;
}
void Emitter::put_break() {
  out_.append("\n");
  column_ = 0;
  indention_ = true;
}
void Emitter::copy_break(std::string_view text, std::size_t& i) {
  if (text[i] == '\n') {
    put_break();
    ++i;
  } else {
    put_character(text, i);
    column_ = 0;
    indention_ = true;
  }
}
void Emitter::indicator(std::string_view text, bool need_space, bool is_space, bool is_indention) {
  if (need_space && !whitespace_) put(" ");
  put(text);
  whitespace_ = is_space;
  indention_ = indention_ && is_indention;
}
void Emitter::write_indent() {
  const std::int64_t indent = std::max<std::int64_t>(indent_, 0);
  if (!indention_ || column_ > indent || (column_ == indent && !whitespace_)) put_break();
  if (foot_indent_ == indent) put_break();
  while (column_ < indent)
    put(" ");
  whitespace_ = true;
  foot_indent_ = -1;
}
void Emitter::push_indent(bool flow, Parent parent, bool compact) {
  indents_.push_back(indent_);
  if (indent_ < 0) {
    indent_ = flow ? options_.indent : 0;
  } else if (parent == Parent::kSequence) {
    indent_ += 2;  // past the "- "
  } else {
    indent_ = options_.indent * ((indent_ + options_.indent) / options_.indent);
    if (compact) indent_ -= 2;
  }
}
void Emitter::pop_indent() {
  indent_ = indents_.back();
  indents_.pop_back();
}

// --- comments
void Emitter::note(const CommentPieces& head, const CommentPieces& line, const CommentPieces& foot,
                   const CommentPieces& tail) {
  if (!head.empty()) head_ = &head;
  if (!line.empty()) line_ = &line;
  if (!foot.empty()) foot_ = &foot;
  if (!tail.empty()) tail_ = &tail;
}
/// The comments that come with the start of a node; those at the end of a collection come later.
void Emitter::note_node(const EmitNode& node, const CommentPieces& tail) {
  if (is_collection(node)) {
    note(node.head, kNone, kNone, node.kind == EmitNode::Kind::kMapping ? tail : kNone);
  } else {
    note(node.head, node.line, node.foot, node.kind == EmitNode::Kind::kScalar ? tail : kNone);
  }
}
void Emitter::process_head() {
  if (tail_ != nullptr) {
    write_indent();
    write_comment(*std::exchange(tail_, nullptr));
    foot_indent_ = std::max<std::int64_t>(indent_, 0);
  }
  if (head_ == nullptr) return;
  write_indent();
  write_comment(*std::exchange(head_, nullptr));
}
void Emitter::process_line(bool line_break) {
  if (line_ == nullptr) {
    if (line_break) put_break();
    return;
  }
  if (!whitespace_) put(" ");
  write_comment(*std::exchange(line_, nullptr));
}
/// A comment left from the key: the value's own, or the last thing before a block.
void Emitter::process_key_line(const EmitNode& value) {
  if (key_line_ == nullptr) return;
  if (value.kind == EmitNode::Kind::kScalar) {
    if (line_ == nullptr) line_ = std::exchange(key_line_, nullptr);
  } else if (is_collection(value) && value.style != Style::kFlow) {
    std::swap(line_, key_line_);
    process_line();
    std::swap(line_, key_line_);
  }
}
void Emitter::process_foot() {
  if (foot_ == nullptr) return;
  write_indent();
  write_comment(*std::exchange(foot_, nullptr));
  foot_indent_ = std::max<std::int64_t>(indent_, 0);
}
void Emitter::write_comment(const CommentPieces& comment) {
  bool breaks = false;
  bool pound = false;
  for (const std::string_view text : comment) {
    for (std::size_t i = 0; i < text.size();) {
      if (is_break(text, i)) {
        copy_break(text, i);
        breaks = true;
        pound = false;
        continue;
      }
      if (breaks) write_indent();
      if (!pound && text[i] != '#') put("# ");
      pound = true;
      put_character(text, i);
      indention_ = false;
      breaks = false;
    }
  }
  if (!breaks) put_break();
  whitespace_ = true;
}

// --- nodes
bool Emitter::is_flow(const EmitNode& node) const {
  return flow_level_ > 0 || node.style == Style::kFlow || node.content.empty();
}

/// The node after its comments were noted: itself, the comments behind it, what is in it.
void Emitter::node(const EmitNode& node, Parent parent, bool simple_key) {
  open(node, parent, simple_key);
  process_line();
  process_foot();
  inside(node, parent);
}

/// As far as the emitter goes before it prints the comments behind a node.
void Emitter::open(const EmitNode& node, Parent parent, bool simple_key) {
  if (node.kind == EmitNode::Kind::kAlias) {
    indicator("*", true, false, false);
    put_word(node.text);
    return;
  }
  if (!node.anchor.empty()) {
    indicator("&", true, false, false);
    put_word(node.anchor);
  }
  if (node.kind == EmitNode::Kind::kScalar) {
    scalar(node, parent, simple_key);
    return;
  }
  put_tag(node.tag);
}

void Emitter::inside(const EmitNode& node, Parent parent) {
  if (!is_collection(node)) return;
  const bool is_mapping = node.kind == EmitNode::Kind::kMapping;
  if (is_flow(node)) {
    is_mapping ? flow_mapping(node, parent) : flow_sequence(node, parent);
  } else {
    is_mapping ? block_mapping(node, parent) : block_sequence(node, parent);
  }
}

void Emitter::put_word(std::string_view text) {
  put(text);
  whitespace_ = false;
  indention_ = false;
}
void Emitter::put_tag(std::string_view tag) {
  if (tag.empty()) return;
  if (!whitespace_) put(" ");
  put_word(tag);
}

void Emitter::block_sequence(const EmitNode& node, Parent parent) {
  const bool compact =
      options_.compact_sequences && parent == Parent::kMapping && (column_ == 0 || !indention_);
  push_indent(false, parent, compact);
  for (const EmitNode& item : node.content) {
    note_node(item, kNone);
    process_head();
    write_indent();
    indicator("-", true, false, true);
    this->node(item, Parent::kSequence, false);
  }
  note(kNone, node.line, node.foot, kNone);
  pop_indent();
}

void Emitter::block_mapping(const EmitNode& node, Parent parent) {
  push_indent(false, parent);
  const CommentPieces* tail = &kNone;  // the foot of the entry before
  for (std::size_t i = 0; i + 1 < node.content.size(); i += 2) {
    const EmitNode& key = node.content[i];
    const EmitNode& value = node.content[i + 1];
    if (is_collection(key)) {
      note_node(key, *tail);
    } else {
      note(key.head, key.line, kNone, key.kind == EmitNode::Kind::kScalar ? *tail : kNone);
    }
    tail = &key.foot;
    process_head();
    write_indent();
    // For the value to print.
    if (line_ != nullptr) key_line_ = std::exchange(line_, nullptr);
    const bool simple = is_simple_key(key);
    if (!simple) indicator("?", true, false, true);
    open(key, Parent::kMapping, simple);
    inside(key, Parent::kMapping);
    note_node(value, kNone);
    if (!simple) write_indent();
    indicator(":", !simple, false, !simple);
    process_key_line(value);
    this->node(value, Parent::kMapping, false);
  }
  note(kNone, node.line, node.foot, *tail);
  process_head();
  pop_indent();
}

void Emitter::flow_sequence(const EmitNode& node, Parent parent) {
  indicator("[", true, true, false);
  push_indent(true, parent);
  ++flow_level_;
  bool separated = true;
  for (const EmitNode& item : node.content) {
    note_node(item, kNone);
    if (!separated) indicator(",", false, false, false);
    process_head();
    if (column_ == 0) write_indent();
    separated = has_trailing();
    open(item, Parent::kFlow, false);
    if (has_trailing()) indicator(",", false, false, false);
    process_line();
    process_foot();
    inside(item, Parent::kFlow);
  }
  note(kNone, node.line, node.foot, kNone);
  --flow_level_;
  pop_indent();
  if (column_ == 0) write_indent();
  indicator("]", false, false, false);
  process_line();
  process_foot();
}

void Emitter::flow_mapping(const EmitNode& node, Parent parent) {
  indicator("{", true, true, false);
  push_indent(true, parent);
  ++flow_level_;
  bool separated = true;
  const CommentPieces* tail = &kNone;
  for (std::size_t i = 0; i + 1 < node.content.size(); i += 2) {
    const EmitNode& key = node.content[i];
    const EmitNode& value = node.content[i + 1];
    note(key.head, is_collection(key) ? kNone : key.line, kNone, *tail);
    tail = &key.foot;
    if (!separated) indicator(",", false, false, false);
    process_head();
    if (column_ == 0) write_indent();
    const bool simple = is_simple_key(key);
    if (!simple) indicator("?", true, false, false);
    open(key, Parent::kFlow, simple);
    inside(key, Parent::kFlow);
    note_node(value, kNone);
    indicator(":", !simple, false, false);
    separated = has_trailing();
    open(value, Parent::kFlow, false);
    if (has_trailing()) indicator(",", false, false, false);
    process_line();
    process_foot();
    inside(value, Parent::kFlow);
  }
  note(kNone, node.line, node.foot, *tail);
  const bool some = head_ != nullptr || foot_ != nullptr || tail_ != nullptr;
  if (some && !separated) indicator(",", false, false, false);
  process_head();
  --flow_level_;
  pop_indent();
  indicator("}", false, false, false);
  process_line();
  process_foot();
}

// --- scalars
void Emitter::scalar(const EmitNode& node, Parent parent, bool simple_key) {
  put_tag(node.tag);
  push_indent(true, parent);
  switch (printed_style(node.style, Analysis(node.text), flow_level_ > 0, simple_key)) {
    case Style::kSingleQuoted:
      single_quoted(node.text);
      break;
    case Style::kDoubleQuoted:
      double_quoted(node.text);
      break;
    case Style::kLiteral:
      block('|', node.text);
      break;
    case Style::kFolded:
      block('>', node.text);
      break;
    default:
      plain(node.text);
  }
  pop_indent();
}

void Emitter::plain(std::string_view text) {
  if (!text.empty() && !whitespace_) put(" ");
  put(text);
  if (!text.empty()) whitespace_ = false;
  indention_ = false;
}

void Emitter::single_quoted(std::string_view text) {
  indicator("'", true, false, false);
  bool breaks = false;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == ' ') {
      put_character(text, i);
    } else if (is_break(text, i)) {
      if (!breaks && text[i] == '\n') put_break();
      copy_break(text, i);
      breaks = true;
    } else {
      if (breaks) write_indent();
      if (text[i] == '\'') put("'");
      put_character(text, i);
      indention_ = false;
      breaks = false;
    }
  }
  indicator("'", false, false, false);
  whitespace_ = false;
  indention_ = false;
}

void Emitter::double_quoted(std::string_view text) {
  indicator("\"", true, false, false);
  // go-yaml looks for a byte order mark at the start of the text, whatever character it is at.
  const bool starts_with_bom = text.starts_with("\xEF\xBB\xBF");
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (starts_with_bom || c == '"' || c == '\\' || !is_printable(text, i) || is_break(text, i)) {
      escape(text, i);
    } else {
      put_character(text, i);
    }
  }
  indicator("\"", false, false, false);
  whitespace_ = false;
  indention_ = false;
}

void Emitter::escape(std::string_view text, std::size_t& i) {
  const std::size_t width = std::min(utf8_width(text[i]), text.size() - i);
  unsigned rune = static_cast<unsigned char>(text[i]);
  if (width > 1) rune &= 0x7fU >> width;
  for (std::size_t k = 1; k < width; ++k)
    rune = rune << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3fU);
  i += width;
  static constexpr std::pair<unsigned, char> kShort[] = {
      {0x00, '0'},  {0x07, 'a'}, {0x08, 'b'}, {0x09, 't'},   {0x0a, 'n'},
      {0x0b, 'v'},  {0x0c, 'f'}, {0x0d, 'r'}, {0x1b, 'e'},   {0x22, '"'},
      {0x5c, '\\'}, {0x85, 'N'}, {0xa0, '_'}, {0x2028, 'L'}, {0x2029, 'P'}};
  for (const auto& [code, letter] : kShort) {
    if (rune != code) continue;
    const char escaped[2] = {'\\', letter};
    put({escaped, 2});
    return;
  }
  const int digits = rune <= 0xff ? 2 : rune <= 0xffff ? 4 : 8;
  put(rune <= 0xff ? "\\x" : rune <= 0xffff ? "\\u" : "\\U");
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4)
    put(std::string_view("0123456789ABCDEF").substr(rune >> shift & 15, 1));
}

void Emitter::block(char style, std::string_view text) {
  indicator({&style, 1}, true, false, false);
  if (text[0] == ' ' || is_break(text, 0)) {
    const char hint = static_cast<char>('0' + options_.indent);
    indicator({&hint, 1}, false, false, false);
  }
  if (const std::string_view chomp = chomp_hint(text); !chomp.empty()) {
    indicator(chomp, false, false, false);
  }
  process_line(/*line_break=*/true);
  whitespace_ = true;
  bool breaks = true;
  bool leading_spaces = true;
  for (std::size_t i = 0; i < text.size();) {
    if (is_break(text, i)) {
      if (style == '>' && !breaks && !leading_spaces && text[i] == '\n') {
        std::size_t k = 0;  // from the start of the text: kept
        while (k < text.size() && is_break(text, k))
          k += utf8_width(text[k]);
        const bool blank = k >= text.size() || text[k] == ' ' || text[k] == '\t';
        if (!blank) put_break();
      }
      copy_break(text, i);
      breaks = true;
      continue;
    }
    write_indent();
    leading_spaces = is_blank_at(text, i);
    std::size_t end = i;
    while (end < text.size() && !is_break(text, end))
      end += utf8_width(text[end]);
    put(text.substr(i, end - i));
    i = end;
    indention_ = false;
    breaks = false;
  }
}

}  // namespace sluice::yaml
