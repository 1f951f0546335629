#pragma once
/// Visits the values of a SOPS tree in the order and with the selection that SOPS uses (sops.go,
/// walk and shouldBeEncrypted). Needs no key.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "sluice/base/result.hpp"

#include "metadata.hpp"
#include "tree.hpp"

namespace sluice::decrypt {

/// A rule with its regular expression compiled (RE2, whose language is Go's).
class Selection {
 public:
  /// Errors: kInvalid for a broken expression, which upstream takes for one that never matches.
  static Result<Selection> make(const Rule& rule);
  Selection(Selection&&) noexcept;
  ~Selection();

  const Rule& rule() const { return rule_; }
  /// Whether the rule is about keys and this one matches it.
  bool matches_key(std::string_view key) const;
  /// Whether the rule is about comments and this one matches it.
  bool matches_comment(std::string_view comment) const;

 private:
  struct Regex;
  explicit Selection(Rule rule);
  Rule rule_;
  std::unique_ptr<Regex> regex_;
};

struct Visit {
  Item& item;                 ///< a scalar or comment, never null, mapping or sequence
  std::string_view path;      ///< additional data of its ciphertext: keys, each followed by ":"
  std::string_view selector;  ///< see selector.hpp; "" for comments
  bool selected = false;      ///< by the rule, to be encrypted
  bool in_sequence = false;
};

/// Calls `visit` for each value and comment; stops at its first error. Errors of its own: kInvalid
/// for what SOPS refuses to walk (keys that are no strings, integers past int64).
Result<void> walk(Tree& tree, const Selection& selection,
                  const std::function<Result<void>(const Visit&)>& visit);

}  // namespace sluice::decrypt
