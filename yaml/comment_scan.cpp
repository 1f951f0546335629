#include "comment_scan.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace sluice::yaml {
namespace {

// go-yaml looks this many bytes past a comment for the next one.
constexpr std::size_t kLookAhead = 512;

struct Place {
  std::size_t offset = 0;
  std::int64_t line = 0;    // 0-based
  std::int64_t column = 0;  // 0-based
};

// A comment while its gap is being scanned.
struct Found {
  CommentPlace place;
  std::size_t token;
  std::size_t scanned_from;  // there is nothing but blanks from here to its start
  std::size_t start, end;
  std::int64_t column;  // 1-based
  std::string text;
};

class Scanner {
 public:
  Scanner(std::string_view text, const std::vector<YamlEvent>& events)
      : text_(text), events_(events) {
    if (text_.starts_with("\xEF\xBB\xBF")) at_.offset = 3;
  }

  Result<YamlScan> scan() {
    Place gap_start = at_;
    for (;;) {
      gap_comments_.clear();
      skip_gap(gap_start);
      if (at_end()) break;
      if (!take_token(gap_start.offset)) {
        return fail(Code::kInternal,
                    "yaml: the token at byte " + std::to_string(at_.offset) + " is unknown");
      }
      gap_start = at_;
    }
    close_blocks(at_.column, gap_start.offset);
    close_blocks(-1, at_.offset);
    flush_gap();
    add_token(0);
    return std::move(result_);
  }

 private:
  // --- characters
  char peek(std::size_t ahead = 0) const {
    return at_.offset + ahead < text_.size() ? text_[at_.offset + ahead] : '\0';
  }
  bool at_end() const { return at_.offset >= text_.size() || text_[at_.offset] == '\0'; }
  // Bytes of the line break at `offset`, 0 when there is none.
  std::size_t break_size(std::size_t offset) const {
    if (offset >= text_.size()) return 0;
    const std::string_view rest = text_.substr(offset);
    if (rest[0] == '\n' || rest[0] == '\r') return 1;
    if (rest.starts_with("\xC2\x85")) return 2;
    if (rest.starts_with("\xE2\x80\xA8") || rest.starts_with("\xE2\x80\xA9")) return 3;
    return 0;
  }
  bool blank_at(std::size_t offset) const {
    return offset < text_.size() && (text_[offset] == ' ' || text_[offset] == '\t');
  }
  bool blank_or_end_at(std::size_t offset) const {
    return offset >= text_.size() || text_[offset] == '\0' || blank_at(offset) ||
           break_size(offset) != 0;
  }
  void advance() {  // one character that is no break
    if (!blank_at(at_.offset)) newlines_ = 0;
    do {
      ++at_.offset;
    } while (at_.offset < text_.size() &&
             (static_cast<unsigned char>(text_[at_.offset]) & 0xC0U) == 0x80U);
    ++at_.column;
  }
  void advance_line() {
    at_.offset += text_.substr(at_.offset).starts_with("\r\n") ? 2 : break_size(at_.offset);
    ++at_.line;
    at_.column = 0;
    ++newlines_;
  }
  void advance_to(std::size_t offset) {
    while (at_.offset < offset) {
      if (break_size(at_.offset) != 0) {
        advance_line();
      } else {
        advance();
      }
    }
  }

  // --- gaps
  void skip_gap(const Place& gap_start) {
    for (;;) {
      if (at_.column == 0 && text_.substr(at_.offset).starts_with("\xEF\xBB\xBF")) advance();
      while (peek() == ' ' || peek() == '\t')
        advance();
      if (peek() == '#') read_comments(gap_start);
      if (break_size(at_.offset) == 0) return;
      advance_line();
    }
  }

  std::string read_comment_text() {
    const std::size_t start = at_.offset;
    while (!at_end() && break_size(at_.offset) == 0)
      advance();
    std::string text(text_.substr(start, at_.offset - start));
    text += kCommentPlace;
    return text + std::to_string(start);
  }

  // Comments on lines of their own, from the '#' under the cursor up to the next token. They are
  // heads of what follows, except those that touch what precedes and are set off from what follows
  // by an empty line or by indentation: these are feet.
  void read_comments(const Place& gap_start) {
    const YamlToken* last = result_.tokens.empty() ? nullptr : &result_.tokens.back();
    if (last != nullptr && last->kind == ',' && result_.tokens.size() > 1) --last;
    std::size_t token = last == nullptr ? 0 : last->start;
    const bool after_colon = last != nullptr && last->kind == ':';
    std::size_t scanned_from = gap_start.offset;
    const std::int64_t next_indent = std::max<std::int64_t>(indent_, 0);
    bool recent_empty = false;
    bool first_empty = newlines_ <= 1;
    std::int64_t line = at_.line;
    std::int64_t column = at_.column;
    // A foot has to start on the line below what it belongs to.
    std::int64_t foot_line = -1;
    if (gap_start.line > 0) {
      foot_line = at_.line - newlines_ + 1;
      if (newlines_ == 0 && at_.column > 1) ++foot_line;
    }
    std::string comment;
    Place start;  // of `comment`; its column is 1-based
    const auto add_foot = [&](std::size_t end) {
      gap_comments_.push_back({CommentPlace::kFoot, token, scanned_from, start.offset, end,
                               start.column, std::move(comment)});
      comment.clear();
      scanned_from = end;
      token = end;
    };
    std::size_t ahead = 0;
    for (; ahead < kLookAhead; ++ahead) {
      const std::size_t offset = at_.offset + ahead;
      ++column;
      if (blank_at(offset)) continue;
      const char c = offset < text_.size() ? text_[offset] : '\0';
      const bool closes_flow = flow_level_ > 0 && (c == ']' || c == '}');
      const bool is_break = break_size(offset) != 0;
      if (closes_flow || is_break || c == '\0') {
        if (closes_flow || !recent_empty) {
          const bool dedented = start.column - 1 < next_indent;
          if (closes_flow ||
              (first_empty && ((start.line == foot_line && !after_colon) || dedented))) {
            if (!comment.empty()) {
              if (dedented) token = start.offset;  // unrelated to what precedes
              add_foot(offset);
            }
          } else if (!comment.empty() && c != '\0') {
            comment += '\n';
          }
        }
        if (!is_break) break;
        first_empty = false;
        recent_empty = true;
        column = 0;
        ++line;
        continue;
      }
      if (!comment.empty() && column - 1 < next_indent && column != start.column) add_foot(offset);
      if (c != '#') break;
      if (comment.empty()) {
        start = {offset, line, column};
      } else {
        comment += '\n';
      }
      recent_empty = false;
      advance_to(offset);
      comment += read_comment_text();
      // The break at the end of the comment is stepped over without counting a line, as upstream
      // does; the decisions above depend on it.
      ahead = 0;
      column = 0;
      line = at_.line;
    }
    if (!comment.empty()) {
      gap_comments_.push_back({CommentPlace::kHead, start.offset, scanned_from, start.offset,
                               at_.offset + (ahead == 0 ? 0 : ahead - 1), start.column,
                               std::move(comment)});
    }
  }

  // A comment behind a token, on its line.
  void read_line_comment(std::size_t token) {
    if (newlines_ > 0) return;
    std::size_t ahead = 0;
    while (ahead < kLookAhead && blank_at(at_.offset + ahead))
      ++ahead;
    if (ahead == kLookAhead || peek(ahead) != '#') return;
    advance_to(at_.offset + ahead);
    result_.comments.push_back({CommentPlace::kLine, token, read_comment_text()});
  }

  void flush_gap() {
    for (Found& found : gap_comments_) {
      result_.comments.push_back({found.place, found.token, std::move(found.text)});
    }
    gap_comments_.clear();
  }

  // --- blocks
  void open_block(std::int64_t column) {
    if (flow_level_ > 0 || indent_ >= column) return;
    indents_.push_back(indent_);
    indent_ = column;
  }

  // Ends the blocks that are indented more than `column`. The end of a block lies before the
  // comments of its own indentation, when they come last in the gap.
  void close_blocks(std::int64_t column, std::size_t gap_start) {
    if (flow_level_ > 0) return;
    // One before the gap; offsets are shifted by one so as not to go below zero.
    std::size_t end_plus_1 = gap_start;
    while (indent_ > column) {
      std::size_t stop_plus_1 = end_plus_1;
      for (std::size_t i = gap_comments_.size(); i-- > 0;) {
        const Found& found = gap_comments_[i];
        if (found.end + 1 < stop_plus_1) break;
        if (found.column == indent_ + 1) end_plus_1 = found.start + 1;
        stop_plus_1 = found.scanned_from + 1;
      }
      result_.block_ends.push_back({result_.tokens.size(), end_plus_1 == 0 ? 0 : end_plus_1 - 1});
      indent_ = indents_.back();
      indents_.pop_back();
    }
  }

  // --- tokens
  void add_token(char kind) {
    result_.tokens.push_back({kind, at_.offset, static_cast<std::uint32_t>(at_.column)});
  }

  const YamlEvent* scalar_here() {
    while (next_event_ < events_.size()) {
      const YamlEvent& event = events_[next_event_];
      const bool has_text = event.kind == EventKind::kScalar || event.kind == EventKind::kAlias;
      if (has_text && event.end.offset > at_.offset) {
        return event.start.offset <= at_.offset ? &event : nullptr;
      }
      ++next_event_;
    }
    return nullptr;
  }

  bool take_token(std::size_t gap_start) {
    close_blocks(at_.column, gap_start);
    const std::size_t start = at_.offset;
    const std::string_view rest = text_.substr(start);
    const char c = rest[0];
    if (at_.column == 0 && flow_level_ == 0 && c == '%') {
      close_blocks(-1, at_.offset);
      return take(c, rest.find_first_of("\r\n"));
    }
    if (at_.column == 0 && (rest.starts_with("---") || rest.starts_with("...")) &&
        blank_or_end_at(start + 3)) {
      close_blocks(-1, at_.offset);
      return take(c == '-' ? 'D' : 'E', 3);
    }
    const std::size_t previous = result_.tokens.empty() ? start : result_.tokens.back().start;
    const YamlEvent* const scalar = scalar_here();
    const bool is_property = c == '&' || c == '!';
    if (scalar != nullptr && !is_property) {
      begin_node();
      return take_scalar(*scalar);
    }
    if (is_property) {
      begin_node();
      take(c, property_size(rest));
      in_properties_ = true;
      read_line_comment(start);
      return true;
    }
    switch (c) {
      case '[':
      case '{':
        begin_node();
        flow_nodes_.push_back({node_column_, node_line_});
        ++flow_level_;
        node_column_ = -1;
        in_properties_ = false;
        take(c, 1);
        read_line_comment(start);
        return true;
      case ']':
      case '}':
        if (flow_level_ == 0) return false;
        --flow_level_;
        std::tie(node_column_, node_line_) = flow_nodes_.back();
        flow_nodes_.pop_back();
        take(c, 1);
        read_line_comment(start);
        return true;
      case ',':
        node_column_ = -1;
        take(c, 1);
        read_line_comment(flow_level_ > 0 ? previous : start);
        return true;
      case '-':
        open_block(at_.column);
        return take_structure(c);  // its line comment is a head of what follows
      case '?':
        open_block(at_.column);
        take_structure(c);
        read_line_comment(start);
        return true;
      case ':':
        // A key is on the line of its colon; without one this follows a "?".
        open_block(node_column_ >= 0 && node_line_ == at_.line ? node_column_ : at_.column);
        take_structure(c);
        read_line_comment(flow_level_ > 0 ? start : previous);
        return true;
      default:
        return false;
    }
  }

  bool take(char kind, std::size_t size) {
    flush_gap();
    add_token(kind);
    advance_to(
        std::min(text_.size(), size == std::string_view::npos ? text_.size() : at_.offset + size));
    return true;
  }

  bool take_structure(char kind) {
    node_column_ = -1;
    in_properties_ = false;
    return take(kind, 1);
  }

  bool take_scalar(const YamlEvent& scalar) {
    const std::size_t start = at_.offset;
    const bool is_alias = scalar.kind == EventKind::kAlias;
    flush_gap();
    add_token(is_alias ? '*' : 's');
    in_properties_ = false;
    const bool is_block = scalar.style == Style::kLiteral || scalar.style == Style::kFolded;
    if (is_block && !is_alias) {
      while (!blank_or_end_at(at_.offset))
        advance();
      read_line_comment(start);
    }
    advance_to(scalar.end.offset);
    if (scalar.style == Style::kPlain && !is_alias) {
      // The scanner looks for more of the scalar across blanks and line breaks.
      while (blank_at(at_.offset) || break_size(at_.offset) != 0) {
        if (break_size(at_.offset) != 0) {
          advance_line();
        } else {
          advance();
        }
      }
    }
    read_line_comment(start);
    return true;
  }

  static std::size_t property_size(std::string_view rest) {
    if (rest.starts_with("!<")) {
      const std::size_t end = rest.find('>');
      return end == std::string_view::npos ? rest.size() : end + 1;
    }
    return rest.find_first_of(" \t\r\n,[]{}", 1);
  }

  // Notes where a node starts that may turn out to be a key.
  void begin_node() {
    if (in_properties_ && node_line_ == at_.line) return;
    node_column_ = at_.column;
    node_line_ = at_.line;
  }

  std::string_view text_;
  const std::vector<YamlEvent>& events_;
  std::size_t next_event_ = 0;
  Place at_;
  std::int64_t newlines_ = 0;  // breaks since the last character that was not blank
  std::int64_t indent_ = -1;
  std::vector<std::int64_t> indents_;
  std::int64_t flow_level_ = 0;
  std::int64_t node_column_ = -1;  // of the latest node; -1 when the last token cannot be a key
  std::int64_t node_line_ = -1;
  bool in_properties_ = false;
  std::vector<std::pair<std::int64_t, std::int64_t>> flow_nodes_;
  std::vector<Found> gap_comments_;
  YamlScan result_;
};

}  // namespace

Result<YamlScan> scan_yaml(std::string_view text, const std::vector<YamlEvent>& events) {
  return Scanner(text, events).scan();
}

}  // namespace sluice::yaml
