#include "sort_order.hpp"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <unordered_map>

namespace sluice::kustomize {

namespace {

const std::vector<std::string>& default_first() {
  static const std::vector<std::string> kFirst = {"Namespace",
                                                  "ResourceQuota",
                                                  "StorageClass",
                                                  "CustomResourceDefinition",
                                                  "ServiceAccount",
                                                  "PodSecurityPolicy",
                                                  "Role",
                                                  "ClusterRole",
                                                  "RoleBinding",
                                                  "ClusterRoleBinding",
                                                  "ConfigMap",
                                                  "Secret",
                                                  "Endpoints",
                                                  "Service",
                                                  "LimitRange",
                                                  "PriorityClass",
                                                  "PersistentVolume",
                                                  "PersistentVolumeClaim",
                                                  "Deployment",
                                                  "StatefulSet",
                                                  "CronJob",
                                                  "PodDisruptionBudget"};
  return kFirst;
}

const std::vector<std::string>& default_last() {
  static const std::vector<std::string> kLast = {"MutatingWebhookConfiguration",
                                                 "ValidatingWebhookConfiguration"};
  return kLast;
}

std::string or_else(const std::string& text, const char* otherwise) {
  return text.empty() ? otherwise : text;
}

std::string type_key(const Gvk& gvk) {
  return or_else(gvk.group, "~G") + "_" + or_else(gvk.version, "~V") + "_" +
         or_else(gvk.kind, "~K");
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
  const auto& first = options.legacy ? options.legacy->order_first : default_first();
  const auto& last = options.legacy ? options.legacy->order_last : default_last();
  for (std::size_t i = 0; i < first.size(); ++i) {
    ranks[first[i]] = static_cast<int>(i) - static_cast<int>(first.size());
  }
  for (std::size_t i = 0; i < last.size(); ++i)
    ranks[last[i]] = static_cast<int>(i) + 1;

  std::vector<Key> keys;
  keys.reserve(resources.size());
  for (const auto& resource : resources.items()) {
    const ObjectId& id = resource->id;
    const auto rank = ranks.find(id.gvk.kind);
    keys.push_back({rank == ranks.end() ? 0 : rank->second, &id.gvk, type_key(id.gvk),
                    gvk_text(id.gvk) + "|" + or_else(id.ns, "~X") + "|" + or_else(id.name, "~N")});
  }
  std::vector<std::size_t> order(resources.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return less(keys[a], keys[b]); });
  resources.reorder(order);
  return {};
}

}  // namespace sluice::kustomize
