#include "semver.hpp"

#include <algorithm>
#include <charconv>

#include "sluice/base/ascii.hpp"

namespace sluice::sources {
namespace {

bool is_identifier(char c) {
  return is_letter_or_digit(c) || c == '-';
}
bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (!is_number(text) || error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

/// Calls `each` with the parts between dots; false as soon as it says so.
template <class Each>
bool each_part(std::string_view text, Each&& each) {
  while (true) {
    const std::size_t dot = text.find('.');
    if (!each(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool valid_identifiers(std::string_view text, bool zeros_may_lead) {
  return each_part(text, [&](std::string_view part) {
    return !part.empty() && std::all_of(part.begin(), part.end(), is_identifier) &&
           (zeros_may_lead || part.size() == 1 || part[0] != '0' || !is_number(part));
  });
}

int compare_numbers(std::uint64_t a, std::uint64_t b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

int compare_part(std::string_view a, std::string_view b) {
  const auto x = number(a);
  const auto y = number(b);
  if (x && y) return compare_numbers(*x, *y);
  if (x || y) return x ? -1 : 1;  // numbers come before words
  return a.compare(b);
}

int compare_prerelease(std::string_view a, std::string_view b) {
  if (a == b) return 0;
  if (a.empty() || b.empty()) return a.empty() ? 1 : -1;  // a release comes after
  while (true) {
    const std::size_t x = a.find('.');
    const std::size_t y = b.find('.');
    if (const int order = compare_part(a.substr(0, x), b.substr(0, y)); order != 0) return order;
    if (x == std::string_view::npos || y == std::string_view::npos) {
      return (x == std::string_view::npos ? 0 : 1) - (y == std::string_view::npos ? 0 : 1);
    }
    a.remove_prefix(x + 1);
    b.remove_prefix(y + 1);
  }
}

}  // namespace

int compare(const Version& a, const Version& b) {
  if (const int order = compare_numbers(a.major, b.major); order != 0) return order;
  if (const int order = compare_numbers(a.minor, b.minor); order != 0) return order;
  if (const int order = compare_numbers(a.patch, b.patch); order != 0) return order;
  return compare_prerelease(a.prerelease, b.prerelease);
}

std::optional<Version> parse_tag_version(std::string_view tag) {
  if (tag.starts_with('v')) tag.remove_prefix(1);
  Version out;
  if (const std::size_t plus = tag.find('+'); plus != std::string_view::npos) {
    if (!valid_identifiers(tag.substr(plus + 1), /*zeros_may_lead=*/true)) return std::nullopt;
    tag = tag.substr(0, plus);
  }
  if (const std::size_t dash = tag.find('-'); dash != std::string_view::npos) {
    out.prerelease = tag.substr(dash + 1);
    if (!valid_identifiers(out.prerelease, /*zeros_may_lead=*/false)) return std::nullopt;
    tag = tag.substr(0, dash);
  }
  std::vector<std::uint64_t> numbers;
  const bool good = each_part(tag, [&](std::string_view part) {
    const auto value = number(part);
    if (!value || (part.size() > 1 && part[0] == '0') || numbers.size() == 3) return false;
    numbers.push_back(*value);
    return true;
  });
  if (!good || numbers.size() != 3) return std::nullopt;
  out.major = numbers[0];
  out.minor = numbers[1];
  out.patch = numbers[2];
  return out;
}

/// Reads one group: the text between "||".
class VersionRange::Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  std::optional<Group> group() {
    Group out;
    skip_space();
    bool after_comma = true;  // the first term needs no separator
    while (true) {
      if (!terms(out, after_comma)) return std::nullopt;
      const bool spaced = skip_space();
      if (rest_.empty()) break;
      after_comma = rest_.front() == ',';
      if (after_comma) {
        rest_.remove_prefix(1);
        skip_space();
      } else if (!spaced) {
        return std::nullopt;
      }
    }
    for (const Term& term : out.terms)
      out.has_prerelease = out.has_prerelease || !term.version.prerelease.empty();
    return out;
  }

 private:
  bool skip_space() {
    const std::size_t before = rest_.size();
    while (!rest_.empty() && is_space(rest_.front()))
      rest_.remove_prefix(1);
    return rest_.size() != before;
  }

  Operator take_operator() {
    struct Spelling {
      std::string_view text;
      Operator op;
    };
    static constexpr Spelling kSpellings[] = {
        {"!=", Operator::kNot},    {">=", Operator::kAtLeast}, {"=>", Operator::kAtLeast},
        {"<=", Operator::kAtMost}, {"=<", Operator::kAtMost},  {"~>", Operator::kTilde},
        {"=", Operator::kSame},    {">", Operator::kAbove},    {"<", Operator::kBelow},
        {"~", Operator::kTilde},   {"^", Operator::kCaret}};
    for (const Spelling& spelling : kSpellings) {
      if (!rest_.starts_with(spelling.text)) continue;
      rest_.remove_prefix(spelling.text.size());
      has_operator_ = true;
      skip_space();
      return spelling.op;
    }
    has_operator_ = false;
    return Operator::kSame;
  }

  /// One term, or the two that "a - b" stands for.
  bool terms(Group& out, bool may_be_range) {
    Term term;
    term.op = take_operator();
    if (!version(term)) return false;
    // " - " makes a range; a "-" without spaces belongs to a pre-release.
    std::string_view ahead = rest_;
    while (!ahead.empty() && is_space(ahead.front()))
      ahead.remove_prefix(1);
    if (ahead.size() == rest_.size() || ahead.size() < 2 || ahead[0] != '-' ||
        !is_space(ahead[1])) {
      out.terms.push_back(std::move(term));
      return true;
    }
    if (has_operator_ || !may_be_range) return false;
    rest_ = ahead.substr(1);
    skip_space();
    term.op = Operator::kAtLeast;
    out.terms.push_back(std::move(term));
    Term upper;
    upper.op = Operator::kAtMost;
    if (!version(upper)) return false;
    out.terms.push_back(std::move(upper));
    return true;
  }

  /// A segment of digits or a wildcard; nullopt when it is neither.
  struct Segment {
    bool wild = false;
    std::uint64_t value = 0;
  };
  std::optional<Segment> segment() {
    if (!rest_.empty() && (rest_[0] == 'x' || rest_[0] == 'X' || rest_[0] == '*')) {
      rest_.remove_prefix(1);
      return Segment{true, 0};
    }
    std::size_t size = 0;
    while (size < rest_.size() && is_digit(rest_[size]))
      ++size;
    const auto value = number(rest_.substr(0, size));
    if (!value) return std::nullopt;
    rest_.remove_prefix(size);
    return Segment{false, *value};
  }

  bool version(Term& out) {
    if (rest_.starts_with('v')) rest_.remove_prefix(1);
    Segment segments[3] = {{true, 0}, {true, 0}, {true, 0}};
    for (int i = 0; i < 3; ++i) {
      if (i > 0) {
        if (!rest_.starts_with('.')) break;
        rest_.remove_prefix(1);
      }
      const auto read = segment();
      if (!read) return false;
      segments[i] = *read;
    }
    if (segments[0].wild) {
      out.wild = Wild::kAll;
    } else {
      out.version.major = segments[0].value;
      if (segments[1].wild) {
        out.wild = Wild::kMinor;
      } else {
        out.version.minor = segments[1].value;
        if (segments[2].wild) {
          out.wild = Wild::kPatch;
        } else {
          out.version.patch = segments[2].value;
        }
      }
    }
    if (rest_.starts_with('-')) {
      rest_.remove_prefix(1);
      out.version.prerelease = identifiers();
      if (!valid_identifiers(out.version.prerelease, /*zeros_may_lead=*/false)) return false;
    }
    if (rest_.starts_with('+')) {
      rest_.remove_prefix(1);
      if (!valid_identifiers(identifiers(), /*zeros_may_lead=*/true)) return false;
    }
    return true;
  }

  std::string_view identifiers() {
    std::size_t size = 0;
    while (size < rest_.size() && (is_identifier(rest_[size]) || rest_[size] == '.'))
      ++size;
    const std::string_view out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }

  std::string_view rest_;
  bool has_operator_ = false;
};

Result<VersionRange> VersionRange::parse(std::string_view text) {
  VersionRange out;
  std::string_view rest = text;
  while (true) {
    const std::size_t bars = rest.find("||");
    auto group = Parser(rest.substr(0, bars)).group();
    if (!group) {
      return fail(Code::kInvalid, "semver parse error: improper constraint: \"" +
                                      std::string(rest.substr(0, bars)) + "\"");
    }
    out.groups_.push_back(std::move(*group));
    if (bars == std::string_view::npos) return out;
    rest.remove_prefix(bars + 2);
  }
}

bool VersionRange::contains(const Version& version) const {
  return std::any_of(groups_.begin(), groups_.end(), [&](const Group& group) {
    if (!version.prerelease.empty() && !group.has_prerelease) return false;
    return std::all_of(group.terms.begin(), group.terms.end(),
                       [&](const Term& term) { return term.holds_for(version); });
  });
}

// The rules are Masterminds' functions constraint*, oddities included: "^*" accepts 0.0.0 only, and
// "<=1.x" looks at 1.x.x as a whole.
bool VersionRange::Term::holds_for(const Version& v) const {
  const int order = compare(v, version);
  const bool is_open = wild != Wild::kNone;
  switch (op) {
    case Operator::kSame:
      if (!is_open) return order == 0;
      [[fallthrough]];
    case Operator::kTilde:
      if (order < 0) return false;
      if (version.major == 0 && version.minor == 0 && version.patch == 0 && wild != Wild::kMinor &&
          wild != Wild::kPatch) {
        return true;
      }
      return v.major == version.major && (v.minor == version.minor || wild == Wild::kMinor);
    case Operator::kNot:
      if (!is_open || wild == Wild::kAll) return order != 0;
      if (v.major != version.major) return true;
      if (wild == Wild::kMinor) return false;
      if (v.minor != version.minor) return true;
      return (!v.prerelease.empty() || !version.prerelease.empty()) &&
             v.prerelease != version.prerelease;
    case Operator::kAbove:
      if (wild == Wild::kMinor) return v.major > version.major;
      if (wild == Wild::kPatch) {
        return v.major > version.major || (v.major == version.major && v.minor > version.minor);
      }
      return order > 0;
    case Operator::kBelow:
      return order < 0;
    case Operator::kAtLeast:
      return order >= 0;
    case Operator::kAtMost:
      if (!is_open) return order <= 0;
      return v.major < version.major ||
             (v.major == version.major && (v.minor <= version.minor || wild == Wild::kMinor));
    case Operator::kCaret:
      if (order < 0) return false;
      if (version.major > 0 || wild == Wild::kMinor) return v.major == version.major;
      if (v.major > 0) return false;
      if (version.minor > 0 || wild == Wild::kPatch) return v.minor == version.minor;
      return v.minor == 0 && v.patch == version.patch;
  }
  return false;
}

}  // namespace sluice::sources
