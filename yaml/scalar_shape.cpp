#include "scalar_shape.hpp"

#include <array>
#include <cstdint>

namespace sluice::yaml {
namespace {

// Classes of bytes; most text needs only their union to be settled.
enum : std::uint8_t { kSafe = 0, kSpace = 1, kColon = 2, kHash = 4, kNewline = 8, kOther = 16 };

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  for (std::size_t i = 0; i < classes.size(); ++i)
    classes[i] = i >= 0x20 && i < 0x7F ? kSafe : kOther;
  classes[' '] = kSpace;
  classes[':'] = kColon;
  classes['#'] = kHash;
  classes['\n'] = kNewline;
  return classes;
}
constexpr std::array<std::uint8_t, 256> kClasses = make_classes();

/// A blank, or the end.
bool blank_or_end(std::string_view text, std::size_t at) {
  return at >= text.size() || text[at] == ' ' || text[at] == '\t';
}

/// The first characters alone keep `text` from being plain.
bool starts_as_indicator(std::string_view text) {
  switch (text[0]) {
    case '.':
      return text.starts_with("...");
    case '#':
    case ',':
    case '[':
    case ']':
    case '{':
    case '}':
    case '&':
    case '*':
    case '!':
    case '|':
    case '>':
    case '\'':
    case '"':
    case '%':
    case '@':
    case '`':
      return true;
    case '-':
      return blank_or_end(text, 1) || text.starts_with("---");
    case '?':
    case ':':
      return blank_or_end(text, 1);
    default:
      return false;
  }
}

bool has_colon_before_blank(std::string_view text) {
  for (std::size_t i = text.find(':', 1); i != std::string_view::npos; i = text.find(':', i + 1)) {
    if (blank_or_end(text, i + 1)) return true;
  }
  return false;
}

bool is_blank_or_break(std::string_view text, std::size_t at) {
  return text[at] == ' ' || text[at] == '\t' || text[at] == '\0' || is_break(text, at);
}

bool has_hash_after_blank(std::string_view text) {
  for (std::size_t i = text.find('#', 1); i != std::string_view::npos; i = text.find('#', i + 1)) {
    std::size_t before = i - 1;
    while (before > 0 && (static_cast<unsigned char>(text[before]) & 0xC0U) == 0x80U)
      --before;
    if (is_blank_or_break(text, before)) return true;
  }
  return false;
}

/// Bytes that the classes leave open: control characters and everything outside ASCII.
void look_at_each(std::string_view text, ScalarShape& shape, bool& special, bool& space_break,
                  bool& break_space, bool& edge_break) {
  bool after_space = false;
  bool after_break = false;
  for (std::size_t i = 0; i < text.size(); i += utf8_width(text[i])) {
    if (!is_printable(text, i)) special = true;
    if (text[i] == ' ') {
      break_space |= after_break;
      after_space = true;
      after_break = false;
    } else if (is_break(text, i)) {
      shape.multiline = true;
      edge_break |= i == 0 || i + utf8_width(text[i]) == text.size();
      space_break |= after_space;
      after_space = false;
      after_break = true;
    } else {
      after_space = after_break = false;
    }
  }
}

}  // namespace

std::size_t utf8_width(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

bool is_printable(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const unsigned lead = byte(at);
  if (lead < 0x80) return lead == '\n' || (lead >= 0x20 && lead <= 0x7E);
  const unsigned second = byte(at + 1);
  if (lead == 0xC2) return second >= 0xA0;
  if (lead < 0xC2) return false;
  if (lead < 0xED || lead == 0xEE) return true;
  if (lead == 0xED) return second < 0xA0;
  if (lead != 0xEF) return false;  // U+10000 and up: the port never learned four bytes
  const unsigned third = byte(at + 2);
  if (second == 0xBB && third == 0xBF) return false;             // U+FEFF
  return !(second == 0xBF && (third == 0xBE || third == 0xBF));  // U+FFFE, U+FFFF
}

bool is_break(std::string_view text, std::size_t at) {
  const char c = text[at];
  if (c == '\n' || c == '\r') return true;
  if (static_cast<unsigned char>(c) < 0x80) return false;
  const std::string_view rest = text.substr(at);
  return rest.starts_with("\xC2\x85") || rest.starts_with("\xE2\x80\xA8") ||
         rest.starts_with("\xE2\x80\xA9");
}

bool is_block_in_v3(std::string_view text) {
  if (text.empty() || text.back() == ' ') return false;
  for (std::size_t i = 0; i < text.size(); i += utf8_width(text[i])) {
    if (text[i] == '\n') {
      if (i > 0 && text[i - 1] == ' ') return false;
    } else if (text[i] != '\t' && (!is_printable(text, i) || is_break(text, i))) {
      return false;
    }
  }
  return true;
}

ScalarShape shape_of(std::string_view text) {
  ScalarShape shape;
  if (text.empty()) {
    shape.block_allowed = false;
    return shape;
  }
  unsigned classes = 0;
  for (const char c : text)
    classes |= kClasses[static_cast<unsigned char>(c)];

  const bool leading_space = text.front() == ' ';
  const bool trailing_space = text.back() == ' ';
  bool special = false;
  bool space_break = false;  // a space before a break
  bool break_space = false;  // a space after a break
  bool edge_break = false;
  shape.simple = (classes & kOther) == 0;
  if (!shape.simple) {
    look_at_each(text, shape, special, space_break, break_space, edge_break);
  } else if ((classes & kNewline) != 0) {
    shape.multiline = true;
    if ((classes & kSpace) != 0) {
      for (std::size_t i = text.find('\n'); i != std::string_view::npos;
           i = text.find('\n', i + 1)) {
        space_break |= i > 0 && text[i - 1] == ' ';
        break_space |= i + 1 < text.size() && text[i + 1] == ' ';
      }
    }
  }
  bool indicators = starts_as_indicator(text);
  if ((classes & kColon) != 0) indicators = indicators || has_colon_before_blank(text);
  if ((classes & kHash) != 0) indicators = indicators || has_hash_after_blank(text);

  shape.plain_allowed =
      !(leading_space || trailing_space || edge_break || shape.multiline || indicators || special);
  shape.single_allowed = !(break_space || space_break || special);
  shape.block_allowed = !(trailing_space || space_break || special);
  return shape;
}

}  // namespace sluice::yaml
