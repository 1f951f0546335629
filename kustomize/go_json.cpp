#include "go_json.hpp"

#include <vector>

#include "sluice/base/ascii.hpp"
#include "sluice/base/encoding.hpp"

namespace sluice::kustomize {
namespace {

constexpr std::size_t kMaxDepth = 10'000;  // scanner.go maxNestingDepth

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::string run() {
    if (!values()) return error_;
    skip_space();
    if (at_ < text_.size()) refuse("after top-level value");
    return error_;
  }

 private:
  bool refuse(std::string_view context) {
    if (at_ >= text_.size()) {
      error_ = "unexpected end of JSON input";
      return false;
    }
    return refuse_word(context);
  }
  /// Inside of a word or number, the end is a space to Go's scanner.
  bool refuse_word(std::string_view context) {
    error_ = "invalid character " + quoted(at_ < text_.size() ? text_[at_] : ' ') + " " +
             std::string(context);
    return false;
  }
  static std::string quoted(char c) {
    if (c == '\'') return R"('\'')";
    if (c == '"') return R"('"')";
    // scanner.go quotes the byte as if it were a character.
    const auto byte = static_cast<unsigned char>(c);
    std::string character;
    if (byte < 0x80) {
      character = c;
    } else {
      character = {static_cast<char>(0xC0 | byte >> 6), static_cast<char>(0x80 | (byte & 0x3F))};
    }
    const std::string go = go_quote(character);
    return "'" + go.substr(1, go.size() - 2) + "'";
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_space() {
    while (at_ < text_.size() &&
           (peek() == ' ' || peek() == '\t' || peek() == '\r' || peek() == '\n')) {
      ++at_;
    }
  }

  bool string() {
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return true;
      }
      if (static_cast<unsigned char>(c) < 0x20) return refuse("in string literal");
      if (c != '\\') continue;
      ++at_;
      if (peek() == 'u') {
        for (int i = 0; i < 4; ++i) {
          ++at_;
          const char h = peek();
          const bool is_hex = is_digit(h) || (h >= 'a' && h <= 'f') || (h >= 'A' && h <= 'F');
          if (!is_hex) return refuse_word("in \\u hexadecimal character escape");
        }
      } else if (std::string_view("bfnrt\\/\"").find(peek()) == std::string_view::npos) {
        return refuse_word("in string escape code");
      }
    }
    at_ = text_.size();
    return refuse("");
  }

  bool digits() {
    const std::size_t begin = at_;
    while (is_digit(peek()))
      ++at_;
    return at_ != begin;
  }
  bool number() {
    if (peek() == '-') ++at_;
    if (peek() == '0') {
      ++at_;
    } else if (!digits()) {
      return refuse_word("in numeric literal");
    }
    if (peek() == '.') {
      ++at_;
      if (!digits()) return refuse_word("after decimal point in numeric literal");
    }
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      if (!digits()) return refuse_word("in exponent of numeric literal");
    }
    return true;
  }
  bool word(std::string_view expected) {
    for (std::size_t i = 1; i < expected.size(); ++i) {
      ++at_;
      if (peek() != expected[i]) {
        return refuse_word("in literal " + std::string(expected) + " (expecting '" + expected[i] +
                           "')");
      }
    }
    ++at_;
    return true;
  }
  bool scalar() {
    switch (peek()) {
      case '"':
        return string();
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return peek() == '-' || is_digit(peek()) ? number()
                                                 : refuse("looking for beginning of value");
    }
  }

  /// `"key" :`, with the key's first character next.
  bool key() {
    if (peek() != '"') return refuse("looking for beginning of object key string");
    if (!string()) return false;
    skip_space();
    if (peek() != ':') return refuse("after object key");
    ++at_;
    return true;
  }

  bool values() {
    std::vector<char> open;
    for (;;) {
      skip_space();
      const char c = peek();
      if (c == '{' || c == '[') {
        if (open.size() == kMaxDepth) {
          return refuse("exceeded max depth");
        }
        ++at_;
        skip_space();
        if (peek() != (c == '{' ? '}' : ']')) {
          open.push_back(c);
          if (c == '{' && !key()) return false;
          continue;
        }
        ++at_;  // empty
      } else if (!scalar()) {
        return false;
      }
      for (bool more = false; !more;) {
        if (open.empty()) return true;
        skip_space();
        const bool in_object = open.back() == '{';
        if (peek() == ',') {
          ++at_;
          skip_space();
          if (in_object && !key()) return false;
          more = true;
        } else if (peek() == (in_object ? '}' : ']')) {
          ++at_;
          open.pop_back();
        } else {
          return refuse(in_object ? "after object key:value pair" : "after array element");
        }
      }
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string error_;
};

}  // namespace

std::string go_json_error(std::string_view text) {
  return Scanner(text).run();
}

}  // namespace sluice::kustomize
