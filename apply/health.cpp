// The rules of fluxcd/cli-utils pkg/kstatus/status (core.go, generic.go, status.go), and for Jobs
// those of fluxcd/pkg/runtime/statusreaders/job.go.
#include <chrono>
#include <cstdio>
#include <limits>
#include <optional>
#include <string>
#include <unordered_map>

#include "sluice/apply/apply.hpp"
#include "sluice/yaml/scalar.hpp"

namespace sluice::apply {
namespace {

using yaml::Node;

constexpr std::chrono::seconds kScheduleWindow{15};

std::int64_t integer(Node node, std::int64_t otherwise) {
  if (!node.exists()) return otherwise;
  return yaml::int64_value(node.text()).value_or(otherwise);
}

Health in_progress(std::string message) {
  return {HealthStatus::kInProgress, std::move(message)};
}
Health failed(std::string message) {
  return {HealthStatus::kFailed, std::move(message)};
}
Health current(std::string message) {
  return {HealthStatus::kCurrent, std::move(message)};
}

std::string ratio(const char* what, std::int64_t have, std::int64_t want) {
  return std::string(what) + ": " + std::to_string(have) + "/" + std::to_string(want);
}

std::string text(Node node, std::string_view otherwise) {
  return std::string(node.is_string() ? node.text() : otherwise);
}

/// The condition of `type`; missing when there is none.
Node condition(Node live, std::string_view type) {
  const Node conditions = live.find("status", "conditions");
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    if (conditions.at(i).get("type").text() == type) return conditions.at(i);
  }
  return {};
}

bool is_true(Node condition) {
  return condition.get("status").text() == "True";
}

std::optional<Health> generic(Node live) {
  if (!live.find("metadata", "deletionTimestamp").text().empty())
    return Health{HealthStatus::kTerminating, "Resource scheduled for deletion"};
  const Node generation = live.find("metadata", "generation");
  const Node observed = live.find("status", "observedGeneration");
  if (generation.exists() && observed.exists() && integer(generation, 0) != integer(observed, 0)) {
    return in_progress(std::string(live.get("kind").text()) + " generation is " +
                       std::string(generation.text()) + ", but latest observed generation is " +
                       std::string(observed.text()));
  }
  const Node conditions = live.find("status", "conditions");
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    const Node each = conditions.at(i);
    if (!is_true(each)) continue;
    const std::string_view type = each.get("type").text();
    if (type == "Reconciling") return in_progress(text(each.get("message"), ""));
    if (type == "Stalled") return failed(text(each.get("message"), ""));
  }
  return std::nullopt;
}

Health stateful_set(Node live, WallTime /*now*/) {
  const Node spec = live.get("spec");
  const Node status = live.get("status");
  if (spec.find("updateStrategy", "type").text() == "OnDelete")
    return current("StatefulSet is using the ondelete update strategy");
  const auto wanted = integer(spec.get("replicas"), 1);
  const auto ready = integer(status.get("readyReplicas"), 0);
  const auto updated = integer(status.get("updatedReplicas"), 0);
  const auto now_current = integer(status.get("currentReplicas"), 0);
  const auto replicas = integer(status.get("replicas"), 0);
  const auto partition = integer(spec.find("updateStrategy", "rollingUpdate", "partition"), -1);
  if (wanted > replicas) return in_progress(ratio("Replicas", replicas, wanted));
  if (wanted > ready) return in_progress(ratio("Ready", ready, wanted));
  if (replicas > wanted)
    return in_progress("Pending termination: " + std::to_string(replicas - wanted));
  if (partition != -1) {
    if (updated < wanted - partition)
      return in_progress(ratio("updated", updated, wanted - partition));
    return current("Partition rollout complete. updated: " + std::to_string(updated));
  }
  if (wanted > now_current) return in_progress(ratio("current", now_current, wanted));
  if (status.get("currentRevision").text() != status.get("updateRevision").text())
    return in_progress("Waiting for updated revision to match current");
  return current("All replicas scheduled as expected. Replicas: " + std::to_string(replicas));
}

Health deployment(Node live, WallTime /*now*/) {
  const Node spec = live.get("spec");
  const Node status = live.get("status");
  constexpr std::int64_t kNoDeadline = std::numeric_limits<std::int32_t>::max();
  // Without a deadline the controller never sets the Progressing condition.
  bool progressing = integer(spec.get("progressDeadlineSeconds"), kNoDeadline) == kNoDeadline;
  const Node progress = condition(live, "Progressing");
  if (progress.get("reason").text() == "ProgressDeadlineExceeded")
    return failed("Progress deadline exceeded");
  if (is_true(progress) && progress.get("reason").text() == "NewReplicaSetAvailable")
    progressing = true;
  const bool available = is_true(condition(live, "Available"));
  const auto wanted = integer(spec.get("replicas"), 1);
  const auto replicas = integer(status.get("replicas"), 0);
  const auto updated = integer(status.get("updatedReplicas"), 0);
  const auto ready = integer(status.get("readyReplicas"), 0);
  const auto usable = integer(status.get("availableReplicas"), 0);
  if (wanted > replicas) return in_progress(ratio("Replicas", replicas, wanted));
  if (wanted > updated) return in_progress(ratio("Updated", updated, wanted));
  if (replicas > wanted)
    return in_progress("Pending termination: " + std::to_string(replicas - wanted));
  if (updated > usable) return in_progress(ratio("Available", usable, updated));
  if (wanted > ready) return in_progress(ratio("Ready", ready, wanted));
  if (!progressing) return in_progress("ReplicaSet not Available");
  if (!available) return in_progress("Deployment not Available");
  return current("Deployment is available. Replicas: " + std::to_string(replicas));
}

Health replica_set(Node live, WallTime /*now*/) {
  if (is_true(condition(live, "ReplicaFailure")))
    return in_progress("Replica Failure condition. Check Pods");
  const Node status = live.get("status");
  const auto wanted = integer(live.find("spec", "replicas"), 1);
  const auto replicas = integer(status.get("replicas"), 0);
  const auto ready = integer(status.get("readyReplicas"), 0);
  const auto available = integer(status.get("availableReplicas"), 0);
  const auto labelled = integer(status.get("fullyLabeledReplicas"), 0);
  if (wanted > labelled) return in_progress(ratio("Labelled", labelled, wanted));
  if (wanted > available) return in_progress(ratio("Available", available, wanted));
  if (wanted > ready) return in_progress(ratio("Ready", ready, wanted));
  if (replicas > wanted)
    return in_progress("Pending termination: " + std::to_string(replicas - wanted));
  return current("ReplicaSet is available. Replicas: " + std::to_string(replicas));
}

Health daemon_set(Node live, WallTime /*now*/) {
  // Its controller always sets both, so that their absence means: not seen yet.
  const std::string kind(live.get("kind").text());
  if (!live.find("metadata", "generation").exists())
    return in_progress(kind + " metadata.generation not found");
  const Node status = live.get("status");
  if (!status.get("observedGeneration").exists())
    return in_progress(kind + " status.observedGeneration not found");
  const auto wanted = integer(status.get("desiredNumberScheduled"), -1);
  const auto scheduled = integer(status.get("currentNumberScheduled"), 0);
  const auto updated = integer(status.get("updatedNumberScheduled"), 0);
  const auto available = integer(status.get("numberAvailable"), 0);
  const auto ready = integer(status.get("numberReady"), 0);
  if (wanted == -1) return in_progress("Missing .status.desiredNumberScheduled");
  if (wanted > scheduled) return in_progress(ratio("Current", scheduled, wanted));
  if (wanted > updated) return in_progress(ratio("Updated", updated, wanted));
  if (wanted > available) return in_progress(ratio("Available", available, wanted));
  if (wanted > ready) return in_progress(ratio("Ready", ready, wanted));
  return current("All replicas scheduled as expected. Replicas: " + std::to_string(wanted));
}

Health claim(Node live, WallTime /*now*/) {
  const std::string phase = text(live.find("status", "phase"), "unknown");
  if (phase != "Bound") return in_progress("PVC is not Bound. phase: " + phase);
  return current("PVC is Bound");
}

std::string crash_looping(Node live) {
  std::string names;
  const Node statuses = live.find("status", "containerStatuses");
  for (std::size_t i = 0; i < statuses.size(); ++i) {
    if (statuses.at(i).find("state", "waiting", "reason").text() != "CrashLoopBackOff") continue;
    if (!names.empty()) names += ",";
    names += statuses.at(i).get("name").text();
  }
  return names;
}

/// "2026-11-23T08:54:56Z" as metav1.Time prints it.
std::optional<WallTime> parse_time(std::string_view text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (std::sscanf(std::string(text).c_str(), "%4d-%2d-%2dT%2d:%2d:%2dZ", &year, &month, &day, &hour,
                  &minute, &second) != 6)
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return WallTime(std::chrono::sys_days(date) + std::chrono::hours(hour) +
                  std::chrono::minutes(minute) + std::chrono::seconds(second));
}

Health pod(Node live, WallTime now) {
  const std::string phase = text(live.find("status", "phase"), "");
  if (phase == "Succeeded") return current("Pod has completed successfully");
  if (phase == "Failed") return current("Pod has completed, but not successfully");
  if (phase == "Running") {
    if (is_true(condition(live, "Ready"))) return current("Pod is Ready");
    if (const std::string names = crash_looping(live); !names.empty())
      return failed("Containers in CrashLoop state: " + names);
    return in_progress("Pod is running but is not Ready");
  }
  if (phase == "Pending") {
    const Node scheduled = condition(live, "PodScheduled");
    if (scheduled.get("status").text() == "False" &&
        scheduled.get("reason").text() == "Unschedulable") {
      const auto created = parse_time(live.find("metadata", "creationTimestamp").text());
      if (created && now - kScheduleWindow < *created)
        return in_progress("Pod has not been scheduled");
      return failed("Pod could not be scheduled");
    }
    return in_progress("Pod is in the Pending phase");
  }
  if (phase.empty()) return in_progress("Pod phase not available");
  return {HealthStatus::kUnknown, "unknown phase " + phase};
}

Health disruption_budget(Node /*live*/, WallTime /*now*/) {
  return current("AllowedDisruptions has been computed.");
}

Health job(Node live, WallTime /*now*/) {
  const Node spec = live.get("spec");
  const Node status = live.get("status");
  if (spec.get("suspend").text() == "true") return current("Job is suspended");
  const auto parallelism = integer(spec.get("parallelism"), 1);
  const auto completions = integer(spec.get("completions"), parallelism);
  const auto succeeded = integer(status.get("succeeded"), 0);
  const auto active = integer(status.get("active"), 0);
  const auto broken = integer(status.get("failed"), 0);
  const Node conditions = status.get("conditions");
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    if (!is_true(conditions.at(i))) continue;
    const std::string_view type = conditions.at(i).get("type").text();
    if (type == "Complete")
      return current(ratio("Job Completed. succeeded", succeeded, completions));
    if (type == "Failed") return failed(ratio("Job Failed. failed", broken, completions));
  }
  if (status.get("startTime").text().empty())
    return in_progress("Job not started. active: 0/" + std::to_string(parallelism));
  return in_progress("Job in progress. success:" + std::to_string(succeeded) +
                     ", active: " + std::to_string(active) + ", failed: " + std::to_string(broken));
}

Health service(Node live, WallTime /*now*/) {
  const Node spec = live.get("spec");
  if (spec.get("type").text() == "LoadBalancer" && spec.get("clusterIP").text().empty())
    return in_progress("ClusterIP not set. Service type: LoadBalancer");
  return current("Service is ready");
}

Health definition(Node live, WallTime /*now*/) {
  const Node conditions = live.find("status", "conditions");
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    const Node each = conditions.at(i);
    const std::string_view type = each.get("type").text();
    const bool is_false = each.get("status").text() == "False";
    if (type == "NamesAccepted" && is_false) return failed(text(each.get("message"), ""));
    if (type != "Established") continue;
    if (is_false && each.get("reason").text() != "Installing")
      return failed(text(each.get("message"), ""));
    if (is_true(each)) return current("CRD is established");
  }
  return in_progress("Install in progress");
}

Health always_ready(Node /*live*/, WallTime /*now*/) {
  return current("Resource is always ready");
}

using Rule = Health (*)(Node, WallTime);

Rule rule_for(const Gvk& gvk) {
  static const std::unordered_map<std::string, Rule> rules = {
      {"/Service", service},
      {"/Pod", pod},
      {"/Secret", always_ready},
      {"/ConfigMap", always_ready},
      {"/PersistentVolumeClaim", claim},
      {"apps/StatefulSet", stateful_set},
      {"apps/DaemonSet", daemon_set},
      {"extensions/DaemonSet", daemon_set},
      {"apps/Deployment", deployment},
      {"extensions/Deployment", deployment},
      {"apps/ReplicaSet", replica_set},
      {"extensions/ReplicaSet", replica_set},
      {"policy/PodDisruptionBudget", disruption_budget},
      {"batch/CronJob", always_ready},
      {"batch/Job", job},
      {"apiextensions.k8s.io/CustomResourceDefinition", definition},
  };
  const auto it = rules.find(gvk.group + "/" + gvk.kind);
  return it == rules.end() ? nullptr : it->second;
}

}  // namespace

std::string_view health_name(HealthStatus status) {
  switch (status) {
    case HealthStatus::kInProgress:
      return "InProgress";
    case HealthStatus::kFailed:
      return "Failed";
    case HealthStatus::kCurrent:
      return "Current";
    case HealthStatus::kTerminating:
      return "Terminating";
    case HealthStatus::kNotFound:
      return "NotFound";
    case HealthStatus::kUnknown:
      return "Unknown";
  }
  return "Unknown";
}

Health health(Node live, WallTime now) {
  const Gvk gvk = Gvk::from(live.get("apiVersion").text(), live.get("kind").text());
  const Rule rule = rule_for(gvk);
  if (rule == job) return rule(live, now);  // Flux's reader for Jobs leaves the generic rules out
  if (auto result = generic(live)) return *std::move(result);
  if (rule != nullptr) return rule(live, now);
  if (const Node ready = condition(live, "Ready"); ready.exists()) {
    const std::string_view status = ready.get("status").text();
    if (status == "True") return current("Resource is Ready");
    if (status == "False" || status == "Unknown")
      return in_progress(text(ready.get("message"), ""));
  }
  return current("Resource is current");
}

}  // namespace sluice::apply
