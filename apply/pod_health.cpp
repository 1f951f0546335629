// fluxcd/cli-utils pkg/kstatus/polling/statusreaders/pod_controller.go.
#include <string>

#include "sluice/apply/apply.hpp"

namespace sluice::apply {
namespace {

using yaml::Node;

bool owns_pods(Node live) {
  const Gvk gvk = Gvk::from(live.get("apiVersion").text(), live.get("kind").text());
  return gvk.group == "apps" && (gvk.kind == "StatefulSet" || gvk.kind == "ReplicaSet");
}

void add_term(std::string& selector, const std::string& term) {
  if (!selector.empty()) selector += ",";
  selector += term;
}

/// metav1.LabelSelector as the text that a list takes.
std::string label_selector(Node selector) {
  std::string text;
  const Node labels = selector.get("matchLabels");
  for (std::size_t i = 0; i < labels.size(); ++i) {
    add_term(text, std::string(labels.key(i).text()) + "=" + std::string(labels.value(i).text()));
  }
  const Node expressions = selector.get("matchExpressions");
  for (std::size_t i = 0; i < expressions.size(); ++i) {
    const Node each = expressions.at(i);
    const std::string key(each.get("key").text());
    const std::string_view op = each.get("operator").text();
    if (op == "Exists") add_term(text, key);
    if (op == "DoesNotExist") add_term(text, "!" + key);
    if (op != "In" && op != "NotIn") continue;
    std::string values;
    for (std::size_t j = 0; j < each.get("values").size(); ++j) {
      add_term(values, std::string(each.get("values").at(j).text()));
    }
    add_term(text, key + (op == "In" ? " in (" : " notin (") + values + ")");
  }
  return text;
}

/// What an autoscaler or a rolling update resolves by itself.
bool is_transient(Node pod) {
  if (pod.find("metadata", "deletionTimestamp").exists()) return true;
  const Node conditions = pod.find("status", "conditions");
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    const Node each = conditions.at(i);
    if (each.get("type").text() == "PodScheduled" && each.get("status").text() == "False" &&
        each.get("reason").text() == "Unschedulable")
      return true;
  }
  return false;
}

}  // namespace

Health health_with_pods(Node live, kube::Client& client, WallTime now, const CancelToken& cancel) {
  Health own = health(live, now);
  if (own.status != HealthStatus::kInProgress || !owns_pods(live)) return own;
  const std::string selector = label_selector(live.find("spec", "selector"));
  if (selector.empty()) return own;
  kube::ListParams params;
  params.ns = live.find("metadata", "namespace").text();
  params.label_selector = selector;
  const auto pods = client.list({Gvk::from("v1", "Pod"), "pods", true}, params, cancel);
  if (!pods) return {HealthStatus::kUnknown, pods.error().message()};
  std::size_t failed = 0;
  for (const yaml::Document& pod : pods->items) {
    const Node root = pod.root();
    if (health(root, now).status == HealthStatus::kFailed && !is_transient(root)) ++failed;
  }
  if (failed == 0) return own;
  return {HealthStatus::kFailed, std::to_string(failed) + " pods have failed"};
}

}  // namespace sluice::apply
