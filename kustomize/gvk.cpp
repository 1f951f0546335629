#include "kustomize/gvk.hpp"

#include <array>

namespace sluice::kustomize {
namespace {

constexpr std::array<std::string_view, 22> kFirst = {"Namespace",
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
constexpr std::array<std::string_view, 2> kLast = {"MutatingWebhookConfiguration",
                                                   "ValidatingWebhookConfiguration"};

int rank(std::string_view kind) {
  for (std::size_t i = 0; i < kFirst.size(); ++i) {
    if (kFirst[i] == kind) return static_cast<int>(i) - static_cast<int>(kFirst.size());
  }
  for (std::size_t i = 0; i < kLast.size(); ++i) {
    if (kLast[i] == kind) return static_cast<int>(i) + 1;
  }
  return 0;
}

}  // namespace

std::span<const std::string_view> kinds_ordered_first() {
  return kFirst;
}
std::span<const std::string_view> kinds_ordered_last() {
  return kLast;
}

std::string sort_text(const Gvk& gvk) {
  const auto part = [](const std::string& text, const char* none) {
    return text.empty() ? std::string(none) : text;
  };
  return part(gvk.group, "~G") + "_" + part(gvk.version, "~V") + "_" + part(gvk.kind, "~K");
}

Gvk gvk_of(yaml::Node root) {
  return Gvk::from(field(root, "apiVersion").text(), field(root, "kind").text());
}

bool gvk_less(const Gvk& a, const Gvk& b) {
  const int rank_a = rank(a.kind);
  const int rank_b = rank(b.kind);
  return rank_a != rank_b ? rank_a < rank_b : sort_text(a) < sort_text(b);
}

std::size_t field_index(yaml::Node mapping, std::string_view name) {
  const std::size_t as_string = mapping.index_of(name);
  if (as_string != yaml::Node::npos || name.empty()) return as_string;
  for (std::size_t i = 0; i < mapping.size(); ++i) {
    const yaml::Node key = mapping.key(i);
    if (!key.is_string() && key.is_scalar() && key.text() == name) return i;
  }
  return yaml::Node::npos;
}

yaml::Node field(yaml::Node mapping, std::string_view name) {
  const std::size_t index = field_index(mapping, name);
  return index == yaml::Node::npos ? yaml::Node() : mapping.value(index);
}

yaml::Ref field(yaml::Ref mapping, std::string_view name) {
  const std::size_t index = field_index(mapping, name);
  return index == yaml::Node::npos ? yaml::Ref() : mapping.value(index);
}

}  // namespace sluice::kustomize
