/// The schema table: kyaml/openapi, facts of Kubernetes v1.21.2.
#include "kustomize/schema.hpp"

#include "text_case.hpp"

using namespace sluice;
using namespace sluice::kustomize;
using Keys = std::vector<std::string>;

namespace {

SchemaNode pod_spec(const Schema& schema) {
  return schema.of({"apps", "v1", "Deployment"}).field("spec").field("template").field("spec");
}

constexpr std::string_view kCustom = R"(
definitions:
  v1.Widget:
    properties:
      spec: {$ref: '#/definitions/v1.Spec'}
      template: {$ref: '#/definitions/io.k8s.api.core.v1.PodTemplateSpec'}
    x-kubernetes-group-version-kind: [{group: example.com, version: v1, kind: Widget}]
  v1.Spec:
    properties:
      items: {type: array, items: {$ref: '#/definitions/v1.Item'}, x-kubernetes-patch-strategy: merge, x-kubernetes-patch-merge-key: name}
      pairs: {type: array, x-kubernetes-patch-strategy: merge, x-kubernetes-list-map-keys: [a, b]}
      set: {type: array, x-kubernetes-patch-strategy: 'retainKeys,merge'}
      keys: {type: array, x-kubernetes-patch-merge-key: name}
      loop: {$ref: '#/definitions/v1.Loop'}
    additionalProperties: {$ref: '#/definitions/v1.Item'}
  v1.Item:
    properties: {list: {type: array, x-kubernetes-patch-strategy: merge, x-kubernetes-patch-merge-key: k}}
  v1.Loop: {$ref: '#/definitions/v1.Loop'}
paths:
  /apis/example.com/v1/globals: {get: {x-kubernetes-group-version-kind: {group: example.com, version: v1, kind: Global}}}
  /apis/example.com/v1/namespaces/{namespace}/widgets: {get: {x-kubernetes-group-version-kind: {group: example.com, version: v1, kind: Widget}}}
  /apis/example.com/v1/widgets: {get: {x-kubernetes-group-version-kind: {group: example.com, version: v1, kind: Widget}}}
  /api/v1/secrets: {get: {x-kubernetes-group-version-kind: {group: '', version: v1, kind: Secret}}}
)";

}  // namespace

TEST_CASE("lists of built-in kinds merge by the keys of the API") {
  const Schema schema;
  const SchemaNode pod = pod_spec(schema);
  CHECK(pod.field("containers").merges());
  CHECK(pod.field("containers").merge_keys() == Keys{"name"});
  const SchemaNode container = pod.field("containers").elements();
  CHECK(container.field("env").merge_keys() == Keys{"name"});
  CHECK(container.field("ports").merge_keys() == Keys{"containerPort", "protocol"});
  CHECK(container.field("volumeMounts").merge_keys() == Keys{"mountPath"});
  CHECK(pod.field("volumes").merges());  // merge,retainKeys
  CHECK(pod.field("topologySpreadConstraints").merge_keys() ==
        Keys{"topologyKey", "whenUnsatisfiable"});
  CHECK_FALSE(pod.field("tolerations").merges());
  CHECK_FALSE(container.field("args").merges());
  const SchemaNode finalizers =
      schema.of({"", "v1", "Secret"}).field("metadata").field("finalizers");
  CHECK(finalizers.merges());
  CHECK(finalizers.merge_keys().empty());
  CHECK(schema.of({"", "v1", "Service"}).field("spec").field("ports").merge_keys() ==
        Keys{"port", "protocol"});
}

TEST_CASE("an unknown kind or field has no schema") {
  const Schema schema;
  CHECK_FALSE(schema.of({"example.com", "v1", "Widget"}).exists());
  CHECK_FALSE(schema.of({"", "v1", "Deployment"}).exists());
  CHECK_FALSE(pod_spec(schema).field("nonsense").elements().merges());
}

TEST_CASE("cluster-scoped are only the kinds known to be so") {
  const Schema schema;
  CHECK(schema.is_cluster_scoped({"", "v1", "Namespace"}));
  CHECK(schema.is_cluster_scoped({"rbac.authorization.k8s.io", "v1", "ClusterRole"}));
  CHECK(schema.is_cluster_scoped(
      {"admissionregistration.k8s.io", "v1", "ValidatingAdmissionPolicy"}));
  CHECK_FALSE(schema.is_cluster_scoped({"", "v1", "Secret"}));
  CHECK_FALSE(schema.is_cluster_scoped({"rbac.authorization.k8s.io", "v9", "ClusterRole"}));
  CHECK_FALSE(schema.is_cluster_scoped({"example.com", "v1", "Widget"}));
}

TEST_CASE("a custom schema replaces the built-in types and keeps known scopes") {
  Schema schema;
  CHECK_OK(schema.use_custom(text_case::parse(kCustom)));
  const SchemaNode spec = schema.of({"example.com", "v1", "Widget"}).field("spec");
  CHECK(spec.field("items").merge_keys() == Keys{"name"});
  CHECK(spec.field("pairs").merge_keys() == Keys{"a", "b"});
  CHECK(spec.field("set").merges());
  CHECK_FALSE(spec.field("keys").merges());  // a key without a strategy does not merge
  CHECK(spec.field("anything").field("list").merge_keys() == Keys{"k"});
  CHECK(spec.field("items").elements().field("list").merges());
  CHECK_FALSE(spec.field("loop").exists());
  CHECK_FALSE(schema.of({"apps", "v1", "Deployment"}).exists());
  CHECK(schema.is_cluster_scoped({"example.com", "v1", "Global"}));
  CHECK_FALSE(schema.is_cluster_scoped({"example.com", "v1", "Widget"}));
  CHECK(schema.is_cluster_scoped({"", "v1", "Namespace"}));
  CHECK_FALSE(schema.is_cluster_scoped({"", "v1", "Secret"}));
}

TEST_CASE(
    "a custom schema that comes after an unknown kind was read stands beside the built-in one") {
  Schema schema;
  CHECK_FALSE(schema.is_cluster_scoped({"example.com", "v1", "Widget"}));
  CHECK_OK(schema.use_custom(text_case::parse(kCustom)));
  CHECK(pod_spec(schema).field("containers").merges());
  const SchemaNode widget = schema.of({"example.com", "v1", "Widget"});
  CHECK(widget.field("spec").field("items").merges());
  CHECK(widget.field("template").field("spec").field("containers").merge_keys() == Keys{"name"});
}

TEST_CASE("a custom schema that comes after a merge stands before the built-in one, type by type") {
  Schema schema;
  CHECK(schema.of({"", "v1", "Pod"}).exists());
  CHECK_OK(schema.use_custom(text_case::parse(
      "definitions: {io.k8s.api.core.v1.PodSpec: {properties: {containers: {type: array}}}}")));
  CHECK(pod_spec(schema).field("containers").exists());
  CHECK_FALSE(pod_spec(schema).field("containers").merges());
  CHECK_FALSE(pod_spec(schema).field("volumes").exists());
  CHECK(schema.of({"", "v1", "Service"}).field("spec").field("ports").merges());
}

TEST_CASE("a custom schema must be a mapping") {
  Schema schema;
  const auto done = schema.use_custom(text_case::parse("[1]"));
  REQUIRE(!done);
  CHECK(done.error().code() == Code::kInvalid);
}
