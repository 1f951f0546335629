#include "merge_comments.hpp"

#include <cstdint>
#include <unordered_map>

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

std::uint16_t tag_above(const Rules& rules, Position position) {
  const auto found = rules.above.find(position.line());
  return found != rules.above.end() && found->second.column == position.column() ? found->second.tag
                                                                                 : std::uint16_t(0);
}

bool is_block(yaml::Node node) {
  return (node.is_mapping() || node.is_sequence()) && node.style() != yaml::Style::kFlow;
}

void tag_below(yaml::Ref node, const Rules& rules) {
  for (std::size_t i = 0; node.is_mapping() && i < node.size(); ++i) {
    const yaml::Ref key = node.key(i), value = node.value(i);
    if (const std::uint16_t tag = tag_above(rules, key.position())) key.set_tag(tag);
    const auto behind = rules.behind.find(key.position().line());
    if (behind != rules.behind.end()) {
      const char after = behind->second.after;
      if (after == ':' && is_block(value)) key.set_tag(behind->second.tag);
      if (after == ']' || after == '}') value.set_tag(behind->second.tag);
    }
    if (is_block(value)) tag_below(value, rules);
  }
  for (std::size_t i = 0; node.is_sequence() && i < node.size(); ++i) {
    const yaml::Ref item = node.at(i);
    const Position dash(item.position().line(), node.position().column());
    if (const std::uint16_t tag = tag_above(rules, dash)) item.set_tag(tag);
    if (is_block(item)) tag_below(item, rules);
  }
}

}  // namespace

Result<void> tag_merge_rules(std::string_view text, std::span<yaml::Document> documents,
                             const Schema& schema) {
  SLUICE_TRY(const Rules rules, find_rules(text, schema));
  if (rules.empty()) return {};
  for (yaml::Document& document : documents)
    tag_below(document.root(), rules);
  return {};
}

}  // namespace sluice::kustomize
