#include <algorithm>
#include <optional>
#include <string>

#include "sluice/base/ascii.hpp"
#include "sluice/base/encoding.hpp"
#include "sluice/crypto/aead.hpp"
#include "sluice/crypto/hash.hpp"
#include "sluice/yaml/document.hpp"
#include "sluice/yaml/write.hpp"

#include "go_template_value.hpp"

namespace sluice::decrypt::go_template {
namespace {

using Kind = Value::Kind;
using crypto::SecretBuffer;
using crypto::SecretBytes;

constexpr std::size_t kAny = 1000;  // arguments of a variadic function
constexpr std::size_t kMaxBytes = 16 << 20;

// ---------------------------------------------------------------- arguments

Error wrong_type(const Value& value, const char* wanted) {
  if (value.kind == Kind::kMissing || value.kind == Kind::kNil) {
    return {Code::kInvalid, std::string("invalid value; expected ") + wanted};
  }
  return {Code::kInvalid, std::string("wrong type for value; expected ") + wanted};
}

Result<std::string_view> text_of(const Value& value) {
  if (value.kind != Kind::kString) return fail(wrong_type(value, "string"));
  return value.text();
}
Result<std::int64_t> int_of(const Value& value) {
  if (value.kind != Kind::kInt) return fail(wrong_type(value, "int"));
  return value.number;
}

/// sprig's strval, and %v.
SecretBytes text_value(const Value& value) {
  SecretBuffer out;
  switch (value.kind) {
    case Kind::kMissing:
    case Kind::kNil:
      out.append("<nil>");
      break;
    case Kind::kMap: {
      out.append("map[");
      const char* separator = "";
      for (const auto& [key, bytes] : *value.map) {
        out.append(separator);
        out.append(key);
        out.append(":");
        out.append(bytes->reveal_text());
        separator = " ";
      }
      out.append("]");
      break;
    }
    default:
      print(value, out);
  }
  return std::move(out).take();
}

Value make(SecretBuffer&& out) {
  return Value::of(std::move(out).take());
}
Value make(std::string_view text) {
  return Value::of(SecretBytes::copy_of(text));
}

Result<void> only_ascii(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) >= 0x80)
      return fail(Code::kUnsupported, "a text with other letters than ASCII is not supported");
  return {};
}

/// One byte each, by `change`.
template <class Change>
Result<Value> map_ascii(const Value& value, Change change) {
  SLUICE_TRY(const std::string_view text, text_of(value));
  SLUICE_CHECK(only_ascii(text));
  SecretBytes out = SecretBytes::copy_of(text);
  char before = ' ';
  for (std::byte& byte : out.writable()) {
    const char c = static_cast<char>(byte);
    byte = static_cast<std::byte>(change(c, before));
    before = c;
  }
  return Value::of(std::move(out));
}
bool is_word(char c) {
  return is_letter_or_digit(c) || c == '_';
}

constexpr std::string_view kSpaces = "\t\n\v\f\r ";

void replace_all(std::string_view text, std::string_view from, std::string_view to,
                 SecretBuffer& out) {
  while (true) {
    const std::size_t place = text.find(from);
    out.append(text.substr(0, place));
    if (place == text.npos) return;
    out.append(to);
    text.remove_prefix(place + from.size());
  }
}

Result<Value> json(const Value& value, bool escape_html) {
  // The values go through leaves, so that the document holds no plaintext.
  class Reader final : public yaml::LeafReader {
   public:
    explicit Reader(const go_template::Value& value) : value_(value) {}
    Result<Value> read(const yaml::EncryptedLeaf& leaf) override {
      if (value_.kind == Kind::kString) return Value{yaml::Kind::kString, value_.text()};
      return Value{yaml::Kind::kString, value_.map->find(leaf.selector)->second->reveal_text()};
    }

   private:
    const go_template::Value& value_;
  };
  yaml::Document document;
  const yaml::Ref root = document.root();
  if (value.kind == Kind::kString) {
    root.set_leaf({});
  } else if (value.kind == Kind::kMap) {
    root.set_mapping();
    for (const auto& [key, bytes] : *value.map) {
      yaml::EncryptedLeaf leaf;
      leaf.selector = key;
      root.put_leaf(key, leaf);
    }
  } else if (value.kind == Kind::kInt) {
    root.set_int(value.number);
  } else if (value.kind == Kind::kBool) {
    root.set_bool(value.boolean);
  }
  Reader reader(value);
  SecretBuffer out;
  yaml::JsonOptions options;
  options.escape_html = escape_html;
  options.leaves = &reader;
  SLUICE_CHECK(yaml::write_go_json(document.root(), out, options));
  return make(std::move(out));
}

// ---------------------------------------------------------------- text/template's own

Result<int> compare(const Value& a, const Value& b) {
  if (a.kind != b.kind || (a.kind != Kind::kInt && a.kind != Kind::kString)) {
    return fail(Code::kInvalid, "incompatible types for comparison");
  }
  if (a.kind == Kind::kInt) return a.number < b.number ? -1 : a.number > b.number ? 1 : 0;
  return a.text().compare(b.text());
}

Result<bool> equal(const Value& a, const Value& b) {
  const auto nothing = [](const Value& value) {
    return value.kind == Kind::kMissing || value.kind == Kind::kNil;
  };
  if (nothing(a) || nothing(b)) return nothing(a) && nothing(b);
  if (a.kind == Kind::kBool && b.kind == Kind::kBool) return a.boolean == b.boolean;
  SLUICE_TRY(const int order, compare(a, b));
  return order == 0;
}

Result<Value> eq(Arguments arguments) {
  for (const Value& other : arguments.subspan(1)) {
    SLUICE_TRY(const bool same, equal(arguments[0], other));
    if (same) return Value::of(true);
  }
  return Value::of(false);
}
Result<Value> ne(Arguments arguments) {
  SLUICE_TRY(const bool same, equal(arguments[0], arguments[1]));
  return Value::of(!same);
}
template <int kLeast, int kMost>
Result<Value> ordered(Arguments arguments) {
  SLUICE_TRY(const int order, compare(arguments[0], arguments[1]));
  const int sign = order < 0 ? -1 : order > 0 ? 1 : 0;
  return Value::of(sign >= kLeast && sign <= kMost);
}
Result<Value> negate(Arguments arguments) {
  return Value::of(!is_true(arguments[0]));
}
Result<Value> length(Arguments arguments) {
  const Value& value = arguments[0];
  if (value.kind == Kind::kMap) return Value::of(static_cast<std::int64_t>(value.map->size()));
  if (value.kind != Kind::kString) return fail(Code::kInvalid, "len of untyped nil or a number");
  return Value::of(static_cast<std::int64_t>(value.text().size()));
}
Result<Value> index(Arguments arguments) {
  Value value = arguments[0];
  for (const Value& key : arguments.subspan(1)) {
    if (value.kind != Kind::kMap) return fail(Code::kInvalid, "can't index item that is no map");
    SLUICE_TRY(const std::string_view name, text_of(key));
    const auto found = value.map->find(name);
    value = found == value.map->end() ? make("") : Value::of(found->second);
  }
  return value;
}
/// fmt.Sprint: a space between operands of which neither is a string.
Result<Value> sprint(Arguments arguments) {
  SecretBuffer out;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (i > 0 && arguments[i].kind != Kind::kString && arguments[i - 1].kind != Kind::kString) {
      out.append(" ");
    }
    out.append(text_value(arguments[i]).reveal_text());
  }
  return make(std::move(out));
}
Result<Value> sprintln(Arguments arguments) {
  SecretBuffer out;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (i > 0) out.append(" ");
    out.append(text_value(arguments[i]).reveal_text());
  }
  out.append("\n");
  return make(std::move(out));
}
Result<Value> sprintf_go(Arguments arguments) {
  SLUICE_TRY(std::string_view format, text_of(arguments[0]));
  SecretBuffer out;
  std::size_t next = 1;
  while (true) {
    const std::size_t percent = format.find('%');
    out.append(format.substr(0, percent));
    if (percent == format.npos) break;
    const char verb = percent + 1 < format.size() ? format[percent + 1] : '\0';
    format.remove_prefix(std::min(format.size(), percent + 2));
    if (verb == '%') {
      out.append("%");
      continue;
    }
    if (next >= arguments.size()) return fail(Code::kUnsupported, "more verbs than arguments");
    const Value& value = arguments[next++];
    const bool fits = verb == 'v' || (verb == 'd' && value.kind == Kind::kInt) ||
                      ((verb == 's' || verb == 'q') && value.kind == Kind::kString);
    if (!fits) {
      return fail(Code::kUnsupported, std::string("the verb %") + (verb == '\0' ? ' ' : verb) +
                                          " of such a value is not supported");
    }
    if (verb == 'q') {
      go_quote(value.text(), out);
    } else {
      out.append(text_value(value).reveal_text());
    }
  }
  if (next < arguments.size()) return fail(Code::kUnsupported, "more arguments than verbs");
  return make(std::move(out));
}
/// url.QueryEscape.
Result<Value> urlquery(Arguments arguments) {
  const SecretBytes text = arguments.size() == 1 && arguments[0].kind == Kind::kString
                               ? SecretBytes::copy_of(arguments[0].text())
                               : text_value(*sprint(arguments));
  SecretBuffer out;
  for (const char c : text.reveal_text()) {
    if (is_letter_or_digit(c) || c == '-' || c == '.' || c == '~') {
      out.append({&c, 1});
    } else if (c == ' ') {
      out.append("+");
    } else {
      static constexpr std::string_view kHex = "0123456789ABCDEF";
      const auto byte = static_cast<unsigned char>(c);
      const char escaped[] = {'%', kHex[byte >> 4U], kHex[byte & 15U]};
      out.append({escaped, 3});
    }
  }
  return make(std::move(out));
}

// ---------------------------------------------------------------- sprig's

Result<Value> quote(Arguments arguments) {
  SecretBuffer out;
  for (const Value& value : arguments) {
    if (value.kind == Kind::kMissing || value.kind == Kind::kNil) continue;
    if (out.size() > 0) out.append(" ");
    go_quote(text_value(value).reveal_text(), out);
  }
  return make(std::move(out));
}
Result<Value> squote(Arguments arguments) {
  SecretBuffer out;
  for (const Value& value : arguments) {
    if (value.kind == Kind::kMissing || value.kind == Kind::kNil) continue;
    out.append(out.size() > 0 ? " '" : "'");
    out.append(text_value(value).reveal_text());
    out.append("'");
  }
  return make(std::move(out));
}
Result<Value> cat(Arguments arguments) {
  SecretBuffer out;
  for (const Value& value : arguments) {
    if (value.kind == Kind::kMissing || value.kind == Kind::kNil) continue;
    if (out.size() > 0) out.append(" ");
    out.append(text_value(value).reveal_text());
  }
  return make(std::move(out));
}
Result<Value> to_string(Arguments arguments) {
  return Value::of(text_value(arguments[0]));
}
Result<Value> b64enc(Arguments arguments) {
  SLUICE_TRY(const std::string_view text, text_of(arguments[0]));
  return Value::of(crypto::base64_encode_secret(crypto::as_bytes(text)));
}
Result<Value> b64dec(Arguments arguments) {
  SLUICE_TRY(const std::string_view text, text_of(arguments[0]));
  auto decoded = crypto::base64_decode_secret(text);
  // sprig gives the error's text instead of the value: nobody wants that in a Secret.
  if (!decoded) return fail(Code::kInvalid, "the value is not base64");
  return Value::of(*std::move(decoded));
}
Result<Value> sha256sum(Arguments arguments) {
  SLUICE_TRY(const std::string_view text, text_of(arguments[0]));
  return make(crypto::sha256(text).hex());
}
Result<Value> to_json(Arguments arguments) {
  return json(arguments[0], true);
}
Result<Value> to_raw_json(Arguments arguments) {
  return json(arguments[0], false);
}
Result<Value> to_upper(Arguments arguments) {
  return map_ascii(arguments[0], [](char c, char) { return sluice::to_upper(c); });
}
Result<Value> to_lower(Arguments arguments) {
  return map_ascii(arguments[0], [](char c, char) { return sluice::to_lower(c); });
}
Result<Value> to_title(Arguments arguments) {
  return map_ascii(arguments[0],
                   [](char c, char before) { return is_word(before) ? c : sluice::to_upper(c); });
}
/// strings.TrimSpace also takes U+0085 and U+00A0, and what else is a space in Unicode.
Result<Value> trim_space(Arguments arguments) {
  SLUICE_TRY(const std::string_view text, text_of(arguments[0]));
  const std::string_view trimmed = trim(text, kSpaces);
  if (!trimmed.empty() && (static_cast<unsigned char>(trimmed.front()) >= 0x80 ||
                           static_cast<unsigned char>(trimmed.back()) >= 0x80)) {
    SLUICE_CHECK(only_ascii(trimmed));
  }
  return make(trimmed);
}
Result<Value> trim_all(Arguments arguments) {
  SLUICE_TRY(const std::string_view cut, text_of(arguments[0]));
  SLUICE_TRY(const std::string_view text, text_of(arguments[1]));
  SLUICE_CHECK(only_ascii(cut));
  return make(trim(text, cut));
}
Result<Value> trim_prefix(Arguments arguments) {
  SLUICE_TRY(const std::string_view cut, text_of(arguments[0]));
  SLUICE_TRY(std::string_view text, text_of(arguments[1]));
  if (text.starts_with(cut)) text.remove_prefix(cut.size());
  return make(text);
}
Result<Value> trim_suffix(Arguments arguments) {
  SLUICE_TRY(const std::string_view cut, text_of(arguments[0]));
  SLUICE_TRY(std::string_view text, text_of(arguments[1]));
  if (text.ends_with(cut)) text.remove_suffix(cut.size());
  return make(text);
}
Result<Value> contains(Arguments arguments) {
  SLUICE_TRY(const std::string_view part, text_of(arguments[0]));
  SLUICE_TRY(const std::string_view text, text_of(arguments[1]));
  return Value::of(text.find(part) != text.npos);
}
Result<Value> has_prefix(Arguments arguments) {
  SLUICE_TRY(const std::string_view part, text_of(arguments[0]));
  SLUICE_TRY(const std::string_view text, text_of(arguments[1]));
  return Value::of(text.starts_with(part));
}
Result<Value> has_suffix(Arguments arguments) {
  SLUICE_TRY(const std::string_view part, text_of(arguments[0]));
  SLUICE_TRY(const std::string_view text, text_of(arguments[1]));
  return Value::of(text.ends_with(part));
}
Result<Value> replace(Arguments arguments) {
  SLUICE_TRY(const std::string_view from, text_of(arguments[0]));
  SLUICE_TRY(const std::string_view to, text_of(arguments[1]));
  SLUICE_TRY(const std::string_view text, text_of(arguments[2]));
  if (from.empty()) return fail(Code::kUnsupported, "replacing an empty text is not supported");
  SecretBuffer out;
  replace_all(text, from, to, out);
  return make(std::move(out));
}
Result<Value> repeat(Arguments arguments) {
  SLUICE_TRY(const std::int64_t count, int_of(arguments[0]));
  SLUICE_TRY(const std::string_view text, text_of(arguments[1]));
  if (count < 0) return fail(Code::kInvalid, "negative Repeat count");
  if (!text.empty() && static_cast<std::uint64_t>(count) > kMaxBytes / text.size()) {
    return fail(Code::kUnsupported, "the text grows over the limit of 16 MiB");
  }
  SecretBuffer out;
  for (std::int64_t i = 0; i < count && !text.empty(); ++i)
    out.append(text);
  return make(std::move(out));
}
Result<Value> indented(Arguments arguments, std::string_view first) {
  SLUICE_TRY(const std::int64_t count, int_of(arguments[0]));
  SLUICE_TRY(const std::string_view text, text_of(arguments[1]));
  if (count < 0 || count > 1000) return fail(Code::kInvalid, "an indentation of 0 to 1000 only");
  const std::string pad(static_cast<std::size_t>(count), ' ');
  SecretBuffer out;
  out.append(first);
  out.append(pad);
  replace_all(text, "\n", "\n" + pad, out);
  return make(std::move(out));
}
Result<Value> indent(Arguments arguments) {
  return indented(arguments, "");
}
Result<Value> nindent(Arguments arguments) {
  return indented(arguments, "\n");
}
Result<Value> trunc(Arguments arguments) {
  SLUICE_TRY(const std::int64_t count, int_of(arguments[0]));
  SLUICE_TRY(const std::string_view text, text_of(arguments[1]));
  const auto size = static_cast<std::int64_t>(text.size());
  if (count < 0 && size + count > 0)
    return make(text.substr(static_cast<std::size_t>(size + count)));
  if (count >= 0 && size > count) return make(text.substr(0, static_cast<std::size_t>(count)));
  return arguments[1];
}
Result<Value> nospace(Arguments arguments) {
  SLUICE_TRY(const std::string_view text, text_of(arguments[0]));
  SLUICE_CHECK(only_ascii(text));
  SecretBuffer out;
  for (const char& c : text)
    if (kSpaces.find(c) == kSpaces.npos) out.append({&c, 1});
  return make(std::move(out));
}
Result<Value> default_value(Arguments arguments) {
  if (arguments.size() == 1 || !is_true(arguments[1])) return arguments[0];
  return arguments[1];
}
Result<Value> coalesce(Arguments arguments) {
  for (const Value& value : arguments)
    if (is_true(value)) return value;
  Value nothing;
  nothing.kind = Kind::kNil;
  return nothing;
}
Result<Value> empty(Arguments arguments) {
  return Value::of(!is_true(arguments[0]));
}
Result<Value> ternary(Arguments arguments) {
  if (arguments[2].kind != Kind::kBool) return fail(wrong_type(arguments[2], "bool"));
  return arguments[2].boolean ? arguments[0] : arguments[1];
}

constexpr FunctionEntry kFunctions[] = {
    {"b64dec", 1, 1, b64dec},
    {"b64enc", 1, 1, b64enc},
    {"cat", 0, kAny, cat},
    {"coalesce", 0, kAny, coalesce},
    {"contains", 2, 2, contains},
    {"default", 1, 2, default_value},
    {"empty", 1, 1, empty},
    {"eq", 2, kAny, eq},
    {"ge", 2, 2, ordered<0, 1>},
    {"gt", 2, 2, ordered<1, 1>},
    {"hasPrefix", 2, 2, has_prefix},
    {"hasSuffix", 2, 2, has_suffix},
    {"indent", 2, 2, indent},
    {"index", 1, kAny, index},
    {"le", 2, 2, ordered<-1, 0>},
    {"len", 1, 1, length},
    {"lower", 1, 1, to_lower},
    {"lt", 2, 2, ordered<-1, -1>},
    {"ne", 2, 2, ne},
    {"nindent", 2, 2, nindent},
    {"nospace", 1, 1, nospace},
    {"not", 1, 1, negate},
    {"print", 0, kAny, sprint},
    {"printf", 1, kAny, sprintf_go},
    {"println", 0, kAny, sprintln},
    {"quote", 0, kAny, quote},
    {"repeat", 2, 2, repeat},
    {"replace", 3, 3, replace},
    {"sha256sum", 1, 1, sha256sum},
    {"squote", 0, kAny, squote},
    {"ternary", 3, 3, ternary},
    {"title", 1, 1, to_title},
    {"toJson", 1, 1, to_json},
    {"toRawJson", 1, 1, to_raw_json},
    {"toString", 1, 1, to_string},
    {"trim", 1, 1, trim_space},
    {"trimAll", 2, 2, trim_all},
    {"trimPrefix", 2, 2, trim_prefix},
    {"trimSuffix", 2, 2, trim_suffix},
    {"trunc", 2, 2, trunc},
    {"upper", 1, 1, to_upper},
    {"urlquery", 1, kAny, urlquery},
};

}  // namespace

Value Value::of(bool value) {
  Value out;
  out.kind = Kind::kBool;
  out.boolean = value;
  return out;
}
Value Value::of(std::int64_t value) {
  Value out;
  out.kind = Kind::kInt;
  out.number = value;
  return out;
}
Value Value::of(SecretBytes value) {
  return of(std::make_shared<const SecretBytes>(std::move(value)));
}
Value Value::of(std::shared_ptr<const SecretBytes> value) {
  Value out;
  out.kind = Kind::kString;
  out.bytes = std::move(value);
  return out;
}
Value Value::of(const TemplateData& value) {
  Value out;
  out.kind = Kind::kMap;
  out.map = &value;
  return out;
}
std::string_view Value::text() const {
  return bytes->reveal_text();
}

bool is_true(const Value& value) {
  switch (value.kind) {
    case Kind::kBool:
      return value.boolean;
    case Kind::kInt:
      return value.number != 0;
    case Kind::kString:
      return !value.bytes->empty();
    case Kind::kMap:
      return !value.map->empty();
    default:
      return false;
  }
}

void print(const Value& value, ByteSink& out) {
  switch (value.kind) {
    case Kind::kMissing:
      out.append("<no value>");
      break;
    case Kind::kNil:
      out.append("<nil>");
      break;
    case Kind::kBool:
      out.append(value.boolean ? "true" : "false");
      break;
    case Kind::kInt:
      out.append(std::to_string(value.number));
      break;
    case Kind::kString:
      out.append(value.text());
      break;
    case Kind::kMap:
      out.append(text_value(value).reveal_text());
      break;
  }
}

const FunctionEntry* find_function(std::string_view name) {
  const auto* const found = std::lower_bound(
      std::begin(kFunctions), std::end(kFunctions), name,
      [](const FunctionEntry& entry, std::string_view wanted) { return entry.name < wanted; });
  return found != std::end(kFunctions) && found->name == name ? found : nullptr;
}

}  // namespace sluice::decrypt::go_template
