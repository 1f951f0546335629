#include "loose_comments.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "sluice/yaml/commented.hpp"

#include "walk.hpp"
#include "written_file.hpp"

namespace sluice::decrypt {
namespace {

void note_places(const Item& item, std::unordered_set<std::size_t>& places) {
  if (item.is_comment() && item.end != 0) places.insert(item.begin);
  for (const Item& child : item.items)
    note_places(child, places);
}

bool holds(const Item& entry, std::size_t at) {
  const std::size_t begin = entry.key_begin != 0 ? entry.key_begin : entry.begin;
  return entry.is_collection() && entry.end != 0 && begin <= at && at < entry.end;
}

// As the comment it would be, in the innermost collection around it.
void insert_comment(Item& document, const LooseComment& comment) {
  Item* inner = &document;
  for (;;) {
    const auto next = std::find_if(inner->items.begin(), inner->items.end(),
                                   [&](const Item& item) { return holds(item, comment.begin); });
    if (next == inner->items.end()) break;
    inner = &*next;
  }
  Item item;
  item.kind = ItemKind::kComment;
  item.begin = comment.begin;
  item.end = comment.end;
  const auto behind = std::find_if(
      inner->items.begin(), inner->items.end(),
      [&](const Item& other) { return other.end != 0 && other.begin > comment.begin; });
  inner->items.insert(behind, std::move(item));
}

}  // namespace

Result<std::vector<LooseComment>> loose_comments(std::string_view text, const Tree& tree,
                                                 const Rule& rule) {
  SLUICE_TRY(const std::vector<std::size_t> places, yaml::comment_places(text));
  std::unordered_set<std::size_t> known;
  for (const Item& document : tree)
    note_places(document, known);
  std::vector<LooseComment> loose;
  for (const std::size_t begin : places) {
    if (known.contains(begin)) continue;
    std::size_t end = std::min(text.find('\n', begin), text.size());
    if (text[end - 1] == '\r') --end;
    loose.push_back({begin, end, true});
  }
  if (loose.empty() || tree.empty()) return loose;

  Tree with = clone_tree(tree);
  std::unordered_map<std::size_t, LooseComment*> by_place;
  for (LooseComment& comment : loose) {
    const auto document = std::find_if(with.begin(), with.end() - 1,
                                       [&](const Item& item) { return comment.begin < item.end; });
    insert_comment(*document, comment);
    by_place.emplace(comment.begin, &comment);
  }
  SLUICE_TRY(const Selection selection, Selection::make(rule));
  SLUICE_CHECK(walk(with, selection, [&](const Visit& visit) -> Result<void> {
    if (!visit.item.is_comment() || visit.item.end == 0) return {};
    const auto found = by_place.find(visit.item.begin);
    if (found != by_place.end()) found->second->selected = visit.selected;
    return {};
  }));
  return loose;
}

}  // namespace sluice::decrypt
