#include "sluice/base/go_duration.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <utility>

#include "sluice/base/ascii.hpp"

namespace sluice {
namespace {

constexpr std::array<std::pair<std::string_view, std::int64_t>, 8> kUnits = {
    {{"ns", 1},
     {"us", 1'000},
     {"\u00b5s", 1'000},
     {"\u03bcs", 1'000},
     {"ms", 1'000'000},
     {"s", 1'000'000'000},
     {"m", 60'000'000'000},
     {"h", 3'600'000'000'000}}};

/// `value` / `unit` with the fraction's trailing zeros dropped.
std::string with_fraction(std::int64_t value, std::int64_t unit) {
  std::string out = std::to_string(value / unit);
  if (std::int64_t rest = value % unit; rest != 0) {
    out += '.';
    for (std::int64_t scale = unit / 10; rest != 0; scale /= 10) {
      out += static_cast<char>('0' + rest / scale);
      rest %= scale;
    }
  }
  return out;
}

}  // namespace

Result<Duration> parse_go_duration(std::string_view text) {
  const auto bad = [text] {
    return fail(Code::kInvalid, "time: invalid duration \"" + std::string(text) + "\"");
  };
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest == "0") return Duration(0);
  if (rest.empty()) return bad();
  long double total = 0;
  while (!rest.empty()) {
    std::size_t end = 0;
    while (end < rest.size() && (is_digit(rest[end]) || rest[end] == '.'))
      ++end;
    const std::string number(rest.substr(0, end));
    if (number.empty() || number == "." || number.find('.') != number.rfind('.') || end > 32) {
      return bad();
    }
    rest.remove_prefix(end);
    std::size_t letters = 0;
    while (letters < rest.size() && !is_digit(rest[letters]) && rest[letters] != '.')
      ++letters;
    std::int64_t unit = 0;
    for (const auto& [name, value] : kUnits) {
      if (rest.substr(0, letters) == name) unit = value;
    }
    if (unit == 0) return bad();
    rest.remove_prefix(letters);
    total += std::stold(number) * static_cast<long double>(unit);
  }
  if (total > 9.2e18L) return bad();
  const auto count = static_cast<std::int64_t>(std::llroundl(total));
  return Duration(negative ? -count : count);
}

std::string format_go_duration(Duration duration) {
  std::int64_t left = duration.count();
  if (left == 0) return "0s";
  const std::string sign = left < 0 ? "-" : "";
  if (left < 0) left = -left;
  if (left < 1'000) return sign + std::to_string(left) + "ns";
  if (left < 1'000'000) return sign + with_fraction(left, 1'000) + "\u00b5s";
  if (left < 1'000'000'000) return sign + with_fraction(left, 1'000'000) + "ms";
  const std::int64_t minutes = left / 60'000'000'000;
  std::string out = with_fraction(left % 60'000'000'000, 1'000'000'000) + "s";
  if (minutes != 0) out = std::to_string(minutes % 60) + "m" + out;
  if (minutes >= 60) out = std::to_string(minutes / 60) + "h" + out;
  return sign + out;
}

}  // namespace sluice
