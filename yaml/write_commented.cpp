// Nodes as go-yaml v3's encode.go (node) gives them to its emitter.
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

/// Without the offsets that stand behind the lines.
CommentPieces pieces_of(std::string_view comment) {
  CommentPieces pieces;
  while (!comment.empty()) {
    const std::size_t place = std::min(comment.find(kCommentPlace), comment.size());
    if (place > 0) pieces.push_back(comment.substr(0, place));
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

EmitNode emit_node(const CommentedNode& node) {
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
  made.text = node.text;
  made.anchor = node.anchor;
  made.tag = is_scalar ? scalar_tag(node) : written_tag(node.tag);
  made.head = pieces_of(node.head);
  made.line = pieces_of(node.line);
  made.foot = pieces_of(node.foot);
  made.content.reserve(node.content.size());
  for (const auto& child : node.content)
    made.content.push_back(emit_node(*child));
  return made;
}

}  // namespace

std::string write_commented(const CommentedDocument& document) {
  std::string out;
  StringSink sink(out);
  const EmitNode root = emit_node(*document.root);
  Emitter(sink, {.indent = 2, .compact_sequences = true})
      .document(root, pieces_of(document.head), pieces_of(document.foot));
  return out;
}

}  // namespace sluice::yaml
