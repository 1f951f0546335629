// The default engine. go-yaml is a port of libyaml, so this gives its accept and reject decisions;
// what go-yaml changed since (error line numbers, %YAML 1.2) or libyaml did (\' and \/) is done
// here.
#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include <yaml.h>

#include "engines.hpp"

namespace sluice::yaml {
namespace {

constexpr std::string_view kUtf8Bom = "\xEF\xBB\xBF";
constexpr std::string_view kUnknownEscape = "found unknown escape character";
/// What libyaml is shown in place of \', and what it makes of it.
constexpr char kStandInLetter = 'e';
constexpr char kStandIn = '\x1b';
/// A text is read again for each scalar with a \' in it; more than this is refused.
constexpr std::size_t kMaxRereadBytes = 256U << 20U;

bool is_ascii(std::string_view text) {
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + i, 8);
    if ((word & 0x8080808080808080U) != 0) return false;
  }
  for (; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0x80U) != 0) return false;
  }
  return true;
}

constexpr bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

/// libyaml's marks count characters; this turns them into bytes. Marks come nearly in order, so a
/// cursor walks along with them.
class ByteOffsets {
 public:
  explicit ByteOffsets(std::string_view text) : text_(text) {
    if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {  // UTF-16: no offsets
      known_ = false;
      return;
    }
    if (text.starts_with(kUtf8Bom)) base_ = kUtf8Bom.size();
    ascii_ = is_ascii(text.substr(base_));
    at_ = base_;
  }

  std::size_t of(std::size_t index) {
    if (!known_) return static_cast<std::size_t>(-1);
    if (ascii_) return std::min(base_ + index, text_.size());
    while (index_ < index && at_ < text_.size()) {
      ++at_;
      while (at_ < text_.size() && is_continuation(text_[at_]))
        ++at_;
      ++index_;
    }
    while (index_ > index && at_ > base_) {
      --at_;
      while (at_ > base_ && is_continuation(text_[at_]))
        --at_;
      --index_;
    }
    return at_;
  }

 private:
  std::string_view text_;
  std::size_t base_ = 0;  // bytes of the BOM, which libyaml does not count
  std::size_t index_ = 0;
  std::size_t at_ = 0;
  bool ascii_ = false;
  bool known_ = true;
};

std::string_view view(const yaml_char_t* text) {
  return text == nullptr ? std::string_view() : reinterpret_cast<const char*>(text);
}

Style scalar_style(yaml_scalar_style_t style) {
  switch (style) {
    case YAML_SINGLE_QUOTED_SCALAR_STYLE:
      return Style::kSingleQuoted;
    case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
      return Style::kDoubleQuoted;
    case YAML_LITERAL_SCALAR_STYLE:
      return Style::kLiteral;
    case YAML_FOLDED_SCALAR_STYLE:
      return Style::kFolded;
    default:
      return Style::kPlain;
  }
}

class LibyamlSource final : public EventSource {
 public:
  LibyamlSource(std::string_view text, Schema schema)
      : text_(text), schema_(schema), offsets_(text) {
    yaml_parser_initialize(&parser_);
    set_input(parser_, text);
  }
  ~LibyamlSource() override {
    release();
    yaml_parser_delete(&parser_);
  }
  LibyamlSource(const LibyamlSource&) = delete;
  LibyamlSource& operator=(const LibyamlSource&) = delete;

  Result<Event> next() override {
    release();
    while (yaml_parser_parse(&parser_, &event_) == 0) {
      if (!hide_escaped_quotes()) return failure();
    }
    holds_event_ = true;
    ++parsed_;
    if (event_.type == YAML_STREAM_START_EVENT) return next();
    Event event;
    event.start = mark(event_.start_mark);
    event.end = mark(event_.end_mark);
    switch (event_.type) {
      case YAML_DOCUMENT_START_EVENT: {
        const auto& start = event_.data.document_start;
        if (start.version_directive != nullptr && start.version_directive->minor != 1) {
          // go-yaml knows 1.1 only.
          return refused({}, event.start, "found incompatible YAML document", false);
        }
        event.kind = EventKind::kDocumentStart;
        event.implicit_document = start.implicit != 0;
        return event;
      }
      case YAML_DOCUMENT_END_EVENT:
        event.kind = EventKind::kDocumentEnd;
        event.implicit_document = event_.data.document_end.implicit != 0;
        return event;
      case YAML_SCALAR_EVENT: {
        const auto& scalar = event_.data.scalar;
        event.kind = EventKind::kScalar;
        event.style = scalar_style(scalar.style);
        event.text = {reinterpret_cast<const char*>(scalar.value), scalar.length};
        event.tag = view(scalar.tag);
        event.anchor = view(scalar.anchor);
        event.plain_implicit = scalar.plain_implicit != 0 && event.style == Style::kPlain;
        if (event.style == Style::kDoubleQuoted &&
            (count_escapes(event, '/') != 0 || !show_escaped_quotes(event))) {
          return refused(event.start, event.start, kUnknownEscape);
        }
        if (event.style == Style::kPlain && !flow_.empty() &&
            event.text.find('?') != std::string_view::npos) {
          return refused(flow_.back().start, event.start,
                         flow_.back().is_mapping ? "did not find expected ',' or '}'"
                                                 : "did not find expected ',' or ']'");
        }
        return event;
      }
      case YAML_ALIAS_EVENT:
        event.kind = EventKind::kAlias;
        event.text = view(event_.data.alias.anchor);
        return event;
      case YAML_SEQUENCE_START_EVENT: {
        const auto& start = event_.data.sequence_start;
        event.kind = EventKind::kSequenceStart;
        event.style = start.style == YAML_FLOW_SEQUENCE_STYLE ? Style::kFlow : Style::kBlock;
        event.tag = view(start.tag);
        event.anchor = view(start.anchor);
        if (event.style == Style::kFlow) flow_.push_back({event.start, false});
        return event;
      }
      case YAML_MAPPING_START_EVENT: {
        const auto& start = event_.data.mapping_start;
        event.kind = EventKind::kMappingStart;
        event.style = start.style == YAML_FLOW_MAPPING_STYLE ? Style::kFlow : Style::kBlock;
        event.tag = view(start.tag);
        event.anchor = view(start.anchor);
        if (event.style == Style::kFlow) flow_.push_back({event.start, true});
        return event;
      }
      case YAML_SEQUENCE_END_EVENT:
        event.kind = EventKind::kSequenceEnd;
        if (!flow_.empty()) flow_.pop_back();  // inside a flow collection all are flow
        return event;
      case YAML_MAPPING_END_EVENT:
        event.kind = EventKind::kMappingEnd;
        if (!flow_.empty()) flow_.pop_back();
        return event;
      default:
        event.kind = EventKind::kStreamEnd;
        return event;
    }
  }

 private:
  static void set_input(yaml_parser_t& parser, std::string_view text) {
    const char* const data = text.empty() ? "" : text.data();
    yaml_parser_set_input_string(&parser, reinterpret_cast<const unsigned char*>(data),
                                 text.size());
  }

  void release() {
    if (holds_event_) yaml_event_delete(&event_);
    holds_event_ = false;
  }

  Mark mark(const yaml_mark_t& from) {
    return {static_cast<std::uint32_t>(from.line + 1), static_cast<std::uint32_t>(from.column + 1),
            offsets_.of(from.index)};
  }

  static std::string worded(std::size_t line, std::string_view problem) {
    std::string message = "yaml: ";
    if (line != 0) message += "line " + std::to_string(line) + ": ";
    message += problem;
    return message;
  }

  /// go-yaml's fail(): v3 prefers the line of the context, v2 that of the problem; 0-based lines
  /// are printed as they are, except the scanner's.
  std::string worded(const yaml_parser_t& parser) const {
    const std::size_t problem_line = parser.problem_mark.line;
    const std::size_t context_line = parser.context_mark.line;
    const std::size_t scanner = parser.error == YAML_SCANNER_ERROR ? 1 : 0;
    std::size_t line = 0;
    if (schema_ == Schema::kV2) {
      line = problem_line != 0 ? problem_line + scanner : context_line;
    } else if (context_line != 0 || problem_line != 0) {
      line = (context_line != 0 ? context_line : problem_line) + scanner;
    }
    return worded(line, parser.problem != nullptr ? std::string_view(parser.problem)
                                                  : "unknown problem parsing YAML content");
  }

  tl::unexpected<Error> failure() const {
    std::string message;
    if (schema_ == Schema::kV3 && parser_.error == YAML_PARSER_ERROR) message = scanned_ahead();
    if (message.empty()) message = worded(parser_);
    return fail(Code::kInvalid, std::move(message), place());
  }

  /// v3 scans two tokens further than it parses (for comments), so that what is wrong there is what
  /// it reports. Empty when nothing is.
  std::string scanned_ahead() const {
    constexpr int kTokensAhead = 3;
    yaml_parser_t scanner;
    if (yaml_parser_initialize(&scanner) == 0) return "";
    set_input(scanner, shown_.empty() ? text_ : shown_);
    std::string message;
    for (int ahead = -1; ahead < kTokensAhead;) {
      yaml_token_t token;
      if (yaml_parser_scan(&scanner, &token) == 0) {
        message = worded(scanner);
        break;
      }
      const bool is_end = token.type == YAML_STREAM_END_TOKEN;
      if (ahead >= 0 || token.start_mark.index >= parser_.problem_mark.index) ++ahead;
      yaml_token_delete(&token);
      if (is_end) break;
    }
    yaml_parser_delete(&scanner);
    return message;
  }

  /// Where the problem really is, which go-yaml's wording is often one line off.
  Where place() const {
    if (parser_.error != YAML_READER_ERROR) {
      return {"", static_cast<std::uint32_t>(parser_.problem_mark.line + 1),
              static_cast<std::uint32_t>(parser_.problem_mark.column + 1)};
    }
    const std::string_view before = text_.substr(0, parser_.problem_offset);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    return {"", static_cast<std::uint32_t>(line),
            static_cast<std::uint32_t>(before.size() - line_start + 1)};
  }

  /// What libyaml takes and go-yaml, an older port, does not; worded as go-yaml would have.
  tl::unexpected<Error> refused(const Mark& context, const Mark& problem, std::string_view text,
                                bool has_context = true) const {
    const bool scanner = text.starts_with("found unknown");
    std::size_t line = problem.line - 1;
    if (has_context && schema_ == Schema::kV3 && context.line > 1) line = context.line - 1;
    if (line != 0 && scanner) ++line;
    return fail(Code::kInvalid, worded(line, text), Where{"", problem.line, problem.column});
  }

  /// How often this letter stands behind a backslash in a double-quoted scalar.
  std::size_t count_escapes(const Event& event, char letter) const {
    if (event.end.offset > text_.size() || event.start.offset >= event.end.offset) return 0;
    const std::string_view raw =
        text_.substr(event.start.offset, event.end.offset - event.start.offset);
    if (raw.size() == event.text.size() + 2) return 0;  // no escape in it
    std::size_t count = 0;
    for (std::size_t i = raw.find('\\'); i < raw.size() - 1; i = raw.find('\\', i + 2)) {
      count += raw[i + 1] == letter ? 1 : 0;
    }
    return count;
  }

  /// When the parser stopped at a \' in a double-quoted scalar, which go-yaml takes: starts again
  /// with a stand-in for each one up to the scalar's end, and goes to where it was.
  bool hide_escaped_quotes() {
    if (parser_.error != YAML_SCANNER_ERROR || parser_.problem != kUnknownEscape) return false;
    std::size_t at = offsets_.of(parser_.problem_mark.index);
    if (at >= text_.size() || text_.substr(at, 2) != "\\'") return false;
    reread_bytes_ += text_.size();
    if (reread_bytes_ > kMaxRereadBytes) return false;
    if (shown_.empty()) shown_ = text_;
    for (; at + 1 < shown_.size() && shown_[at] != '"'; at += shown_[at] == '\\' ? 2 : 1) {
      if (shown_[at] == '\\' && shown_[at + 1] == '\'') shown_[at + 1] = kStandInLetter;
    }
    yaml_parser_delete(&parser_);
    yaml_parser_initialize(&parser_);
    set_input(parser_, shown_);
    for (std::size_t i = 0; i < parsed_; ++i) {
      yaml_event_t again;
      yaml_parser_parse(&parser_, &again);
      yaml_event_delete(&again);
    }
    return true;
  }

  /// Puts the quotes back into the scalar at hand; false when it has the stand-in itself, too.
  bool show_escaped_quotes(const Event& event) {
    if (shown_.empty()) return true;
    const std::size_t quotes = count_escapes(event, '\'');
    if (quotes == 0) return true;
    const auto& scalar = event_.data.scalar;
    const std::span<yaml_char_t> text(scalar.value, scalar.length);
    if (std::ranges::count(text, kStandIn) != static_cast<std::ptrdiff_t>(quotes)) return false;
    std::ranges::replace(text, kStandIn, '\'');
    return true;
  }

  std::string_view text_;
  Schema schema_;
  ByteOffsets offsets_;
  struct Flow {
    Mark start;
    bool is_mapping;
  };
  std::vector<Flow> flow_;  // open flow collections, innermost last
  std::string shown_;       // text_ with stand-ins; empty while there are none
  std::size_t reread_bytes_ = 0;
  std::size_t parsed_ = 0;  // events that the parser gave
  yaml_parser_t parser_{};
  yaml_event_t event_{};
  bool holds_event_ = false;
};

}  // namespace

std::unique_ptr<EventSource> open_libyaml(std::string_view text, Schema schema) {
  return std::make_unique<LibyamlSource>(text, schema);
}

}  // namespace sluice::yaml
