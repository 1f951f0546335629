#pragma once
/// Numbers and booleans as Go prints and parses them, without leaving copies: the numbers may be
/// secret.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::decrypt {

/// Text on the stack that is wiped when it goes.
class ShortText {
 public:
  ShortText() = default;
  ShortText(const ShortText&) = delete;
  ShortText& operator=(const ShortText&) = delete;
  ~ShortText();
  std::string_view view() const { return {text_.data(), size_}; }
  void append(std::string_view text);

 private:
  std::array<char, 400> text_{};  // the longest float64 in 'f' has 327 characters
  std::size_t size_ = 0;
};

/// strconv.FormatFloat(value, format, -1, 64): 'f', 'g' and 'G', and 'j' for how encoding/json
/// prints. Infinities and NaN are "+Inf", "-Inf", "NaN".
void format_float(double value, char format, ShortText& out);

/// strconv.Atoi, in decimal: an optional sign and digits.
std::optional<std::int64_t> parse_int(std::string_view text);
/// strconv.ParseFloat for what SOPS writes: decimal notation, "+Inf", "-Inf", "NaN".
std::optional<double> parse_float(std::string_view text);

}  // namespace sluice::decrypt
