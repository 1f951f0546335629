/// Patches over resources: plugin/builtin/patchtransformer; expectations come from kustomize 5.8.2.
#include "kustomize/patches.hpp"

#include "text_case.hpp"

using namespace sluice;
using namespace sluice::kustomize;
using text_case::normal;
using text_case::Resources;

namespace {

constexpr std::string_view kConfigMap =
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {x: y}}, data: {k: v}}";

/// As SliceFromBytes, for well-formed text.
ReadResources reader() {
  return [](std::string_view text) -> Result<std::vector<std::unique_ptr<BuildResource>>> {
    auto documents = yaml::read_yaml(text, FileId::kNone);
    if (!documents) return fail(std::move(documents).error());
    std::vector<std::unique_ptr<BuildResource>> resources;
    for (yaml::Document& document : *documents) {
      if (!std::as_const(document).root().is_mapping()) return fail(Code::kInvalid, "no mapping");
      auto resource = std::make_unique<BuildResource>();
      resource->doc = std::move(document);
      read_id(*resource, Schema());
      resources.push_back(std::move(resource));
    }
    return resources;
  };
}

const BuildContext& no_files() {
  static const BuildOptions options;
  static const BuildContext context(options);
  return context;
}

Result<PatchRule> read(std::string_view text, std::optional<Selector> target = std::nullopt,
                       PatchOptions options = {}) {
  return read_patch(text, patch_source("patch", text), std::move(target), options, reader());
}

std::string patched(Resources& resources, const Result<PatchRule>& rule) {
  if (!rule) return "read: " + rule.error().message();
  const auto done = apply_patch(resources.map, *rule, no_files());
  return done ? resources.text() : "error: " + done.error().message();
}

std::string patched(const Result<PatchRule>& rule) {
  Resources resources(kConfigMap);
  return patched(resources, rule);
}

Selector by_kind(std::string kind) {
  Selector selector;
  selector.gvk.kind = std::move(kind);
  return selector;
}

}  // namespace

TEST_CASE("a strategic merge patch finds its target by id, and says when there is none") {
  CHECK(
      patched(read("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {b: c}}")) ==
      normal("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {x: y}}, data: {k: v, "
             "b: c}}"));
  CHECK(patched(read("{apiVersion: v1, kind: ConfigMap, metadata: {name: b}}")) ==
        "error: no resource matches strategic merge patch \"ConfigMap.v1.[noGrp]/b.[noNs]\": no "
        "matches for Id ConfigMap.v1.[noGrp]/b.[noNs]; failed to find unique target for patch "
        "ConfigMap.v1.[noGrp]/b.[noNs]");
}

TEST_CASE("name, namespace and kind of the target stay unless options allow a change") {
  constexpr std::string_view kPatch =
      "{apiVersion: v1, kind: Other, metadata: {name: b, namespace: n}, data: {k: w}}";
  CHECK(patched(read(kPatch, by_kind("ConfigMap"))) ==
        normal("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {x: y}}, data: {k: "
               "w}}"));
  Resources resources(kConfigMap);
  CHECK(patched(resources, read(kPatch, by_kind("ConfigMap"), {true, true})) ==
        normal("{apiVersion: v1, kind: Other, metadata: {name: b, labels: {x: y}}, data: {k: w}}"));
  CHECK(resources.map[0].original_name() == "a");
  CHECK(resources.map[0].original_kind() == "ConfigMap");
}

TEST_CASE(
    "a patch with a target brings its labels as strings, null included; one without deletes") {
  constexpr std::string_view kPatch =
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {x: null}}}";
  CHECK(
      patched(read(kPatch, by_kind("ConfigMap"))) ==
      normal("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {x: \"null\"}}, data: "
             "{k: v}}"));
  CHECK(patched(read(kPatch)) ==
        normal("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {}}, data: {k: v}}"));
}

TEST_CASE("a patch that deletes leaves an empty resource, or drops those of a target") {
  Resources resources(kConfigMap);
  constexpr std::string_view kDelete =
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, $patch: delete}";
  const auto rule = read(kDelete);
  REQUIRE_OK(rule);
  REQUIRE_OK(apply_patch(resources.map, *rule, no_files()));
  CHECK(resources.map[0].is_empty());
  CHECK(patched(read(kDelete, by_kind("ConfigMap"))).empty());
}

TEST_CASE("what a patch is follows from what it can be read as") {
  CHECK(patched(read("- {op: remove, path: /data}", by_kind("ConfigMap"))) ==
        normal("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {x: y}}}"));
  CHECK(patched(read("- {op: remove, path: /data}")) ==
        "error: must specify a target for JSON patch [patch: \"- {op: remove, path: /data}\"]");
  CHECK(patched(read("a: [")) == "read: unable to parse SM or JSON patch from [patch: \"a: [\"]");
  CHECK(patched(read("# nothing", by_kind("ConfigMap"))) == normal(kConfigMap));
  CHECK(
      patched(read("{kind: A, metadata: {name: a}}\n---\n{kind: B, metadata: {name: b}}",
                   by_kind("ConfigMap")))
          .find("error: Multiple Strategic-Merge Patches in one `patches` entry is not allowed to "
                "set `patches.target` field: [patch: ") == 0);
}

TEST_CASE("annotations exist while a JSON patch runs, since kustomize keeps its own there") {
  CHECK(
      patched(read("- {op: add, path: /metadata/annotations/x, value: 5}", by_kind("ConfigMap"))) ==
      normal("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {x: y}, annotations: "
             "{x: \"5\"}}, data: {k: v}}"));
  CHECK(patched(read("- {op: remove, path: /metadata/annotations}", by_kind("ConfigMap"))) ==
        normal(kConfigMap));
}

TEST_CASE("a JSON patch that renames is found again under both names") {
  Resources resources(kConfigMap);
  patched(resources, read("- {op: replace, path: /metadata/name, value: b}", by_kind("ConfigMap")));
  CHECK(resources.map.by_any_name("a").size() == 1);
  CHECK(resources.map.by_any_name("b").size() == 1);
  CHECK(resources.map[0].id.name == "b");
}

TEST_CASE("patchesJson6902 needs a name and operations") {
  const Selector named{{}, "a", "", "", ""};
  CHECK(read_json6902("x", "", {}).error().message() == "must specify the target name");
  CHECK(read_json6902("", "", named).error().message() == "empty file path and empty jsonOp");
  CHECK(read_json6902("", "p.yaml", named).error().message() ==
        "patch file 'p.yaml' empty seems to be empty");
  CHECK(read_json6902("[]", "p.yaml", named).error().message() ==
        "patch appears to be empty; file=p.yaml, JsonOp=[]");
  Resources resources(kConfigMap);
  const auto rule = read_json6902("- {op: remove, path: /data}", "", named);
  REQUIRE_OK(rule);
  REQUIRE_OK(apply_json6902(resources.map, *rule, no_files()));
  CHECK_FALSE(resources.map[0].root().get("data").exists());
}

TEST_CASE("two resources that a patch gives one id are refused") {
  Resources resources(std::string(kConfigMap) +
                      "\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: b}}");
  const auto rule = read("{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}",
                         by_kind("ConfigMap"), {true, false});
  CHECK(patched(resources, rule) ==
        "error: may not add resource with an already registered id: ConfigMap.v1.[noGrp]/c.[noNs]");
}

TEST_CASE("of two resources that a patch gives one id, the later is named") {
  Resources resources(
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}\n---\n"
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: default}}");
  const auto rule = read("{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}",
                         by_kind("ConfigMap"), {true, false});
  CHECK(patched(resources, rule) ==
        "error: may not add resource with an already registered id: "
        "ConfigMap.v1.[noGrp]/c.default");
}

TEST_CASE("a patch for chosen targets brings their apiVersion, also where they have none") {
  const auto patch = [](std::string_view target, std::string_view text) {
    Resources resources(target);
    return patched(resources, read(text, by_kind("A")));
  };
  constexpr std::string_view kBare = "kind: A\nmetadata: {name: a}";
  // In flow style nothing is an empty string on the way to JSON.
  CHECK(patch("{kind: A, metadata: {name: a}}", kBare) ==
        "apiVersion: \"\"\nkind: A\nmetadata:\n  name: a\n");
  CHECK(patch(kBare, kBare) == "apiVersion: null\nkind: A\nmetadata:\n  name: a\n");
  CHECK(patch(kBare, "{apiVersion: v1, kind: A, metadata: {name: a}}") ==
        "apiVersion: null\nkind: A\nmetadata:\n  name: a\n");
  CHECK(patch(kBare, "{apiVersion: 'v1', kind: A, metadata: {name: a}}") ==
        "apiVersion: \"\"\nkind: A\nmetadata:\n  name: a\n");
  CHECK(patch("{apiVersion: 1.0, kind: A, metadata: {name: a}}", kBare) ==
        "apiVersion: 1\nkind: A\nmetadata:\n  name: a\n");
}

TEST_CASE("a list without metadata has some once a patch may change its kind") {
  for (const std::string_view target :
       {"apiVersion: v1\nkind: AList", "apiVersion: v1\nkind: AList\nmetadata: null"}) {
    Resources resources(target);
    const auto rule = read("apiVersion: v1\nkind: AList\nmetadata: {name: b}", by_kind("AList"),
                           {/*allow_name_change=*/false, /*allow_kind_change=*/true});
    CHECK(patched(resources, rule) == "apiVersion: v1\nkind: AList\nmetadata:\n  name: null\n");
  }
}
