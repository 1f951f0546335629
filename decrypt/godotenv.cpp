#include "godotenv.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "sluice/base/ascii.hpp"
#include "sluice/base/encoding.hpp"

#include "open_tree.hpp"
#include "tree.hpp"

namespace sluice::decrypt {

namespace {

constexpr std::string_view kExport = "export";
constexpr std::size_t kMaxExpandedBytes = std::size_t{16} << 20;

// Bytes of a space (parser.go isSpace: no line break) at the start; 0 for none.
std::size_t space_width(std::string_view text) {
  if (text.empty()) return 0;
  const char c = text[0];
  if (c == '\t' || c == '\v' || c == '\f' || c == '\r' || c == ' ') return 1;
  return text.starts_with("\xC2\x85") || text.starts_with("\xC2\xA0") ? 2 : 0;
}

std::string_view trim_left(std::string_view text) {
  while (const std::size_t width = space_width(text))
    text.remove_prefix(width);
  return text;
}

std::string_view trim_right(std::string_view text) {
  for (;;) {
    if (text.ends_with("\xC2\x85") || text.ends_with("\xC2\xA0")) {
      text.remove_suffix(2);
    } else if (!text.empty() && static_cast<unsigned char>(text.back()) < 0x80 &&
               space_width(text.substr(text.size() - 1)) == 1) {
      text.remove_suffix(1);
    } else {
      return text;
    }
  }
}

// The parser looks at bytes of a name as if they were characters of Latin-1.
bool is_name_byte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (byte < 0x80) {
    return is_letter_or_digit(c) || c == '_' || c == '.';
  }
  constexpr std::string_view kOthers = "\xAA\xB2\xB3\xB5\xB9\xBA\xBC\xBD\xBE";
  return (byte >= 0xC0 && byte != 0xD7 && byte != 0xF7) ||
         kOthers.find(c) != std::string_view::npos;
}

bool is_name_space(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == 0x85 || byte == 0xA0 || (byte < 0x80 && space_width({&c, 1}) == 1);
}

bool is_variable_byte(char c) {
  return is_upper(c) || is_digit(c) || c == '_';
}

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  Result<std::vector<GodotenvEntry>> read() {
    while (go_to_statement()) {
      SLUICE_TRY(std::string key, name());
      SLUICE_TRY(crypto::SecretBytes found, value(key));
      const auto [place, is_new] = places_.emplace(key, entries_.size());
      if (is_new) {
        entries_.push_back({std::move(key), std::move(found)});
      } else {
        entries_[place->second].value = std::move(found);
      }
    }
    return std::move(entries_);
  }

 private:
  bool go_to_statement() {
    for (;;) {
      for (;;) {
        const bool is_break = !rest_.empty() && rest_[0] == '\n';
        const std::size_t width = is_break ? 1 : space_width(rest_);
        if (width == 0) break;
        rest_.remove_prefix(width);
      }
      if (rest_.empty()) return false;
      if (rest_[0] != '#') return true;
      const std::size_t end = rest_.find('\n');
      if (end == std::string_view::npos) return false;
      rest_.remove_prefix(end);
    }
  }

  Result<std::string> name() {
    rest_ = trim_left(rest_);
    if (rest_.starts_with(kExport) && space_width(rest_.substr(kExport.size())) > 0) {
      rest_ = trim_left(rest_.substr(kExport.size()));
    }
    std::string_view key;
    std::size_t offset = 0;
    for (std::size_t i = 0; i < rest_.size(); ++i) {
      const char c = rest_[i];
      if (is_name_space(c) || is_name_byte(c)) continue;
      if (c == '=' || c == ':') {
        key = rest_.substr(0, i);
        offset = i + 1;
        break;
      }
      return fail(Code::kInvalid, "unexpected character " + go_quote(std::string_view(&c, 1)) +
                                      " in variable name");
    }
    if (rest_.empty()) return fail(Code::kInvalid, "zero length string");
    rest_ = trim_left(rest_.substr(offset));
    return std::string(trim_right(key));
  }

  Result<crypto::SecretBytes> value(const std::string& key) {
    if (!rest_.empty() && (rest_[0] == '"' || rest_[0] == '\'')) return quoted(key);
    const std::size_t end = std::min(rest_.find_first_of("\r\n"), rest_.size());
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end);
    // The last '#' behind a space starts a comment.
    for (std::size_t i = line.size(); i-- > 1;) {
      if (line[i] == '#' && trim_right(line.substr(0, i)).size() < i) {
        line = line.substr(0, i);
        break;
      }
    }
    return expanded(trim_left(trim_right(line)));
  }

  Result<crypto::SecretBytes> quoted(const std::string& key) {
    const char quote = rest_[0];
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] != quote || rest_[i - 1] == '\\') continue;
      std::string_view text = rest_.substr(0, i);
      while (text.ends_with(quote))
        text.remove_suffix(1);
      while (text.starts_with(quote))
        text.remove_prefix(1);
      rest_.remove_prefix(i + 1);
      if (quote == '\'') return crypto::SecretBytes::copy_of(text);
      const crypto::SecretBytes plain = unescaped(text);
      return expanded(plain.reveal_text());
    }
    return fail(Code::kInvalid, "unterminated quoted value of " + go_quote(key));
  }

  // `\n` and `\r` become what they mean, then any other backslash but one before `$` goes.
  static crypto::SecretBytes unescaped(std::string_view text) {
    crypto::SecretBuffer first(text.size() + 1);
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\\' || i + 1 == text.size() || text[i + 1] == '\n') {
        first.append(text.substr(i, 1));
        continue;
      }
      ++i;
      if (text[i] == 'n') {
        first.append("\n");
      } else if (text[i] == 'r') {
        first.append("\r");
      } else {
        first.append(text.substr(i - 1, 2));
      }
    }
    const crypto::SecretBytes half = std::move(first).take();
    const std::string_view rest = half.reveal_text();
    crypto::SecretBuffer out(rest.size() + 1);
    for (std::size_t i = 0; i < rest.size(); ++i) {
      if (rest[i] == '\\' && i + 1 < rest.size() && rest[i + 1] != '$') ++i;
      out.append(rest.substr(i, 1));
    }
    return std::move(out).take();
  }

  // `(\\)?(\$)(\()?\{?([A-Z0-9_]+)?\}?` replaced: an escaped one loses its backslash, a name gives
  // its value so far, brackets before it included.
  Result<crypto::SecretBytes> expanded(std::string_view text) {
    crypto::SecretBuffer out(text.size() + 1);
    for (std::size_t i = 0; i < text.size();) {
      const bool is_escaped = text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '$';
      if (!is_escaped && text[i] != '$') {
        out.append(text.substr(i++, 1));
        continue;
      }
      const std::size_t begin = i;
      i += is_escaped ? 2 : 1;
      const auto take = [&](char c) {
        const bool is_there = i < text.size() && text[i] == c;
        if (is_there) ++i;
        return is_there;
      };
      take('(');
      take('{');
      const std::size_t name_begin = i;
      while (i < text.size() && is_variable_byte(text[i]))
        ++i;
      const std::string_view variable = text.substr(name_begin, i - name_begin);
      take('}');
      if (is_escaped) {
        out.append(text.substr(begin + 1, i - begin - 1));
      } else if (variable.empty()) {
        out.append(text.substr(begin, i - begin));
      } else {
        const auto known = places_.find(std::string(variable));
        if (known == places_.end()) continue;
        const crypto::SecretBytes& value = entries_[known->second].value;
        expanded_bytes_ += value.size();
        if (expanded_bytes_ > kMaxExpandedBytes) {
          return fail(Code::kUnsupported, "variables expand to more than " +
                                              std::to_string(kMaxExpandedBytes) + " bytes");
        }
        out.append(value.reveal_text());
      }
    }
    return std::move(out).take();
  }

  std::string_view rest_;
  std::vector<GodotenvEntry> entries_;
  std::unordered_map<std::string, std::size_t> places_;  // of names in entries_
  std::size_t expanded_bytes_ = 0;
};

}  // namespace

Result<std::vector<GodotenvEntry>> read_godotenv(std::string_view text) {
  if (text.find("\r\n") == std::string_view::npos) return Reader(text).read();
  crypto::SecretBuffer unix_text(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("\r\n")) continue;
    unix_text.append(text.substr(i, 1));
  }
  const crypto::SecretBytes kept = std::move(unix_text).take();
  return Reader(kept.reveal_text()).read();
}

Result<std::vector<std::string>> godotenv_names(std::string_view encrypted, Format format) {
  SLUICE_TRY(const SopsFile file, read_sops_file(encrypted, format));
  crypto::SecretBuffer printed(encrypted.size());
  SLUICE_CHECK(print_tree(file.tree, format, {}, printed));
  const crypto::SecretBytes text = std::move(printed).take();
  SLUICE_TRY(const auto entries, read_godotenv(text.reveal_text()));
  std::vector<std::string> names;
  for (const GodotenvEntry& entry : entries)
    names.push_back(entry.key);
  return names;
}

Result<std::vector<GodotenvEntry>> godotenv_values(std::string_view encrypted, Format format,
                                                   const crypto::SecretBytes& plaintext) {
  SLUICE_TRY(const auto names, godotenv_names(encrypted, format));
  SLUICE_TRY(auto entries, read_godotenv(plaintext.reveal_text()));
  if (std::equal(
          entries.begin(), entries.end(), names.begin(), names.end(),
          [](const GodotenvEntry& entry, const std::string& name) { return entry.key == name; })) {
    return entries;
  }
  return fail(Code::kInvalid, "a value changes which variables the file has", Where{},
              "a value starts with a quote that is not closed on its line");
}

}  // namespace sluice::decrypt
