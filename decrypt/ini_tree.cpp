// INI to a SOPS tree and back: stores/ini/store.go over go-ini v1.67. A section is a mapping; a
// comment is stored behind the key it precedes, a section's first.
#include <algorithm>
#include <optional>
#include <unordered_set>

#include "sluice/base/ascii.hpp"

#include "numbers.hpp"
#include "tree.hpp"

namespace sluice::decrypt {
namespace {

constexpr std::string_view kDefaultSection = "DEFAULT";  // what precedes the first header
constexpr std::string_view kDelimiters = "=:";
constexpr std::string_view kTripleQuote = "\"\"\"";

// Bytes of the white space at the start of `text`, 0 when there is none. What Go's unicode.IsSpace
// holds for it.
std::size_t space_size(std::string_view text) {
  if (text.empty()) return 0;
  if (text[0] == ' ' || (text[0] >= '\t' && text[0] <= '\r')) return 1;
  if (text.starts_with("\xC2\x85") || text.starts_with("\xC2\xA0")) return 2;
  const std::string_view three = text.substr(0, 3);
  const bool is_space = three == "\xE1\x9A\x80" || three == "\xE2\x80\xA8" ||
                        three == "\xE2\x80\xA9" || three == "\xE2\x80\xAF" ||
                        three == "\xE2\x81\x9F" || three == "\xE3\x80\x80" ||
                        (three >= "\xE2\x80\x80" && three <= "\xE2\x80\x8A");
  return is_space ? 3 : 0;
}
std::string_view trim_left(std::string_view text) {
  while (const std::size_t size = space_size(text))
    text.remove_prefix(size);
  return text;
}
std::string_view trim(std::string_view text) {
  text = trim_left(text);
  const auto ends_in = [&text](std::size_t size) {
    return text.size() >= size && space_size(text.substr(text.size() - size)) == size;
  };
  for (;;) {
    const std::size_t size = ends_in(1) ? 1 : ends_in(2) ? 2 : ends_in(3) ? 3 : 0;
    if (size == 0) return text;
    text.remove_suffix(size);
  }
}

class Reader {
 public:
  explicit Reader(std::string_view text) : start_(text.data()), text_(text) {
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
  }

  Result<Item> read() {
    Item root;
    root.kind = ItemKind::kMapping;
    root.end = offset(text_.data() + text_.size());
    root.items.push_back(section(kDefaultSection));
    while (!text_.empty()) {
      const std::string_view line = trim_left(next_line());
      if (line.empty()) continue;
      if (line[0] == '#' || line[0] == ';') {
        note_comment(line);
        continue;
      }
      if (line[0] == '[') {
        SLUICE_CHECK(read_section(line, root));
      } else {
        SLUICE_CHECK(read_key(line, root.items.back()));
      }
    }
    // A comment at the end belongs to nothing and is dropped: the text must not be used again.
    root.in_flow = !comment_.empty();
    return root;
  }

 private:
  std::size_t offset(const char* place) const { return static_cast<std::size_t>(place - start_); }

  // A comment of several pieces stands where they all are.
  void note_comment(std::string_view piece) {
    if (comment_.empty()) comment_begin_ = offset(piece.data());
    comment_end_ = offset(trim(piece).data() + trim(piece).size());
    comment_ += piece;
  }

  // With its line break.
  std::string_view next_line() {
    const std::size_t end = text_.find('\n');
    const std::string_view line =
        text_.substr(0, end == std::string_view::npos ? text_.size() : end + 1);
    text_.remove_prefix(line.size());
    ++line_;
    return line;
  }

  tl::unexpected<Error> broken(std::string what) const {
    return fail(Code::kInvalid, "ini: " + std::move(what), Where{"", line_, 0});
  }

  Item section(std::string_view name) const {
    Item item;
    item.kind = ItemKind::kMapping;
    item.key = name;
    item.line = line_;
    return item;
  }

  // The comment that was read before, as an item of `section`.
  void add_comment(Item& section) {
    std::string_view comment = trim(comment_);
    if (!comment.empty()) {
      const char mark = comment[0];
      if (mark == ';' || mark == '#') {
        const std::size_t start = comment.find_first_not_of(mark == ';' ? "; " : "# ");
        comment = start == std::string_view::npos ? std::string_view() : comment.substr(start);
      }
      Item item;
      item.kind = ItemKind::kComment;
      item.text = comment;
      item.begin = comment_begin_;
      item.end = comment_end_;
      section.items.push_back(std::move(item));
    }
    comment_.clear();
  }

  Result<void> read_section(std::string_view line, Item& root) {
    const std::size_t close = line.rfind(']');
    if (close == std::string_view::npos) return broken("a section header without \"]\"");
    if (close == 1) return broken("a section without a name");
    root.items.push_back(section(line.substr(1, close - 1)));
    keys_.clear();
    automatic_ = 0;
    root.items.back().begin = root.items.back().key_begin = offset(line.data());
    root.items.back().end = offset(line.data()) + close + 1;
    const std::size_t comment = line.find_first_of("#;", close + 1);
    if (comment != std::string_view::npos) note_comment(line.substr(comment));
    add_comment(root.items.back());
    return {};
  }

  Result<void> read_key(std::string_view line, Item& section) {
    Item item;
    item.kind = ItemKind::kString;
    item.line = line_;
    item.key_begin = offset(line.data());
    std::size_t after = 0;
    SLUICE_TRY(item.key, key_name(line, after));
    if (item.key == "-") item.key = "#" + std::to_string(++automatic_);
    if (item.key.empty()) return broken("a line without a key");
    SLUICE_TRY(item.text, value(line.substr(after)));
    item.begin = value_begin_;
    item.end = value_end_;
    section.end = std::max(section.end, item.end);
    if (!keys_.insert(item.key).second) {
      return broken("key \"" + item.key + "\" is given twice in section \"" + section.key + "\"");
    }
    section.items.push_back(std::move(item));
    add_comment(section);
    return {};
  }

  Result<std::string> key_name(std::string_view line, std::size_t& after) const {
    std::string_view quote;
    if (line[0] == '"') {
      quote = line.size() > 6 && line.starts_with(kTripleQuote) ? kTripleQuote : line.substr(0, 1);
    } else if (line[0] == '`') {
      quote = line.substr(0, 1);
    }
    if (!quote.empty()) {
      const std::size_t end = line.find(quote, quote.size());
      if (end == std::string_view::npos) return broken("a key without its closing quote");
      const std::size_t delimiter = line.find_first_of(kDelimiters, end + quote.size());
      if (delimiter == std::string_view::npos) return broken("a line without \"=\"");
      after = delimiter + 1;
      return std::string(trim(line.substr(quote.size(), end - quote.size())));
    }
    const std::size_t delimiter = line.find_first_of(kDelimiters);
    if (delimiter == std::string_view::npos) return broken("a line without \"=\"");
    if (delimiter == 0) return broken("a line without a key");
    after = delimiter + 1;
    return std::string(trim(line.substr(0, delimiter)));
  }

  void note_value(std::string_view text) {
    value_begin_ = offset(text.data());
    value_end_ = value_begin_ + text.size();
  }

  Result<std::string> value(std::string_view rest) {
    std::string_view line = trim_left(rest);
    note_value(trim(rest));
    if (line.empty()) return std::string();
    std::string_view quote;
    if (line.size() > 3 && line.starts_with(kTripleQuote)) {
      quote = kTripleQuote;
    } else if (line[0] == '`') {
      quote = line.substr(0, 1);
    }
    if (!quote.empty()) {
      line.remove_prefix(quote.size());
      const std::size_t end = line.rfind(quote);
      if (end == std::string_view::npos) return quoted_lines(line, quote);
      value_end_ = offset(line.data()) + end + quote.size();
      return std::string(line.substr(0, end));
    }
    line = trim(line);
    if (line.ends_with('\\')) return continued(line.substr(0, line.size() - 1));
    if (const std::size_t mark = line.find_first_of("#;"); mark != std::string_view::npos) {
      note_comment(line.substr(mark));
      line = trim(line.substr(0, mark));
      note_value(line);
    }
    for (const char c : {'\'', '"'}) {
      const bool surrounded =
          line.size() >= 2 && line[0] == c && line.find(c, 1) == line.size() - 1;
      if (surrounded) return std::string(line.substr(1, line.size() - 2));
    }
    return std::string(line);
  }

  Result<std::string> quoted_lines(std::string_view first, std::string_view quote) {
    const std::uint32_t start = line_;
    std::string value(first);
    while (!text_.empty()) {
      const std::string_view line = next_line();
      const std::size_t end = line.rfind(quote);
      if (end == std::string_view::npos || trim(line.substr(end + quote.size())).ends_with('\\')) {
        value += line;
        continue;
      }
      value += line.substr(0, end);
      const std::size_t comment = line.find_first_of("#;", end);
      value_end_ = offset(line.data()) + end + quote.size();
      if (comment != std::string_view::npos) note_comment(trim(line.substr(comment)));
      return value;
    }
    return broken("the quote of line " + std::to_string(start) + " is not closed");
  }

  std::string continued(std::string_view first) {
    std::string value(first);
    while (!text_.empty()) {
      const std::string_view line = trim(next_line());
      if (line.empty()) break;
      value_end_ = offset(line.data()) + line.size();
      value += line;
      if (!value.ends_with('\\')) break;
      value.pop_back();
    }
    return value;
  }

  const char* start_;
  std::string_view text_;
  std::uint32_t line_ = 0;
  std::string comment_;
  std::size_t comment_begin_ = 0, comment_end_ = 0;
  std::size_t value_begin_ = 0, value_end_ = 0;
  // Of the section that is being read: names, and keys that have a number instead.
  std::unordered_set<std::string> keys_;
  int automatic_ = 0;
};

class Writer {
 public:
  explicit Writer(ByteSink& out) : out_(out) {}

  Result<void> write(const Item& root) {
    std::vector<const Item*> sections;
    for (const Item& item : root.items) {
      if (item.is_comment()) continue;
      if (item.kind != ItemKind::kMapping) {
        return fail(Code::kInvalid, "ini: the value of \"" + item.key +
                                        "\" is not a mapping; INI holds sections of values");
      }
      sections.push_back(&item);
    }
    for (std::size_t i = 0; i < sections.size(); ++i) {
      SLUICE_CHECK(section(*sections[i], i == 0, i + 1 == sections.size()));
    }
    return {};
  }

 private:
  struct Entry {
    const Item* item;
    std::string_view comment;
  };

  Result<void> section(const Item& section, bool first, bool last) {
    std::string_view comment;
    std::vector<Entry> entries;
    for (std::size_t i = 0; i < section.items.size(); ++i) {
      const Item& item = section.items[i];
      if (!item.is_comment()) {
        if (item.is_collection()) {
          return fail(Code::kInvalid, "ini: the value of \"" + section.key + "." + item.key +
                                          "\" is a mapping or list, which INI cannot hold");
        }
        entries.push_back({&item, {}});
      } else if (i == 0) {
        comment = item.bytes();
      } else if (!entries.empty()) {
        entries.back().comment = item.bytes();
      }
    }
    write_comment(comment, /*trimmed=*/false);
    if (!first || !is_default(section.key)) {
      out_.append("[");
      out_.append(section.key);
      out_.append("]\n");
    } else if (entries.empty()) {
      return {};
    }
    std::size_t width = 0;
    for (const Entry& entry : entries)
      width = std::max(width, name_size(entry.item->key));
    for (const Entry& entry : entries) {
      write_comment(entry.comment, /*trimmed=*/true);
      write_name(entry.item->key);
      for (std::size_t i = name_size(entry.item->key); i < width; ++i)
        out_.append(" ");
      out_.append(" = ");
      print_ini_value(*entry.item, out_);
      out_.append("\n");
    }
    if (!last) out_.append("\n");
    return {};
  }

  static bool is_default(std::string_view name) {
    return equals_ignoring_case(name, kDefaultSection);
  }

  void write_comment(std::string_view comment, bool trimmed) {
    while (!comment.empty()) {
      const std::size_t end = comment.find('\n');
      const std::string_view line = comment.substr(0, end);
      comment.remove_prefix(end == std::string_view::npos ? comment.size() : end + 1);
      if (!line.empty() && (line[0] == '#' || line[0] == ';')) {
        out_.append(line.substr(0, 1));
        out_.append(" ");
        out_.append(trim(line.substr(1)));
      } else {
        out_.append("; ");
        out_.append(trimmed ? trim(line) : line);
      }
      out_.append("\n");
    }
  }

  static bool needs_backquotes(std::string_view name) {
    return name.find_first_of("\"=:") != std::string_view::npos;
  }
  static std::size_t name_size(std::string_view name) {
    if (needs_backquotes(name)) return name.size() + 2;
    return name.find('`') == std::string_view::npos ? name.size() : name.size() + 6;
  }
  void write_name(std::string_view name) {
    std::string_view quote;
    if (needs_backquotes(name)) {
      quote = "`";
    } else if (name.find('`') != std::string_view::npos) {
      quote = kTripleQuote;
    }
    out_.append(quote);
    out_.append(name);
    out_.append(quote);
  }

  ByteSink& out_;
};

}  // namespace

Result<Tree> read_ini_tree(std::string_view text) {
  SLUICE_TRY(Item root, Reader(text).read());
  Tree tree;
  tree.push_back(std::move(root));
  return tree;
}

void print_ini_value(const Item& item, ByteSink& out) {
  ShortText number;
  std::string_view text = item.bytes();
  if (item.kind == ItemKind::kNull) {
    text = "<nil>";
  } else if (item.kind == ItemKind::kFloat || item.kind == ItemKind::kTime) {
    format_for_people(item, number);
    text = number.view();
  }
  std::string_view quote;
  if (text.find_first_of("\n`") != std::string_view::npos) {
    quote = kTripleQuote;
  } else if (text.find_first_of("#;") != std::string_view::npos) {
    quote = "`";
  } else if (trim(text).size() != text.size()) {
    quote = "\"";
  }
  out.append(quote);
  out.append(text);
  out.append(quote);
}

Result<void> print_ini_tree(const Tree& tree, ByteSink& out) {
  return Writer(out).write(tree.front());
}

}  // namespace sluice::decrypt
