#pragma once
/// Where the comments of a YAML text are and which token each belongs to, by the rules of go-yaml
/// v3 (scannerc.go), which SOPS reads and writes through. Works on the gaps between the tokens that
/// the events of the yaml module mark, so it accepts nothing of its own.

#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/result.hpp"
#include "sluice/yaml/commented.hpp"
#include "sluice/yaml/event_source.hpp"

namespace sluice::yaml {

/// An event that owns its text.
struct YamlEvent {
  EventKind kind;
  Style style;
  bool plain_implicit = false;
  std::string text, tag, anchor;
  Mark start, end;
};

/// A token that has a place in the text. Kinds: - ? : , [ ] { } & ! * and s (scalar), D (---),
/// E (...), % (directive), 0 (end of the text).
struct YamlToken {
  char kind = 0;
  std::size_t start = 0;
  std::uint32_t column = 0;  ///< 0-based
};

/// The end of a block collection, which has no token of its own.
struct YamlBlockEnd {
  std::size_t before = 0;  ///< index of the token it comes before
  std::size_t start = 0;   ///< moved up in front of comments that belong to an outer block
};

enum class CommentPlace : std::uint8_t { kHead, kLine, kFoot };

struct YamlComment {
  CommentPlace place = CommentPlace::kHead;
  std::size_t token = 0;  ///< offset; belongs to the first token that starts there or later
  /// Lines with their '#', each followed by kCommentPlace and its offset, so that it stays known
  /// where a line came from while comments are joined and split.
  std::string text;
};

struct YamlScan {
  std::vector<YamlToken> tokens;
  std::vector<YamlBlockEnd> block_ends;
  std::vector<YamlComment> comments;
};

/// `events` are all events of `text`. Errors: kInternal when they do not fit together.
Result<YamlScan> scan_yaml(std::string_view text, const std::vector<YamlEvent>& events);

}  // namespace sluice::yaml
