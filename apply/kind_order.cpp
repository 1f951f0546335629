#include "apply/kind_order.hpp"

#include <array>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include "sluice/base/ascii.hpp"

namespace sluice::apply {
namespace {

constexpr std::array<std::string_view, 23> kFirst = {"CustomResourceDefinition",
                                                     "Namespace",
                                                     "ClusterRole",
                                                     "ClusterClass",
                                                     "RuntimeClass",
                                                     "PriorityClass",
                                                     "StorageClass",
                                                     "VolumeSnapshotClass",
                                                     "IngressClass",
                                                     "GatewayClass",
                                                     "ClusterRoleBinding",
                                                     "ResourceQuota",
                                                     "ServiceAccount",
                                                     "Role",
                                                     "RoleBinding",
                                                     "ConfigMap",
                                                     "Secret",
                                                     "Service",
                                                     "LimitRange",
                                                     "Deployment",
                                                     "StatefulSet",
                                                     "CronJob",
                                                     "PodDisruptionBudget"};
constexpr std::array<std::string_view, 2> kLast = {"MutatingWebhookConfiguration",
                                                   "ValidatingWebhookConfiguration"};

bool is_definition(const Gvk& gvk) {
  return (equals_ignoring_case(gvk.kind, "customresourcedefinition") &&
          gvk.group == "apiextensions.k8s.io") ||
         (equals_ignoring_case(gvk.kind, "namespace") && gvk.group.empty() &&
          gvk.version == "v1") ||
         (equals_ignoring_case(gvk.kind, "clusterrole") &&
          gvk.group == "rbac.authorization.k8s.io");
}

}  // namespace

Stage stage_of(const Gvk& gvk, const std::set<std::pair<std::string, std::string>>& custom_kinds) {
  if (is_definition(gvk)) return Stage::kDefinitions;
  if (gvk.kind.ends_with("Class")) return Stage::kClasses;
  if (custom_kinds.contains({gvk.group, gvk.kind})) return Stage::kCustom;
  return Stage::kRest;
}

int kind_rank(std::string_view kind) {
  static const auto ranks = [] {
    std::unordered_map<std::string_view, int> map;
    int rank = -static_cast<int>(kFirst.size());
    for (const std::string_view first : kFirst) {
      map.emplace(first, rank++);
    }
    rank = 1;
    for (const std::string_view last : kLast) {
      map.emplace(last, rank++);
    }
    return map;
  }();
  const auto it = ranks.find(kind);
  return it == ranks.end() ? 0 : it->second;
}

std::strong_ordering apply_order(const ObjectId& a, const ObjectId& b) {
  const auto key = [](const ObjectId& id) {
    return std::tuple<int, const std::string&, const std::string&, const std::string&,
                      const std::string&>(kind_rank(id.gvk.kind), id.gvk.group, id.gvk.kind, id.ns,
                                          id.name);
  };
  return key(a) <=> key(b);
}

}  // namespace sluice::apply
