// Keys that stand twice in a resource: kyaml keeps both entries and refuses them when it prints.
// Expectations come from kustomize 5.8.2.

#include <string>

#include "kustomize/builder.hpp"

using namespace sluice;
using sluice::test::build_error;
using sluice::test::build_text;

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

TEST_CASE("a repeated key: of a patch the first counts") {
  CHECK(build_text({{"kustomization.yaml", "resources: [a.yaml]\npatches: [{path: p.yaml}]\n"},
                    {"a.yaml", "apiVersion: v1\nkind: A\nmetadata: {name: x}\n"},
                    {"p.yaml", kTwice}}) ==
        "apiVersion: v1\nkind: A\nmetadata:\n  name: x\nspec:\n  a: 1\n");
}

TEST_CASE("a repeated key: lists and SOPS files are refused when they are read") {
  for (const char* text :
       {"apiVersion: v1\nkind: AList\nitems: []\nitems: []\n",
        "apiVersion: v1\nkind: A\nmetadata: {name: x}\nsops: {}\na: 1\na: 2\n"}) {
    const Error error =
        build_error({{"kustomization.yaml", "resources: [a.yaml]\n"}, {"a.yaml", text}});
    INFO(error.message());
    CHECK(error.message().find("MalformedYAMLError: yaml: unmarshal errors:") != std::string::npos);
  }
}
