#include "kustomize/selector.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "sluice/base/ascii.hpp"
#include "sluice/base/encoding.hpp"

#include "kustomize/gvk.hpp"
#include "kustomize/res_map.hpp"

namespace sluice::kustomize {

std::string Selector::text() const {
  return id_text({gvk, ns, name}) + ":a=" + annotation_selector + ":l=" + label_selector;
}

// --- regular expressions -------------------------------------------------------------------------

bool CompiledSelector::Part::matches(std::string_view value) const {
  if (!given) return true;
  return literal ? value == text : regex.matches(value);
}

Result<CompiledSelector::Part> CompiledSelector::part(const std::string& pattern) {
  Part part;
  if (pattern.empty()) return part;
  part.given = true;
  part.text = pattern;
  part.literal = pattern.find_first_of("\\.+*?()|[]{}^$") == std::string::npos;
  if (!part.literal) {
    SLUICE_TRY(part.regex, Regex::compile("^(?:" + pattern + ")$"));
  }
  return part;
}

Result<CompiledSelector> CompiledSelector::compile(const Selector& selector) {
  CompiledSelector compiled;
  SLUICE_TRY(compiled.group_, part(selector.gvk.group));
  SLUICE_TRY(compiled.version_, part(selector.gvk.version));
  SLUICE_TRY(compiled.kind_, part(selector.gvk.kind));
  SLUICE_TRY(compiled.name_, part(selector.name));
  SLUICE_TRY(compiled.namespace_, part(selector.ns));
  compiled.labels_ = LabelSelector::parse(selector.label_selector);
  compiled.annotations_ = LabelSelector::parse(selector.annotation_selector);
  compiled.has_no_id_ = selector.gvk == Gvk() && selector.name.empty() && selector.ns.empty();
  return compiled;
}

bool CompiledSelector::matches_gvk(const Gvk& gvk) const {
  return group_.matches(gvk.group) && version_.matches(gvk.version) && kind_.matches(gvk.kind);
}
bool CompiledSelector::matches_name(std::string_view name) const {
  return name_.matches(name);
}
bool CompiledSelector::matches_namespace(std::string_view ns) const {
  return namespace_.matches(ns);
}

Result<bool> CompiledSelector::matches_labels(yaml::Node root) const {
  const yaml::Node metadata = field(root, "metadata");
  if (!labels_) return fail(labels_.error());
  if (!labels_->matches(field(metadata, "labels"))) return false;
  if (!annotations_) return fail(annotations_.error());
  return annotations_->matches(field(metadata, "annotations"));
}

// --- label selectors -----------------------------------------------------------------------------

namespace {

enum class Token : std::uint8_t {
  kError,
  kEnd,
  kClose,
  kComma,
  kNot,
  kDoubleEquals,
  kEquals,
  kGreater,
  kIdentifier,
  kIn,
  kLess,
  kNotEquals,
  kNotIn,
  kOpen
};

struct Item {
  Token token = Token::kEnd;
  std::string text;
};

constexpr std::pair<std::string_view, Token> kWords[] = {
    {")", Token::kClose},         {",", Token::kComma},  {"!", Token::kNot},
    {"==", Token::kDoubleEquals}, {"=", Token::kEquals}, {">", Token::kGreater},
    {"in", Token::kIn},           {"<", Token::kLess},   {"!=", Token::kNotEquals},
    {"notin", Token::kNotIn},     {"(", Token::kOpen}};

std::optional<Token> word(std::string_view text) {
  for (const auto& [known, token] : kWords) {
    if (known == text) return token;
  }
  return std::nullopt;
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool is_symbol(char c) {
  return std::string_view("=!(),><").find(c) != std::string_view::npos;
}

std::vector<Item> scan(std::string_view text) {
  text = text.substr(0, text.find('\0'));  // the original stops at a zero byte
  std::vector<Item> items;
  std::size_t at = 0;
  while (true) {
    while (at < text.size() && is_blank(text[at]))
      ++at;
    if (at == text.size()) {
      items.push_back({Token::kEnd, ""});
      return items;
    }
    const std::size_t begin = at;
    if (!is_symbol(text[at])) {
      while (at < text.size() && !is_symbol(text[at]) && !is_blank(text[at]))
        ++at;
      std::string literal(text.substr(begin, at - begin));
      const Token token = word(literal).value_or(Token::kIdentifier);
      items.push_back({token, std::move(literal)});
      continue;
    }
    Item found{Token::kError, ""};
    while (at < text.size() && is_symbol(text[at])) {
      const std::string_view symbol = text.substr(begin, at + 1 - begin);
      if (const auto token = word(symbol)) {
        found = {*token, std::string(symbol)};
      } else if (found.token != Token::kError) {
        break;
      }
      ++at;
    }
    if (found.token == Token::kError) {
      found.text =
          "error expected: keyword found '" + std::string(text.substr(begin, at - begin)) + "'";
    }
    items.push_back(std::move(found));
  }
}

// Names and values (apimachinery util/validation); the texts are the API's own.

bool is_name(std::string_view text) {
  return !text.empty() && is_letter_or_digit(text.front()) && is_letter_or_digit(text.back()) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.';
         });
}
bool is_subdomain(std::string_view text) {
  while (true) {
    const std::size_t dot = text.find('.');
    const std::string_view label = text.substr(0, dot);
    const auto is_plain = [](char c) { return is_lower(c) || is_digit(c); };
    if (label.empty() || !is_plain(label.front()) || !is_plain(label.back()) ||
        !std::all_of(label.begin(), label.end(), [&](char c) { return is_plain(c) || c == '-'; })) {
      return false;
    }
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

constexpr std::size_t kMaxName = 63;
constexpr std::size_t kMaxSubdomain = 253;

std::string name_rule() {
  return "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
         "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
         "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
}

Result<void> check_key(std::string_view key) {
  std::vector<std::string> errors;
  const auto slashes = std::count(key.begin(), key.end(), '/');
  std::string_view name = key;
  if (slashes > 1) {
    errors.push_back("a qualified name " + name_rule() +
                     " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')");
  } else {
    if (slashes == 1) {
      const std::string_view prefix = key.substr(0, key.find('/'));
      name = key.substr(prefix.size() + 1);
      if (prefix.empty()) {
        errors.emplace_back("prefix part must be non-empty");
      } else {
        if (prefix.size() > kMaxSubdomain) {
          errors.emplace_back("prefix part must be no more than 253 characters");
        }
        if (!is_subdomain(prefix)) {
          errors.emplace_back(
              "prefix part a DNS-1123 subdomain must consist of lower case alphanumeric "
              "characters, '-' or '.', and must start and end with an alphanumeric character (e.g. "
              "'example.com', regex used for validation is "
              "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')");
        }
      }
    }
    if (name.empty()) {
      errors.emplace_back("name part must be non-empty");
    } else if (name.size() > kMaxName) {
      errors.emplace_back("name part must be no more than 63 characters");
    }
    if (!is_name(name)) errors.push_back("name part " + name_rule());
  }
  if (errors.empty()) return {};
  std::string text;
  for (const std::string& error : errors)
    text += (text.empty() ? "" : "; ") + error;
  return fail(Code::kInvalid, "invalid label key " + go_quote(key) + ": " + text);
}

Result<void> check_value(std::string_view key, std::string_view value) {
  std::string text;
  if (value.size() > kMaxName) text = "must be no more than 63 characters";
  if (!value.empty() && !is_name(value)) {
    text += std::string(text.empty() ? "" : "; ") +
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' "
            "or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or "
            "'my_value',  or '12345', regex used for validation is "
            "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
  }
  if (text.empty()) return {};
  return fail(Code::kInvalid, "invalid label value: " + go_quote(value) +
                                  ": at key: " + go_quote(key) + ": " + text);
}

std::optional<std::int64_t> parse_int64(std::string_view text) {
  std::int64_t value = 0;
  const char* begin = text.data();
  const char* end = begin + text.size();
  if (begin != end && *begin == '+') ++begin;
  const auto [at, error] = std::from_chars(begin, end, value);
  if (error != std::errc() || at != end || begin == end) return std::nullopt;
  return value;
}

tl::unexpected<Error> found(const Item& item, std::string_view expected) {
  return fail(Code::kInvalid, "found '" + item.text + "'" + std::string(expected));
}

}  // namespace

/// Recursive descent over the tokens; function names follow apimachinery's parser.
class LabelParser {
 public:
  explicit LabelParser(std::string_view text) : items_(scan(text)) {}

  Result<LabelSelector> parse() {
    LabelSelector selector;
    while (true) {
      const Item& first = look(/*value=*/true);
      if (first.token == Token::kEnd) return selector;
      if (first.token != Token::kIdentifier && first.token != Token::kNot) {
        return found(first, ", expected: !, identifier, or 'end of string'");
      }
      auto requirement = parse_requirement();
      if (!requirement) {
        return fail(std::move(requirement).error().prefix("unable to parse requirement: "));
      }
      selector.requirements_.push_back(std::move(*requirement));
      const Item& next = take(true);
      if (next.token == Token::kEnd) return selector;
      if (next.token != Token::kComma) return found(next, ", expected: ',' or 'end of string'");
      const Item& after = look(true);
      if (after.token != Token::kIdentifier && after.token != Token::kNot) {
        return found(after, ", expected: identifier after ','");
      }
    }
  }

 private:
  using Requirement = LabelSelector::Requirement;
  using Operator = LabelSelector::Operator;

  /// `in` and `notin` are words only where an operator may stand.
  const Item& look(bool value) {
    Item& item = items_[std::min(at_, items_.size() - 1)];
    current_ = item;
    if (value && (item.token == Token::kIn || item.token == Token::kNotIn)) {
      current_.token = Token::kIdentifier;
    }
    return current_;
  }
  const Item& take(bool value) {
    const Item& item = look(value);
    ++at_;
    return item;
  }

  Result<Requirement> parse_requirement() {
    Requirement requirement;
    Item key = take(true);
    const bool negated = key.token == Token::kNot;
    if (negated) key = take(true);
    if (key.token != Token::kIdentifier) return found(key, ", expected: identifier");
    SLUICE_CHECK(check_key(key.text));
    requirement.key = key.text;
    const Token next = look(true).token;
    if (negated || next == Token::kEnd || next == Token::kComma) {
      requirement.op = negated ? Operator::kMissing : Operator::kExists;
      return requirement;
    }
    const Item op = take(false);
    bool many = false;
    switch (op.token) {
      case Token::kIn:
        requirement.op = Operator::kIn;
        many = true;
        break;
      case Token::kNotIn:
        requirement.op = Operator::kNotIn;
        many = true;
        break;
      case Token::kEquals:
      case Token::kDoubleEquals:
        requirement.op = Operator::kIn;
        break;
      case Token::kNotEquals:
        requirement.op = Operator::kNotIn;
        break;
      case Token::kGreater:
        requirement.op = Operator::kGreater;
        break;
      case Token::kLess:
        requirement.op = Operator::kLess;
        break;
      default:
        return found(op, ", expected: '=', '!=', '==', 'in', notin'");
    }
    if (many) {
      SLUICE_TRY(requirement.values, parse_values());
    } else {
      SLUICE_TRY(requirement.values, parse_exact_value());
    }
    if (requirement.op == Operator::kGreater || requirement.op == Operator::kLess) {
      if (!parse_int64(requirement.values.front())) {
        return fail(Code::kInvalid, "for 'Gt', 'Lt' operators, the value must be an integer");
      }
    }
    std::sort(requirement.values.begin(), requirement.values.end());
    for (const std::string& value : requirement.values) {
      SLUICE_CHECK(check_value(requirement.key, value));
    }
    return requirement;
  }

  Result<std::vector<std::string>> parse_values() {
    const Item open = take(true);
    if (open.token != Token::kOpen) return found(open, " expected: '('");
    const Item first = look(true);
    if (first.token == Token::kClose) {
      take(true);
      return std::vector<std::string>{""};
    }
    if (first.token != Token::kIdentifier && first.token != Token::kComma) {
      return found(first, ", expected: ',', ')' or identifier");
    }
    SLUICE_TRY(std::vector<std::string> values, parse_identifiers());
    if (take(true).token != Token::kClose) return found(first, ", expected: ')'");
    return values;
  }

  Result<std::vector<std::string>> parse_identifiers() {
    std::vector<std::string> values;
    while (true) {
      const Item item = take(true);
      if (item.token == Token::kIdentifier) {
        values.push_back(item.text);
        const Item& next = look(true);
        if (next.token == Token::kComma) continue;
        if (next.token == Token::kClose) return values;
        return found(next, ", expected: ',' or ')'");
      }
      if (item.token != Token::kComma) return found(item, ", expected: ',', or identifier");
      if (values.empty()) values.emplace_back();
      const Token next = look(true).token;
      if (next == Token::kClose) {
        values.emplace_back();
        return values;
      }
      if (next == Token::kComma) {
        take(true);
        values.emplace_back();
      }
    }
  }

  Result<std::vector<std::string>> parse_exact_value() {
    const Token next = look(true).token;
    if (next == Token::kEnd || next == Token::kComma) return std::vector<std::string>{""};
    const Item item = take(true);
    if (item.token != Token::kIdentifier) return found(item, ", expected: identifier");
    return std::vector<std::string>{item.text};
  }

  std::vector<Item> items_;
  std::size_t at_ = 0;
  Item current_;
};

Result<LabelSelector> LabelSelector::parse(std::string_view text) {
  if (text.empty()) return LabelSelector();
  return LabelParser(text).parse();
}

bool LabelSelector::matches(yaml::Node labels) const {
  return std::all_of(requirements_.begin(), requirements_.end(), [&](const Requirement& wanted) {
    const yaml::Node value = field(labels, wanted.key);
    const auto is_listed = [&] {
      return !value.is_encrypted() && std::find(wanted.values.begin(), wanted.values.end(),
                                                value.text()) != wanted.values.end();
    };
    switch (wanted.op) {
      case Operator::kExists:
        return value.exists();
      case Operator::kMissing:
        return !value.exists();
      case Operator::kIn:
        return value.exists() && is_listed();
      case Operator::kNotIn:
        return !value.exists() || !is_listed();
      case Operator::kGreater:
      case Operator::kLess: {
        const auto have = parse_int64(value.text());
        const auto limit = parse_int64(wanted.values.front());
        if (!have || !limit) return false;
        return wanted.op == Operator::kGreater ? *have > *limit : *have < *limit;
      }
    }
    return false;
  });
}

}  // namespace sluice::kustomize
