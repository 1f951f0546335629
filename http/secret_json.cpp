#include "sluice/http/secret_json.hpp"

#include <charconv>

#include "sluice/base/ascii.hpp"
#include "sluice/base/encoding.hpp"

namespace sluice::http {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}
bool is_structural(char c) {
  return is_space(c) || c == ',' || c == ':' || c == '{' || c == '}' || c == '[' || c == ']' ||
         c == '"';
}

std::optional<std::uint32_t> hex4(std::string_view text) {
  if (text.size() < 4) return std::nullopt;
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + 4, value, 16);
  if (error != std::errc() || end != text.data() + 4) return std::nullopt;
  return value;
}

/// `raw` is the inside of a JSON string. False when an escape is broken.
bool unescape(std::string_view raw, ByteSink& out) {
  while (!raw.empty()) {
    const std::size_t plain = std::min(raw.find('\\'), raw.size());
    out.append(raw.substr(0, plain));
    raw.remove_prefix(plain);
    if (raw.empty()) return true;
    if (raw.size() < 2) return false;
    const char c = raw[1];
    raw.remove_prefix(2);
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeaning = "\"\\/\b\f\n\r\t";
    if (c != 'u') {
      const std::size_t at = kLetters.find(c);
      if (at == std::string_view::npos) return false;
      out.append(kMeaning.substr(at, 1));
      continue;
    }
    auto code = hex4(raw);
    if (!code) return false;
    raw.remove_prefix(4);
    if (*code >= 0xd800 && *code < 0xdc00 && raw.starts_with("\\u")) {
      const auto low = hex4(raw.substr(2));
      if (low && *low >= 0xdc00 && *low < 0xe000) {
        code = 0x10000 + ((*code - 0xd800) << 10) + (*low - 0xdc00);
        raw.remove_prefix(6);
      }
    }
    append_utf8(*code, out);
  }
  return true;
}

}  // namespace

void JsonScanner::skip_space() {
  while (at_ < text_.size() && is_space(text_[at_]))
    ++at_;
}

bool JsonScanner::at_end() {
  skip_space();
  return at_ >= text_.size();
}

bool JsonScanner::take(char c) {
  skip_space();
  if (at_ >= text_.size() || text_[at_] != c) return false;
  ++at_;
  return true;
}

bool JsonScanner::string(std::string_view& out) {
  if (!take('"')) return false;
  const std::size_t begin = at_;
  while (at_ < text_.size() && text_[at_] != '"')
    at_ += text_[at_] == '\\' ? 2 : 1;
  if (at_ >= text_.size()) return false;
  out = text_.substr(begin, at_++ - begin);
  return true;
}

bool JsonScanner::value(std::string_view& out) {
  skip_space();
  const std::size_t begin = at_;
  std::size_t depth = 0;
  do {
    skip_space();
    if (at_ >= text_.size()) return false;
    const char c = text_[at_];
    if (c == '"') {
      std::string_view ignored;
      if (!string(ignored)) return false;
    } else if (c == '{' || c == '[') {
      ++depth;
      ++at_;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return false;
      --depth;
      ++at_;
    } else if (c == ',' || c == ':') {
      if (depth == 0) return false;
      ++at_;
    } else {
      while (at_ < text_.size() && !is_structural(text_[at_]))
        ++at_;
    }
  } while (depth != 0);
  out = text_.substr(begin, at_ - begin);
  return true;
}

std::optional<std::string_view> find_json(std::string_view json,
                                          std::initializer_list<std::string_view> path) {
  for (const std::string_view wanted : path) {
    JsonScanner scanner(json);
    std::optional<std::string_view> found;
    if (!scanner.take('{')) return std::nullopt;
    if (scanner.take('}')) return std::nullopt;
    do {
      std::string_view key;
      std::string_view value;
      if (!scanner.string(key) || !scanner.take(':') || !scanner.value(value)) return std::nullopt;
      if (key == wanted) found = value;  // of repeated keys the last wins, as in Go
    } while (scanner.take(','));
    if (!scanner.take('}') || !found) return std::nullopt;
    json = *found;
  }
  return json;
}

std::optional<crypto::SecretBytes> secret_json_string(
    std::string_view json, std::initializer_list<std::string_view> path) {
  const auto found = find_json(json, path);
  if (!found || found->size() < 2 || found->front() != '"') return std::nullopt;
  crypto::SecretBuffer out(found->size());
  if (!unescape(found->substr(1, found->size() - 2), out)) return std::nullopt;
  return std::move(out).take();
}

std::string json_text(std::string_view json, std::initializer_list<std::string_view> path) {
  const auto found = find_json(json, path);
  if (!found || found->empty()) return {};
  if (found->front() == '{' || found->front() == '[' || *found == "null") return {};
  std::string out;
  if (found->front() != '"') {
    out = *found;
  } else if (StringSink sink(out); !unescape(found->substr(1, found->size() - 2), sink)) {
    return {};
  }
  return out;
}

std::vector<std::string> json_list(std::string_view json,
                                   std::initializer_list<std::string_view> path) {
  std::vector<std::string> out;
  const auto found = find_json(json, path);
  if (!found) return out;
  JsonScanner scanner(*found);
  std::string_view item;
  if (!scanner.take('[')) return out;
  while (scanner.string(item)) {
    std::string text;
    StringSink sink(text);
    if (unescape(item, sink)) out.push_back(std::move(text));
    if (!scanner.take(',')) break;
  }
  return out;
}

void append_json_string(ByteSink& out, std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  out.append("\"");
  while (!text.empty()) {
    std::size_t plain = 0;
    while (plain < text.size() && text[plain] != '"' && text[plain] != '\\' &&
           static_cast<unsigned char>(text[plain]) >= 0x20) {
      ++plain;
    }
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    const auto c = static_cast<unsigned char>(text.front());
    const char escaped[] = {'\\', 'u', '0', '0', kHex[c >> 4], kHex[c & 15]};
    out.append(std::string_view(escaped, sizeof escaped));
    text.remove_prefix(1);
  }
  out.append("\"");
}

void append_percent(ByteSink& out, std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : text) {
    const bool plain = is_letter_or_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
    const auto byte = static_cast<unsigned char>(c);
    const char escaped[] = {'%', kHex[byte >> 4], kHex[byte & 15]};
    out.append(plain ? std::string_view(&c, 1) : std::string_view(escaped, sizeof escaped));
  }
}

std::string json_string(std::string_view text) {
  std::string out;
  StringSink sink(out);
  append_json_string(sink, text);
  return out;
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  StringSink sink(out);
  append_percent(sink, text);
  return out;
}

}  // namespace sluice::http
