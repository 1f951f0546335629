#include "sandbox/quantity.hpp"

#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

namespace sluice::sandbox {
namespace {

constexpr std::pair<std::string_view, int> kDecimal[] = {
    {"n", -9}, {"u", -6}, {"m", -3}, {"", 0},   {"k", 3},
    {"M", 6},  {"G", 9},  {"T", 12}, {"P", 15}, {"E", 18},
};
constexpr std::pair<std::string_view, int> kBinary[] = {
    {"Ki", 1}, {"Mi", 2}, {"Gi", 3}, {"Ti", 4}, {"Pi", 5}, {"Ei", 6},
};

std::optional<std::int64_t> times(std::int64_t value, std::int64_t factor) {
  std::int64_t out = 0;
  if (__builtin_mul_overflow(value, factor, &out)) return {};
  return out;
}

std::optional<std::string> decimal_text(std::int64_t mantissa, int exponent, bool scientific) {
  while (mantissa != 0 && mantissa % 10 == 0) {
    mantissa /= 10;
    ++exponent;
  }
  if (mantissa == 0) return "0";
  while (exponent < -9) {  // finer than a nano is rounded up
    mantissa = mantissa / 10 + (mantissa % 10 != 0 ? (mantissa > 0 ? 1 : -1) : 0);
    ++exponent;
  }
  while (exponent % 3 != 0 || exponent > 18) {
    const auto next = times(mantissa, 10);
    if (!next) return {};
    mantissa = *next;
    --exponent;
  }
  if (scientific) {
    return std::to_string(mantissa) + (exponent == 0 ? "" : "e" + std::to_string(exponent));
  }
  for (const auto& [suffix, power] : kDecimal) {
    if (power == exponent) return std::to_string(mantissa) + std::string(suffix);
  }
  return {};
}

std::optional<std::string> canonical(std::string_view text) {
  std::size_t at = 0;
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) ++at;
  std::int64_t mantissa = 0;
  int exponent = 0;
  bool fraction = false, digits = false;
  for (; at < text.size(); ++at) {
    if (text[at] == '.' && !fraction) {
      fraction = true;
      continue;
    }
    if (text[at] < '0' || text[at] > '9') break;
    digits = true;
    const auto next = times(mantissa, 10);
    if (!next || *next > std::numeric_limits<std::int64_t>::max() - 9) return {};
    mantissa = *next + (text[at] - '0');
    if (fraction) --exponent;
  }
  if (!digits) return {};
  if (negative) mantissa = -mantissa;
  const std::string_view suffix = text.substr(at);
  for (const auto& [name, power] : kDecimal) {
    if (suffix == name) return decimal_text(mantissa, exponent + power, false);
  }
  for (const auto& [name, power] : kBinary) {
    if (suffix != name) continue;
    for (int i = 0; i < power; ++i) {
      const auto next = times(mantissa, 1024);
      if (!next) return {};
      mantissa = *next;
    }
    for (; exponent < 0; ++exponent) {
      mantissa = mantissa / 10 + (mantissa % 10 != 0 ? (mantissa > 0 ? 1 : -1) : 0);
    }
    if (mantissa > -1024 && mantissa < 1024) return decimal_text(mantissa, 0, false);
    int thousands = 0;
    while (mantissa != 0 && mantissa % 1024 == 0 && thousands < 6) {
      mantissa /= 1024;
      ++thousands;
    }
    return std::to_string(mantissa) +
           (thousands == 0 ? "" : std::string(kBinary[thousands - 1].first));
  }
  if (suffix.size() > 1 && (suffix[0] == 'e' || suffix[0] == 'E')) {
    std::string_view number = suffix.substr(1);
    if (number.starts_with('+')) number.remove_prefix(1);
    int power = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), power);
    if (error != std::errc() || end != number.data() + number.size()) return {};
    return decimal_text(mantissa, exponent + power, true);
  }
  return {};
}

}  // namespace

std::string canonical_quantity(std::string_view text) {
  return canonical(text).value_or(std::string(text));
}

}  // namespace sluice::sandbox
