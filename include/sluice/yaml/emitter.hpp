#pragma once
/// go-yaml v3's emitter (emitterc.go): nodes with comments to text. Texts and comments are views of
/// memory that the caller keeps, so a value in secret memory is never copied. A comment waits until
/// a place that prints its sort comes by, which need not be in its own node nor in its document:
/// the caller keeps the nodes until the last document is written. What a value is printed as (its
/// text, wanted style and tag) is the caller's; a style that cannot hold the text gives way to one
/// that can, as there. Nothing is folded.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/byte_sink.hpp"
#include "sluice/yaml/document.hpp"

namespace sluice::yaml {

/// A comment, written piece after piece. '\n' separates lines; a line without '#' gets one.
using CommentPieces = std::vector<std::string_view>;

struct EmitNode {
  enum class Kind : std::uint8_t { kScalar, kSequence, kMapping, kAlias };
  Kind kind = Kind::kScalar;
  Style style = Style::kPlain;  ///< of a collection: kFlow, or anything else for block style
  std::string_view text;        ///< of a scalar; of an alias, its anchor
  std::string_view anchor;      ///< that the node defines
  std::string tag;              ///< as written: "!!binary", "!local"; "" for none
  CommentPieces head, line, foot;
  std::vector<EmitNode> content;  ///< of a mapping: key, value, key, …
};

struct EmitOptions {
  int indent = 2;                  ///< 2 to 9 columns
  bool compact_sequences = false;  ///< a sequence stands in the column of its key
};

/// The style that a value of this text gets outside of flow collections.
Style printed_style(Style wanted, std::string_view text);

class Emitter {
 public:
  Emitter(ByteSink& out, const EmitOptions& options) : out_(out), options_(options) {}

  /// Writes `root` as a document of its own, behind `---` when it is not the first one. Ends with a
  /// newline.
  void document(const EmitNode& root, const CommentPieces& head = {},
                const CommentPieces& foot = {});

 private:
  enum class Parent : std::uint8_t { kRoot, kSequence, kMapping, kFlow };

  void put(std::string_view text);
  void put_character(std::string_view text, std::size_t& i);
  void put_break();
  void copy_break(std::string_view text, std::size_t& i);
  void put_word(std::string_view text);
  void put_tag(std::string_view tag);
  void indicator(std::string_view text, bool need_space, bool is_space, bool is_indention);
  void write_indent();
  void push_indent(bool flow, Parent parent, bool compact = false);
  void pop_indent();

  void note(const CommentPieces& head, const CommentPieces& line, const CommentPieces& foot,
            const CommentPieces& tail);
  void note_node(const EmitNode& node, const CommentPieces& tail);
  bool has_trailing() const { return line_ != nullptr || foot_ != nullptr || tail_ != nullptr; }
  void process_head();
  void process_line(bool line_break = false);
  void process_key_line(const EmitNode& value);
  void process_foot();
  void write_comment(const CommentPieces& comment);

  bool is_flow(const EmitNode& node) const;
  void node(const EmitNode& node, Parent parent, bool simple_key);
  void open(const EmitNode& node, Parent parent, bool simple_key);
  void inside(const EmitNode& node, Parent parent);
  void block_sequence(const EmitNode& node, Parent parent);
  void block_mapping(const EmitNode& node, Parent parent);
  void flow_sequence(const EmitNode& node, Parent parent);
  void flow_mapping(const EmitNode& node, Parent parent);

  void scalar(const EmitNode& node, Parent parent, bool simple_key);
  void plain(std::string_view text);
  void single_quoted(std::string_view text);
  void double_quoted(std::string_view text);
  void escape(std::string_view text, std::size_t& i);
  void block(char style, std::string_view text);

  ByteSink& out_;
  EmitOptions options_;
  bool first_ = true;
  std::int64_t indent_ = -1;
  std::vector<std::int64_t> indents_;
  std::int64_t column_ = 0;
  bool whitespace_ = true;
  bool indention_ = true;
  std::int64_t foot_indent_ = -1;
  int flow_level_ = 0;
  // Comments that wait for their place.
  const CommentPieces* head_ = nullptr;
  const CommentPieces* line_ = nullptr;
  const CommentPieces* foot_ = nullptr;
  const CommentPieces* tail_ = nullptr;
  const CommentPieces* key_line_ = nullptr;
};

}  // namespace sluice::yaml
