#include "block_reader.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <utility>

#include "sluice/base/ascii.hpp"
#include "sluice/base/encoding.hpp"
#include "sluice/yaml/scalar.hpp"

#include "text_blocks.hpp"

namespace sluice::yaml {
namespace {

constexpr std::int32_t kDocumentEnd = -1;  // as a column: "---" or the end of the text
constexpr std::size_t kMaxDepth = 100;
constexpr std::ptrdiff_t kMaxKeyBytes = 1000;  // libyaml: a simple key has at most 1024 characters

constexpr bool is_blank_or_end(char c) {  // the text ends in NUL and holds no other
  return c == ' ' || c == '\n' || c == '\0';
}

enum : std::uint8_t { kOrdinary = 0, kEndsPlain = 1, kFlowWord = 2, kFlowStart = 4 };

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  for (const char c : {'\n', '\0', '\t', ':', '#'})
    classes[static_cast<unsigned char>(c)] = kEndsPlain;
  for (std::size_t c = 0; c < 128; ++c) {
    const bool alnum = is_letter_or_digit(static_cast<char>(c));
    if (alnum || c == '/' || c == '.' || c == '_') classes[c] = kFlowWord | kFlowStart;
  }
  for (const char c : {'-', '+', '=', '~', '@', '$'})
    classes[static_cast<unsigned char>(c)] = kFlowWord;
  return classes;
}
constexpr std::array<std::uint8_t, 256> kClasses = make_classes();

constexpr std::uint8_t class_of(char c) {
  return kClasses[static_cast<unsigned char>(c)];
}

/// What the bytes of a text allow. Characters that libyaml refuses or takes for line breaks make it
/// unreadable here; so do carriage returns.
struct Alphabet {
  bool readable = true;
  bool ascii = true;
};

Alphabet alphabet_of(std::string_view text) {
  constexpr std::size_t kStride = 64;
  unsigned odd = 0;
  unsigned high = 0;
  const auto look = [&](char c) {
    const auto byte = static_cast<unsigned char>(c);
    odd |= static_cast<unsigned>(byte < 0x20) & static_cast<unsigned>(byte != '\n' && byte != '\t');
    odd |= static_cast<unsigned>(byte == 0x7F);
    high |= byte;
  };
  std::size_t i = 0;
  for (; i + kStride <= text.size(); i += kStride) {
    for (std::size_t j = 0; j < kStride; ++j)
      look(text[i + j]);
  }
  for (; i < text.size(); ++i)
    look(text[i]);
  Alphabet alphabet{odd == 0, (high & 0x80U) == 0};
  if (alphabet.ascii || !alphabet.readable) return alphabet;
  alphabet.readable = is_valid_utf8(text);
  for (i = 0; i + 1 < text.size() && alphabet.readable; ++i) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0xC2) continue;
    const auto next = static_cast<unsigned char>(text[i + 1]);
    const std::string_view rest = text.substr(i, 3);
    // C1 controls and NEL; LS and PS; the byte order mark; U+FFFE and U+FFFF.
    alphabet.readable =
        !((lead == 0xC2 && next < 0xA0) || rest == "\xE2\x80\xA8" || rest == "\xE2\x80\xA9" ||
          rest == "\xEF\xBB\xBF" || rest == "\xEF\xBF\xBE" || rest == "\xEF\xBF\xBF");
  }
  return alphabet;
}

}  // namespace

/// Every function that gives a bool gives false for "not for this reader".
class BlockReader {
 public:
  BlockReader(const std::shared_ptr<const std::string>& text, FileId file,
              const ReadOptions& options)
      : text_(text),
        file_(file),
        schema_(options.schema),
        max_depth_(std::min(options.limits.max_depth, kMaxDepth)),
        max_nodes_(options.limits.max_nodes),
        blocks_(text->size()),
        at_(text->c_str()),
        end_(at_ + text->size()),
        line_start_(at_) {}

  bool run() {
    const Alphabet alphabet = alphabet_of(*text_);
    if (!alphabet.readable) return false;
    ascii_ = alphabet.ascii;
    if (!start_line()) return false;
    for (;;) {
      if (column_ != kDocumentEnd) {
        if (!document()) return false;
        if (column_ != kDocumentEnd) return false;
      }
      if (at_ == end_) return true;
      if (!separator()) return false;
    }
  }

  std::vector<Document> take_documents() { return std::move(documents_); }

 private:
  using Cell = Document::Cell;

  // --- lines
  /// From a line break (or the end) to the next line with content: at_ is at its first character,
  /// column_ says where. blank_lines_ and comments_ say what was passed.
  bool next_line() {
    if (*at_ == '\n') {
      ++at_;
      ++line_;
    }
    return start_line();
  }

  bool start_line() {
    blank_lines_ = 0;
    comments_ = false;
    for (;;) {
      line_start_ = at_;
      while (*at_ == ' ')
        ++at_;
      if (*at_ == '\n') {
        ++blank_lines_;
      } else if (*at_ == '#') {
        comments_ = true;
        to_line_end();
        if (at_ == end_) break;
      } else {
        break;
      }
      ++at_;
      ++line_;
    }
    column_ = static_cast<std::int32_t>(at_ - line_start_);
    if (at_ == end_) {
      column_ = kDocumentEnd;
    } else if (column_ == 0) {
      if (*at_ == '%') return false;
      if (std::strncmp(at_, "...", 3) == 0) return false;
      if (std::strncmp(at_, "---", 3) == 0) {
        if (!is_blank_or_end(at_[3])) return false;
        column_ = kDocumentEnd;
      }
    }
    return true;
  }

  void to_line_end() {
    const void* newline = std::memchr(at_, '\n', static_cast<std::size_t>(end_ - at_));
    at_ = newline != nullptr ? static_cast<const char*>(newline) : end_;
  }

  /// What may follow a value on its line: nothing, or a comment after a space. Moves to the line's
  /// end.
  bool finish_line() {
    const char* const from = at_;
    while (*at_ == ' ')
      ++at_;
    if (*at_ == '#' && at_ != from) {
      to_line_end();
      comment_after_ = true;
      return true;
    }
    comment_after_ = false;
    return *at_ == '\n' || at_ == end_;
  }

  /// "---" with nothing but a comment behind it.
  bool separator() {
    at_ += 3;
    return finish_line() && next_line();
  }

  Position position(const char* at) const {
    auto column = static_cast<std::uint32_t>(at - line_start_);
    if (!ascii_) {
      column = static_cast<std::uint32_t>(std::count_if(line_start_, at, [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
      }));
    }
    return {line_, column + 1};
  }

  // --- documents
  bool document() {
    cells_.clear();
    ids_.clear();
    open_.clear();
    depth_ = 0;
    current_ = Document();
    current_.add_chunk(text_);
    blocks_.forget_document();
    cells_.push_back(current_.nodes_.front());
    if (is_scalar_root()) return false;
    if (!node(-1, column_)) return false;
    if (has_too_many_nodes()) return false;
    max_nodes_ -= cells_.size() - 1;
    // Room for what transformers add: labels, annotations, a namespace.
    current_.nodes_.reserve(cells_.size() + cells_.size() / 4 + 8);
    current_.nodes_.assign(cells_.begin(), cells_.end());
    current_.children_.reserve(ids_.size() + ids_.size() / 4 + 8);
    current_.children_.assign(ids_.begin(), ids_.end());
    current_.set_root(open_.front());
    documents_.push_back(std::move(current_));
    return true;
  }

  /// A document of one block scalar: where its text ends depends on more than this reader knows.
  bool is_scalar_root() const { return *at_ == '|' || *at_ == '>'; }

  // --- nodes: each pushes its id on open_
  bool has_too_many_nodes() const { return cells_.size() - 1 > max_nodes_; }  // the first is unused

  NodeId new_cell(Kind kind, Style style, Position position) {
    Cell& cell = cells_.emplace_back();
    cell.children = {0, 0};
    cell.size = 0;
    cell.position = position;
    cell.file = file_;
    cell.kind = kind;
    cell.style = style;
    cell.tag = 0;
    return static_cast<NodeId>(cells_.size() - 1);
  }

  void push_scalar(Kind kind, std::string_view text, Style style, Position position) {
    const NodeId id = new_cell(kind, style, position);
    cells_[id].text = text.data();
    cells_[id].size = static_cast<std::uint32_t>(text.size());
    open_.push_back(id);
  }

  void push_nothing(Position position) {
    push_scalar(Kind::kNull, {"", 0}, Style::kPlain, position);
  }

  Kind resolve(std::string_view text) const {
    const Kind kind = resolve_plain(text, schema_);
    return kind == Kind::kTimestamp && schema_ == Schema::kV2 ? Kind::kString : kind;
  }

  /// The collection `id` gets what was pushed since `first`.
  void close(NodeId id, std::size_t first) {
    const auto count = static_cast<std::uint32_t>(open_.size() - first);
    Cell& cell = cells_[id];
    cell.children = {static_cast<std::uint32_t>(ids_.size()), count};
    cell.size = count;
    ids_.insert(ids_.end(), open_.begin() + static_cast<std::ptrdiff_t>(first), open_.end());
    open_.resize(first);
    open_.push_back(id);
  }

  struct Depth {
    explicit Depth(BlockReader& owner) : reader(owner) { ++reader.depth_; }
    ~Depth() { --reader.depth_; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;
    BlockReader& reader;
  };

  /// Any node that starts at at_, `column`, inside a collection at `parent`. Afterwards at_ is at
  /// the next content.
  bool node(std::int32_t parent, std::int32_t column) {
    if (*at_ == '-' && is_blank_or_end(at_[1])) return sequence(column, /*indentless=*/false);
    if (*at_ == '|' || *at_ == '>') return block_scalar(parent);
    if (*at_ == '[' || *at_ == '{') return flow() && finish_line() && next_line();
    Scalar scalar;
    if (!scan_scalar(scalar)) return false;
    if (scalar.is_key) return mapping(column, scalar);
    return parent >= 0 && value_scalar(parent, scalar);
  }

  bool sequence(std::int32_t column, bool indentless) {
    const Depth depth(*this);
    if (depth_ > max_depth_) return false;
    const NodeId id = new_cell(Kind::kSequence, Style::kBlock, position(at_));
    const std::size_t first = open_.size();
    do {
      if (has_too_many_nodes()) return false;
      ++at_;
      const Position after = position(at_);
      while (*at_ == ' ')
        ++at_;
      if (*at_ == '\n' || at_ == end_ || *at_ == '#') {
        to_line_end();
        if (!next_line()) return false;
        if (column_ > column) {
          if (!node(column, column_)) return false;
        } else {
          push_nothing(after);
        }
      } else if (!node(column, static_cast<std::int32_t>(at_ - line_start_))) {
        return false;
      }
    } while (column_ == column && *at_ == '-' && is_blank_or_end(at_[1]));
    if (column_ > column || (column_ == column && !indentless)) return false;
    close(id, first);
    return true;
  }

  struct Scalar {
    std::string_view text;
    Position position;
    Style style = Style::kPlain;
    bool is_key = false;  // ':' follows: at_ is there
  };

  bool mapping(std::int32_t column, Scalar& key) {
    const Depth depth(*this);
    if (depth_ > max_depth_) return false;
    const NodeId id = new_cell(Kind::kMapping, Style::kBlock, key.position);
    const std::size_t first = open_.size();
    for (;;) {
      if (has_too_many_nodes() || !push_key(key)) return false;
      ++at_;  // ':'
      const Position after = position(at_);
      while (*at_ == ' ')
        ++at_;
      if (*at_ == '\n' || at_ == end_ || *at_ == '#') {
        to_line_end();
        if (!next_line()) return false;
        if (column_ > column) {
          if (!node(column, column_)) return false;
        } else if (column_ == column && *at_ == '-' && is_blank_or_end(at_[1])) {
          if (!sequence(column, /*indentless=*/true)) return false;
        } else {
          push_nothing(after);
        }
      } else if (!value(column)) {
        return false;
      }
      if (column_ < column) break;
      if (column_ > column || !scan_scalar(key) || !key.is_key) return false;
    }
    if (has_repeated_keys(first)) return false;
    close(id, first);
    return true;
  }

  /// What follows "key: " on its line.
  bool value(std::int32_t parent) {
    if (*at_ == '|' || *at_ == '>') return block_scalar(parent);
    if (*at_ == '[' || *at_ == '{') return flow() && finish_line() && next_line();
    Scalar scalar;
    return scan_scalar(scalar) && !scalar.is_key && value_scalar(parent, scalar);
  }

  bool push_key(const Scalar& key) {
    Kind kind = Kind::kString;
    if (key.text == "<<") return false;
    if (key.style == Style::kPlain) {
      kind = resolve(key.text);
      if (kind == Kind::kNull) return false;
      if (kind != Kind::kString && schema_ == Schema::kV2) return false;
    }
    push_scalar(kind, key.text, key.style, key.position);
    return true;
  }

  bool has_repeated_keys(std::size_t first) {
    const std::size_t count = (open_.size() - first) / 2;
    const auto text = [&](std::size_t i) {
      const Cell& cell = cells_[open_[first + 2 * i]];
      return std::string_view(cell.text, cell.size);
    };
    if (count <= 12) {
      for (std::size_t i = 1; i < count; ++i) {
        const std::string_view key = text(i);
        for (std::size_t j = 0; j < i; ++j) {
          if (text(j) == key) return true;
        }
      }
      return false;
    }
    std::size_t size = 32;
    while (size < 2 * count)
      size *= 2;
    table_.assign(size, 0);
    for (std::size_t i = 0; i < count; ++i) {
      const std::string_view key = text(i);
      std::size_t slot = std::hash<std::string_view>{}(key) & (size - 1);
      for (; table_[slot] != 0; slot = (slot + 1) & (size - 1)) {
        if (text(table_[slot] - 1) == key) return true;
      }
      table_[slot] = static_cast<std::uint32_t>(i + 1);
    }
    return false;
  }

  // --- scalars on one line
  /// A plain or quoted scalar at at_, up to its end on this line, and whether it is a key.
  bool scan_scalar(Scalar& scalar) {
    const char* const start = at_;
    scalar.position = position(at_);
    scalar.is_key = false;
    if (*at_ == '"' || *at_ == '\'') {
      if (!quoted(scalar)) return false;
      const char* after = at_;
      while (*after == ' ')
        ++after;
      if (*after != ':') return true;
      if (!is_blank_or_end(after[1])) return false;
      at_ = after;
      scalar.is_key = true;
      return at_ - start <= kMaxKeyBytes;
    }
    if (!starts_plain()) return false;
    scalar.style = Style::kPlain;
    if (!plain_line(scalar.text, scalar.is_key)) return false;
    return !scalar.is_key || at_ - start <= kMaxKeyBytes;
  }

  bool starts_plain() const {
    switch (*at_) {
      case '-':
        return !is_blank_or_end(at_[1]) && at_[1] != '\t';
      case '?':
      case ':':
      case ',':
      case '[':
      case ']':
      case '{':
      case '}':
      case '#':
      case '&':
      case '*':
      case '!':
      case '|':
      case '>':
      case '\'':
      case '"':
      case '%':
      case '@':
      case '`':
      case '\t':
        return false;
      default:
        return true;
    }
  }

  /// The plain text up to ": ", " #" or the end of the line; at_ is there.
  bool plain_line(std::string_view& text, bool& is_key) {
    const char* const start = at_;
    const char* p = at_;
    for (;; ++p) {
      while (class_of(*p) != kEndsPlain)
        ++p;
      if (*p == ':' ? is_blank_or_end(p[1]) : *p == '#' ? p[-1] == ' ' : true) break;
      if (*p == ':' && p[1] == '\t') return false;
    }
    if (*p == '\t') return false;
    is_key = *p == ':';
    at_ = p;
    while (p != start && p[-1] == ' ')
      --p;
    text = {start, static_cast<std::size_t>(p - start)};
    if (*at_ == '#') --at_;  // finish_line() wants to see the space
    return true;
  }

  bool quoted(Scalar& scalar) {
    const char quote = *at_++;
    const char* const start = at_;
    const bool is_double = quote == '"';
    scalar.style = is_double ? Style::kDoubleQuoted : Style::kSingleQuoted;
    while (*at_ != quote && *at_ != '\\' && *at_ != '\n' && at_ != end_)
      ++at_;
    if (!is_double) {
      while (*at_ == '\\') {
        ++at_;
        while (*at_ != quote && *at_ != '\\' && *at_ != '\n' && at_ != end_)
          ++at_;
      }
    }
    if (*at_ == quote && (is_double || at_[1] != quote)) {
      scalar.text = {start, static_cast<std::size_t>(at_ - start)};
      if (scalar.text.empty()) scalar.text = {"", 0};
      ++at_;
      return true;
    }
    scratch_.assign(start, at_);
    while (*at_ != '\n' && at_ != end_) {
      const char c = *at_++;
      if (c == quote) {
        if (is_double || *at_ != quote) {
          scalar.text = blocks_.keep(scratch_, current_);
          return true;
        }
        ++at_;
        scratch_ += quote;
      } else if (c == '\\' && is_double) {
        if (!escape()) return false;
      } else {
        scratch_ += c;
      }
    }
    return false;
  }

  bool escape() {
    switch (*at_++) {
      case 'n':
        scratch_ += '\n';
        return true;
      case 't':
        scratch_ += '\t';
        return true;
      case 'r':
        scratch_ += '\r';
        return true;
      case '"':
      case '\'':
      case '\\':
        scratch_ += at_[-1];
        return true;
      default:
        return false;
    }
  }

  /// Ends a scalar that is no key, with the lines on which a plain one goes on.
  bool value_scalar(std::int32_t parent, Scalar& scalar) {
    if (!finish_line()) return false;
    const bool commented = comment_after_;
    if (!next_line()) return false;
    if (column_ > parent) {
      if (scalar.style != Style::kPlain || commented || comments_) return false;
      scratch_.assign(scalar.text);
      do {
        if (blank_lines_ == 0) {
          scratch_ += ' ';
        } else {
          scratch_.append(blank_lines_, '\n');
        }
        std::string_view more;
        bool is_key = false;
        if (!plain_line(more, is_key) || is_key || !finish_line() || comment_after_) return false;
        scratch_ += more;
        if (!next_line()) return false;
        if (comments_ && column_ > parent) return false;
      } while (column_ > parent);
      scalar.text = blocks_.keep(scratch_, current_);
    }
    const Kind kind = scalar.style == Style::kPlain ? resolve(scalar.text) : Kind::kString;
    push_scalar(kind, scalar.text, scalar.style, scalar.position);
    return true;
  }

  // --- `|` and `>`
  bool block_scalar(std::int32_t parent) {
    if (parent < 0) return false;
    const bool folded = *at_ == '>';
    const Position start = position(at_);
    ++at_;
    const char chomp = *at_ == '-' || *at_ == '+' ? *at_++ : ' ';
    while (*at_ == ' ')
      ++at_;
    if (*at_ != '\n') return false;
    ++at_;
    ++line_;
    std::size_t indent = 0;
    if (!find_indent(static_cast<std::size_t>(parent), indent)) return false;

    scratch_.clear();
    std::size_t blank_lines = 0;
    bool has_line = false;
    bool has_break = false;     // the last line with text ended in one
    bool was_indented = false;  // it began with a space
    for (;;) {
      std::size_t spaces = 0;
      while (spaces < indent && at_[spaces] == ' ')
        ++spaces;
      const char first = at_[spaces];
      if (first == '\n') {
        ++blank_lines;
        at_ += spaces + 1;
        ++line_;
        continue;
      }
      if (spaces < indent && first == '\t') return false;
      if (spaces < indent || at_ + spaces == end_) break;
      const bool is_indented = first == ' ' || first == '\t';
      if (has_line && folded && !was_indented && !is_indented) {
        if (blank_lines == 0) scratch_ += ' ';
      } else if (has_line) {
        scratch_ += '\n';
      }
      scratch_.append(blank_lines, '\n');
      blank_lines = 0;
      at_ += spaces;
      const char* const line = at_;
      to_line_end();
      scratch_.append(line, at_);
      was_indented = is_indented;
      has_line = true;
      has_break = at_ != end_;
      if (!has_break) break;
      ++at_;
      ++line_;
    }
    if (chomp != '-' && has_break) scratch_ += '\n';
    if (chomp == '+') scratch_.append(blank_lines, '\n');
    push_scalar(Kind::kString, blocks_.keep(scratch_, current_),
                folded ? Style::kFolded : Style::kLiteral, start);
    return start_line();
  }

  /// The indentation of the first line with text. Not for this reader: none, or blank lines before
  /// it that are longer.
  bool find_indent(std::size_t parent, std::size_t& indent) const {
    std::size_t longest = 0;
    for (const char* p = at_;;) {
      std::size_t spaces = 0;
      while (p[spaces] == ' ')
        ++spaces;
      if (p[spaces] == '\n') {
        longest = std::max(longest, spaces);
        p += spaces + 1;
        continue;
      }
      indent = spaces;
      return p + spaces != end_ && p[spaces] != '\t' && spaces > parent && spaces >= longest;
    }
  }

  // --- flow collections on one line, of quoted scalars and words
  bool flow() {
    const Depth depth(*this);
    if (depth_ > max_depth_) return false;
    const bool is_mapping = *at_ == '{';
    const char closing = is_mapping ? '}' : ']';
    const NodeId id =
        new_cell(is_mapping ? Kind::kMapping : Kind::kSequence, Style::kFlow, position(at_));
    const std::size_t first = open_.size();
    ++at_;
    skip_spaces();
    while (*at_ != closing) {
      if (has_too_many_nodes()) return false;
      if (is_mapping && !flow_key()) return false;
      if (*at_ == '[' || *at_ == '{') {
        if (!flow()) return false;
      } else {
        Scalar scalar;
        if (!flow_scalar(scalar)) return false;
        push_scalar(scalar.style == Style::kPlain ? resolve(scalar.text) : Kind::kString,
                    scalar.text, scalar.style, scalar.position);
      }
      skip_spaces();
      if (*at_ == closing) break;
      if (*at_ != ',') return false;
      ++at_;
      skip_spaces();
      if (*at_ == closing) return false;
    }
    ++at_;
    if (is_mapping && has_repeated_keys(first)) return false;
    close(id, first);
    return true;
  }

  void skip_spaces() {
    while (*at_ == ' ')
      ++at_;
  }

  bool flow_key() {
    Scalar key;
    if (!flow_scalar(key)) return false;
    if (*at_ != ':' || at_[1] != ' ') return false;
    if (!push_key(key)) return false;
    ++at_;
    skip_spaces();
    return true;
  }

  bool flow_scalar(Scalar& scalar) {
    scalar.position = position(at_);
    if (*at_ == '"' || *at_ == '\'') return quoted(scalar);
    const bool negative = *at_ == '-' && (class_of(at_[1]) & kFlowStart) != 0;
    if (!negative && (class_of(*at_) & kFlowStart) == 0) return false;
    const char* const start = at_;
    while ((class_of(*at_) & kFlowWord) != 0)
      ++at_;
    scalar.style = Style::kPlain;
    scalar.text = {start, static_cast<std::size_t>(at_ - start)};
    return true;
  }

  const std::shared_ptr<const std::string>& text_;
  FileId file_;
  Schema schema_;
  std::size_t max_depth_;
  std::size_t max_nodes_;  // of the documents to come
  bool ascii_ = true;
  TextBlocks blocks_;
  std::string scratch_;

  const char* at_;
  const char* end_;
  const char* line_start_;
  std::uint32_t line_ = 1;
  std::int32_t column_ = 0;  // of the first character of the line that next_line() found
  std::size_t blank_lines_ = 0;
  bool comments_ = false;
  bool comment_after_ = false;

  // The document under construction, copied to its size when it ends.
  std::vector<Cell> cells_;
  std::vector<NodeId> ids_;
  std::vector<NodeId> open_;  // finished nodes whose collection is not
  std::vector<std::uint32_t> table_;
  std::size_t depth_ = 0;
  Document current_;
  std::vector<Document> documents_;
};

std::optional<std::vector<Document>> read_blocks(const std::shared_ptr<const std::string>& text,
                                                 FileId file, const ReadOptions& options) {
  BlockReader reader(text, file, options);
  if (!reader.run()) return std::nullopt;
  return reader.take_documents();
}

}  // namespace sluice::yaml
