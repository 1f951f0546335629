#include "natural_order.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "sluice/base/ascii.hpp"

#include "natural_order_tables.hpp"

namespace sluice::yaml {
namespace {

bool in_ranges(std::span<const CodePointRange> ranges, char32_t c) {
  const auto after = std::upper_bound(
      ranges.begin(), ranges.end(), c,
      [](char32_t point, const CodePointRange& range) { return point < range.first; });
  return after != ranges.begin() && c <= (after - 1)->last;
}

bool is_letter(char32_t c) {
  if (c < 0x80) return (c | 0x20U) >= 'a' && (c | 0x20U) <= 'z';
  return in_ranges(kLetters, c);
}
bool is_digit(char32_t c) {
  if (c < 0x80) return c >= '0' && c <= '9';
  return in_ranges(kDigits, c);
}

constexpr bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

/// The code point at `at` and the bytes it takes; a broken sequence counts as its first byte.
char32_t decode(std::string_view text, std::size_t at, std::size_t& width) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  width = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (lead < 0x80) return lead;
  if (lead < 0xC0 || width > text.size() - at) {
    width = 1;
    return 0xFFFD;
  }
  char32_t point = lead & (0x7FU >> width);
  for (std::size_t i = 1; i < width; ++i)
    point = point << 6U | (byte(at + i) & 0x3FU);
  return point;
}

std::size_t step_back(std::string_view text, std::size_t at) {
  do
    --at;
  while (at > 0 && is_continuation(text[at]));
  return at;
}

struct Number {
  std::int64_t value;
  std::size_t runes;
};

/// The value of the digits from `at` on. Wraps as Go's int64 does; a non-ASCII digit counts by its
/// distance from '0', as it does there.
Number number_at(std::string_view text, std::size_t at, std::uint64_t seed) {
  std::uint64_t value = seed;
  std::size_t runes = 0;
  while (at < text.size()) {
    std::size_t width = 0;
    const char32_t c = decode(text, at, width);
    if (!is_digit(c)) break;
    value = value * 10 + (static_cast<std::uint64_t>(c) - '0');
    at += width;
    ++runes;
  }
  return {static_cast<std::int64_t>(value), runes};
}

bool has_digit(std::string_view text) {
  for (const char c : text) {
    if (sluice::is_digit(c) || static_cast<unsigned char>(c) >= 0x80) return true;
  }
  return false;
}

}  // namespace

bool naturally_less(std::string_view a, std::string_view b) {
  const std::size_t shorter = std::min(a.size(), b.size());
  std::size_t at = static_cast<std::size_t>(
      std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(shorter), b.begin()).first -
      a.begin());
  // In the middle of a code point? Its start is the first difference.
  while (at > 0 &&
         ((at < a.size() && is_continuation(a[at])) || (at < b.size() && is_continuation(b[at])))) {
    --at;
  }
  if (at >= a.size() || at >= b.size()) return a.size() < b.size();
  std::size_t width = 0;
  const char32_t left = decode(a, at, width);
  const char32_t right = decode(b, at, width);
  const bool left_letter = is_letter(left);
  const bool right_letter = is_letter(right);
  if (left_letter && right_letter) return left < right;
  if (left_letter || right_letter) return right_letter;
  // A zero here continues a number that began before the difference: then both numbers get the
  // same non-zero start, so that "x10" stays after "x1".
  std::uint64_t seed = 0;
  if (left == '0' || right == '0') {
    for (std::size_t i = at; i > 0;) {
      i = step_back(a, i);
      const char32_t before = decode(a, i, width);
      if (!is_digit(before)) break;
      if (before != '0') {
        seed = 1;
        break;
      }
    }
  }
  const Number left_number = number_at(a, at, seed);
  const Number right_number = number_at(b, at, seed);
  if (left_number.value != right_number.value) return left_number.value < right_number.value;
  if (left_number.runes != right_number.runes) return left_number.runes < right_number.runes;
  return left < right;
}

void sort_keys_naturally(std::span<SortKey> keys) {
  const auto naturally = [](const SortKey& a, const SortKey& b) {
    return naturally_less(a.text, b.text);
  };
  const bool plain = std::none_of(keys.begin(), keys.end(),
                                  [](const SortKey& key) { return has_digit(key.text); });
  if (plain) {  // without digits the order is lexicographic over an alphabet: a real order
    if (!std::is_sorted(keys.begin(), keys.end(), naturally)) {
      std::sort(keys.begin(), keys.end(), naturally);
    }
    return;
  }
  // From one starting point, whatever the input order was; and by merges, since std::sort may read
  // out of bounds under an order that is not transitive.
  std::sort(keys.begin(), keys.end(),
            [](const SortKey& a, const SortKey& b) { return a.text < b.text; });
  std::stable_sort(keys.begin(), keys.end(), naturally);
}

}  // namespace sluice::yaml
