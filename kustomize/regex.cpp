#include "kustomize/regex.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <re2/re2.h>

namespace sluice::kustomize {
namespace {

/// Go's words (regexp/syntax) for RE2's codes.
std::string_view go_words(RE2::ErrorCode code) {
  switch (code) {
    case RE2::ErrorBadEscape:
      return "invalid escape sequence";
    case RE2::ErrorBadCharClass:
      return "invalid character class";
    case RE2::ErrorBadCharRange:
      return "invalid character class range";
    case RE2::ErrorMissingBracket:
      return "missing closing ]";
    case RE2::ErrorMissingParen:
      return "missing closing )";
    case RE2::ErrorUnexpectedParen:
      return "unexpected )";
    case RE2::ErrorTrailingBackslash:
      return "trailing backslash at end of expression";
    case RE2::ErrorRepeatArgument:
      return "missing argument to repetition operator";
    case RE2::ErrorRepeatSize:
      return "invalid repeat count";
    case RE2::ErrorRepeatOp:
      return "invalid nested repetition operator";
    case RE2::ErrorBadPerlOp:
      return "invalid or unsupported Perl syntax";
    case RE2::ErrorBadUTF8:
      return "invalid UTF-8";
    case RE2::ErrorBadNamedCapture:
      return "invalid named capture";
    case RE2::ErrorPatternTooLarge:
      return "expression too large";
    default:
      return "regexp/syntax: internal error";
  }
}

/// Nothing in the pattern means more than itself: most are names.
bool is_literal(std::string_view pattern) {
  return std::all_of(pattern.begin(), pattern.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte < 0x7F &&
           std::string_view("\\.+*?()|[]{}^$").find(c) == std::string_view::npos;
  });
}

/// How deep the groups that capture lie in each other. Brackets in character classes count, too.
std::size_t depth_of_captures(std::string_view pattern) {
  std::size_t deepest = 0;
  std::vector<bool> captures;  // of the open groups
  std::size_t depth = 0;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      ++i;
    } else if (pattern[i] == '(') {
      captures.push_back(pattern.substr(i + 1, 1) != "?" || pattern.substr(i + 2, 1) == "P");
      depth += captures.back() ? 1 : 0;
      deepest = std::max(deepest, depth);
    } else if (pattern[i] == ')' && !captures.empty()) {
      depth -= captures.back() ? 1 : 0;
      captures.pop_back();
    }
  }
  return deepest;
}

}  // namespace

struct Regex::Program {
  explicit Program(std::string_view pattern, const RE2::Options& options)
      : re(re2::StringPiece(pattern.data(), pattern.size()), options) {}
  RE2 re;
};

Regex::Regex() = default;
Regex::~Regex() = default;
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;

Result<Regex> Regex::compile(std::string_view pattern) {
  Regex regex;
  if (is_literal(pattern)) {
    regex.literal_ = pattern;
    return regex;
  }
  // Go's syntax trees are at most 1000 high: these groups, what is in the innermost and what they
  // are part of. RE2 takes more.
  constexpr std::size_t kMostCaptures = 998;
  if (depth_of_captures(pattern) > kMostCaptures) {
    return fail(Code::kInvalid, "error parsing regexp: expression nests too deeply: `" +
                                    std::string(pattern) + "`");
  }
  RE2::Options options;
  options.set_log_errors(false);
  auto program = std::make_shared<const Program>(pattern, options);
  if (!program->re.ok()) {
    return fail(Code::kInvalid,
                "error parsing regexp: " + std::string(go_words(program->re.error_code())) + ": `" +
                    program->re.error_arg() + "`");
  }
  regex.program_ = std::move(program);
  return regex;
}

bool Regex::matches(std::string_view text) const {
  if (program_ == nullptr) return text.find(literal_) != std::string_view::npos;
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), program_->re);
}

}  // namespace sluice::kustomize
