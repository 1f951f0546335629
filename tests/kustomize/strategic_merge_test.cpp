/// Strategic merge: kyaml/yaml/merge2; expectations come from kustomize 5.8.2.
#include "kustomize/strategic_merge.hpp"

#include "text_case.hpp"

using namespace sluice;
using namespace sluice::kustomize;

namespace {

std::string merge(std::string_view target, std::string_view patch) {
  yaml::Document document = text_case::parse(target);
  const yaml::Document change = text_case::parse(patch);
  const std::string before = text_case::print(change);
  const auto done = strategic_merge(document.root(), change.root(), Schema());
  CHECK(text_case::print(change) == before);
  if (!done) return "error: " + done.error().message();
  return *done == Merged::kDeleted ? "deleted" : text_case::print(std::as_const(document));
}

/// Merges `patch` into `list`, both the value of containers in a Deployment.
std::string merge_pod(std::string_view target, std::string_view patch) {
  const auto wrap = [](std::string_view pod) {
    return "{apiVersion: apps/v1, kind: Deployment, spec: {template: {spec: " + std::string(pod) +
           "}}}";
  };
  yaml::Document document = text_case::parse(wrap(target));
  const yaml::Document change = text_case::parse(wrap(patch));
  const auto done = strategic_merge(document.root(), change.root(), Schema());
  if (!done) return "error: " + done.error().message();
  return text_case::print(std::as_const(document).root().find("spec", "template", "spec"));
}

struct Row {
  std::string_view name, target, patch, want;
};

}  // namespace

TEST_CASE("mappings merge, null deletes, other lists are replaced") {
  const Row rows[] = {
      {"add and replace", "{a: 1, b: {c: 2}}", "{b: {d: 3}, e: 4}",
       "{a: 1, b: {c: 2, d: 3}, e: 4}"},
      {"null deletes", "{a: 1, b: {c: 2}}", "{a: null, b: ~}", "{}"},
      {"null of an absent field adds nothing", "{a: 1}", "{b: null, c: {d: null}}",
       "{a: 1, c: {}}"},
      {"a null that the target spells out stays", "{a: null, b: ~, c: 1}", "{d: 1}",
       "{a: null, b: ~, c: 1, d: 1}"},
      {"a null without text goes", "{a: , c: 1}", "{d: 1}", "{c: 1, d: 1}"},
      {"a list without schema is replaced", "{a: [1, 2]}", "{a: [3]}", "{a: [3]}"},
      {"an empty list replaces", "{a: [1, 2]}", "{a: []}", "{a: []}"},
      {"an empty mapping changes nothing", "{a: {b: 1}}", "{a: {}}", "{a: {b: 1}}"},
      {"delete a mapping", "{a: {b: 1}, c: 1}", "{a: {$patch: delete}}", "{c: 1}"},
      {"replace a mapping", "{a: {b: 1, c: 2}}", "{a: {$patch: replace, d: 3}}", "{a: {d: 3}}"},
      {"merge says what happens anyway", "{a: {b: 1}}", "{a: {$patch: merge, c: 2}}",
       "{a: {b: 1, c: 2}}"},
      {"directives of a new subtree are taken out", "{}",
       "{a: {$patch: replace, b: {$patch: delete}, c: 1}}", "{a: {c: 1}}"},
      {"a quoted target makes the new value a string", "{a: \"8080\", b: 'x', c: x}",
       "{a: 9090, b: true, c: true}", "{a: \"9090\", b: \"true\", c: true}"},
      {"a plain target lets a quoted value be", "{a: 8080}", "{a: \"9090\"}", "{a: \"9090\"}"},
      {"keys match by text", "{1: a}", "{\"1\": null, b: 2}", "{b: 2}"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(merge(row.target, row.patch) == text_case::normal(row.want));
  }
}

TEST_CASE("a whole resource can be deleted, and a replace at its root does nothing") {
  CHECK(merge("{kind: K, a: 1}", "{kind: K, $patch: delete}") == "deleted");
  CHECK(merge("{kind: K, a: 1}", "{kind: K, $patch: replace, b: 1}") ==
        text_case::normal("{kind: K, a: 1}"));
}

TEST_CASE("values of different kinds do not merge") {
  CHECK(merge("{a: {b: 1}}", "{a: x}") ==
        "error: wrong node kind: expected MappingNode but got ScalarNode: node contents:\nx\n");
  CHECK(merge("{a: [1]}", "{a: {b: 1}}") ==
        "error: wrong node kind: expected SequenceNode but got MappingNode: node contents:\n{b: "
        "1}\n");
  CHECK(merge("{a: {b: 1}}", "{a: {$patch: x}}") == "error: unknown patch strategy 'x'");
}

TEST_CASE("list items merge by key; those of the patch come first") {
  const Row rows[] = {
      {"merge and prepend", "{containers: [{name: a, image: x}, {name: b}]}",
       "{containers: [{name: c}, {name: b, image: y}]}",
       "{containers: [{name: c}, {name: b, image: y}, {name: a, image: x}]}"},
      {"delete an item", "{containers: [{name: a}, {name: b}]}",
       "{containers: [{name: a, $patch: delete}]}", "{containers: [{name: b}]}"},
      {"replace a list", "{containers: [{name: a}, {name: b}]}",
       "{containers: [{name: c}, {$patch: replace}]}", "{containers: [{name: c}]}"},
      {"delete a list", "{containers: [{name: a}], x: 1}", "{containers: [{$patch: delete}]}",
       "{x: 1}"},
      {"null deletes a list", "{containers: [{name: a}], x: 1}", "{containers: null}", "{x: 1}"},
      {"an empty patch list keeps items", "{containers: [{name: a}]}", "{containers: []}",
       "{containers: [{name: a}]}"},
      {"a duplicate key keeps the last item in the first place",
       "{containers: [{name: a, image: x}, {name: b}, {name: a, image: y}]}", "{x: 1}",
       "{containers: [{name: a, image: y}, {name: b}], x: 1}"},
      {"two keys tell ports apart, and the target's order wins",
       "{containers: [{name: a, ports: [{containerPort: 80, protocol: TCP}, {containerPort: 80, "
       "protocol: UDP}]}]}",
       "{containers: [{name: a, ports: [{containerPort: 80, protocol: UDP, name: u}]}]}",
       "{containers: [{name: a, ports: [{containerPort: 80, protocol: TCP}, {containerPort: 80, "
       "protocol: UDP, name: u}]}]}"},
      {"an item of the patch without the second key is lost, as in kustomize",
       "{containers: [{name: a, ports: [{containerPort: 80, protocol: TCP}]}]}",
       "{containers: [{name: a, ports: [{containerPort: 80, name: p}]}]}",
       "{containers: [{name: a, ports: [{containerPort: 80, protocol: TCP}]}]}"},
      {"retainKeys is not known", "{volumes: [{name: v, emptyDir: {}}]}",
       "{volumes: [{name: v, hostPath: {path: /x}}]}",
       "{volumes: [{name: v, emptyDir: {}, hostPath: {path: /x}}]}"},
      {"lists without merge keys are replaced", "{tolerations: [{key: a}]}",
       "{tolerations: [{key: b}]}", "{tolerations: [{key: b}]}"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(merge_pod(row.target, row.patch) == text_case::normal(row.want));
  }
}

TEST_CASE("scalars of a merging list are united, the patch's first") {
  CHECK(merge("{apiVersion: v1, kind: Secret, metadata: {finalizers: [a, b]}}",
              "{apiVersion: v1, kind: Secret, metadata: {finalizers: [c, b]}}") ==
        text_case::normal("{apiVersion: v1, kind: Secret, metadata: {finalizers: [c, b, a]}}"));
}

TEST_CASE("a nested object with a known kind merges by its own schema") {
  const std::string target =
      "{spec: {template: {apiVersion: v1, kind: Pod, spec: {containers: [{name: a, image: x}]}}}}";
  CHECK(merge(target, "{spec: {template: {spec: {containers: [{name: a, tty: true}]}}}}") ==
        text_case::normal(
            "{spec: {template: {apiVersion: v1, kind: Pod, spec: {containers: [{name: a, "
            "image: x, tty: true}]}}}}"));
}

TEST_CASE("encrypted values are carried like scalars, and cannot be a merge key") {
  yaml::Document secret = text_case::parse("{apiVersion: v1, kind: Secret, data: {a: x, b: y}}");
  const yaml::Ref data = secret.root().get("data");
  data.get("a").set_leaf(text_case::leaf("data:a"));
  yaml::Document patch = text_case::parse("{data: {b: z, c: w, d: v}}");
  patch.root().get("data").get("c").set_leaf(text_case::leaf("data:c"));
  REQUIRE_OK(strategic_merge(secret.root(), std::as_const(patch).root(), Schema()));
  const yaml::Node merged = std::as_const(secret).root().get("data");
  CHECK(merged.get("a").leaf() == text_case::leaf("data:a"));
  CHECK(merged.get("c").leaf() == text_case::leaf("data:c"));
  CHECK(merged.get("b").text() == "z");

  yaml::Document pod =
      text_case::parse("{apiVersion: v1, kind: Pod, spec: {containers: [{name: a}]}}");
  yaml::Document change = text_case::parse("{spec: {containers: [{name: a}]}}");
  change.root().get("spec").get("containers").at(0).get("name").set_leaf(text_case::leaf("x"));
  const auto refused = strategic_merge(pod.root(), std::as_const(change).root(), Schema());
  REQUIRE(!refused);
  CHECK(refused.error().code() == Code::kUnsupported);
}

TEST_CASE("a field without a name is an error wherever the merge comes by") {
  CHECK(merge("{a: {'': 1}}", "{b: 2}")
            .find("wrong node kind: expected ScalarNode but got "
                  "MappingNode") != std::string::npos);
  CHECK(merge("{a: [{'': 1}]}", "{b: 2}") == text_case::normal("{a: [{'': 1}], b: 2}"));
}
