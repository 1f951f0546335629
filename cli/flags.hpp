#pragma once
/// Flags of one command: `--name value`, `--name=value`, `--switch`, `-o value`, then positional
/// arguments. Unknown flags are errors, worded as pflag does ("unknown flag: --x"), since
/// kustomize's users know those.

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/result.hpp"

namespace sluice::cli {

class Flags {
 public:
  /// `store` may refuse a value (kInvalid); the error is shown with the flag's name.
  /// `without` is what a flag without a value means; none: it needs one.
  void value(std::string name, std::function<Result<void>(std::string_view)> store,
             std::optional<std::string> without = std::nullopt);
  void text(std::string name, std::string& into);
  void on(std::string name, bool& into);  ///< also `--name=false`
  void alias(char letter, std::string name);
  void take_negative_numbers();  ///< `-5` is a positional argument
  /// Gives the positional arguments. "--" ends the flags.
  Result<std::vector<std::string>> parse(std::span<const std::string_view> arguments) const;

 private:
  struct Flag {
    std::optional<std::string> without;
    std::function<Result<void>(std::string_view)> store;
  };
  std::map<std::string, Flag, std::less<>> flags_;
  std::map<char, std::string> letters_;
  bool negative_numbers_ = false;
};

/// The words of strconv.ParseBool: 1 t T true TRUE True, 0 f F false FALSE False.
Result<bool> parse_switch(std::string_view text);
/// A whole number of `arguments` within [least, most].
Result<long> parse_number(std::string_view text, long least, long most);

/// Prints "Error: …" as kustomize does and gives the exit status of its code.
int report(const Error& error);

}  // namespace sluice::cli
