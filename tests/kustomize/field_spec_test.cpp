/// Field specs: api/filters/fieldspec/fieldspec_test.go, api/types/fieldspec_test.go.
#include "kustomize/field_spec.hpp"

#include "kustomize/gvk.hpp"
#include "text_case.hpp"

using namespace sluice;
using namespace sluice::kustomize;
using text_case::parse;
using text_case::print;

namespace {

std::string changed(std::string_view text, const FieldSpec& spec, Creates creates,
                    const FieldSpecs::Setter& set) {
  yaml::Document document = parse(text);
  const FieldSpec list[] = {spec};
  FieldSpecs specs(list);
  const auto done = specs.apply(document.root(), gvk_of(document.root()), creates, set);
  return done ? print(std::as_const(document)) : "error: " + done.error().message();
}

FieldSpecs::Setter text_setter(std::string_view text) {
  return [text](yaml::Ref node) { return set_scalar_string(node, text); };
}
FieldSpecs::Setter entry_setter() {
  return [](yaml::Ref node) { return set_entry_string(node, "k", "v"); };
}

}  // namespace

TEST_CASE("a path is split at slashes, and a backslash keeps one in a name") {
  CHECK(split_path("a/b/c", '/') == std::vector<std::string>{"a", "b", "c"});
  CHECK(split_path("/a/b", '/') == std::vector<std::string>{"a", "b"});
  CHECK(split_path("a/b\\/c/d", '/') == std::vector<std::string>{"a", "b/c", "d"});
  CHECK(split_path("", '/') == std::vector<std::string>{""});
  CHECK(split_path("a//b", '/') == std::vector<std::string>{"a", "", "b"});
}

TEST_CASE("a bracketed part with an equals sign stays in one piece, others lose their brackets") {
  CHECK(split_smart_path("a.[b.c=d.e].f", '.') == std::vector<std::string>{"a", "[b.c=d.e]", "f"});
  CHECK(split_smart_path("a.[b.c].d", '.') == std::vector<std::string>{"a", "b.c", "d"});
  CHECK(split_smart_path("a.b\\.c", '.') == std::vector<std::string>{"a", "b.c"});
  CHECK(split_smart_path("[x=1]", '.') == std::vector<std::string>{"[x=1]"});
}

TEST_CASE("a field is set only in kinds that the spec selects") {
  const FieldSpec spec{{"apps", "", "Deployment"}, "spec/x", true};
  CHECK(changed("{apiVersion: apps/v1, kind: Deployment}", spec, Creates::kString,
                text_setter("1")) == "apiVersion: apps/v1\nkind: Deployment\nspec:\n  x: \"1\"\n");
  const std::string other = "apiVersion: v1\nkind: Deployment\n";
  CHECK(changed(other, spec, Creates::kString, text_setter("1")) == other);
}

TEST_CASE("sequences are entered item by item without being named") {
  CHECK(changed("{kind: K, a: [{b: [{c: x}, {c: y}]}, {d: 1}]}", {{}, "a/b/c", false},
                Creates::kNothing,
                text_setter("z")) == "a:\n- b:\n  - c: z\n  - c: z\n- d: 1\nkind: K\n");
}

TEST_CASE("create makes mappings on the way but never goes through a missing sequence") {
  CHECK(changed("{kind: K}", {{}, "a/b", true}, Creates::kMapping, entry_setter()) ==
        "a:\n  b:\n    k: v\nkind: K\n");
  CHECK(changed("{kind: K}", {{}, "a[]/b", true}, Creates::kMapping, entry_setter()) ==
        "kind: K\n");
  CHECK(changed("{kind: K}", {{}, "a/b", false}, Creates::kMapping, entry_setter()) == "kind: K\n");
}

TEST_CASE("a null on the way becomes what create would make, an empty list where [] says so") {
  CHECK(changed("{kind: K, a: null}", {{}, "a/b", true}, Creates::kMapping, entry_setter()) ==
        "a:\n  b:\n    k: v\nkind: K\n");
  CHECK(changed("{kind: K, a: null}", {{}, "a[]/b", true}, Creates::kNothing, entry_setter()) ==
        "a: []\nkind: K\n");
  CHECK(changed("{kind: K, a: null}", {{}, "a", false}, Creates::kMapping, entry_setter()) ==
        "a: null\nkind: K\n");
}

TEST_CASE("errors name the path, the object and what was found") {
  CHECK(changed("{apiVersion: v1, kind: K, metadata: {name: n}, a: x}", {{}, "a/b", true},
                Creates::kMapping, entry_setter()) ==
        "error: considering field 'a/b' of object K.v1.[noGrp]/n.[noNs]: expected sequence or "
        "mapping node");
  CHECK(changed("{apiVersion: v1, kind: K, metadata: {name: n}, a: [{b: 1}, [2]]}",
                {{}, "a/b/c[]", false}, Creates::kNothing, entry_setter()) ==
        "error: considering field 'a/b/c[]' of object K.v1.[noGrp]/n.[noNs]: visit traversal on "
        "path: [b c[]]: expected sequence or mapping node");
  CHECK(
      changed("{kind: K, a: {b: [1]}}", {{}, "a/b", false}, Creates::kNothing, text_setter("x")) ==
      "error: considering field 'a/b' of object K.[noVer].[noGrp]/[noName].[noNs]: wrong node "
      "kind: expected ScalarNode but got SequenceNode: node contents:\n[1]\n");
  CHECK(changed("{kind: K}", {{}, "a//b", true}, Creates::kString, text_setter("x")) ==
        "error: considering field 'a//b' of object K.[noVer].[noGrp]/[noName].[noNs]: cannot set "
        "or create an empty field name");
  CHECK(changed("{kind: K}", {{}, "a/*", true}, Creates::kString, text_setter("x")) ==
        "error: considering field 'a/*' of object K.[noVer].[noGrp]/[noName].[noNs]: fieldName: "
        "*: wildcard is not supported in PathGetter");
}

TEST_CASE("a plain scalar is typed anew from its text, a quoted one stays a string") {
  yaml::Document document = parse("{a: x, b: 'x', c: \"x\"}");
  CHECK_OK(set_scalar_text(document.root().get("a"), "12"));
  CHECK_OK(set_scalar_text(document.root().get("b"), "12"));
  CHECK_OK(set_scalar_text(document.root().get("c"), "true"));
  CHECK(print(std::as_const(document)) == "a: 12\nb: \"12\"\nc: \"true\"\n");
}

TEST_CASE("a part of an encrypted value cannot be changed, the whole can be replaced") {
  yaml::Document document = parse("{a: x}");
  document.root().get("a").set_leaf(text_case::leaf("a"));
  const auto refused = set_scalar_text(document.root().get("a"), "pre-x");
  REQUIRE(!refused);
  CHECK(refused.error().code() == Code::kUnsupported);
  CHECK_OK(set_entry_string(document.root(), "a", "plain"));
  CHECK(print(std::as_const(document)) == "a: plain\n");
}

TEST_CASE("merging configurations keeps one entry of each and refuses a different create") {
  std::vector<FieldSpec> specs{{{"", "", "Deployment"}, "spec/a", true}};
  CHECK_OK(merge_field_specs(specs, std::vector<FieldSpec>{{{"", "", "Deployment"}, "spec/a", true},
                                                           {{"", "", "Job"}, "spec/a", false}}));
  CHECK(specs.size() == 2);
  const auto conflict =
      merge_field_specs(specs, std::vector<FieldSpec>{{{"", "", "Deployment"}, "spec/a", false}});
  REQUIRE(!conflict);
  CHECK(conflict.error().message() == "conflicting fieldspecs");
}
