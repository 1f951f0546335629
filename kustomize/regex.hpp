#pragma once
/// Regular expressions with Go's syntax and words, run by RE2: time is linear in the text, whatever
/// the pattern.

#include <memory>
#include <string>
#include <string_view>

#include "sluice/base/result.hpp"

namespace sluice::kustomize {

/// A Go regular expression run by RE2 (Go's is the same engine). Copies share the program.
class Regex {
 public:
  Regex();
  ~Regex();
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;
  Regex(const Regex&) = default;
  Regex& operator=(const Regex&) = default;
  /// Errors: kInvalid, worded as Go's: "error parsing regexp: missing closing ]: `[`".
  static Result<Regex> compile(std::string_view pattern);
  bool matches(std::string_view text) const;  ///< anywhere in `text`

 private:
  struct Program;
  std::shared_ptr<const Program> program_;  // null: literal_ is the expression
  std::string literal_;
};

}  // namespace sluice::kustomize
