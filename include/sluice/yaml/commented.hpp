#pragma once
/// YAML documents with their comments, as go-yaml v3's yaml.Node has them, and their way back to
/// text. SOPS files are read like this, and texts that kustomize edits inside a string field are
/// printed like this. Follows scannerc.go, parserc.go, encode.go and emitterc.go of go-yaml v3; the
/// events come from the reader's engine, which decides what is well-formed. Never used where
/// comments do not survive: document.hpp is ten times as fast.

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/result.hpp"
#include "sluice/yaml/document.hpp"
#include "sluice/yaml/emitter.hpp"

namespace sluice::yaml {

/// Cannot be in a comment: YAML has no control characters.
inline constexpr char kCommentPlace = '\x01';

struct CommentedNode {
  enum class Kind : std::uint8_t { kScalar, kSequence, kMapping, kAlias };
  Kind kind = Kind::kScalar;
  Style style = Style::kPlain;
  bool plain_implicit = false;
  std::string text;    ///< of a scalar; of an alias, its anchor
  std::string tag;     ///< as written, with its handle expanded; "" when there is none
  std::string anchor;  ///< that the node defines
  const CommentedNode* alias = nullptr;  ///< a node of the same document
  /// Comments: lines with their '#', each followed by kCommentPlace and its offset, so that it
  /// stays known where a line came from while comments are joined and split.
  std::string head, line, foot;
  std::uint32_t line_number = 0;  ///< 1-based
  std::uint32_t column = 0;
  std::size_t begin = 0, end = 0;  ///< in the text, properties included; end of block ones: 0
  bool in_flow = false;
  std::vector<std::unique_ptr<CommentedNode>> content;  ///< of a mapping: key, value, key, …
  /// For write_commented: what the scalar is meant to be. A text that reads as something else gets
  /// quotes (a string) or a tag (all others).
  yaml::Kind type = yaml::Kind::kString;
};

struct CommentedDocument {
  std::unique_ptr<CommentedNode> root;  ///< never null: an empty document is an empty plain scalar
  std::string head, foot;
  std::size_t end = 0;  ///< where the next document starts, or the text ends
};

/// Errors: kInvalid as the reader words it; kUnsupported past 500 levels.
Result<std::vector<CommentedDocument>> read_commented(std::string_view text);

/// Where the lines of comment in `text` start, in order, those too that belong to no node. Errors:
/// as above.
Result<std::vector<std::size_t>> comment_places(std::string_view text);

/// As go-yaml v3 prints it for kustomize: 2 columns of indentation, sequences below their key, no
/// width. Comments move as they do there. Ends with a newline.
std::string write_commented(const CommentedDocument& document);

/// Prints `documents` with `style`, reads that text and prints each document of it as
/// write_commented does, without what stands above or below the whole of it. Of values and comments
/// only the shape is read, so that those in secret memory stay there; keys are read as they are.
/// `begin_document` gives the sink of each. Errors: kUnsupported past 500 levels.
Result<void> reprint(const std::deque<EmitNode>& documents, const EmitOptions& style,
                     const std::function<ByteSink&()>& begin_document);

}  // namespace sluice::yaml
