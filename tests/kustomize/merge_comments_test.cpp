/// Merge rules in comments: kyaml/fieldmeta and yaml/merge2; expectations come from kustomize
/// 5.8.2.
#include "builder.hpp"

using namespace sluice;
using namespace sluice::kustomize;

namespace {

const std::string kRule =
    R"(# {"type":"array","x-kubernetes-patch-merge-key":"name","x-kubernetes-patch-strategy":"merge"})";
const std::string kHead = "apiVersion: custom/v1\nkind: Foo\nmetadata: {name: x}\n";

/// The `list` that is left when `patch` comes over `resource`, both without head.
std::string merged(const std::string& resource, const std::string& patch) {
  const sources::MemTree tree(
      {{"kustomization.yaml", "resources: [r.yaml]\npatches: [{path: p.yaml}]\n"},
       {"r.yaml", kHead + resource},
       {"p.yaml", kHead + patch}});
  const auto result = build(tree, TreePath(), BuildOptions());
  if (!result) return result.error().text();
  const auto text = result->resources.to_yaml();
  if (!text) return text.error().text();
  const std::size_t list = text->find("list:\n"), end = text->find("metadata:");
  return text->substr(list, end - list);
}

const std::string kMerged = "list:\n- a: b\n  c: d\n  name: x\n";
const std::string kReplaced = "list:\n- c: d\n  name: x\n";
const std::string kList = "list:\n- {name: x, a: b}\n";
const std::string kPatch = "list:\n- {name: x, c: d}\n";

}  // namespace

TEST_CASE("a rule behind a key, above it, or behind a flow list decides how the list merges") {
  CHECK(merged(kList, kPatch) == kReplaced);
  CHECK(merged("list: " + kRule + "\n- {name: x, a: b}\n", kPatch) == kMerged);
  CHECK(merged(kList, "list: " + kRule + "\n- {name: x, c: d}\n") == kMerged);
  CHECK(merged(kRule + "\n" + kList, kPatch) == kMerged);
  CHECK(merged("list: [{name: x, a: b}] " + kRule + "\n", kPatch) == kMerged);
  CHECK(merged("list: " + kRule + " and more\r\n- {name: x, a: b}\r\n", kPatch) == kMerged);
}

TEST_CASE("a rule stands behind the end of a flow list of several lines, not behind a part of it") {
  CHECK(merged("list: [{name: x,\n  a: b}] " + kRule + "\n", kPatch) == kMerged);
  CHECK(merged("list: [\n  {name: x, a: b}\n] " + kRule + "\n", kPatch) == kMerged);
  CHECK(merged("list: [{name: x, a: b} # ]\n] " + kRule + "\n", kPatch) == kMerged);
  CHECK(merged("list: [{name: \"x\",\n a: 'b'}] " + kRule + "\n", kPatch) == kMerged);
  CHECK(merged("list: [{name: x, a: 'b'}, {name: y, '''': 'it''s ]', \"\\\"]\": z,\n c: d}] " +
                   kRule + "\n",
               kPatch)
            .find("a: b\n") != std::string::npos);
  CHECK(merged("list:\n  [{name: x, a: b}] " + kRule + "\n", kPatch) == kMerged);
  CHECK(merged("list: [{name: x, a: b} " + kRule + "\n]\n", kPatch) == kReplaced);
  CHECK(merged("list: [{name: x,\n a: b}]\n" + kRule + "\n", kPatch) == kReplaced);
}

TEST_CASE("comments elsewhere, of two lines, or that are no schema have no effect") {
  CHECK(merged(kRule + "\n\n" + kList, kPatch) == kReplaced);
  CHECK(merged("# two\n" + kRule + "\n" + kList, kPatch) == kReplaced);
  CHECK(merged("list:\n" + kRule + "\n- {name: x, a: b}\n", kPatch) == kReplaced);
  CHECK(merged("list: &anchor " + kRule + "\n- {name: x, a: b}\n", kPatch) == kReplaced);
  CHECK(merged("list: [ " + kRule + "\n  {name: x, a: b}]\n", kPatch) == kReplaced);
  CHECK(merged("s: |\n  text\n  " + kRule + "\n" + kList, kPatch) == kReplaced);
  CHECK(merged("list: # {type: array}\n- {name: x, a: b}\n", kPatch) == kReplaced);
}

TEST_CASE("a rule overrides the built-in schema, refers to it, and says nothing when empty") {
  const std::string patch =
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n"
      "spec: {template: {spec: {containers: [{name: c, image: z}]}}}\n";
  const auto has_env = [&](const std::string& comment) {
    const sources::MemTree tree(
        {{"kustomization.yaml", "resources: [r.yaml]\npatches: [{path: p.yaml}]\n"},
         {"r.yaml",
          "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n"
          "spec:\n  template:\n    spec:\n      containers: " +
              comment + "\n      - {name: c, env: [{name: E, value: x}]}\n"},
         {"p.yaml", patch}});
    const auto result = build(tree, TreePath(), BuildOptions());
    REQUIRE_OK(result);
    return result->resources.to_yaml()->find("env:") != std::string::npos;
  };
  CHECK(has_env(""));
  CHECK(has_env("# {}"));
  CHECK(has_env("# {\"type\":5}"));
  CHECK_FALSE(has_env("# {\"type\":\"array\"}"));
  CHECK_FALSE(has_env("# {\"$ref\":\"#/definitions/no\"}"));
  CHECK(merged("list: # {\"items\":{\"$ref\":\"#/definitions/io.k8s.api.core.v1.Container\"},"
               "\"type\":\"array\",\"x-kubernetes-patch-merge-key\":\"name\","
               "\"x-kubernetes-patch-strategy\":\"merge\"}\n- {name: x, env: [{name: E}]}\n",
               "list: [{name: x, env: [{name: F}]}]\n") ==
        "list:\n- env:\n  - name: F\n  - name: E\n  name: x\n");
}

TEST_CASE("a rule stays with its field through later patches, and is lost in JSON") {
  const auto items = [](const std::string& resource, const std::string& first) {
    const sources::MemTree tree(
        {{"kustomization.yaml", "resources: [r.yaml]\npatches:\n- " + first + "\n- path: q.yaml\n"},
         {"r.yaml", kHead + resource},
         {"p.yaml", kHead + "list:\n- b\n"},
         {"q.yaml", kHead + "list:\n- c\n"}});
    const auto result = build(tree, TreePath(), BuildOptions());
    REQUIRE_OK(result);
    std::string all;
    const yaml::Node list = result->resources.resources.front().document.root().get("list");
    for (std::size_t i = 0; i < list.size(); ++i)
      all += list.at(i).text();
    return all;
  };
  const std::string rule = "# {\"type\":\"array\",\"x-kubernetes-patch-strategy\":\"merge\"}";
  CHECK(items("list: " + rule + "\n- a\n", "path: p.yaml") == "cba");
  CHECK(items("list: " + rule + "\n- a\n",
              "target: {kind: Foo}\n  patch: '[{\"op\":\"add\",\"path\":\"/z\",\"value\":1}]'") ==
        "c");
}
