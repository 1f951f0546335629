// JSON as Go's encoding/json prints it (encode.go): compact, keys in byte order, HTML-safe.
#include <algorithm>
#include <array>
#include <string.h>  // explicit_bzero
#include <vector>

#include "sluice/base/encoding.hpp"
#include "sluice/yaml/scalar.hpp"
#include "sluice/yaml/write.hpp"

#include "go_scalar.hpp"
#include "natural_order.hpp"
#include "output.hpp"
#include "scalar_shape.hpp"

namespace sluice::yaml {
namespace {

/// 1 for the bytes that a JSON string cannot hold as they are, 2 for those that only escape_html
/// escapes.
constexpr std::array<std::uint8_t, 256> make_escaped() {
  std::array<std::uint8_t, 256> escaped{};
  for (std::size_t i = 0; i < 0x20; ++i)
    escaped[i] = 1;
  for (std::size_t i = 0x80; i < 256; ++i)
    escaped[i] = 1;  // may be U+2028 or broken: looked at
  escaped['"'] = escaped['\\'] = 1;
  escaped['<'] = escaped['>'] = escaped['&'] = 2;
  return escaped;
}
constexpr std::array<std::uint8_t, 256> kEscaped = make_escaped();

template <class Out>
class JsonWriter {
 public:
  JsonWriter(Out& out, const JsonOptions& options) : out_(out), options_(options) {}

  Result<void> value(Node node) {
    switch (node.kind()) {
      case Kind::kMapping:
        return mapping(node);
      case Kind::kSequence:
        return sequence(node);
      case Kind::kEncrypted:
        return leaf(node);
      case Kind::kString:
        if (node.style() == Style::kFolded && !flow_) {
          string(refolded(node.text()));
        } else {
          string(node.text());
        }
        return {};
      default: {
        if (flow_ && is_quoted_in_flow(node)) {
          string(node.text());
          return {};
        }
        auto printed = go_scalar(node.kind(), node.text(), NumberForm::kJson, scratch_);
        if (!printed) return fail(std::move(printed.error()).at(where_of(node)));
        if (options_.round_integers && node.kind() == Kind::kInt) {
          round(printed->text);
        } else {
          print(*printed);
        }
        return {};
      }
    }
  }

 private:
  void round(std::string_view integer) {
    constexpr std::size_t kAlwaysExact = 15;  // digits
    const auto value = integer.size() > kAlwaysExact ? float_value(integer) : std::nullopt;
    out_.append(value ? format_float_json(*value) : std::string(integer));
  }

  Result<void> sequence(Node node) {
    const bool outer_flow = flow_;
    flow_ |= node.style() == Style::kFlow;
    out_.put('[');
    for (std::size_t i = 0; i < node.size(); ++i) {
      if (i != 0) out_.put(',');
      SLUICE_CHECK(value(node.at(i)));
    }
    out_.put(']');
    flow_ = outer_flow;
    return {};
  }

  Result<void> mapping(Node node) {
    const bool outer_flow = flow_;
    flow_ |= node.style() == Style::kFlow;
    const std::size_t first = keys_.size();
    for (std::size_t i = 0; i < node.size(); ++i) {
      const Node key = node.key(i);
      if (!key.is_string()) {
        return fail(Code::kInvalid, "json: unsupported type: map[interface {}]interface {}",
                    where_of(key), "write this key in quotes");
      }
      keys_.push_back({key.text(), static_cast<std::uint32_t>(i)});
    }
    if (options_.sort_keys) {
      std::sort(keys_.begin() + static_cast<std::ptrdiff_t>(first), keys_.end(),
                [](const SortKey& a, const SortKey& b) { return a.text < b.text; });
    }
    out_.put('{');
    for (std::size_t i = first; i < first + node.size(); ++i) {
      if (i != first) out_.put(',');
      string(keys_[i].text);
      out_.put(':');
      SLUICE_CHECK(value(node.value(keys_[i].index)));
    }
    out_.put('}');
    keys_.resize(first);
    flow_ = outer_flow;
    return {};
  }

  /// Plaintext is read where it lies and written to the sink; it is in no string of ours.
  Result<void> leaf(Node node) {
    if (options_.leaves == nullptr) {
      string(kRedacted);
      return {};
    }
    SLUICE_TRY(const LeafReader::Value value, options_.leaves->read(node.leaf()));
    std::string digits;
    auto printed = go_scalar(value.kind, value.text, NumberForm::kJson, digits);
    if (!printed) return fail(std::move(printed.error()).at(where_of(node)));
    out_.begin_plaintext();
    print(*printed);
    out_.end_plaintext();
    ::explicit_bzero(digits.data(), digits.size());
    return {};
  }

  void print(const GoScalar& scalar) {
    if (scalar.is_text) {
      string(scalar.text);
    } else {
      out_.append(scalar.text);
    }
  }

  void string(std::string_view text) {
    const unsigned mask = options_.escape_html ? 3U : 1U;
    out_.put('"');
    std::size_t run = 0;  // start of what can be copied as it is
    for (std::size_t i = 0; i < text.size();) {
      if ((kEscaped[static_cast<unsigned char>(text[i])] & mask) == 0) {
        ++i;
        continue;
      }
      std::size_t width = 1;
      if (static_cast<unsigned char>(text[i]) >= 0x80) {
        width = utf8_width(text[i]);
        const std::string_view character = text.substr(i, width);
        const bool is_separator = character == "\xE2\x80\xA8" || character == "\xE2\x80\xA9";
        if (character.size() == width && !is_separator && is_valid_utf8(character)) {
          i += width;
          continue;
        }
        out_.append(text.substr(run, i - run));
        if (is_separator) {
          out_.append(character.back() == '\xA8' ? "\\u2028" : "\\u2029");
        } else {
          out_.append("\\ufffd");  // each broken byte
          width = 1;
        }
      } else {
        out_.append(text.substr(run, i - run));
        escape(text[i]);
      }
      i += width;
      run = i;
    }
    out_.append(text.substr(run));
    out_.put('"');
  }

  void escape(char c) {
    out_.put('\\');
    switch (c) {
      case '"':
      case '\\':
        return out_.put(c);
      case '\b':
        return out_.put('b');
      case '\f':
        return out_.put('f');
      case '\n':
        return out_.put('n');
      case '\r':
        return out_.put('r');
      case '\t':
        return out_.put('t');
      default:
        out_.append("u00");
        out_.put("0123456789abcdef"[static_cast<unsigned char>(c) >> 4U]);
        out_.put("0123456789abcdef"[static_cast<unsigned char>(c) & 0xFU]);
    }
  }

  Out& out_;
  const JsonOptions& options_;
  std::vector<SortKey> keys_;  // of all open objects, innermost last
  std::string scratch_;
  bool flow_ = false;  // inside what was written as a flow collection
};

}  // namespace

Result<void> write_go_json(Node node, ByteSink& out, const JsonOptions& options) {
  SinkOutput output(out);
  return JsonWriter<SinkOutput>(output, options).value(node);
}

Result<void> write_go_json(Node node, std::string& out, const JsonOptions& options) {
  StringOutput output(out);
  return JsonWriter<StringOutput>(output, options).value(node);
}

}  // namespace sluice::yaml
