#include "merge_comments.hpp"

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace sluice::kustomize {
namespace {

struct Rule {
  std::uint16_t tag = 0;
  std::uint32_t column = 0;  // of the '#'
  char after = '\0';         // the character that the comment follows, blanks left out
};

/// Rules by line.
struct Rules {
  std::unordered_map<std::uint32_t, Rule> behind;  // of the line that the comment ends
  std::unordered_map<std::uint32_t, Rule> above;   // of the line below the comment
  bool empty() const { return behind.empty() && above.empty(); }
};

std::string_view line_at(std::string_view text, std::size_t begin) {
  return begin >= text.size() ? std::string_view()
                              : text.substr(begin, text.find('\n', begin) - begin);
}

bool is_comment_line(std::string_view line) {
  const std::size_t first = line.find_first_not_of(" \t");
  return first != std::string_view::npos && line[first] == '#';
}

/// The JSON object that `text` begins with; what follows it does not matter to kyaml.
std::string_view first_object(std::string_view text) {
  std::size_t depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && --depth == 0) {
      return text.substr(0, i + 1);
    }
  }
  return text;
}

Result<Rules> find_rules(std::string_view text, const Schema& schema) {
  Rules rules;
  std::uint32_t line = 1;
  std::size_t counted = 0;  // newlines before here are in `line`
  for (std::size_t at = 0; (at = text.find('#', at)) != std::string_view::npos;) {
    const std::size_t hash = at;
    const std::size_t content = text.find_first_not_of('#', at);
    at = content == std::string_view::npos ? text.size() : content;
    const std::size_t brace = text.find_first_not_of(" \t", at);
    if (brace == std::string_view::npos || text[brace] != '{') continue;
    if (hash != 0 && std::string_view(" \t\n").find(text[hash - 1]) == std::string_view::npos) {
      continue;
    }
    const std::string_view comment = line_at(text, brace);
    at = brace + comment.size();
    SLUICE_TRY(const std::uint16_t tag, schema.add_comment(first_object(comment)));
    if (tag == 0) continue;

    for (; counted < hash; ++counted)
      line += text[counted] == '\n' ? 1 : 0;
    const std::size_t start = hash == 0 ? 0 : text.rfind('\n', hash - 1) + 1;  // npos + 1 is 0
    Rule rule{tag, static_cast<std::uint32_t>(hash - start + 1)};
    if (!is_comment_line(line_at(text, start))) {
      rule.after = text[text.find_last_not_of(" \t", hash - 1)];
      rules.behind[line] = rule;
      continue;
    }
    // Several lines are one comment, which is then no JSON.
    const std::size_t before = start < 2 ? std::string_view::npos : text.rfind('\n', start - 2);
    const std::string_view previous = start == 0 ? std::string_view() : line_at(text, before + 1);
    if (is_comment_line(previous) || is_comment_line(line_at(text, at + 1))) continue;
    rules.above[line + 1] = rule;
  }
  return rules;
}

/// Where the lines of a text begin; to find the ends of flow collections, which nodes do not know.
class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text) {
    for (std::size_t at = 0; at != std::string_view::npos;) {
      starts_.push_back(at);
      at = text.find('\n', at);
      if (at != std::string_view::npos) ++at;
    }
  }

  /// The line on which the flow collection that begins at `position` ends; 0 when there is none.
  std::uint32_t end_of_flow(Position position) const {
    if (position.line() == 0 || position.line() > starts_.size()) return 0;
    std::uint32_t line = position.line();
    std::size_t depth = 0;
    char before = '[';  // the last character that is no blank
    for (std::size_t at = offset_of(position); at < text_.size(); ++at) {
      const char c = text_[at];
      if (c == '"' ||
          (c == '\'' && std::string_view("[{,:").find(before) != std::string_view::npos)) {
        at = end_of_quote(at);
      } else if (c == '#' && is_blank(text_[at - 1])) {
        at = std::min(text_.find('\n', at), text_.size()) - 1;
        continue;
      } else if (c == '[' || c == '{') {
        ++depth;
      } else if (c == ']' || c == '}') {
        if (depth <= 1) return depth == 0 ? 0 : line_of(at, line);
        --depth;
      }
      if (!is_blank(c)) before = c;
    }
    return 0;
  }

 private:
  static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n'; }

  std::size_t offset_of(Position position) const {
    std::size_t at = starts_[position.line() - 1];
    for (std::uint32_t column = 1; column < position.column() && at < text_.size(); ++column) {
      do {
        ++at;
      } while (at < text_.size() && (text_[at] & 0xC0) == 0x80);  // the rest of a UTF-8 character
    }
    return at;
  }

  /// Of the quoted scalar that begins at `at`: its last quote, or the end of the text.
  std::size_t end_of_quote(std::size_t at) const {
    const char quote = text_[at];
    for (++at; at < text_.size(); ++at) {
      const bool escapes = quote == '"' ? text_[at] == '\\' : text_.substr(at, 2) == "''";
      if (escapes) {
        ++at;
      } else if (text_[at] == quote) {
        break;
      }
    }
    return at;
  }

  std::uint32_t line_of(std::size_t offset, std::uint32_t from) const {
    while (from < starts_.size() && starts_[from] <= offset)
      ++from;
    return from;
  }

  std::string_view text_;
  std::vector<std::size_t> starts_;
};

std::uint16_t tag_above(const Rules& rules, Position position) {
  const auto found = rules.above.find(position.line());
  return found != rules.above.end() && found->second.column == position.column() ? found->second.tag
                                                                                 : std::uint16_t(0);
}

bool is_block(yaml::Node node) {
  return (node.is_mapping() || node.is_sequence()) && node.style() != yaml::Style::kFlow;
}

void tag_below(yaml::Ref node, const Rules& rules, const Lines& lines) {
  for (std::size_t i = 0; node.is_mapping() && i < node.size(); ++i) {
    const yaml::Ref key = node.key(i), value = node.value(i);
    if (const std::uint16_t tag = tag_above(rules, key.position())) key.set_tag(tag);
    if (is_block(value)) {
      const auto behind = rules.behind.find(key.position().line());
      if (behind != rules.behind.end() && behind->second.after == ':') {
        key.set_tag(behind->second.tag);
      }
      tag_below(value, rules, lines);
    } else if (!value.is_scalar()) {
      const auto behind = rules.behind.find(lines.end_of_flow(value.position()));
      if (behind == rules.behind.end()) continue;
      const char after = behind->second.after;
      if (after == ']' || after == '}') value.set_tag(behind->second.tag);
    }
  }
  for (std::size_t i = 0; node.is_sequence() && i < node.size(); ++i) {
    const yaml::Ref item = node.at(i);
    const Position dash(item.position().line(), node.position().column());
    if (const std::uint16_t tag = tag_above(rules, dash)) item.set_tag(tag);
    if (is_block(item)) tag_below(item, rules, lines);
  }
}

}  // namespace

Result<void> tag_merge_rules(std::string_view text, std::span<yaml::Document> documents,
                             const Schema& schema) {
  SLUICE_TRY(const Rules rules, find_rules(text, schema));
  if (rules.empty()) return {};
  const Lines lines(text);
  for (yaml::Document& document : documents)
    tag_below(document.root(), rules, lines);
  return {};
}

}  // namespace sluice::kustomize
