// The second engine: an opinion independent of libyaml's code, and the reader of sluice's own
// configuration. It accepts more than go-yaml does (unterminated quotes at the end, invalid UTF-8,
// content after a document without "---"; tests/yaml/engines_test.cpp lists what is known), so it
// is never the only judge of a file that kustomize must read too.
#include <algorithm>
#include <istream>
#include <streambuf>
#include <string>
#include <unordered_map>
#include <vector>

#include <yaml-cpp/anchor.h>
#include <yaml-cpp/emitterstyle.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "sluice/base/encoding.hpp"

#include "engines.hpp"

namespace sluice::yaml {
namespace {

/// A stream over memory that is not ours, without a copy.
class ViewBuffer final : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* const begin = const_cast<char*>(text.data());  // streambuf's interface; only read from
    setg(begin, begin, begin + text.size());
  }
};

struct RecordedEvent {
  EventKind kind = EventKind::kStreamEnd;
  Style style = Style::kPlain;
  bool plain_implicit = false;
  std::string text, tag, anchor;
  Mark start;
};

Mark mark_of(const YAML::Mark& mark) {
  if (mark.line < 0) return {0, 0, static_cast<std::size_t>(-1)};
  return {static_cast<std::uint32_t>(mark.line + 1), static_cast<std::uint32_t>(mark.column + 1),
          static_cast<std::size_t>(-1)};
}

/// Keeps the events of one document: yaml-cpp pushes, an EventSource is pulled from.
class Recorder final : public YAML::EventHandler {
 public:
  std::vector<RecordedEvent> take() { return std::move(events_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    anchors_.clear();
    add(EventKind::kDocumentStart, mark);
  }
  void OnDocumentEnd() override { add(EventKind::kDocumentEnd, YAML::Mark::null_mark()); }

  void OnAnchor(const YAML::Mark&, const std::string& name) override { pending_anchor_ = name; }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    RecordedEvent& event = add(EventKind::kScalar, mark);
    event.plain_implicit = true;
    // The text ("~", "null", none) is lost here. None at all is likely for a document only.
    if (events_.size() > 2) event.text = "null";
    name_anchor(event, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(EventKind::kAlias, mark).text = anchors_[anchor];
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    RecordedEvent& event = add(EventKind::kScalar, mark);
    event.text = value;
    event.plain_implicit = tag == "?";
    // "!" stands for any style but plain, and for an explicit "!" too.
    if (tag == "!") event.style = Style::kDoubleQuoted;
    if (tag != "?" && tag != "!") event.tag = tag;
    name_anchor(event, anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    start_collection(EventKind::kSequenceStart, mark, tag, anchor, style);
  }
  void OnSequenceEnd() override { add(EventKind::kSequenceEnd, YAML::Mark::null_mark()); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    start_collection(EventKind::kMappingStart, mark, tag, anchor, style);
  }
  void OnMapEnd() override { add(EventKind::kMappingEnd, YAML::Mark::null_mark()); }

 private:
  RecordedEvent& add(EventKind kind, const YAML::Mark& mark) {
    RecordedEvent& event = events_.emplace_back();
    event.kind = kind;
    event.start = mark_of(mark);
    return event;
  }
  void name_anchor(RecordedEvent& event, YAML::anchor_t anchor) {
    if (anchor == YAML::NullAnchor) return;
    anchors_[anchor] = pending_anchor_;
    event.anchor = std::move(pending_anchor_);
    pending_anchor_.clear();
  }
  void start_collection(EventKind kind, const YAML::Mark& mark, const std::string& tag,
                        YAML::anchor_t anchor, YAML::EmitterStyle::value style) {
    RecordedEvent& event = add(kind, mark);
    event.style = style == YAML::EmitterStyle::Flow ? Style::kFlow : Style::kBlock;
    if (tag != "?" && tag != "!") event.tag = tag;
    name_anchor(event, anchor);
  }

  std::vector<RecordedEvent> events_;
  std::unordered_map<YAML::anchor_t, std::string> anchors_;
  std::string pending_anchor_;
};

class YamlCppSource final : public EventSource {
 public:
  explicit YamlCppSource(std::string_view text)
      : text_(text), buffer_(text), stream_(&buffer_), parser_(stream_) {}

  Result<Event> next() override {
    if (!checked_) SLUICE_CHECK(check_characters());
    if (next_ == events_.size()) {
      SLUICE_CHECK(record_document());
      if (events_.empty()) return Event{};
    }
    const RecordedEvent& recorded = events_[next_++];
    Event event;
    event.kind = recorded.kind;
    event.style = recorded.style;
    event.plain_implicit = recorded.plain_implicit;
    event.text = recorded.text;
    event.tag = recorded.tag;
    event.anchor = recorded.anchor;
    event.start = recorded.start;
    event.end = {0, 0, static_cast<std::size_t>(-1)};
    return event;
  }

 private:
  Result<void> record_document() {
    Recorder recorder;
    next_ = 0;
    try {
      parser_.HandleNextDocument(recorder);
    } catch (const YAML::Exception& error) {
      const Mark mark = mark_of(error.mark);
      const std::string line = mark.line == 0 ? "" : "line " + std::to_string(mark.line) + ": ";
      return fail(Code::kInvalid, "yaml: " + line + error.msg, Where{"", mark.line, mark.column});
    }
    events_ = recorder.take();
    // At a token that can start no node (","), yaml-cpp finds an empty document again and again.
    constexpr std::size_t kEventsOfNothing = 3;
    if (events_.size() == kEventsOfNothing && events_[0].start == last_start_) {
      return fail(Code::kInvalid,
                  "yaml: line " + std::to_string(last_start_.line) + ": unexpected token",
                  Where{"", last_start_.line, last_start_.column});
    }
    if (!events_.empty()) last_start_ = events_[0].start;
    return {};
  }

  /// yaml-cpp takes any bytes; go-yaml (and YAML) wants UTF-8 without control characters.
  Result<void> check_characters() {
    checked_ = true;
    if (!is_valid_utf8(text_)) return fail(Code::kInvalid, "yaml: invalid UTF-8");
    for (std::size_t i = 0; i < text_.size(); ++i) {
      const auto byte = static_cast<unsigned char>(text_[i]);
      if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F) {
        const auto line =
            std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(i), '\n');
        return fail(Code::kInvalid, "yaml: control characters are not allowed",
                    Where{"", static_cast<std::uint32_t>(line + 1), 0});
      }
    }
    return {};
  }

  std::string_view text_;
  ViewBuffer buffer_;
  std::istream stream_;
  YAML::Parser parser_;
  std::vector<RecordedEvent> events_;
  std::size_t next_ = 0;
  Mark last_start_;
  bool checked_ = false;
};

}  // namespace

std::unique_ptr<EventSource> open_yaml_cpp(std::string_view text) {
  return std::make_unique<YamlCppSource>(text);
}

}  // namespace sluice::yaml
