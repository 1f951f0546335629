#include "flags.hpp"

#include <charconv>
#include <cstdio>
#include <utility>

#include "sluice/base/ascii.hpp"
#include "sluice/base/encoding.hpp"
#include "sluice/base/go_bool.hpp"

namespace sluice::cli {

void Flags::value(std::string name, std::function<Result<void>(std::string_view)> store,
                  std::optional<std::string> without) {
  flags_[std::move(name)] = {std::move(without), std::move(store)};
}

void Flags::text(std::string name, std::string& into) {
  value(std::move(name), [&into](std::string_view text) -> Result<void> {
    into = text;
    return {};
  });
}

void Flags::on(std::string name, bool& into) {
  const auto store = [&into](std::string_view text) -> Result<void> {
    SLUICE_TRY(into, parse_switch(text));
    return {};
  };
  value(std::move(name), store, "true");
}

void Flags::alias(char letter, std::string name) {
  letters_[letter] = std::move(name);
}

void Flags::take_negative_numbers() {
  negative_numbers_ = true;
}

Result<std::vector<std::string>> Flags::parse(std::span<const std::string_view> arguments) const {
  std::vector<std::string> positional;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    if (argument == "--") {
      for (++i; i < arguments.size(); ++i)
        positional.emplace_back(arguments[i]);
      break;
    }
    const bool is_number = negative_numbers_ && argument.size() > 1 && is_digit(argument[1]);
    if (!argument.starts_with('-') || argument == "-" || is_number) {
      positional.emplace_back(argument);
      continue;
    }
    std::string name;
    std::string_view inline_value;
    bool has_inline = false;
    if (argument.starts_with("--")) {
      const std::size_t equals = argument.find('=');
      name = argument.substr(2, equals == std::string_view::npos ? equals : equals - 2);
      has_inline = equals != std::string_view::npos;
      if (has_inline) inline_value = argument.substr(equals + 1);
    } else {
      const auto letter = letters_.find(argument[1]);
      if (letter == letters_.end()) {
        return fail(Code::kInvalid, "unknown shorthand flag: '" + std::string(1, argument[1]) +
                                        "' in " + std::string(argument));
      }
      name = letter->second;
      has_inline = argument.size() > 2;
      inline_value = argument.substr(2);
      if (inline_value.starts_with('=')) inline_value.remove_prefix(1);
    }
    const auto flag = flags_.find(name);
    if (flag == flags_.end()) return fail(Code::kInvalid, "unknown flag: --" + name);
    if (flag->second.without) {
      if (!has_inline) inline_value = *flag->second.without;
    } else if (!has_inline) {
      if (i + 1 == arguments.size()) {
        const bool letter = !argument.starts_with("--");
        return fail(Code::kInvalid,
                    "flag needs an argument: " + (letter ? "'" + std::string(1, argument[1]) +
                                                               "' in " + std::string(argument)
                                                         : "--" + name));
      }
      inline_value = arguments[++i];
    }
    if (auto stored = flag->second.store(inline_value); !stored) {
      if (flag->second.without) {  // pflag's words
        return fail(std::move(stored.error())
                        .prefix("invalid argument " + go_quote(inline_value) + " for \"--" + name +
                                "\" flag: "));
      }
      return fail(std::move(stored.error()).prefix("--" + name + ": "));
    }
  }
  return positional;
}

Result<bool> parse_switch(std::string_view text) {
  if (const auto value = parse_go_bool(text)) return *value;
  return fail(Code::kInvalid, "strconv.ParseBool: parsing " + go_quote(text) + ": invalid syntax");
}

Result<long> parse_number(std::string_view text, long least, long most) {
  long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) {
    return fail(Code::kInvalid, "expected a number from " + std::to_string(least) + " to " +
                                    std::to_string(most) + ", found \"" + std::string(text) + "\"");
  }
  return value;
}

int report(const Error& error) {
  std::fprintf(stderr, "Error: %s\n", error.text().c_str());
  return exit_code(error.code());
}

}  // namespace sluice::cli
