// Keys that stand twice in a resource, or are collections: kyaml keeps them and refuses them when
// it prints. Expectations come from kustomize 5.8.2.

#include <string>

#include "kustomize/builder.hpp"

using namespace sluice;
using sluice::test::build_error;
using sluice::test::build_text;
using sluice::test::Files;

namespace {

constexpr const char* kTwice =
    "apiVersion: v1\nkind: A\nmetadata: {name: x}\nspec: {a: 1}\nspec: {a: 2}\n";

}  // namespace

TEST_CASE("a repeated key: an error when the resource is printed, with its place") {
  const Error error =
      build_error({{"kustomization.yaml", "resources: [a.yaml]\n"}, {"a.yaml", kTwice}});
  CHECK(error.message() ==
        "map[string]interface {}(nil): yaml: unmarshal errors:\n"
        "  line 5: mapping key \"spec\" already defined at line 4");
  CHECK(error.where().text() == "a.yaml:5:1");
}

TEST_CASE("a repeated key: a resource that is not printed may have one") {
  CHECK(build_text({{"kustomization.yaml",
                     "resources: [a.yaml, b.yaml]\n"
                     "patches:\n- patch: '{apiVersion: v1, kind: A, metadata: {name: x}, $patch: "
                     "delete}'\n"},
                    {"a.yaml", kTwice},
                    {"b.yaml", "apiVersion: v1\nkind: B\nmetadata: {name: x}\n"}}) ==
        "apiVersion: v1\nkind: B\nmetadata:\n  name: x\n");
}

TEST_CASE("a repeated key: annotations are joined, the first ones win") {
  CHECK(build_text({{"kustomization.yaml", "resources: [a.yaml]\n"},
                    {"a.yaml",
                     "apiVersion: v1\nkind: A\nmetadata:\n  name: x\n"
                     "  annotations: {a: '1', b: '2'}\n  annotations: {b: '3', c: '4'}\n"}}) ==
        "apiVersion: v1\nkind: A\nmetadata:\n  annotations:\n    a: \"1\"\n    b: \"2\"\n"
        "    c: \"4\"\n  name: x\n");
}

TEST_CASE("a repeated key: of an annotation the last counts, of the resource or of the patch") {
  const auto build = [](const std::string& patch) {
    return build_text({{"kustomization.yaml", "resources: [a.yaml]\n" + patch},
                       {"a.yaml",
                        "apiVersion: v1\nkind: A\nmetadata:\n  name: x\n"
                        "  annotations: {a: '1', b: '2', a: ~, a: 3, b: '4'}\n"}});
  };
  const auto expected = [](const std::string& more) {
    return "apiVersion: v1\nkind: A\nmetadata:\n  annotations:\n    a: \"3\"\n    b: \"4\"\n" +
           more + "  name: x\n";
  };
  const std::string patch =
      "'{apiVersion: v1, kind: A, metadata: {name: x, annotations: {c: \"5\", c: \"6\"}}}'\n";
  CHECK(build("") == expected(""));
  CHECK(build("patches: [{target: {kind: A}, patch: " + patch + "}]\n") ==
        expected("    c: \"6\"\n"));
  CHECK(build("patchesStrategicMerge:\n- " + patch) == expected("    c: \"6\"\n"));
  CHECK(build("patches: [{patch: " + patch + "}]\n") == expected("    c: \"5\"\n"));
}

TEST_CASE("a repeated key: of a patch the first counts") {
  CHECK(build_text({{"kustomization.yaml", "resources: [a.yaml]\npatches: [{path: p.yaml}]\n"},
                    {"a.yaml", "apiVersion: v1\nkind: A\nmetadata: {name: x}\n"},
                    {"p.yaml", kTwice}}) ==
        "apiVersion: v1\nkind: A\nmetadata:\n  name: x\nspec:\n  a: 1\n");
}

TEST_CASE("a repeated key: a patch meets the first of the target and leaves the others") {
  const auto build = [](std::string_view patch) {
    const sources::MemTree tree(
        Files{{"kustomization.yaml", "resources: [a.yaml]\npatches: [{path: p.yaml}]\n"},
              {"a.yaml",
               "apiVersion: v1\nkind: A\nmetadata:\n  name: x\n  annotations: {a: '1', a: '2'}\n"
               "spec: {b: 1, b: 2}\n"},
              {"p.yaml",
               "{apiVersion: v1, kind: A, metadata: {name: x}, " + std::string(patch) + "}\n"}});
    const auto built = test::build(tree);
    return built ? built->resources.to_yaml().value() : built.error().message();
  };
  CHECK(build("spec: {b: null}") ==
        "apiVersion: v1\nkind: A\nmetadata:\n  annotations:\n    a: \"2\"\n  name: x\n"
        "spec:\n  b: 2\n");
  CHECK(build("spec: {b: 3}") ==
        "map[string]interface {}(nil): yaml: unmarshal errors:\n"
        "  line 6: mapping key \"b\" already defined at line 6");
  CHECK(build("spec: null, data: {c: {d: 1, d: 2, d: 3}}") ==
        "map[string]interface {}(nil): yaml: unmarshal errors:\n"
        "  line 1: mapping key \"d\" already defined at line 1\n"
        "  line 1: mapping key \"d\" already defined at line 1\n"
        "  line 1: mapping key \"d\" already defined at line 1");
}

TEST_CASE("a repeated key: a list whose items are read as JSON is refused as a whole") {
  const Error error =
      build_error({{"kustomization.yaml", "resources: [a.yaml]\n"},
                   {"a.yaml", "apiVersion: v1\nkind: AList\nitems: []\nitems: []\n"}});
  CHECK(error.message().find(
            "trouble expanding list of AList; received error yaml: unmarshal errors:\n"
            "  line 4: mapping key \"items\" already defined at line 3") != std::string::npos);
}

TEST_CASE("a repeated key: SOPS files are refused when they are read, in a List, too") {
  for (const char* text : {"apiVersion: v1\nkind: A\nmetadata: {name: x}\nsops: {}\na: 1\na: 2\n",
                           "kind: List\nitems:\n- {apiVersion: v1, kind: A, metadata: {name: x}, "
                           "sops: {}, a: 1, a: 2}\n"}) {
    const Error error =
        build_error({{"kustomization.yaml", "resources: [a.yaml]\n"}, {"a.yaml", text}});
    INFO(error.message());
    CHECK(error.message().find("MalformedYAMLError: yaml: unmarshal errors:") != std::string::npos);
  }
}

TEST_CASE("a repeated key: a JSON patch reads the resource, so that its step refuses it") {
  const Error error = build_error({{"kustomization.yaml",
                                    "resources: [a.yaml]\npatches:\n- target: {kind: A}\n"
                                    "  patch: '[{\"op\": \"remove\", \"path\": \"/spec\"}]'\n"},
                                   {"a.yaml", kTwice}});
  CHECK(error.message() ==
        "yaml: unmarshal errors:\n  line 5: mapping key \"spec\" already defined at line 4");
  CHECK(error.where().text() == "a.yaml:5:1");
}

namespace {

struct OddKey {
  std::string_view fields, words, place;
};

}  // namespace

TEST_CASE("a key that is a collection: refused with Go's syntax of it, at its place") {
  const OddKey cases[] = {
      {"spec: {{ .name }}", R"(map[string]interface {}{".name":""})", "4:8"},
      {"spec: {{ .a | b \"c\" }}", R"(map[string]interface {}{".a | b \"c\"":""})", "4:8"},
      {"spec: {{ .name }: x}", R"(map[string]interface {}{".name":""})", "4:8"},
      {"spec:\n  {{ .name }}: x", R"(map[string]interface {}{".name":""})", "5:4"},
      {"spec: {[a, 1]: x}", R"([]interface {}{"a", 1})", "4:8"},
      {"spec: {{1: x, a: b}: x}", R"(map[interface {}]interface {}{1:"x", "a":"b"})", "4:8"},
      {"spec: {{a: {b: [1.5, true, ~, {}, []]}}: x}",
       R"(map[string]interface {}{"a":map[string]interface {}{"b":[]interface {}{1.5, true, )"
       R"(interface {}(nil), map[string]interface {}{}, []interface {}{}}}})",
       "4:8"},
      {"spec: {{{a: b}: c}: x}", R"(map[string]interface {}{"a":"b"})", "4:9"},
      {"a: {x: 1, x: 2}\nspec: {{ .name }}", R"(map[string]interface {}{".name":""})", "5:8"},
  };
  for (const OddKey& one : cases) {
    const std::string text =
        "apiVersion: v1\nkind: A\nmetadata: {name: x}\n" + std::string(one.fields) + "\n";
    const Error error =
        build_error({{"kustomization.yaml", "resources: [a.yaml]\n"}, {"a.yaml", text}});
    INFO(one.fields);
    CHECK(error.message() ==
          "map[string]interface {}(nil): yaml: invalid map key: " + std::string(one.words));
    CHECK(error.where().text() == "a.yaml:" + std::string(one.place));
  }
}

TEST_CASE("two keys that are collections are equal to each other") {
  const Error error = build_error(
      {{"kustomization.yaml", "resources: [a.yaml]\n"},
       {"a.yaml",
        "apiVersion: v1\nkind: A\nmetadata: {name: x}\ndata:\n  {{ .a }}: x\n  {{ .b }}: y\n"}});
  CHECK(error.message() ==
        "map[string]interface {}(nil): yaml: unmarshal errors:\n"
        "  line 6: mapping key \"\" already defined at line 5");
}

TEST_CASE("a key that is a collection: dropped by a patch, it does not matter") {
  CHECK(build_text(
            {{"kustomization.yaml",
              "resources: [a.yaml]\n"
              "patches:\n- patch: '{apiVersion: v1, kind: A, metadata: {name: x}, spec: null}'\n"},
             {"a.yaml", "apiVersion: v1\nkind: A\nmetadata: {name: x}\nspec: {{ a }}\n"}}) ==
        "apiVersion: v1\nkind: A\nmetadata:\n  name: x\n");
}

TEST_CASE("a key that is a collection: refused in a SOPS file, too") {
  const Error error = build_error(
      {{"kustomization.yaml", "resources: [a.yaml]\n"},
       {"a.yaml",
        "apiVersion: v1\nkind: A\nmetadata: {name: x}\nsops: {mac: x}\nspec: {{ a }}\n"}});
  CHECK(error.code() == Code::kInvalid);
}
