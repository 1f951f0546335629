#include "comment_lines.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "sluice/yaml/commented.hpp"
#include "sluice/yaml/write.hpp"

namespace sluice::kustomize {
namespace {

using yaml::Style;

/// Whether the text before `end` ends in what may be the header of a block scalar.
bool ends_in_header(std::string_view text, std::size_t end) {
  while (end > 0 && std::string_view("0123456789+-").find(text[end - 1]) != std::string_view::npos)
    --end;
  return end > 0 && (text[end - 1] == '|' || text[end - 1] == '>');
}

/// Whether comments can change a text in `piece`: it has some, and a block scalar that keeps its
/// last breaks or has one of them behind its header.
bool may_move_lines(std::string_view piece) {
  if (piece.find('#') == std::string_view::npos) return false;
  for (std::size_t at = 0; (at = piece.find('+', at)) != std::string_view::npos; ++at) {
    if (ends_in_header(piece, at)) return true;
  }
  for (std::size_t at = 0; (at = piece.find('#', at)) != std::string_view::npos; ++at) {
    const std::size_t last = at == 0 ? at : piece.find_last_not_of(" \t", at - 1);
    if (last != std::string_view::npos && ends_in_header(piece, last + 1)) return true;
  }
  return false;
}

/// `again` is `node` as it was read again.
void take_texts(yaml::Ref node, yaml::Node again) {
  if (node.kind() != again.kind() || node.size() != again.size()) return;
  for (std::size_t i = 0; node.is_mapping() && i < node.size(); ++i)
    take_texts(node.value(i), again.value(i));
  for (std::size_t i = 0; node.is_sequence() && i < node.size(); ++i)
    take_texts(node.at(i), again.at(i));
  if (!node.is_string()) return;
  if (node.style() != Style::kLiteral && node.style() != Style::kFolded) return;
  const bool is_folded = node.style() == Style::kFolded;
  const bool moved = again.text() != (is_folded ? yaml::refolded(node.text()) : node.text());
  if (moved) node.set_scalar(yaml::Kind::kString, again.text(), Style::kLiteral);
}

/// What is printed last: a scalar, or an empty collection.
yaml::Ref last_of(yaml::Ref node) {
  while (node.size() != 0)
    node = node.is_mapping() ? node.value(node.size() - 1) : node.at(node.size() - 1);
  return node;
}

/// The first document of `printed`; a missing one when there is none.
Result<yaml::Document> read_again(const yaml::CommentedDocument& printed,
                                  const yaml::ReadOptions& options) {
  SLUICE_TRY(auto documents,
             yaml::read_yaml(yaml::write_commented(printed), FileId::kNone, options));
  return documents.empty() ? yaml::Document() : std::move(documents.front());
}

/// `commented` is `document` as its text has it.
Result<void> move_lines(yaml::CommentedDocument commented, const yaml::ReadOptions& options,
                        yaml::Document& document) {
  SLUICE_TRY(yaml::Document whole, read_again(commented, options));
  commented.foot.clear();
  SLUICE_TRY(yaml::Document without_end, read_again(commented, options));
  take_texts(document.root(), std::as_const(without_end).root());
  document.note_end_comment(last_of(whole.root()).text() != last_of(without_end.root()).text());
  return {};
}

}  // namespace

Result<void> move_comment_lines(std::span<const std::string_view> pieces,
                                const yaml::ReadOptions& options,
                                std::vector<yaml::Document>& documents) {
  if (std::none_of(pieces.begin(), pieces.end(), may_move_lines)) return {};
  std::size_t next = 0;
  for (const std::string_view piece : pieces) {
    SLUICE_TRY(const auto alone, yaml::read_yaml(piece, FileId::kNone, options));
    if (alone.empty()) continue;
    if (next == documents.size()) return {};
    yaml::Document& document = documents[next++];
    if (!may_move_lines(piece)) continue;
    SLUICE_TRY(auto commented, yaml::read_commented(piece));
    SLUICE_CHECK(move_lines(std::move(commented.front()), options, document));
  }
  return {};
}

void set_off_end_comment(yaml::Ref root) {
  yaml::Document& document = root.document();
  if (!document.ends_in_comment()) return;
  document.note_end_comment(false);
  const yaml::Ref last = last_of(root);
  if (!yaml::keeps_last_breaks(last)) return;
  const bool is_folded = last.style() == Style::kFolded;
  const std::string text(is_folded ? yaml::refolded(last.text()) : last.text());
  last.set_scalar(yaml::Kind::kString, text + "\n", Style::kLiteral);
}

}  // namespace sluice::kustomize
