#include "sluice/base/encoding.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <iterator>

#include "sluice/base/ascii.hpp"

namespace sluice {
namespace {

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Arithmetic instead of a table: the time does not depend on the data.
char base64_char(unsigned v) {
  const int value = static_cast<int>(v);
  int c = value + 'A';
  c += ((25 - value) >> 8) & 6;   // 26..51: 'a'
  c -= ((51 - value) >> 8) & 75;  // 52..61: '0'
  c -= ((61 - value) >> 8) & 15;  // 62: '+'
  c += ((62 - value) >> 8) & 3;   // 63: '/'
  return static_cast<char>(c);
}

// 0..63, or -1. Also free of data-dependent branches and look-ups.
int base64_value(char letter) {
  const int c = static_cast<unsigned char>(letter);
  int value = -1;
  value += (((0x40 - c) & (c - 0x5b)) >> 8) & (c - 64);  // A-Z
  value += (((0x60 - c) & (c - 0x7b)) >> 8) & (c - 70);  // a-z
  value += (((0x2f - c) & (c - 0x3a)) >> 8) & (c + 5);   // 0-9
  value += (((0x2a - c) & (c - 0x2c)) >> 8) & 63;        // +
  value += (((0x2e - c) & (c - 0x30)) >> 8) & 64;        // /
  return value;
}

}  // namespace

std::string hex_encode(std::span<const std::uint8_t> bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::uint8_t b : bytes) {
    out += kDigits[b >> 4];
    out += kDigits[b & 15];
  }
  return out;
}

std::optional<std::string> hex_decode(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_value(text[i]);
    const int low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high << 4 | low);
  }
  return out;
}

void base64_encode_to(std::span<const std::uint8_t> bytes, char* out) {
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const unsigned v = static_cast<unsigned>(bytes[i] << 16 | bytes[i + 1] << 8 | bytes[i + 2]);
    *out++ = base64_char(v >> 18);
    *out++ = base64_char(v >> 12 & 63);
    *out++ = base64_char(v >> 6 & 63);
    *out++ = base64_char(v & 63);
  }
  if (const std::size_t rest = bytes.size() - i; rest != 0) {
    const unsigned v = static_cast<unsigned>(bytes[i] << 16 | (rest == 2 ? bytes[i + 1] << 8 : 0));
    *out++ = base64_char(v >> 18);
    *out++ = base64_char(v >> 12 & 63);
    *out++ = rest == 2 ? base64_char(v >> 6 & 63) : '=';
    *out++ = '=';
  }
}

std::string base64_encode(std::string_view bytes) {
  std::string out(base64_encoded_size(bytes.size()), '\0');
  base64_encode_to({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, out.data());
  return out;
}

std::optional<std::size_t> base64_decode_to(std::string_view text, std::uint8_t* out) {
  std::size_t size = 0;
  unsigned quad = 0;
  int digits = 0;
  int padding = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\r' || c == '\n') continue;
    if (c == '=') {
      if (digits < 2) return std::nullopt;  // padding can only fill a started group
      ++padding;
      ++digits;
      quad <<= 6;
    } else {
      const int value = base64_value(c);
      if (value < 0 || padding != 0) return std::nullopt;
      quad = quad << 6 | static_cast<unsigned>(value);
      ++digits;
    }
    if (digits == 4) {
      if (padding > 2) return std::nullopt;
      out[size++] = static_cast<std::uint8_t>(quad >> 16);
      if (padding < 2) out[size++] = static_cast<std::uint8_t>(quad >> 8);
      if (padding < 1) out[size++] = static_cast<std::uint8_t>(quad);
      if (padding != 0) {  // nothing may follow padding
        const bool at_end = text.find_first_not_of("\r\n", i + 1) == std::string_view::npos;
        return at_end ? std::optional(size) : std::nullopt;
      }
      digits = 0;
      quad = 0;
    }
  }
  if (digits != 0) return std::nullopt;
  return size;
}

std::optional<std::string> base64_decode(std::string_view text) {
  std::string out(text.size() / 4 * 3 + 3, '\0');
  const auto size = base64_decode_to(text, reinterpret_cast<std::uint8_t*>(out.data()));
  if (!size) return std::nullopt;
  out.resize(*size);
  return out;
}

namespace {

/// Length of the valid UTF-8 sequence at the start of `text`, or 0.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const unsigned char second = byte(1);
  if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
      (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) {
    return 0;
  }
  return length;
}

char32_t rune_of(std::string_view sequence) {
  char32_t rune = static_cast<unsigned char>(sequence[0]);
  if (sequence.size() > 1) rune &= 0x7fU >> sequence.size();
  for (const char c : sequence.substr(1))
    rune = rune << 6 | (static_cast<unsigned char>(c) & 0x3f);
  return rune;
}

/// unicode.IsSpace.
bool is_go_space(char32_t rune) {
  if (rune < 0x80) return rune == ' ' || (rune >= '\t' && rune <= '\r');
  return rune == 0x85 || rune == 0xa0 || rune == 0x1680 || (rune >= 0x2000 && rune <= 0x200a) ||
         rune == 0x2028 || rune == 0x2029 || rune == 0x202f || rune == 0x205f || rune == 0x3000;
}

/// strconv.IsPrint for code points that are not ASCII.
bool is_go_printable(char32_t rune) {
  struct Range {
    char32_t first, last;
  };
  static constexpr Range kNot[] = {
#include "base/go_unprintable.inc"
  };
  const Range* const range =
      std::lower_bound(std::begin(kNot), std::end(kNot), rune,
                       [](const Range& one, char32_t value) { return one.last < value; });
  return range == std::end(kNot) || rune < range->first;
}

}  // namespace

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

void append_utf8(std::uint32_t code, ByteSink& out) {
  char bytes[4];
  std::size_t size = 0;
  const auto put = [&](std::uint32_t byte) { bytes[size++] = static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
  } else {
    put(0xf0 | (code >> 18 & 7));
    put(0x80 | (code >> 12 & 0x3f));
  }
  if (code >= 0x800) put(0x80 | (code >> 6 & 0x3f));
  if (code >= 0x80) put(0x80 | (code & 0x3f));
  out.append(std::string_view(bytes, size));
  ::explicit_bzero(bytes, sizeof bytes);
}

std::string_view go_trim_space(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0 || !is_go_space(rune_of(text.substr(0, length)))) break;
    text.remove_prefix(length);
  }
  while (!text.empty()) {
    std::size_t start = text.size() - 1;
    while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xc0) == 0x80)
      --start;
    const std::string_view last = text.substr(start);
    if (utf8_length(last) != last.size() || !is_go_space(rune_of(last))) break;
    text.remove_suffix(last.size());
  }
  return text;
}

void go_quote(std::string_view text, ByteSink& out) {
  static constexpr std::string_view kNamed = "\a\b\f\n\r\t\v\"\\", kNames = "abfnrtv\"\\";
  const auto escape = [&out](const char* format, unsigned value) {
    char buffer[16];
    std::snprintf(buffer, sizeof buffer, format, value);
    out.append(buffer);
  };
  out.append("\"");
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const std::string_view sequence = text.substr(0, std::max<std::size_t>(length, 1));
    const auto byte = static_cast<unsigned char>(text[0]);
    if (length == 0) {
      escape("\\x%02x", byte);
    } else if (length > 1) {
      if (const char32_t rune = rune_of(sequence); is_go_printable(rune)) {
        out.append(sequence);
      } else {
        escape(rune < 0x10000 ? "\\u%04x" : "\\U%08x", static_cast<unsigned>(rune));
      }
    } else if (const std::size_t at = kNamed.find(text[0]); at != kNamed.npos) {
      out.append("\\");
      out.append(kNames.substr(at, 1));
    } else if (byte < 0x20 || byte == 0x7f) {
      escape("\\x%02x", byte);
    } else {
      out.append(sequence);
    }
    text.remove_prefix(sequence.size());
  }
  out.append("\"");
}

std::string go_quote(std::string_view text) {
  std::string out;
  StringSink sink(out);
  go_quote(text, sink);
  return out;
}

}  // namespace sluice
