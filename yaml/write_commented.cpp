// Nodes as go-yaml v3's encode.go (node) gives them to its emitter.
#include <algorithm>
#include <charconv>
#include <utility>

#include "sluice/yaml/commented.hpp"
#include "sluice/yaml/emitter.hpp"
#include "sluice/yaml/scalar.hpp"

namespace sluice::yaml {
namespace {

constexpr std::string_view kTagPrefix = "tag:yaml.org,2002:";

/// What is written in front of a node: "!!int", "!local", or nothing.
std::string written_tag(std::string_view tag) {
  if (tag.starts_with(kTagPrefix)) return "!!" + std::string(tag.substr(kTagPrefix.size()));
  if (tag.empty() || tag.front() == '!') return std::string(tag);
  return "!<" + std::string(tag) + ">";
}

/// Stand-ins for texts that must not be copied, and their way back.
class StandIns {
 public:
  /// What can be printed and read in the place of `node`; keys stay as they are.
  EmitNode of(const EmitNode& node, bool is_key = false) {
    EmitNode made;
    made.kind = node.kind;
    made.style = node.style;
    made.text = node.text;
    made.tag = node.tag;
    if (node.kind == EmitNode::Kind::kScalar && !is_key && !node.text.empty()) {
      made.style = printed_style(node.style, node.text);
      made.text = kept(made.style == Style::kLiteral ? of_lines(node.text) : mark(node.text));
    }
    made.head = of_comment(node.head);
    made.line = of_comment(node.line);
    made.foot = of_comment(node.foot);
    const bool is_mapping = node.kind == EmitNode::Kind::kMapping;
    made.content.reserve(node.content.size());
    for (std::size_t i = 0; i < node.content.size(); ++i)
      made.content.push_back(of(node.content[i], is_mapping && i % 2 == 0));
    return made;
  }

  /// The text whose mark is the first word of `stand_in`; `stand_in` itself when it has none.
  std::string_view original(std::string_view stand_in) const {
    const std::size_t at = stand_in.find_first_not_of('\n');
    if (at == std::string_view::npos || stand_in[at] != kMark) return stand_in;
    std::size_t number = 0;
    const char* const digits = stand_in.data() + at + 1;
    const auto read = std::from_chars(digits, stand_in.data() + stand_in.size(), number);
    return read.ec == std::errc() && number < originals_.size() ? originals_[number] : stand_in;
  }

 private:
  static constexpr char kMark = 'x';  // such a word is a plain string, "x1" as well

  std::string mark(std::string_view original) {
    originals_.push_back(original);
    return kMark + std::to_string(originals_.size() - 1);
  }

  /// With the lines of `text`, a block scalar's: they decide where comments belong.
  std::string of_lines(std::string_view text) {
    std::string made;
    for (std::string_view rest = text; !rest.empty();) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      if (end > 0)
        made += made.find(kMark) == std::string::npos ? mark(text) : std::string(1, kMark);
      if (end < rest.size()) made += '\n';
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return made;
  }

  CommentPieces of_comment(const CommentPieces& comment) {
    CommentPieces made;
    for (const std::string_view piece : comment) {
      const bool is_start = piece.empty() || piece == "#" || piece == "\n#";
      made.push_back(is_start ? piece : kept(mark(piece)));
    }
    return made;
  }

  std::string_view kept(std::string text) { return texts_.emplace_back(std::move(text)); }

  std::vector<std::string_view> originals_;
  std::deque<std::string> texts_;
};

/// Without the offsets that stand behind the lines.
CommentPieces pieces_of(std::string_view comment, const StandIns* stand_ins) {
  CommentPieces pieces;
  while (!comment.empty()) {
    const std::size_t place = std::min(comment.find(kCommentPlace), comment.size());
    const std::size_t start = std::min(comment.find('#') + 1, place);
    const std::string_view text = comment.substr(start, place - start);
    if (start > 0) pieces.push_back(comment.substr(0, start));
    if (!text.empty()) {
      pieces.push_back(stand_ins == nullptr ? text : stand_ins->original(text));
    }
    comment.remove_prefix(std::min(comment.find('\n', place), comment.size()));
  }
  return pieces;
}

std::string scalar_tag(const CommentedNode& node) {
  if (!node.tag.empty()) return node.tag == "!" ? std::string() : written_tag(node.tag);
  if (node.type == Kind::kString || resolve_plain(node.text, Schema::kV3) == node.type) return {};
  return std::string(short_tag(node.type));
}

Style scalar_style(const CommentedNode& node) {
  if (node.style != Style::kPlain) return node.style;
  if (node.text.find('\n') != std::string::npos) return Style::kLiteral;
  const bool force = node.tag.empty() && node.type == Kind::kString &&
                     resolve_plain(node.text, Schema::kV3) != Kind::kString;
  return force ? Style::kDoubleQuoted : Style::kPlain;
}

EmitNode emit_node(const CommentedNode& node, const StandIns* stand_ins, bool is_key = false) {
  EmitNode made;
  const bool is_scalar = node.kind == CommentedNode::Kind::kScalar;
  switch (node.kind) {
    case CommentedNode::Kind::kScalar:
      made.kind = EmitNode::Kind::kScalar;
      break;
    case CommentedNode::Kind::kSequence:
      made.kind = EmitNode::Kind::kSequence;
      break;
    case CommentedNode::Kind::kMapping:
      made.kind = EmitNode::Kind::kMapping;
      break;
    case CommentedNode::Kind::kAlias:
      made.kind = EmitNode::Kind::kAlias;
      break;
  }
  made.style = is_scalar ? scalar_style(node) : node.style;
  made.text = stand_ins != nullptr && is_scalar && !is_key ? stand_ins->original(node.text)
                                                           : std::string_view(node.text);
  made.anchor = node.anchor;
  made.tag = is_scalar ? scalar_tag(node) : written_tag(node.tag);
  made.head = pieces_of(node.head, stand_ins);
  made.line = pieces_of(node.line, stand_ins);
  made.foot = pieces_of(node.foot, stand_ins);
  made.content.reserve(node.content.size());
  const bool is_mapping = node.kind == CommentedNode::Kind::kMapping;
  for (std::size_t i = 0; i < node.content.size(); ++i)
    made.content.push_back(emit_node(*node.content[i], stand_ins, is_mapping && i % 2 == 0));
  return made;
}

constexpr EmitOptions kKustomizeStyle{.indent = 2, .compact_sequences = true};

}  // namespace

std::string write_commented(const CommentedDocument& document) {
  std::string out;
  StringSink sink(out);
  const EmitNode root = emit_node(*document.root, nullptr);
  Emitter(sink, kKustomizeStyle)
      .document(root, pieces_of(document.head, nullptr), pieces_of(document.foot, nullptr));
  return out;
}

Result<void> reprint(const std::deque<EmitNode>& documents, const EmitOptions& style,
                     const std::function<ByteSink&()>& begin_document) {
  StandIns stand_ins;
  std::string text;
  StringSink sink(text);
  Emitter printer(sink, style);
  // A comment can wait for the next document.
  std::deque<EmitNode> shapes;
  for (const EmitNode& document : documents)
    printer.document(shapes.emplace_back(stand_ins.of(document)));
  SLUICE_TRY(const auto read, read_commented(text));
  for (const CommentedDocument& document : read)
    Emitter(begin_document(), kKustomizeStyle).document(emit_node(*document.root, &stand_ins));
  return {};
}

}  // namespace sluice::yaml
