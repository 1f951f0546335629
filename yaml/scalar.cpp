#include "sluice/yaml/scalar.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "sluice/base/ascii.hpp"

namespace sluice::yaml {
namespace {

/// What the first byte of a plain scalar allows it to be (go-yaml's resolveTable).
enum class Hint : std::uint8_t { kNone, kWord, kDot, kNumber };

constexpr std::array<Hint, 256> make_hints() {
  std::array<Hint, 256> hints{};
  for (const char c : {'y', 'Y', 'n', 'N', 't', 'T', 'f', 'F', 'o', 'O', '~'}) {
    hints[static_cast<unsigned char>(c)] = Hint::kWord;
  }
  for (char c = '0'; c <= '9'; ++c)
    hints[static_cast<unsigned char>(c)] = Hint::kNumber;
  hints['+'] = hints['-'] = Hint::kNumber;
  hints['.'] = Hint::kDot;
  return hints;
}
constexpr std::array<Hint, 256> kHints = make_hints();

/// `lowercase`, or the same Capitalized, or the same in UPPER case.
bool is_spelling_of(std::string_view text, std::string_view lowercase) {
  if (text.size() != lowercase.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (to_lower(text[i]) != lowercase[i]) return false;
  }
  const bool first_upper = text[0] != lowercase[0];
  bool rest_lower = true;
  bool rest_upper = true;
  for (std::size_t i = 1; i < text.size(); ++i) {
    (text[i] == lowercase[i] ? rest_upper : rest_lower) = false;
  }
  return rest_lower || (first_upper && rest_upper);
}

bool is_null_word(std::string_view text) {
  return text.empty() || text == "~" || is_spelling_of(text, "null");
}

std::optional<bool> bool_word(std::string_view text, Schema schema) {
  switch (text.size()) {
    case 1:
      if (schema != Schema::kV2) return std::nullopt;
      if (to_lower(text[0]) == 'y') return true;
      if (to_lower(text[0]) == 'n') return false;
      return std::nullopt;
    case 2:
      if (schema != Schema::kV2) return std::nullopt;
      if (is_spelling_of(text, "on")) return true;
      if (is_spelling_of(text, "no")) return false;
      return std::nullopt;
    case 3:
      if (schema != Schema::kV2) return std::nullopt;
      if (is_spelling_of(text, "yes")) return true;
      if (is_spelling_of(text, "off")) return false;
      return std::nullopt;
    case 4:
      if (is_spelling_of(text, "true")) return true;
      return std::nullopt;
    case 5:
      if (is_spelling_of(text, "false")) return false;
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

/// ".inf", "+.inf", "-.inf", ".nan" in go-yaml's spellings.
std::optional<double> special_float(std::string_view text) {
  const auto is_one_of = [](std::string_view s, std::string_view a, std::string_view b,
                            std::string_view c) { return s == a || s == b || s == c; };
  if (is_one_of(text, ".nan", ".NaN", ".NAN")) return std::numeric_limits<double>::quiet_NaN();
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (!is_one_of(text, ".inf", ".Inf", ".INF")) return std::nullopt;
  const double infinity = std::numeric_limits<double>::infinity();
  return negative ? -infinity : infinity;
}

/// Overwrites a copy of a scalar before it is freed: writers ask what a secret would resolve to.
void forget(std::string& copy) {
  volatile char* const bytes = copy.data();
  for (std::size_t i = 0; i < copy.size(); ++i)
    bytes[i] = 0;
}

/// A number's text without underscores, in place of a heap copy. Numbers longer than the buffer are
/// rejected by every parser below for their length alone, except decimals: those keep on the heap.
class Stripped {
 public:
  explicit Stripped(std::string_view text) {
    if (text.find('_') == std::string_view::npos) {
      view_ = text;
      return;
    }
    kept_.reserve(text.size());
    for (const char c : text) {
      if (c != '_') kept_.push_back(c);
    }
    view_ = kept_;
  }
  ~Stripped() { forget(kept_); }
  Stripped(const Stripped&) = delete;
  Stripped& operator=(const Stripped&) = delete;
  std::string_view view() const { return view_; }

 private:
  std::string kept_;
  std::string_view view_;
};

/// Digits of `base`, at least one, and nothing else; nullopt on overflow too.
std::optional<std::uint64_t> magnitude(std::string_view digits, int base) {
  std::uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

struct Integer {
  bool negative = false;
  std::uint64_t magnitude = 0;
};

/// Go's strconv.ParseInt(text, base, 64), or ParseUint when that alone succeeds. Base 0 looks at
/// the prefix, where a leading 0 means octal.
std::optional<Integer> parse_go_int(std::string_view text, int base) {
  Integer integer;
  bool has_sign = false;
  if (text.starts_with('+') || text.starts_with('-')) {
    has_sign = true;
    integer.negative = text[0] == '-';
    text.remove_prefix(1);
  }
  if (base == 0) {
    base = 10;
    if (text.size() >= 2 && text[0] == '0') {
      const char mark = to_lower(text[1]);
      base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
      text.remove_prefix(mark == 'x' || mark == 'b' || mark == 'o' ? 2 : 1);
    }
  }
  const auto value = magnitude(text, base);
  if (!value) return std::nullopt;
  integer.magnitude = *value;
  constexpr std::uint64_t kMaxInt64 = std::numeric_limits<std::int64_t>::max();
  if (integer.negative && *value > kMaxInt64 + 1) return std::nullopt;
  if (has_sign && !integer.negative && *value > kMaxInt64) return std::nullopt;
  return integer;
}

/// Any notation of go-yaml's !!int, underscores already gone. The prefixed forms with a sign after
/// the prefix ("0b-1") are v3's accident, kept for equality.
std::optional<Integer> parse_yaml_int(std::string_view plain) {
  if (auto integer = parse_go_int(plain, 0)) return integer;
  if (plain.starts_with("0b")) return parse_go_int(plain.substr(2), 2);
  if (plain.starts_with("0o")) return parse_go_int(plain.substr(2), 8);
  return std::nullopt;
}

/// ^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$
bool is_yaml_float(std::string_view text) {
  std::size_t i = 0;
  const auto digits = [&] {
    const std::size_t start = i;
    while (i < text.size() && is_digit(text[i]))
      ++i;
    return i - start;
  };
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
  const std::size_t whole = digits();
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (digits() == 0 && whole == 0) return false;
  } else if (whole == 0) {
    return false;
  }
  if (i < text.size() && to_lower(text[i]) == 'e') {
    ++i;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    if (digits() == 0) return false;
  }
  return i == text.size();
}

/// A decimal (is_yaml_float) as the nearest double; nullopt when it overflows, as in Go.
std::optional<double> parse_decimal(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  if (error != std::errc::result_out_of_range) return std::nullopt;
  std::string terminated(text);
  value = std::strtod(terminated.c_str(), nullptr);  // tells underflow (kept) from overflow
  forget(terminated);
  if (std::isinf(value)) return std::nullopt;
  return value;
}

/// Go allows underscores in a float only between digits.
bool underscores_separate_digits(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') continue;
    if (i == 0 || i + 1 == text.size() || !is_digit(text[i - 1]) || !is_digit(text[i + 1])) {
      return false;
    }
  }
  return true;
}

// --------------------------------------------------------------------------------------------
// timestamps

struct Time {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  int nanosecond = 0;
  int offset_minutes = 0;
};

/// A cursor over a time, with the leniencies of Go's time.Parse: one or two digits, ',' for '.'.
class TimeReader {
 public:
  explicit TimeReader(std::string_view rest) : rest_(rest) {}
  bool at_end() const { return rest_.empty(); }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take_spaces() {
    if (!rest_.starts_with(' ')) return false;
    while (rest_.starts_with(' '))
      rest_.remove_prefix(1);
    return true;
  }
  bool take_number(int& value) {
    if (rest_.empty() || !is_digit(rest_[0])) return false;
    value = rest_[0] - '0';
    rest_.remove_prefix(1);
    if (!rest_.empty() && is_digit(rest_[0])) {
      value = value * 10 + (rest_[0] - '0');
      rest_.remove_prefix(1);
    }
    return true;
  }
  bool take_two_digits(int& value) {
    return rest_.size() >= 2 && is_digit(rest_[0]) && is_digit(rest_[1]) && take_number(value);
  }
  void take_fraction(int& nanosecond) {
    if (rest_.size() < 2 || (rest_[0] != '.' && rest_[0] != ',') || !is_digit(rest_[1])) return;
    rest_.remove_prefix(1);
    int scale = 100'000'000;
    while (!rest_.empty() && is_digit(rest_[0])) {
      nanosecond += (rest_[0] - '0') * scale;
      scale /= 10;
      rest_.remove_prefix(1);
    }
  }
  bool take_zone(int& minutes) {
    if (take('Z')) return true;
    const bool negative = rest_.starts_with('-');
    if (!negative && !rest_.starts_with('+')) return false;
    rest_.remove_prefix(1);
    int hour = 0;
    int minute = 0;
    if (!take_two_digits(hour) || !take(':') || !take_two_digits(minute)) return false;
    if (hour > 24 || minute > 60) return false;
    minutes = (hour * 60 + minute) * (negative ? -1 : 1);
    return true;
  }
  bool take_clock(Time& time) {
    if (!take_number(time.hour) || time.hour >= 24 || !take(':')) return false;
    if (!take_number(time.minute) || time.minute >= 60 || !take(':')) return false;
    if (!take_number(time.second) || time.second >= 60) return false;
    take_fraction(time.nanosecond);
    return true;
  }

 private:
  std::string_view rest_;
};

int days_in(int month, int year) {
  static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && leap ? 29 : kDays[month - 1];
}

/// go-yaml's four formats: a date; date and clock apart by spaces, without a zone; date, 'T' or
/// 't', clock and zone.
std::optional<Time> parse_timestamp(std::string_view text) {
  if (text.size() < 8 || text[4] != '-') return std::nullopt;
  Time time;
  for (int i = 0; i < 4; ++i) {
    if (!is_digit(text[static_cast<std::size_t>(i)])) return std::nullopt;
    time.year = time.year * 10 + (text[static_cast<std::size_t>(i)] - '0');
  }
  TimeReader reader(text.substr(5));
  if (!reader.take_number(time.month) || time.month < 1 || time.month > 12) return std::nullopt;
  if (!reader.take('-') || !reader.take_number(time.day)) return std::nullopt;
  if (time.day < 1 || time.day > days_in(time.month, time.year)) return std::nullopt;
  if (reader.at_end()) return time;
  if (reader.take('T') || reader.take('t')) {
    if (!reader.take_clock(time) || !reader.take_zone(time.offset_minutes)) return std::nullopt;
  } else if (!reader.take_spaces() || !reader.take_clock(time)) {
    return std::nullopt;
  }
  if (!reader.at_end()) return std::nullopt;
  return time;
}

void append_padded(std::string& out, int value, std::size_t width) {
  const std::string digits = std::to_string(value);
  out.append(width > digits.size() ? width - digits.size() : 0, '0');
  out += digits;
}

// --------------------------------------------------------------------------------------------
// floats

/// The shortest digits that read back as the same double: 0.<digits> × 10^point.
struct Decimal {
  bool negative = false;
  std::array<char, 24> digits{};
  int count = 0;
  int point = 0;
  std::string_view view() const { return {digits.data(), static_cast<std::size_t>(count)}; }
};

template <class Float>
Decimal shortest(Float value) {
  Decimal decimal;
  decimal.negative = std::signbit(value);
  std::array<char, 40> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::fabs(value),
                                 std::chars_format::scientific)
                       .ptr;
  const char* at = buffer.data();
  for (; at != end && *at != 'e'; ++at) {
    if (*at != '.') decimal.digits[static_cast<std::size_t>(decimal.count++)] = *at;
  }
  int exponent = 0;
  if (at != end) {
    ++at;
    if (*at == '+') ++at;
    std::from_chars(at, end, exponent);
  }
  while (decimal.count > 1 && decimal.digits[static_cast<std::size_t>(decimal.count - 1)] == '0') {
    --decimal.count;
  }
  decimal.point = exponent + 1;
  if (decimal.count == 1 && decimal.digits[0] == '0') decimal.point = 1;
  return decimal;
}

std::string spelled_special(double value) {
  return std::isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}

/// Go's %e of the shortest digits; `pad_exponent` writes at least two exponent digits.
std::string exponent_form(const Decimal& decimal, bool pad_exponent) {
  std::string out = decimal.negative ? "-" : "";
  out += decimal.digits[0];
  if (decimal.count > 1) {
    out += '.';
    out += decimal.view().substr(1);
  }
  const int exponent = decimal.point - 1;
  out += exponent < 0 ? "e-" : "e+";
  append_padded(out, std::abs(exponent), pad_exponent ? 2 : 1);
  return out;
}

std::string plain_form(const Decimal& decimal) {
  std::string out = decimal.negative ? "-" : "";
  if (decimal.point <= 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-decimal.point), '0');
    out += decimal.view();
  } else if (decimal.point >= decimal.count) {
    out += decimal.view();
    out.append(static_cast<std::size_t>(decimal.point - decimal.count), '0');
  } else {
    const auto whole = static_cast<std::size_t>(decimal.point);
    out += decimal.view().substr(0, whole);
    out += '.';
    out += decimal.view().substr(whole);
  }
  return out;
}

std::string general_form(const Decimal& decimal) {
  const int exponent = decimal.point - 1;
  // strconv: 'g' with the shortest digits takes %e below 1e-4 and from 1e6, however many digits.
  if (exponent < -4 || exponent >= 6) return exponent_form(decimal, true);
  return plain_form(decimal);
}

}  // namespace

Kind resolve_plain(std::string_view text, Schema schema) {
  if (text.empty()) return Kind::kNull;
  switch (kHints[static_cast<unsigned char>(text[0])]) {
    case Hint::kNone:
      return Kind::kString;
    case Hint::kWord:
      if (text.size() > 5) return Kind::kString;
      if (is_null_word(text)) return Kind::kNull;
      return bool_word(text, schema) ? Kind::kBool : Kind::kString;
    case Hint::kDot:
      if (special_float(text)) return Kind::kFloat;
      if (!underscores_separate_digits(text)) return Kind::kString;
      break;
    case Hint::kNumber:
      if (special_float(text)) return Kind::kFloat;
      if (parse_timestamp(text)) return Kind::kTimestamp;
      break;
  }
  const Stripped stripped(text);
  const std::string_view plain = stripped.view();
  if (text[0] != '.') {
    // v2 has no "0o" branch of its own; what ParseInt takes of it is the same.
    const bool v2_refuses = schema == Schema::kV2 && plain.starts_with("0o");
    if (v2_refuses ? parse_go_int(plain, 0).has_value() : parse_yaml_int(plain).has_value()) {
      return Kind::kInt;
    }
  }
  return is_yaml_float(plain) && parse_decimal(plain) ? Kind::kFloat : Kind::kString;
}

std::optional<std::int64_t> int64_value(std::string_view text) {
  const Stripped stripped(text);
  const auto integer = parse_yaml_int(stripped.view());
  if (!integer) return std::nullopt;
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
  if (!integer->negative) {
    if (integer->magnitude > kMax) return std::nullopt;
    return static_cast<std::int64_t>(integer->magnitude);
  }
  // The magnitude is at most 2^63, whose negation wraps onto itself.
  return static_cast<std::int64_t>(~integer->magnitude + 1);
}

std::optional<std::uint64_t> uint64_value(std::string_view text) {
  const Stripped stripped(text);
  const auto integer = parse_yaml_int(stripped.view());
  if (!integer || (integer->negative && integer->magnitude != 0)) return std::nullopt;
  return integer->magnitude;
}

std::optional<double> float_value(std::string_view text) {
  if (const auto special = special_float(text)) return special;
  const Stripped stripped(text);
  if (const auto integer = parse_yaml_int(stripped.view())) {
    const auto magnitude_of = static_cast<double>(integer->magnitude);
    return integer->negative ? -magnitude_of : magnitude_of;
  }
  if (!is_yaml_float(stripped.view())) return std::nullopt;
  return parse_decimal(stripped.view());
}

std::optional<bool> bool_value(std::string_view text, Schema schema) {
  return bool_word(text, schema);
}

std::string format_float_g(double value) {
  return std::isfinite(value) ? general_form(shortest(value)) : spelled_special(value);
}

std::string format_float32_g(float value) {
  return std::isfinite(value) ? general_form(shortest(value)) : spelled_special(value);
}

std::string format_float_f(double value) {
  if (!std::isfinite(value)) return spelled_special(value);
  return plain_form(shortest(value));
}

std::string format_float_json(double value) {
  const double magnitude_of = std::fabs(value);
  if (magnitude_of != 0 && (magnitude_of < 1e-6 || magnitude_of >= 1e21)) {
    if (!std::isfinite(value)) return spelled_special(value);
    // encoding/json shortens e-09 to e-9, and only that: positive exponents have two digits here.
    return exponent_form(shortest(value), false);
  }
  return format_float_f(value);
}

std::optional<std::string> timestamp_rfc3339(std::string_view text) {
  const auto time = parse_timestamp(text);
  if (!time) return std::nullopt;
  std::string out;
  append_padded(out, time->year, 4);
  out += '-';
  append_padded(out, time->month, 2);
  out += '-';
  append_padded(out, time->day, 2);
  out += 'T';
  append_padded(out, time->hour, 2);
  out += ':';
  append_padded(out, time->minute, 2);
  out += ':';
  append_padded(out, time->second, 2);
  if (time->nanosecond != 0) {
    out += '.';
    append_padded(out, time->nanosecond, 9);
    while (out.back() == '0')
      out.pop_back();
  }
  if (time->offset_minutes == 0) return out + 'Z';
  out += time->offset_minutes < 0 ? '-' : '+';
  append_padded(out, std::abs(time->offset_minutes) / 60, 2);
  out += ':';
  append_padded(out, std::abs(time->offset_minutes) % 60, 2);
  return out;
}

std::string_view short_tag(Kind kind) {
  switch (kind) {
    case Kind::kNull:
      return "!!null";
    case Kind::kBool:
      return "!!bool";
    case Kind::kInt:
      return "!!int";
    case Kind::kFloat:
      return "!!float";
    case Kind::kTimestamp:
      return "!!timestamp";
    case Kind::kBinary:
      return "!!binary";
    default:
      return "!!str";
  }
}

bool is_base60(std::string_view text) {
  std::size_t i = 0;
  if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
  if (i >= text.size() || !is_digit(text[i])) return false;
  while (i < text.size() && (is_digit(text[i]) || text[i] == '_'))
    ++i;
  std::size_t groups = 0;
  while (i < text.size() && text[i] == ':') {  // [0-5]?[0-9]
    if (i + 1 >= text.size() || !is_digit(text[i + 1])) return false;
    const bool two = i + 2 < text.size() && is_digit(text[i + 2]);
    if (two && text[i + 1] > '5') return false;
    i += two ? 3 : 2;
    ++groups;
  }
  if (groups == 0) return false;
  if (i < text.size() && text[i] == '.') {
    ++i;
    while (i < text.size() && (is_digit(text[i]) || text[i] == '_'))
      ++i;
  }
  return i == text.size();
}

}  // namespace sluice::yaml
