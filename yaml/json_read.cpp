// JSON into the arena. simdjson (on demand) finds the structure, checks UTF-8 and unescapes; its
// numbers are values, so theirs is the one grammar checked here, on the text as written. None of
// its tables is used (numbers, literals, error texts): the program opens it late, and can only call
// functions of what it opens late (docs/adr/0021, 0023).
#include <algorithm>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <simdjson.h>

#include "sluice/base/ascii.hpp"
#include "sluice/base/encoding.hpp"
#include "sluice/yaml/read.hpp"

namespace sluice::yaml {
namespace {

namespace ondemand = simdjson::ondemand;

std::string_view trimmed(std::string_view token) {
  const std::size_t end = token.find_last_not_of(" \t\r\n");
  return token.substr(0, end == std::string_view::npos ? 0 : end + 1);
}

/// RFC 8259's number; nullopt when it is none.
std::optional<Kind> number_kind(std::string_view text) {
  std::size_t i = 0;
  Kind kind = Kind::kInt;
  const auto digits = [&] {
    const std::size_t start = i;
    while (i < text.size() && is_digit(text[i]))
      ++i;
    return i - start;
  };
  if (i < text.size() && text[i] == '-') ++i;
  const bool leading_zero = i < text.size() && text[i] == '0';
  const std::size_t whole = digits();
  if (whole == 0 || (leading_zero && whole > 1)) return std::nullopt;
  if (i < text.size() && text[i] == '.') {
    kind = Kind::kFloat;
    ++i;
    if (digits() == 0) return std::nullopt;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    kind = Kind::kFloat;
    ++i;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    if (digits() == 0) return std::nullopt;
  }
  if (i != text.size()) return std::nullopt;
  return kind;
}

class JsonReader {
 public:
  JsonReader(std::shared_ptr<const std::string> text, std::size_t size, FileId file,
             const Limits& limits)
      : text_(std::move(text)), source_(text_->data(), size), file_(file), limits_(limits) {
    document_.add_chunk(text_);
  }

  Result<Document> run() {
    ondemand::parser parser;
    const simdjson::padded_string_view padded(source_.data(), source_.size(), text_->capacity());
    ondemand::document json;
    if (const auto error = parser.iterate(padded).get(json)) return failure(error, source_.data());
    json_ = &json;
    bool is_scalar = false;
    if (const auto error = json.is_scalar().get(is_scalar)) return failure(error);
    NodeId root = 0;
    if (is_scalar) {
      std::string_view token;
      if (const auto error = json.raw_json_token().get(token)) return failure(error);
      if (token.starts_with('"')) {
        std::string_view text;
        if (const auto error = json.get_string().get(text)) return failure(error);
        root = string_node(token, text);
        // What follows a root string is not looked at by simdjson.
        const std::size_t begin = static_cast<std::size_t>(token.data() - source_.data());
        const std::string_view rest = source_.substr(begin + raw_size(token));
        if (!trimmed(rest).empty()) return failure(simdjson::TRAILING_CONTENT, rest.data());
      } else {
        const std::string_view rest =
            source_.substr(static_cast<std::size_t>(token.data() - source_.data()));
        SLUICE_TRY(root, literal(trimmed(rest)));
      }
    } else {
      ondemand::value value;
      if (const auto error = json.get_value().get(value)) return failure(error);
      SLUICE_TRY(root, this->value(value));
      const char* rest = nullptr;
      if (json.current_location().get(rest) == simdjson::SUCCESS) {
        return failure(simdjson::TRAILING_CONTENT, rest);
      }
    }
    document_.set_root(root);
    return std::move(document_);
  }

 private:
  // NOLINTNEXTLINE(performance-unnecessary-value-param): simdjson's values are cursors
  Result<NodeId> value(ondemand::value value) {
    ondemand::json_type type{};
    if (const auto error = value.type().get(type)) return failure(error);
    switch (type) {
      case ondemand::json_type::object:
        return object(value);
      case ondemand::json_type::array:
        return array(value);
      case ondemand::json_type::string: {
        const std::string_view token = value.raw_json_token();
        std::string_view text;
        if (const auto error = value.get_string().get(text)) return failure(error, token.data());
        return string_node(token, text);
      }
      default:  // not taken from simdjson, which goes on behind what was left
        return literal(trimmed(value.raw_json_token()));
    }
  }

  Result<NodeId> object(ondemand::value& value) {
    const char* const start = value.raw_json_token().data();
    if (depth_ >= limits_.max_depth) return too_deep(start);
    const NodeId id = document_.new_collection(Kind::kMapping, Style::kFlow, file_, place(start));
    const std::size_t first = children_.size();
    ondemand::object object;
    if (const auto error = value.get_object().get(object)) return failure(error, start);
    ++depth_;
    for (auto field_result : object) {
      ondemand::field field;
      if (const auto error = std::move(field_result).get(field)) return failure(error);
      const std::string_view raw(field.key().raw());
      std::string_view key;
      if (const auto error = field.unescaped_key().get(key)) return failure(error, raw.data());
      const std::string_view token(raw.data() - 1, key.size() + 2);
      children_.push_back(string_node(token, key));
      ondemand::value item = field.value();
      SLUICE_CHECK(check_nodes(raw.data()));
      SLUICE_TRY(const NodeId child, this->value(item));
      children_.push_back(child);
    }
    --depth_;
    keep_last_of_repeated(first);
    document_.set_children(id, std::span<const NodeId>(children_).subspan(first));
    children_.resize(first);
    return id;
  }

  Result<NodeId> array(ondemand::value& value) {
    const char* const start = value.raw_json_token().data();
    if (depth_ >= limits_.max_depth) return too_deep(start);
    const NodeId id = document_.new_collection(Kind::kSequence, Style::kFlow, file_, place(start));
    const std::size_t first = children_.size();
    ondemand::array array;
    if (const auto error = value.get_array().get(array)) return failure(error, start);
    ++depth_;
    for (auto item_result : array) {
      ondemand::value item;
      if (const auto error = std::move(item_result).get(item)) return failure(error);
      SLUICE_CHECK(check_nodes(item.raw_json_token().data()));
      SLUICE_TRY(const NodeId child, this->value(item));
      children_.push_back(child);
    }
    --depth_;
    document_.set_children(id, std::span<const NodeId>(children_).subspan(first));
    children_.resize(first);
    return id;
  }

  Result<NodeId> literal(std::string_view token) {
    Kind kind = Kind::kNull;
    if (token == "true" || token == "false") {
      kind = Kind::kBool;
    } else if (token != "null") {
      const auto number = number_kind(token);
      if (!number) return failure(simdjson::NUMBER_ERROR, token.data());
      kind = *number;
    }
    return document_.new_scalar_view(kind, token, Style::kPlain, file_, place(token.data()));
  }

  Result<void> check_nodes(const char* at) {
    if (document_.node_count() <= limits_.max_nodes) return {};
    const Position position = place(at);
    return fail(Code::kUnsupported,
                "json: more than " + std::to_string(limits_.max_nodes) + " values",
                Where{"", position.line(), position.column()});
  }

  /// `token` starts at the opening quote. Text without escapes is a view of the source.
  NodeId string_node(std::string_view token, std::string_view text) {
    const Position position = place(token.data());
    const std::string_view raw =
        source_.substr(static_cast<std::size_t>(token.data() - source_.data()) + 1, text.size());
    if (raw == text) {
      return document_.new_scalar_view(Kind::kString, raw, Style::kDoubleQuoted, file_, position);
    }
    return document_.new_scalar(Kind::kString, text, Style::kDoubleQuoted, file_, position);
  }

  /// Bytes of the string token, quotes included.
  static std::size_t raw_size(std::string_view token) {
    std::size_t i = 1;
    while (i < token.size() && token[i] != '"')
      i += token[i] == '\\' ? 2 : 1;
    return std::min(i + 1, token.size());
  }

  /// Of equal keys the last value wins, in the place of the first.
  void keep_last_of_repeated(std::size_t first) {
    const std::size_t count = (children_.size() - first) / 2;
    const auto text = [&](std::size_t i) {
      return Node(document_, children_[first + 2 * i]).text();
    };
    bool repeats = false;
    if (count <= 16) {
      for (std::size_t i = 0; i < count && !repeats; ++i) {
        for (std::size_t j = i + 1; j < count && !repeats; ++j)
          repeats = text(i) == text(j);
      }
      if (!repeats) return;
    }
    std::unordered_map<std::string_view, std::size_t> places;
    places.reserve(count);
    std::size_t kept = first;
    for (std::size_t i = 0; i < count; ++i) {
      const auto [at, is_new] = places.try_emplace(text(i), kept);
      const NodeId key = children_[first + 2 * i];
      const NodeId item = children_[first + 2 * i + 1];
      if (is_new) {
        children_[kept] = key;
        children_[kept + 1] = item;
        kept += 2;
      } else {
        children_[at->second + 1] = item;
      }
    }
    children_.resize(kept);
  }

  // --- places and errors
  /// Line and column of `at`, from where the last one was: readers ask in order.
  Position place(const char* at) {
    if (at < place_at_) {
      place_at_ = line_start_ = source_.data();
      line_ = 1;
    }
    const char* const end = source_.data() + source_.size();
    at = std::min(at, end);
    for (;;) {
      const char* const newline = std::find(place_at_, at, '\n');
      if (newline == at) break;
      ++line_;
      place_at_ = line_start_ = newline + 1;
    }
    place_at_ = at;
    return {line_, static_cast<std::uint32_t>(at - line_start_ + 1)};
  }

  tl::unexpected<Error> failure(simdjson::error_code error, const char* at = nullptr) {
    if (at == nullptr && (json_ == nullptr || json_->current_location().get(at) != 0)) {
      at = source_.data() + source_.size();
    }
    const Position position = place(at);
    std::string_view what;
    switch (error) {
      case simdjson::EMPTY:
        what = "unexpected end of JSON input";
        break;
      case simdjson::TRAILING_CONTENT:
        what = "something follows the JSON value";
        break;
      case simdjson::NUMBER_ERROR:
        what = "not a number, true, false or null";
        break;
      case simdjson::DEPTH_ERROR:
        what = "nested too deep";
        break;
      case simdjson::INCOMPLETE_ARRAY_OR_OBJECT:
        what = "a bracket or brace is not closed";
        break;
      case simdjson::UNCLOSED_STRING:
        what = "a string is not closed";
        break;
      case simdjson::STRING_ERROR:
        what = "not a string, or an escape that there is not";
        break;
      case simdjson::UNESCAPED_CHARS:
        what = "a control character in a string";
        break;
      case simdjson::UTF8_ERROR:
        what = "not UTF-8";
        break;
      case simdjson::MEMALLOC:
        what = "out of memory";
        break;
      default:
        what = "a comma, colon, key or value is missing or one too many";
    }
    return fail(Code::kInvalid, "json: " + std::string(what),
                Where{"", position.line(), position.column()});
  }

  tl::unexpected<Error> too_deep(const char* at) {
    const Position position = place(at);
    return fail(Code::kUnsupported,
                "json: nested deeper than " + std::to_string(limits_.max_depth) + " levels",
                Where{"", position.line(), position.column()});
  }

  std::shared_ptr<const std::string> text_;
  std::string_view source_;
  FileId file_;
  const Limits& limits_;
  Document document_;
  ondemand::document* json_ = nullptr;
  std::vector<NodeId> children_;
  std::size_t depth_ = 0;
  const char* place_at_ = source_.data();
  const char* line_start_ = source_.data();
  std::uint32_t line_ = 1;
};

}  // namespace

Result<Document> read_json(std::string_view text, FileId file, const Limits& limits) {
  if (text.size() > limits.max_bytes) {
    return fail(Code::kUnsupported, "json: " + std::to_string(text.size()) +
                                        " bytes are more than the limit of " +
                                        std::to_string(limits.max_bytes));
  }
  // simdjson reads past the end, never past the capacity.
  auto owned = std::make_shared<std::string>();
  owned->reserve(text.size() + simdjson::SIMDJSON_PADDING);
  owned->assign(text);
  return JsonReader(owned, text.size(), file, limits).run();
}

}  // namespace sluice::yaml
