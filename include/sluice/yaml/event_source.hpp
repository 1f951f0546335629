#pragma once
/// YAML events behind one interface, so that two engines can feed one composer: libyaml (the
/// default) and yaml-cpp (the second opinion). Also for readers that need more than a document,
/// such as the comment-keeping reader of the decrypt module: libyaml's events carry start and end
/// marks.

#include <cstdint>
#include <memory>
#include <string_view>

#include "sluice/base/result.hpp"
#include "sluice/yaml/document.hpp"
#include "sluice/yaml/read.hpp"

namespace sluice::yaml {

enum class EventKind : std::uint8_t {
  kDocumentStart,
  kDocumentEnd,
  kScalar,
  kAlias,
  kSequenceStart,
  kSequenceEnd,
  kMappingStart,
  kMappingEnd,
  kStreamEnd,
};

struct Mark {
  std::uint32_t line = 0;    ///< 1-based
  std::uint32_t column = 0;  ///< 1-based, in characters
  std::size_t offset = 0;  ///< bytes from the start of the text; npos when the engine does not know
  friend bool operator==(const Mark&, const Mark&) = default;
};

struct Event {
  EventKind kind = EventKind::kStreamEnd;
  Style style = Style::kPlain;
  bool plain_implicit = false;     ///< a plain scalar without a tag: resolve it
  bool implicit_document = false;  ///< DocumentStart without "---", DocumentEnd without "..."
  std::string_view text;    ///< scalar value, or the alias's anchor; valid until the next event
  std::string_view tag;     ///< full ("tag:yaml.org,2002:str"), "!" or ""
  std::string_view anchor;  ///< "" for none
  Mark start, end;          ///< yaml-cpp gives only start
};

class EventSource {
 public:
  virtual ~EventSource() = default;
  /// The next event; after kStreamEnd it must not be called again. Errors: kInvalid, in go-yaml's
  /// words
  /// ("yaml: line 3: mapping values are not allowed in this context").
  virtual Result<Event> next() = 0;
};

/// `text` must outlive the source. Engine::kBoth is not a single source and is refused.
std::unique_ptr<EventSource> open_events(std::string_view text, Engine engine);

}  // namespace sluice::yaml
