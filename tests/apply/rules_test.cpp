// The parts of sluice::apply that need no server: inventory ids, order, health, ownership, what is
// sent. Mirrors fluxcd/cli-utils objmetadata_test.go and status_compute_test.go, fluxcd/pkg/ssa
// sort, patch and normalize tests.
#include <algorithm>
#include <string>
#include <vector>

#include "sluice/apply/apply.hpp"
#include "sluice/yaml/read.hpp"
#include "sluice/yaml/write.hpp"

#include "apply/desired.hpp"
#include "apply/drift.hpp"
#include "apply/ignore_rules.hpp"
#include "apply/kind_order.hpp"
#include "apply/managed_fields.hpp"
#include "apply/metadata.hpp"
#include "apply/owned_fields.hpp"
#include "apply/undeclared_fields.hpp"
#include "support/test.hpp"

using namespace sluice;
using yaml::Document;
using yaml::Node;

namespace {

Document document(std::string_view text) {
  auto documents = yaml::read_yaml(text, FileId::kNone);
  REQUIRE_OK(documents);
  REQUIRE(documents->size() == 1);
  return std::move(documents->front());
}

std::string json(Node node) {
  std::string text;
  REQUIRE_OK(yaml::write_go_json(node, text));
  return text;
}

apply::ApplyOptions options() {
  apply::ApplyOptions out;
  out.owner_name = "app";
  out.owner_namespace = "flux";
  return out;
}

Result<apply::Desired> prepare(std::string_view text, const apply::ApplyOptions& with = options()) {
  Document body = document(text);
  const Node metadata = body.root().get("metadata");
  ObjectId id{Gvk::from(body.root().get("apiVersion").text(), body.root().get("kind").text()),
              std::string(metadata.get("namespace").text()),
              std::string(metadata.get("name").text())};
  return apply::prepare({std::move(id), std::move(body)}, with, apply::Switches(with.owner_group),
                        apply::digest_of(with));
}

}  // namespace

TEST_CASE("inventory: ids are those of cli-utils, both ways") {
  struct Case {
    const char *group, *version, *kind, *ns, *name, *id;
  };
  const Case cases[] = {
      {"", "v1", "ConfigMap", "default", "app", "default_app__ConfigMap"},
      {"apps", "v1", "Deployment", "ns", "web", "ns_web_apps_Deployment"},
      {"", "v1", "Namespace", "", "ns", "_ns__Namespace"},
      {"rbac.authorization.k8s.io", "v1", "ClusterRole", "", "system:view",
       "_system__view_rbac.authorization.k8s.io_ClusterRole"},
      {"example.com", "v1beta1", "Widget", "ns", "a.b-c", "ns_a.b-c_example.com_Widget"},
  };
  for (const Case& each : cases) {
    const apply::InventoryEntry entry{{{each.group, each.version, each.kind}, each.ns, each.name}};
    CHECK(entry.id() == each.id);
    const auto parsed = apply::InventoryEntry::parse(each.id, each.version);
    REQUIRE_OK(parsed);
    CHECK(*parsed == entry);
  }
  for (const char* bad : {"", "a", "a_b", "a_b_c"}) {
    CHECK(apply::InventoryEntry::parse(bad, "v1").error().message() ==
          "unable to parse stored object metadata: " + std::string(bad));
  }
}

TEST_CASE("inventory: the difference goes by id, not by version") {
  const auto entry = [](const char* id, const char* version) {
    return *apply::InventoryEntry::parse(id, version);
  };
  const apply::Inventory before = {entry("n_a__ConfigMap", "v1"), entry("n_w_x.y_W", "v1")};
  const apply::Inventory after = {entry("n_w_x.y_W", "v2")};
  CHECK(apply::difference(before, after) == apply::Inventory{before[0]});
  CHECK(apply::difference({}, after).empty());
}

TEST_CASE("order: stages, then kinds, then group, kind, namespace and name") {
  using apply::Stage;
  CHECK(apply::stage_of({"apiextensions.k8s.io", "v1", "CustomResourceDefinition"}, {}) ==
        Stage::kDefinitions);
  CHECK(apply::stage_of({"", "v1", "Namespace"}, {}) == Stage::kDefinitions);
  CHECK(apply::stage_of({"rbac.authorization.k8s.io", "v1", "ClusterRole"}, {}) ==
        Stage::kDefinitions);
  CHECK(apply::stage_of({"example.com", "v1", "Namespace"}, {}) == Stage::kRest);
  CHECK(apply::stage_of({"example.com", "v1", "AnyClass"}, {}) == Stage::kClasses);
  CHECK(apply::stage_of({"rbac.authorization.k8s.io", "v1", "Role"}, {}) == Stage::kRest);
  CHECK(apply::stage_of({"rbac.authorization.k8s.io", "v1", "Role"},
                        {{"rbac.authorization.k8s.io", "Role"}}) == Stage::kCustom);

  std::vector<ObjectId> ids = {
      {{"admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration"}, "", "v"},
      {{"admissionregistration.k8s.io", "v1", "MutatingWebhookConfiguration"}, "", "m"},
      {{"z.io", "v1", "A"}, "n", "a"},
      {{"batch", "v1", "Job"}, "n", "a"},
      {{"apps", "v1", "Deployment"}, "n", "a"},
      {{"", "v1", "Secret"}, "n", "a"},
      {{"", "v1", "ConfigMap"}, "n", "b"},
      {{"", "v1", "ConfigMap"}, "n", "a"},
      {{"", "v1", "ConfigMap"}, "m", "z"},
      {{"", "v1", "ServiceAccount"}, "n", "a"},
  };
  auto sorted = ids;
  std::reverse(ids.begin(), ids.end());
  std::sort(ids.begin(), ids.end(),
            [](const ObjectId& a, const ObjectId& b) { return apply::apply_order(a, b) < 0; });
  std::reverse(sorted.begin(), sorted.end());
  // Jobs come before custom kinds of later groups; both have rank 0.
  CHECK(ids == sorted);
}

TEST_CASE("health: the rules of kstatus") {
  struct Case {
    const char *name, *object, *status, *message;
  };
  const Case cases[] = {
      {"terminating",
       "{kind: X, apiVersion: v1, metadata: {deletionTimestamp: \"2026-01-01T00:00:00Z\"}}",
       "Terminating", "Resource scheduled for deletion"},
      {"generation not observed",
       "{kind: X, apiVersion: a/v1, metadata: {generation: 2}, status: {observedGeneration: 1}}",
       "InProgress", "X generation is 2, but latest observed generation is 1"},
      {"no observedGeneration", "{kind: X, apiVersion: a/v1, metadata: {generation: 2}}", "Current",
       "Resource is current"},
      {"reconciling",
       "{kind: X, apiVersion: a/v1, status: {conditions: [{type: Reconciling, status: \"True\", "
       "message: m}]}}",
       "InProgress", "m"},
      {"stalled",
       "{kind: X, apiVersion: a/v1, status: {conditions: [{type: Stalled, status: \"True\", "
       "message: m}]}}",
       "Failed", "m"},
      {"not reconciling",
       "{kind: X, apiVersion: a/v1, status: {conditions: [{type: Reconciling, status: "
       "\"False\"}]}}",
       "Current", "Resource is current"},
      {"ready",
       "{kind: X, apiVersion: a/v1, status: {conditions: [{type: Ready, status: \"True\"}]}}",
       "Current", "Resource is Ready"},
      {"not ready",
       "{kind: X, apiVersion: a/v1, status: {conditions: [{type: Ready, status: \"False\", "
       "message: m}]}}",
       "InProgress", "m"},
      {"ready unknown",
       "{kind: X, apiVersion: a/v1, status: {conditions: [{type: Ready, status: Unknown, message: "
       "m}]}}",
       "InProgress", "m"},
      {"config map", "{kind: ConfigMap, apiVersion: v1}", "Current", "Resource is always ready"},
      {"cron job", "{kind: CronJob, apiVersion: batch/v1}", "Current", "Resource is always ready"},

      {"deployment: new", "{kind: Deployment, apiVersion: apps/v1}", "InProgress", "Replicas: 0/1"},
      {"deployment: deadline",
       "{kind: Deployment, apiVersion: apps/v1, spec: {progressDeadlineSeconds: 5}, status: "
       "{conditions: [{type: Progressing, status: \"False\", reason: ProgressDeadlineExceeded}]}}",
       "Failed", "Progress deadline exceeded"},
      {"deployment: updating",
       "{kind: Deployment, apiVersion: apps/v1, spec: {replicas: 2}, status: {replicas: 2, "
       "updatedReplicas: 1}}",
       "InProgress", "Updated: 1/2"},
      {"deployment: extra",
       "{kind: Deployment, apiVersion: apps/v1, spec: {replicas: 1}, status: {replicas: 3, "
       "updatedReplicas: 1}}",
       "InProgress", "Pending termination: 2"},
      {"deployment: unavailable",
       "{kind: Deployment, apiVersion: apps/v1, status: {replicas: 1, updatedReplicas: 1}}",
       "InProgress", "Available: 0/1"},
      {"deployment: unready",
       "{kind: Deployment, apiVersion: apps/v1, status: {replicas: 1, updatedReplicas: 1, "
       "availableReplicas: 1}}",
       "InProgress", "Ready: 0/1"},
      {"deployment: no condition",
       "{kind: Deployment, apiVersion: apps/v1, status: {replicas: 1, updatedReplicas: 1, "
       "availableReplicas: 1, readyReplicas: 1}}",
       "InProgress", "Deployment not Available"},
      {"deployment: set not there",
       "{kind: Deployment, apiVersion: apps/v1, spec: {progressDeadlineSeconds: 600}, status: "
       "{replicas: 1, updatedReplicas: 1, availableReplicas: 1, readyReplicas: 1}}",
       "InProgress", "ReplicaSet not Available"},
      {"deployment: good",
       "{kind: Deployment, apiVersion: apps/v1, spec: {progressDeadlineSeconds: 600}, status: "
       "{replicas: 1, updatedReplicas: 1, availableReplicas: 1, readyReplicas: 1, conditions: "
       "[{type: Progressing, status: \"True\", reason: NewReplicaSetAvailable}, {type: Available, "
       "status: \"True\"}]}}",
       "Current", "Deployment is available. Replicas: 1"},

      {"stateful set: on delete",
       "{kind: StatefulSet, apiVersion: apps/v1, spec: {updateStrategy: {type: OnDelete}}}",
       "Current", "StatefulSet is using the ondelete update strategy"},
      {"stateful set: few",
       "{kind: StatefulSet, apiVersion: apps/v1, spec: {replicas: 2}, status: {replicas: 1}}",
       "InProgress", "Replicas: 1/2"},
      {"stateful set: unready", "{kind: StatefulSet, apiVersion: apps/v1, status: {replicas: 1}}",
       "InProgress", "Ready: 0/1"},
      {"stateful set: partition",
       "{kind: StatefulSet, apiVersion: apps/v1, spec: {replicas: 4, updateStrategy: "
       "{rollingUpdate: {partition: 2}}}, status: {replicas: 4, readyReplicas: 4, updatedReplicas: "
       "1}}",
       "InProgress", "updated: 1/2"},
      {"stateful set: partition done",
       "{kind: StatefulSet, apiVersion: apps/v1, spec: {replicas: 4, updateStrategy: "
       "{rollingUpdate: {partition: 2}}}, status: {replicas: 4, readyReplicas: 4, updatedReplicas: "
       "2}}",
       "Current", "Partition rollout complete. updated: 2"},
      {"stateful set: current",
       "{kind: StatefulSet, apiVersion: apps/v1, status: {replicas: 1, readyReplicas: 1}}",
       "InProgress", "current: 0/1"},
      {"stateful set: revisions",
       "{kind: StatefulSet, apiVersion: apps/v1, status: {replicas: 1, readyReplicas: 1, "
       "currentReplicas: 1, currentRevision: a, updateRevision: b}}",
       "InProgress", "Waiting for updated revision to match current"},
      {"stateful set: good",
       "{kind: StatefulSet, apiVersion: apps/v1, status: {replicas: 1, readyReplicas: 1, "
       "currentReplicas: 1, currentRevision: a, updateRevision: a}}",
       "Current", "All replicas scheduled as expected. Replicas: 1"},

      {"daemon set: no generation", "{kind: DaemonSet, apiVersion: apps/v1}", "InProgress",
       "DaemonSet metadata.generation not found"},
      {"daemon set: not observed",
       "{kind: DaemonSet, apiVersion: apps/v1, metadata: {generation: 1}}", "InProgress",
       "DaemonSet status.observedGeneration not found"},
      {"daemon set: no number",
       "{kind: DaemonSet, apiVersion: apps/v1, metadata: {generation: 1}, status: "
       "{observedGeneration: 1}}",
       "InProgress", "Missing .status.desiredNumberScheduled"},
      {"daemon set: good",
       "{kind: DaemonSet, apiVersion: apps/v1, metadata: {generation: 1}, status: "
       "{observedGeneration: 1, desiredNumberScheduled: 2, currentNumberScheduled: 2, "
       "updatedNumberScheduled: 2, numberAvailable: 2, numberReady: 2}}",
       "Current", "All replicas scheduled as expected. Replicas: 2"},
      {"daemon set: unready",
       "{kind: DaemonSet, apiVersion: apps/v1, metadata: {generation: 1}, status: "
       "{observedGeneration: 1, desiredNumberScheduled: 2, currentNumberScheduled: 2, "
       "updatedNumberScheduled: 2, numberAvailable: 2, numberReady: 1}}",
       "InProgress", "Ready: 1/2"},

      {"replica set: failure",
       "{kind: ReplicaSet, apiVersion: apps/v1, status: {conditions: [{type: ReplicaFailure, "
       "status: \"True\"}]}}",
       "InProgress", "Replica Failure condition. Check Pods"},
      {"replica set: labels", "{kind: ReplicaSet, apiVersion: apps/v1}", "InProgress",
       "Labelled: 0/1"},
      {"replica set: good",
       "{kind: ReplicaSet, apiVersion: apps/v1, status: {replicas: 1, readyReplicas: 1, "
       "availableReplicas: 1, fullyLabeledReplicas: 1}}",
       "Current", "ReplicaSet is available. Replicas: 1"},

      {"claim: pending", "{kind: PersistentVolumeClaim, apiVersion: v1, status: {phase: Pending}}",
       "InProgress", "PVC is not Bound. phase: Pending"},
      {"claim: new", "{kind: PersistentVolumeClaim, apiVersion: v1}", "InProgress",
       "PVC is not Bound. phase: unknown"},
      {"claim: bound", "{kind: PersistentVolumeClaim, apiVersion: v1, status: {phase: Bound}}",
       "Current", "PVC is Bound"},

      {"pod: new", "{kind: Pod, apiVersion: v1}", "InProgress", "Pod phase not available"},
      {"pod: pending", "{kind: Pod, apiVersion: v1, status: {phase: Pending}}", "InProgress",
       "Pod is in the Pending phase"},
      {"pod: unschedulable",
       "{kind: Pod, apiVersion: v1, metadata: {creationTimestamp: \"2020-01-01T00:00:00Z\"}, "
       "status: {phase: Pending, conditions: [{type: PodScheduled, status: \"False\", reason: "
       "Unschedulable}]}}",
       "Failed", "Pod could not be scheduled"},
      {"pod: ready",
       "{kind: Pod, apiVersion: v1, status: {phase: Running, conditions: [{type: Ready, status: "
       "\"True\"}]}}",
       "Current", "Pod is Ready"},
      {"pod: running", "{kind: Pod, apiVersion: v1, status: {phase: Running}}", "InProgress",
       "Pod is running but is not Ready"},
      {"pod: crash loop",
       "{kind: Pod, apiVersion: v1, status: {phase: Running, containerStatuses: [{name: a, state: "
       "{waiting: {reason: CrashLoopBackOff}}}, {name: b, state: {waiting: {reason: "
       "CrashLoopBackOff}}}]}}",
       "Failed", "Containers in CrashLoop state: a,b"},
      {"pod: done", "{kind: Pod, apiVersion: v1, status: {phase: Succeeded}}", "Current",
       "Pod has completed successfully"},
      {"pod: failed", "{kind: Pod, apiVersion: v1, status: {phase: Failed}}", "Current",
       "Pod has completed, but not successfully"},
      {"pod: odd", "{kind: Pod, apiVersion: v1, status: {phase: Odd}}", "Unknown",
       "unknown phase Odd"},

      {"budget", "{kind: PodDisruptionBudget, apiVersion: policy/v1}", "Current",
       "AllowedDisruptions has been computed."},
      {"job: new", "{kind: Job, apiVersion: batch/v1, spec: {parallelism: 2}}", "InProgress",
       "Job not started. active: 0/2"},
      {"job: running", "{kind: Job, apiVersion: batch/v1, status: {startTime: x, active: 1}}",
       "InProgress", "Job in progress. success:0, active: 1, failed: 0"},
      {"job: complete",
       "{kind: Job, apiVersion: batch/v1, spec: {completions: 1}, status: {succeeded: 1, "
       "conditions: [{type: Complete, status: \"True\"}]}}",
       "Current", "Job Completed. succeeded: 1/1"},
      {"job: failed",
       "{kind: Job, apiVersion: batch/v1, status: {failed: 3, conditions: [{type: Failed, status: "
       "\"True\"}]}}",
       "Failed", "Job Failed. failed: 3/1"},
      {"job: suspended", "{kind: Job, apiVersion: batch/v1, spec: {suspend: true}}", "Current",
       "Job is suspended"},

      {"service", "{kind: Service, apiVersion: v1}", "Current", "Service is ready"},
      {"load balancer", "{kind: Service, apiVersion: v1, spec: {type: LoadBalancer}}", "InProgress",
       "ClusterIP not set. Service type: LoadBalancer"},
      {"load balancer with address",
       "{kind: Service, apiVersion: v1, spec: {type: LoadBalancer, clusterIP: 10.0.0.1}}",
       "Current", "Service is ready"},

      {"definition: new", "{kind: CustomResourceDefinition, apiVersion: apiextensions.k8s.io/v1}",
       "InProgress", "Install in progress"},
      {"definition: installing",
       "{kind: CustomResourceDefinition, apiVersion: apiextensions.k8s.io/v1, status: {conditions: "
       "[{type: Established, status: \"False\", reason: Installing}]}}",
       "InProgress", "Install in progress"},
      {"definition: names taken",
       "{kind: CustomResourceDefinition, apiVersion: apiextensions.k8s.io/v1, status: {conditions: "
       "[{type: NamesAccepted, status: \"False\", message: taken}]}}",
       "Failed", "taken"},
      {"definition: good",
       "{kind: CustomResourceDefinition, apiVersion: apiextensions.k8s.io/v1, status: {conditions: "
       "[{type: NamesAccepted, status: \"True\"}, {type: Established, status: \"True\"}]}}",
       "Current", "CRD is established"},
  };
  for (const Case& each : cases) {
    CAPTURE(each.name);
    const Document object = document(each.object);
    const apply::Health health = apply::health(object.root());
    CHECK(apply::health_name(health.status) == each.status);
    CHECK(health.message == each.message);
  }
}

TEST_CASE("health: a Pod may stay unschedulable for fifteen seconds") {
  const Document pod = document(
      "{kind: Pod, apiVersion: v1, metadata: {creationTimestamp: \"2026-01-01T00:00:00Z\"}, "
      "status: "
      "{phase: Pending, conditions: [{type: PodScheduled, status: \"False\", reason: "
      "Unschedulable}]}}");
  const WallTime created(std::chrono::sys_days(std::chrono::year(2026) / 1 / 1));
  CHECK(apply::health(pod.root(), created + std::chrono::seconds(14)).status ==
        apply::HealthStatus::kInProgress);
  CHECK(apply::health(pod.root(), created + std::chrono::seconds(16)).status ==
        apply::HealthStatus::kFailed);
}

TEST_CASE("switches: labels or annotations, letter case aside") {
  const auto has = [](const char* object) {
    return apply::has_switch(document(object).root(), "k/ssa", "Merge");
  };
  CHECK(has("{metadata: {labels: {k/ssa: merge}}}"));
  CHECK(has("{metadata: {annotations: {k/ssa: MERGE}}}"));
  CHECK_FALSE(has("{metadata: {annotations: {k/ssa: Merged}}}"));
  CHECK_FALSE(has("{metadata: {annotations: {k/ssa: \"\"}}}"));
  CHECK_FALSE(has("{}"));
}

TEST_CASE("managed fields: unions keep members that have children") {
  struct Case {
    const char *a, *b, *both;
  };
  const Case cases[] = {
      {"{\"f:a\": {}}", "{\"f:b\": {}}", R"({"f:a":{},"f:b":{}})"},
      {"{\"f:a\": {}}", "{\"f:a\": {\"f:x\": {}}}", R"({"f:a":{".":{},"f:x":{}}})"},
      {"{\"f:a\": {\"f:x\": {}}}", "{\"f:a\": {}}", R"({"f:a":{".":{},"f:x":{}}})"},
      {"{\"f:a\": {\".\": {}, \"f:x\": {}}}", "{\"f:a\": {\"f:y\": {}}}",
       R"({"f:a":{".":{},"f:x":{},"f:y":{}}})"},
      {"{\"f:a\": {\"f:x\": {}}}", "{\"f:a\": {\"f:x\": {}}}", R"({"f:a":{"f:x":{}}})"},
  };
  for (const Case& each : cases) {
    Document a = document(each.a);
    apply::merge_fields(a.root(), document(each.b).root());
    CHECK(json(a.root()) == each.both);
  }
}

TEST_CASE("managed fields: what is taken over, and what is not") {
  const auto patch = [](const std::string& entries, const char* metadata = "") {
    const Document live = document("{metadata: {resourceVersion: \"7\"" + std::string(metadata) +
                                   ", managedFields: [" + entries + "]}}");
    return json(apply::cleanup_patch(live.root(), options()).root());
  };
  const std::string lock = R"({"op":"replace","path":"/metadata/resourceVersion","value":"7"})";
  const auto replaced = [&](const std::string& entries) {
    return R"([{"op":"replace","path":"/metadata/managedFields","value":[)" + entries + "]}," +
           lock + "]";
  };
  const std::string ours =
      "{manager: kustomize-controller, operation: Apply, fieldsV1: {\"f:a\": {}}}";
  CHECK(patch(ours) == "[]");
  CHECK(patch(ours + ", {manager: other, operation: Update, fieldsV1: {\"f:b\": {}}}") == "[]");
  CHECK(patch(ours + ", {manager: kubectl-edit, operation: Update, subresource: status}") == "[]");
  CHECK(
      patch("{manager: kubectl, operation: Apply, fieldsV1: {\"f:a\": {}}}") ==
      replaced(R"({"fieldsV1":{"f:a":{}},"manager":"kustomize-controller","operation":"Apply"})"));
  CHECK(
      patch("{manager: kubectl-create, operation: Update, fieldsV1: {\"f:b\": {}}}, {manager: "
            "x, operation: Update}, " +
            ours) ==
      replaced(
          R"({"manager":"x","operation":"Update"},{"fieldsV1":{"f:a":{},"f:b":{}},"manager":"kustomize-controller","operation":"Apply"})"));
  for (const char* manager : {"before-first-apply", "kustomize-controller"}) {
    CHECK(patch("{manager: " + std::string(manager) + ", operation: Update, fieldsV1: {}}") !=
          "[]");
  }
  CHECK(patch("{manager: before-first-apply, operation: Apply, fieldsV1: {}}") == "[]");
  CHECK(
      patch("", ", annotations: {kubectl.kubernetes.io/last-applied-configuration: x, keep: y}") ==
      R"([{"op":"remove","path":"/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration"},)" +
          lock + "]");
}

TEST_CASE("signature: status writers do not change it, everybody else does") {
  const auto of = [](const std::string& metadata) {
    return apply::signature(document("{metadata: {" + metadata + "}}").root());
  };
  CHECK(of("resourceVersion: \"1\"") != of("resourceVersion: \"2\""));  // kinds without generation
  const std::string base =
      "generation: 1, labels: {a: b}, managedFields: [{manager: m, operation: "
      "Apply, time: \"1\", fieldsV1: {}}";
  const std::string one = of(base + "], resourceVersion: \"1\"");
  CHECK(one == of(base + "], resourceVersion: \"2\""));
  CHECK(one == of(base + ", {manager: s, operation: Update, subresource: status}]"));
  CHECK(one != of(base + ", {manager: s, operation: Update}]"));
  CHECK(one != of("generation: 2, labels: {a: b}, managedFields: [{manager: m, operation: Apply, "
                  "fieldsV1: {}}]"));
  CHECK(one != of(base + "], annotations: {x: y}"));
}

TEST_CASE("drift: labels, annotations and content, but not status or the rest of metadata") {
  const auto drifted = [](const std::string& live, const std::string& dry_run) {
    return apply::has_drifted(document(live).root(), document(dry_run).root());
  };
  const std::string base = "{metadata: {resourceVersion: \"1\", labels: {a: b}}, spec: {x: 1}}";
  CHECK_FALSE(drifted(base, base));
  CHECK_FALSE(drifted(base,
                      "{metadata: {resourceVersion: \"1\", labels: {a: b}, annotations: {}, "
                      "managedFields: []}, spec: {x: 1}, status: {y: 1}}"));
  CHECK(drifted(base, "{metadata: {labels: {a: b}}, spec: {x: 1}}"));  // it would be created
  CHECK(drifted(base, "{metadata: {resourceVersion: \"1\", labels: {a: c}}, spec: {x: 1}}"));
  CHECK(drifted(base, "{metadata: {resourceVersion: \"1\", labels: {a: b}}, spec: {x: 2}}"));
  CHECK(drifted(base, "{metadata: {resourceVersion: \"1\", labels: {a: b}}}"));
  CHECK(
      drifted(base, "{metadata: {resourceVersion: \"1\", labels: {a: b}}, spec: {x: 1}, data: 1}"));
}

TEST_CASE("already applied: our fields and values are exactly what we would send") {
  const auto is_applied = [](const std::string& body, const std::string& live) {
    return apply::is_already_applied(document(body).root(), document(live).root(),
                                     "kustomize-controller");
  };
  const auto live = [](const std::string& fields, const std::string& content,
                       const char* entry =
                           "manager: kustomize-controller, operation: Apply, "
                           "apiVersion: v1") {
    return "{apiVersion: v1, kind: X, metadata: {name: n, uid: u, labels: {a: b, other: c}, "
           "managedFields: [{manager: z, operation: Update, fieldsV1: {}}, {" +
           std::string(entry) + ", fieldsV1: {\"f:metadata\": {\"f:labels\": {\"f:a\": {}}}" +
           fields + "}}]}" + content + "}";
  };
  const auto body = [](const std::string& content) {
    return "{apiVersion: v1, kind: X, metadata: {name: n, labels: {a: b}}" + content + "}";
  };
  CHECK(is_applied(body(""), live("", "")));
  CHECK(is_applied(body(", data: {k: \"1\"}"),
                   live(", \"f:data\": {\".\": {}, \"f:k\": {}}", ", data: {k: \"1\", x: y}")));
  CHECK_FALSE(is_applied(body(", data: {k: \"1\"}"),
                         live(", \"f:data\": {\"f:k\": {}}", ", data: {k: \"2\"}")));
  CHECK_FALSE(is_applied(body(", data: {k: \"1\"}"), live("", ", data: {k: \"1\"}")));
  CHECK_FALSE(is_applied(body(""), live(", \"f:data\": {\"f:k\": {}}", ", data: {k: \"1\"}")));
  CHECK_FALSE(is_applied(body(", data: {k: \"1\", l: \"2\"}"),
                         live(", \"f:data\": {\"f:k\": {}}", ", data: {k: \"1\", l: \"2\"}")));
  for (const char* entry :
       {"manager: other, operation: Apply, apiVersion: v1",
        "manager: kustomize-controller, operation: Update, apiVersion: v1",
        "manager: kustomize-controller, operation: Apply, apiVersion: v2",
        "manager: kustomize-controller, operation: Apply, apiVersion: v1, subresource: status"}) {
    CHECK_FALSE(is_applied(body(""), live("", "", entry)));
  }
  // Lists by key: every item is ours and in our order; whole lists compare as they are.
  const std::string keyed =
      ", \"f:p\": {'k:{\"n\":1}': {\".\": {}, \"f:n\": {}, \"f:v\": {}}, 'k:{\"n\":2}': {\".\": "
      "{}, "
      "\"f:n\": {}}}";
  CHECK(is_applied(body(", p: [{n: 1, v: x}, {n: 2}]"),
                   live(keyed, ", p: [{n: 1, v: x, d: 1}, {n: 3}, {n: 2}]")));
  CHECK_FALSE(
      is_applied(body(", p: [{n: 2}, {n: 1, v: x}]"), live(keyed, ", p: [{n: 1, v: x}, {n: 2}]")));
  CHECK_FALSE(is_applied(body(", p: [{n: 1, v: x}]"), live(keyed, ", p: [{n: 1, v: x}, {n: 2}]")));
  CHECK_FALSE(
      is_applied(body(", p: [{n: 1, v: y}, {n: 2}]"), live(keyed, ", p: [{n: 1, v: x}, {n: 2}]")));
  CHECK_FALSE(is_applied(body(", p: [{n: 1, v: x}, {n: 2}]"), live(keyed, ", p: [{n: 1, v: x}]")));
  CHECK(is_applied(body(", p: [a, b]"), live(", \"f:p\": {}", ", p: [a, b]")));
  CHECK_FALSE(is_applied(body(", p: [a]"), live(", \"f:p\": {}", ", p: [a, b]")));
  const std::string set = ", \"f:p\": {'v:\"a\"': {}, 'v:\"b\"': {}}";
  CHECK(is_applied(body(", p: [a, b]"), live(set, ", p: [a, x, b]")));
  CHECK_FALSE(is_applied(body(", p: [b, a]"), live(set, ", p: [a, b]")));
  CHECK_FALSE(is_applied(body(", p: [a, a]"), live(set, ", p: [a, b]")));
  Document leaf = document(body(", data: {}"));
  leaf.root().get("data").put_leaf("k",
                                   {Digest(), "x", yaml::Kind::kString, yaml::LeafEncoding::kNone});
  CHECK_FALSE(apply::is_already_applied(
      leaf.root(), document(live(", \"f:data\": {\"f:k\": {}}", ", data: {k: \"1\"}")).root(),
      "kustomize-controller"));
}

TEST_CASE("ignore rules: compared without, stripped for other appliers, adopted otherwise") {
  const auto rules = apply::IgnoreRules::compile(
      {{.paths = {"/spec/replicas", "/spec/c/0/cpu"}, .kind = "Dep.*"}});
  REQUIRE_OK(rules);
  const auto object = [](const char* replicas, const char* cpu, const char* managers) {
    return document(
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: n, resourceVersion: "
        "\"1\", managedFields: [" +
        std::string(managers) + "]}, spec: {replicas: " + replicas +
        ", c: [{name: main, cpu: " + cpu + "}]}}");
  };
  const char* other =
      "{manager: vpa, operation: Apply, fieldsV1: {\"f:spec\": {\"f:c\": {'k:{\"name\":\"main\"}': "
      "{\"f:cpu\": {}}}}}}";
  const Document live = object("5", "9", other);
  const Document wanted = object("1", "2", "");
  CHECK_FALSE(rules->has_drifted(live.root(), wanted.root()));
  CHECK(apply::has_drifted(live.root(), wanted.root()));
  const Document patch = rules->patch_for(live.root(), wanted.root(), "kustomize-controller");
  CHECK(json(patch.root()) == R"([{"path":"/spec/replicas","value":5},{"path":"/spec/c/0/cpu"}])");
  Document body = object("1", "2", "");
  apply::IgnoreRules::adjust(body.root(), patch.root());
  CHECK(json(body.root().get("spec")) == R"({"c":[{"name":"main"}],"replicas":5})");
  CHECK_FALSE(apply::IgnoreRules::compile({{.paths = {"spec"}}}).has_value());
  CHECK_FALSE(apply::IgnoreRules::compile({{.paths = {"/a"}, .kind = "("}}).has_value());
  CHECK_FALSE(
      apply::IgnoreRules::compile({{.paths = {"/a"}, .label_selector = "a in ("}}).has_value());
}

TEST_CASE("undeclared fields: what the server names is dropped, in built-in kinds only") {
  const char* text =
      "{spec: {foo: 1, template: {c: [{name: \"a\", bar: {}}, {name: \"b\", bar: {}}]}, ports: "
      "[{containerPort: 80, protocol: TCP, baz: 1}], list: [{}, {x: 1}]}}";
  const Gvk gvk = Gvk::from("apps/v1", "Deployment");
  Document body = document(text);
  CHECK(apply::drop_undeclared(
      body.root(), gvk,
      "failed to create typed patch object (n/a; apps/v1, Kind=Deployment): errors:\n  .spec.foo: "
      "field not declared in schema\n  .spec.template.c[name=\"b\"].bar: field not declared in "
      "schema\n  .spec.ports[containerPort=80,protocol=\"TCP\"].baz: field not declared in schema\n"
      "  .spec.list[1].x: field not declared in schema"));
  CHECK(
      json(body.root()) ==
      R"({"spec":{"list":[{},{}],"ports":[{"containerPort":80,"protocol":"TCP"}],"template":{"c":[{"bar":{},"name":"a"},{"name":"b"}]}}})");
  for (const char* message :
       {"", "field not declared in schema", ".spec.none: field not declared in schema",
        ".spec.list[7].x: field not declared in schema", ".spec[: field not declared in schema",
        "spec: field not declared in schema", ".spec.list[x].y: field not declared in schema"}) {
    CAPTURE(message);
    Document same = document(text);
    CHECK_FALSE(apply::drop_undeclared(same.root(), gvk, message));
  }
  Document custom = document(text);
  CHECK_FALSE(apply::drop_undeclared(custom.root(), Gvk::from("example.com/v1", "Widget"),
                                     ".spec.foo: field not declared in schema"));
}

TEST_CASE("prepare: owner labels, common metadata, and what Flux's typed conversion does") {
  apply::ApplyOptions with = options();
  with.common_labels = {{"team", "blue"}};
  with.common_annotations = {{"note", "hi"}};
  const auto secret = prepare(
      "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: n, creationTimestamp: "
      "\"2020-01-01T00:00:00Z\", labels: null}\ndata: {a: YQ==, b: eA==}\nstringData: {b: two}\n"
      "status: {x: 1}\n",
      with);
  REQUIRE_OK(secret);
  CHECK(
      json(secret->body.root()) ==
      R"({"apiVersion":"v1","data":{"a":"YQ==","b":"dHdv"},"kind":"Secret","metadata":{"annotations":{"note":"hi"},"labels":{"kustomize.toolkit.fluxcd.io/name":"app","kustomize.toolkit.fluxcd.io/namespace":"flux","team":"blue"},"name":"s","namespace":"n"}})");
  const auto service = prepare(
      "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 1}, {port: 2, "
      "protocol: UDP}], selector: null}\n");
  REQUIRE_OK(service);
  CHECK(json(service->body.root().get("spec")) ==
        R"({"ports":[{"port":1,"protocol":"TCP"},{"port":2,"protocol":"UDP"}]})");
  const auto custom = prepare(
      "apiVersion: example.com/v1\nkind: W\nmetadata: {name: s}\nspec: {a: null}\nstatus: {}\n");
  REQUIRE_OK(custom);
  CHECK(json(custom->body.root().get("spec")) == R"({"a":null})");  // its schema may allow it
  CHECK_FALSE(custom->body.root().get("status").exists());
  const auto role = prepare(
      "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: s}\nrules: "
      "null\n");
  REQUIRE_OK(role);
  CHECK(role->body.root().get("rules").is_null());
}

TEST_CASE("prepare: an encrypted stringData leaf becomes a base64 leaf of data") {
  Document body = document("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {}\n");
  body.root()
      .get("stringData")
      .put_leaf("k", {Digest(), "stringData:k", yaml::Kind::kString, yaml::LeafEncoding::kNone});
  const auto desired = apply::prepare({{Gvk::from("v1", "Secret"), "", "s"}, std::move(body)},
                                      options(), apply::Switches("g"), apply::digest_of(options()));
  REQUIRE_OK(desired);
  const Node leaf = desired->body.root().find("data", "k");
  REQUIRE(leaf.is_encrypted());
  CHECK(leaf.leaf().encoding == yaml::LeafEncoding::kBase64);
  CHECK_FALSE(desired->body.root().get("stringData").exists());
}

TEST_CASE("prepare: an unusable CA bundle of a conversion webhook is dropped") {
  const auto bundle = [](const std::string& value) {
    const auto crd = prepare(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: c}\n"
        "spec: {conversion: {webhook: {clientConfig: {caBundle: \"" +
        value + "\"}}}}\n");
    REQUIRE_OK(crd);
    return crd->body.root()
        .find("spec", "conversion", "webhook", "clientConfig", "caBundle")
        .exists();
  };
  CHECK_FALSE(bundle("Cg=="));
  CHECK_FALSE(bundle("not base64"));
  CHECK(bundle(""));
  CHECK(bundle("LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCmEKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo="));
}

TEST_CASE("prepare: ciphertext is refused unless decryption is disabled for the object") {
  const char* secret =
      "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: n%}\ndata: {a: "
      "\"ENC[AES256_GCM,data:x]\"}\n";
  const auto with = [&](const char* annotations) {
    std::string text = secret;
    text.replace(text.find('%'), 1, annotations);
    return prepare(text);
  };
  CHECK(with("").error().message() ==
        "Secret/n/s is SOPS encrypted, configuring decryption is required for this secret to be "
        "reconciled");
  CHECK(with(", annotations: {kustomize.toolkit.fluxcd.io/decrypt: disabled}").has_value());
  const auto map =
      prepare("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: s}\nsops: {mac: x}\n");
  CHECK(map.error().message().find("required for this object") != std::string::npos);
  CHECK(prepare("apiVersion: v1\nkind: HelmRelease\nmetadata: {name: s}\nspec: {values: {a: "
                "\"ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]\"}}\n")
            .error()
            .code() == Code::kInvalid);
  // A ConfigMap may show what ciphertext looks like, and may carry an encrypted file as text.
  CHECK(prepare("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: s}\ndata: {f: "
                "\"ENC[AES256_GCM,data:…] is what sops writes\"}\n")
            .has_value());
  CHECK(prepare("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: s}\ndata: {f: \"a: "
                "ENC[AES256_GCM,data:x]\"}\n")
            .has_value());
}

TEST_CASE("prepare: refused ciphertext names its place and the keys that would open it") {
  FileTable files;
  const FileId file = files.add("apps/db.yaml");
  const auto read = yaml::read_yaml(
      "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nsops:\n  age:\n  - recipient: age1abc\n"
      "  hc_vault:\n  - {vault_address: https://v:8200, engine_path: sops, key_name: k}\n  mac: "
      "x\n",
      file);
  REQUIRE_OK(read);
  const auto refused =
      apply::prepare({{Gvk::from("v1", "Secret"), "", "s"}, read->front()}, options(),
                     apply::Switches("g"), apply::digest_of(options()), &files);
  REQUIRE_FALSE(refused.has_value());
  CHECK(
      refused.error().hint() ==
      "it is in apps/db.yaml:5:3; age \"age1abc\", hc_vault \"https://v:8200/v1/sops/keys/k\" open "
      "it; set spec.decryption of the Kustomization");
}

TEST_CASE("prepare: the digest follows content, leaves and options") {
  const auto digest = [](std::string_view text, const apply::ApplyOptions& with = options()) {
    return prepare(text, with)->digest;
  };
  const char* base = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: s}\ndata: {a: \"1\"}\n";
  CHECK(digest(base) == digest(base));
  CHECK(digest(base) !=
        digest("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: s}\ndata: {a: \"2\"}\n"));
  CHECK(digest(base) !=
        digest("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: s}\ndata: {a: 1}\n"));
  apply::ApplyOptions other = options();
  other.owner_name = "b";
  CHECK(digest(base) != digest(base, other));
  other = options();
  other.ignore = {{.paths = {"/data"}}};
  CHECK(digest(base) != digest(base, other));
  const auto leaf = [](const char* selector) {
    Document body = document("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: s}\ndata: {}\n");
    body.root().get("data").put_leaf(
        "a", {Digest(), selector, yaml::Kind::kString, yaml::LeafEncoding::kNone});
    return apply::prepare({{Gvk::from("v1", "ConfigMap"), "", "s"}, std::move(body)}, options(),
                          apply::Switches("g"), apply::digest_of(options()))
        ->digest;
  };
  CHECK(leaf("x") == leaf("x"));
  CHECK(leaf("x") != leaf("y"));
}
