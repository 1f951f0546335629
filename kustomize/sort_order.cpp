#include "sort_order.hpp"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <unordered_map>

#include "kustomize/gvk.hpp"

namespace sluice::kustomize {

namespace {

std::string or_else(const std::string& text, const char* otherwise) {
  return text.empty() ? otherwise : text;
}

struct Key {
  int rank;
  const Gvk* gvk;
  std::string type;  // "group_version_kind"
  std::string id;    // "Kind.version.group|namespace|name"
};

bool less(const Key& a, const Key& b) {
  if (*a.gvk == *b.gvk) return a.id < b.id;
  if (a.rank != b.rank) return a.rank < b.rank;
  // The core Namespace comes before those of other groups.
  if (a.gvk->kind == "Namespace" && b.gvk->kind == "Namespace" &&
      (a.gvk->group.empty() || b.gvk->group.empty())) {
    return a.type > b.type;
  }
  return a.type < b.type;
}

}  // namespace

Result<void> sort_resources(ResMap& resources, const SortOptions& options) {
  if (options.order != "fifo" && options.order != "legacy") {
    return fail(Code::kInvalid, "the field 'sortOptions.order' must be one of [fifo, legacy]");
  }
  if (options.order == "fifo") {
    if (!options.legacy) return {};
    return fail(Code::kInvalid,
                "the field 'sortOptions.legacySortOptions' is set but the selected sort order is "
                "'fifo', not 'legacy'");
  }
  std::unordered_map<std::string_view, int> ranks;
  const auto rank_kinds = [&ranks](const auto& first, const auto& last) {
    for (std::size_t i = 0; i < first.size(); ++i) {
      ranks[first[i]] = static_cast<int>(i) - static_cast<int>(first.size());
    }
    for (std::size_t i = 0; i < last.size(); ++i)
      ranks[last[i]] = static_cast<int>(i) + 1;
  };
  if (options.legacy) {
    rank_kinds(options.legacy->order_first, options.legacy->order_last);
  } else {
    rank_kinds(kinds_ordered_first(), kinds_ordered_last());
  }

  std::vector<Key> keys;
  keys.reserve(resources.size());
  for (const auto& resource : resources.items()) {
    const ObjectId& id = resource->id;
    const auto rank = ranks.find(id.gvk.kind);
    keys.push_back({rank == ranks.end() ? 0 : rank->second, &id.gvk, sort_text(id.gvk),
                    gvk_text(id.gvk) + "|" + or_else(id.ns, "~X") + "|" + or_else(id.name, "~N")});
  }
  std::vector<std::size_t> order(resources.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return less(keys[a], keys[b]); });
  resources.reorder(order);
  auto unique = resources.check_unique();
  if (unique) return {};
  return fail(
      std::move(unique).error().prefix("SortOrderTransformer: Failed to append to resources: "));
}

}  // namespace sluice::kustomize
