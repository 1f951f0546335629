#include "numbers.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "sluice/crypto/secret.hpp"

namespace sluice::decrypt {
namespace {

// The shortest digits that give `value` back, and the exponent of the first: 1234.5 is "12345", 3.
struct Digits {
  std::array<char, 32> text{};
  int count = 0;
  int exponent = 0;
  ~Digits() { crypto::wipe(this, sizeof *this); }
};

void split(double value, Digits& digits) {
  std::array<char, 64> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific);
  const char* p = text.data();
  for (; p != end.ptr && *p != 'e'; ++p) {
    if (*p != '.') digits.text[static_cast<std::size_t>(digits.count++)] = *p;
  }
  digits.exponent = std::atoi(p + 1);
  crypto::wipe(text.data(), text.size());
}

}  // namespace

ShortText::~ShortText() {
  crypto::wipe(text_.data(), text_.size());
}

void ShortText::append(std::string_view text) {
  const std::size_t size = std::min(text.size(), text_.size() - size_);
  std::memcpy(text_.data() + size_, text.data(), size);
  size_ += size;
}

void format_float(double value, char format, ShortText& out) {
  if (std::isnan(value)) return out.append("NaN");
  if (std::isinf(value)) return out.append(value > 0 ? "+Inf" : "-Inf");
  if (std::signbit(value)) out.append("-");
  value = std::fabs(value);
  Digits digits;
  split(value, digits);
  const std::string_view all(digits.text.data(), static_cast<std::size_t>(digits.count));
  bool scientific = false;
  if (format == 'g' || format == 'G') {
    // Go decides as if the precision were 6 when it prints the shortest digits.
    scientific = value != 0 && (digits.exponent < -4 || digits.exponent >= 6);
  } else if (format == 'j') {
    scientific = value != 0 && (value < 1e-6 || value >= 1e21);
  }
  if (scientific) {
    out.append(all.substr(0, 1));
    if (all.size() > 1) {
      out.append(".");
      out.append(all.substr(1));
    }
    const int size = std::abs(digits.exponent);
    out.append(format == 'G' ? "E" : "e");
    out.append(digits.exponent < 0 ? "-" : "+");
    const bool pad = size < 10 && !(format == 'j' && digits.exponent < 0);  // json: e-09 is e-9
    if (pad) out.append("0");
    std::array<char, 8> number{};
    const auto end = std::to_chars(number.data(), number.data() + number.size(), size);
    out.append({number.data(), static_cast<std::size_t>(end.ptr - number.data())});
    return;
  }
  const int point = digits.exponent + 1;  // digits before the decimal point
  if (point <= 0) {
    out.append(digits.count == 1 && all == "0" ? "0" : "0.");
    if (all == "0") return;
    for (int i = point; i < 0; ++i)
      out.append("0");
    out.append(all);
    return;
  }
  const auto whole = static_cast<std::size_t>(point);
  out.append(all.substr(0, whole));
  for (std::size_t i = all.size(); i < whole; ++i)
    out.append("0");
  if (all.size() > whole) {
    out.append(".");
    out.append(all.substr(whole));
  }
}

std::optional<std::int64_t> parse_int(std::string_view text) {
  if (text.starts_with('+') && text.size() > 1 && text[1] != '-') text.remove_prefix(1);
  std::int64_t value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> parse_float(std::string_view text) {
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "+Inf") return std::numeric_limits<double>::infinity();
  if (text == "-Inf") return -std::numeric_limits<double>::infinity();
  if (text.starts_with('+') && text.size() > 1 && text[1] != '-') text.remove_prefix(1);
  if (text.empty() || text.find_first_not_of("0123456789+-.eE") != std::string_view::npos) {
    return std::nullopt;
  }
  double value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace sluice::decrypt
