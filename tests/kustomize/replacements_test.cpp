/// Replacements: api/filters/replacement; expectations come from kustomize 5.8.2.
#include "kustomize/replacements.hpp"

#include "kustomize/structured_text.hpp"
#include "text_case.hpp"

using namespace sluice;
using namespace sluice::kustomize;
using text_case::Resources;

namespace {

constexpr std::string_view kResources = R"(
apiVersion: v1
kind: Source
metadata: {name: s, labels: {app: web}}
data: {text: a-b-c, number: 8080, quoted: "8080", map: {x: 1}, empty: {}}
---
apiVersion: v1
kind: Target
metadata: {name: t}
spec:
  list: [{name: one, v: x, n: 1}, {name: two, v: "x"}]
  plain: [a, b]
  text: p/q/r
  nothing: null
  null_text: "null"
  json: '{"a": {"b": 1}, "c": "<x>"}'
  pretty: |-
    {
      "a": [1, 2],
      "b": {}
    }
  yaml: |
    # kept
    a: b   # too
    n: 5
  plain_yaml: |
    a:
      b: "c"
    list:
    - x
)";

Result<std::vector<Replacement>> read(std::string_view text) {
  return read_replacements_file(text_case::root(text_case::parse(text)));
}

/// The target after `replacement`, from `path` on.
std::string replaced(std::string_view replacement, std::string_view field) {
  Resources resources(kResources);
  const auto replacements = read(replacement);
  REQUIRE_OK(replacements);
  const auto done = apply_replacements(resources.map, *replacements);
  if (!done) return "error: " + done.error().message();
  if (const auto fits = check_types(resources.map[1].root()); !fits) {
    return "print: " + fits.error().message();
  }
  const yaml::Node found = std::as_const(resources.map[1]).root().get("spec").get(field);
  return text_case::print(found);
}

std::string copy(std::string_view source, std::string_view path, std::string_view field,
                 std::string_view options = "{}") {
  return replaced("{source: {kind: Source, fieldPath: " + std::string(source) +
                      "}, targets: [{select: {kind: Target}, fieldPaths: ['" + std::string(path) +
                      "'], options: " + std::string(options) + "}]}",
                  field);
}

}  // namespace

TEST_CASE("a value goes to fields, indexes, items chosen by expression, and all items") {
  CHECK(copy("data.text", "spec.text", "text") == "a-b-c\n");
  CHECK(copy("data.text", "spec.plain.1", "plain") == "- a\n- a-b-c\n");
  CHECK(copy("data.text", "spec.plain.[=a]", "plain") == "- a-b-c\n- b\n");
  CHECK(copy("data.text", "spec.list.[name=o.e].v", "list") ==
        "- \"n\": 1\n  name: one\n  v: a-b-c\n- name: two\n  v: x\n");
  CHECK(copy("data.text", "spec.list.*.v", "list") ==
        "- \"n\": 1\n  name: one\n  v: a-b-c\n- name: two\n  v: a-b-c\n");
  CHECK(copy("data.map", "spec.list.[name=two]", "list") ==
        "- \"n\": 1\n  name: one\n  v: x\n- x: 1\n");
}

TEST_CASE("a target keeps its type; a text that does not fit is noticed before printing") {
  CHECK(copy("data.quoted", "spec.list.0.n", "list").find("\"n\": 8080\n") != std::string::npos);
  CHECK(copy("data.number", "spec.list.1.v", "list").find("v: \"8080\"") != std::string::npos);
  CHECK(copy("data.text", "spec.list.0.n", "list") ==
        "print: yaml: cannot decode !!str `a-b-c` as a !!int");
  CHECK(copy("data.text", "spec.nothing", "nothing") ==
        "print: yaml: cannot decode !!str `a-b-c` as a !!null");
}

TEST_CASE("create makes missing fields, whose type follows from the text") {
  CHECK(copy("data.quoted", "spec.new.deep", "new", "{create: true}") == "deep: 8080\n");
  CHECK(copy("data.text", "spec.plain.2", "plain", "{create: true}") == "- a\n- b\n- a-b-c\n");
  CHECK(copy("data.text", "spec.list.[name=three].v", "list", "{create: true}")
            .find("- name: three\n  v: a-b-c\n") != std::string::npos);
  CHECK(copy("data.text", "spec.null_text.[name=three].v", "null_text", "{create: true}") ==
        "\"null\"\n");
  CHECK(copy("data.text", "spec.null_text.[=three]", "null_text", "{create: true}") ==
        "\"null\"\n");
  CHECK(copy("data.text", "spec.new", "new") ==
        "error: unable to find field \"spec.new\" in replacement target");
  CHECK(copy("data.text", "spec.plain.9", "plain", "{create: true}") ==
        "error: unable to find or create field \"spec.plain.9\" in replacement target: index 9 "
        "specified but only 2 elements found");
}

TEST_CASE("delimiters take a part and put it in place, before or behind") {
  const auto part = [](std::string_view from, std::string_view to) {
    return replaced("{source: {kind: Source, fieldPath: data.text, options: " + std::string(from) +
                        "}, targets: [{select: {kind: Target}, fieldPaths: [spec.text], options: " +
                        std::string(to) + "}]}",
                    "text");
  };
  CHECK(part("{delimiter: '-', index: 1}", "{}") == "b\n");
  CHECK(part("{delimiter: '-', index: 2}", "{delimiter: '/', index: 1}") == "p/c/r\n");
  CHECK(part("{delimiter: '-'}", "{delimiter: '/', index: -1}") == "a/p/q/r\n");
  CHECK(part("{delimiter: '-'}", "{delimiter: '/', index: 9}") == "p/q/r/a\n");
  CHECK(part("{delimiter: '-', index: 3}", "{}") ==
        "error: options.index 3 is out of bounds for value a-b-c");
}

TEST_CASE("a path goes on inside JSON and YAML text") {
  // A text that JSON cannot hold there is dropped without a word, as in kustomize.
  CHECK(copy("data.text", "spec.json.a.b", "json") == "'{\"a\": {\"b\": 1}, \"c\": \"<x>\"}'\n");
  CHECK(copy("data.number", "spec.json.a.b", "json") ==
        "'{\"a\":{\"b\":8080},\"c\":\"\\u003cx\\u003e\"}'\n");
  CHECK(copy("data.number", "spec.pretty.a.0", "pretty") ==
        "|-\n  {\n    \"a\": [\n      8080,\n      2\n    ],\n    \"b\": {}\n  }\n");
  CHECK(copy("data.text", "spec.plain_yaml.a.b", "plain_yaml") ==
        "|-\n  a:\n    b: \"a-b-c\"\n  list:\n  - x\n");
  CHECK(copy("data.text", "spec.yaml.a", "yaml") == "|-\n  # kept\n  a: a-b-c # too\n  n: 5\n");
}

TEST_CASE("a text with nothing but comments is a document only behind ---") {
  for (const char* text : {"", "  ", "# c\n", "\xC2\x85", "\xE2\x80\xA8# c", "\xEF\xBB\xBF"}) {
    CAPTURE(text);
    const auto document = read_structured_text(text);
    REQUIRE_OK(document);
    CHECK_FALSE(document->has_value());
  }
  for (const char* text : {"---", "# c\xC2\x85---", "\xE2\x80\xA8---\n", "\xEF\xBB\xBF---"}) {
    CAPTURE(text);
    const auto document = read_structured_text(text);
    REQUIRE_OK(document);
    REQUIRE(document->has_value());
    CHECK(std::as_const(**document).root().is_null());
  }
}

TEST_CASE("errors say what was selected, and what was not") {
  CHECK(replaced("{source: {kind: None}, targets: [{select: {kind: Target}}]}", "text") ==
        "error: nothing selected by None.[noVer].[noGrp]/[noName].[noNs]");
  CHECK(
      replaced("{source: {version: v1, fieldPath: a, options: {delimiter: x}}, targets: [{select: "
               "{kind: Target}}]}",
               "text") ==
      "error: multiple matches for selector [noKind].v1.[noGrp]/[noName].[noNs]:a:x(0), "
      "create=false");
  CHECK(copy("data.empty", "spec.text", "text") ==
        "error: fieldPath `data.empty` is missing for replacement source "
        "Source.[noVer].[noGrp]/[noName].[noNs]");
  CHECK(replaced("{source: {kind: Source}}", "text") ==
        "error: replacements must specify a source and at least one target");
  CHECK(replaced("{source: {kind: Source}, sourceValue: x, targets: [{select: {kind: Target}}]}",
                 "text") == "error: value and resource selectors are mutually exclusive");
  CHECK(replaced("{sourceValue: x, targets: [{fieldPaths: [a]}]}", "text") ==
        "error: target must specify resources to select");
  CHECK(replaced("{sourceValue: x, targets: [{select: {name: '['}}]}", "text") ==
        "error: error creating target selector: error parsing regexp: missing closing ]: `[)$`");
  CHECK(
      copy("data.text", "spec.text.x", "text")
          .find(
              "error: unable to find field \"spec.text.x\" in replacement target: wrong node kind: "
              "expected MappingNode but got ScalarNode") == 0);
}

TEST_CASE("targets are selected by expressions and rejected by id or labels") {
  const auto changed = [](std::string_view target) {
    Resources resources(kResources);
    const auto replacements = read("{sourceValue: z, targets: [" + std::string(target) + "]}");
    REQUIRE_OK(replacements);
    REQUIRE_OK(apply_replacements(resources.map, *replacements));
    std::string text;
    for (const auto& item : resources.map.items())
      text += item->id.name;
    return text;
  };
  CHECK(changed("{select: {kind: '.*e.*'}}") == "zz");
  CHECK(changed("{select: {kind: '.*e.*'}, reject: [{kind: Target}]}") == "zt");
  CHECK(changed("{select: {kind: '.*e.*'}, reject: [{labelSelector: app=web}]}") == "sz");
  CHECK(changed("{select: {labelSelector: app=web}}") == "zt");
  CHECK(changed("{select: {namespace: default}}") == "st");  // the namespace as written
}

TEST_CASE("a file holds one replacement or a list of them") {
  CHECK(read("[{sourceValue: a}, {sourceValue: b}]")->size() == 2);
  CHECK(read("{sourceValue: a}")->size() == 1);
  CHECK(read("text").error().message() ==
        "unsupported replacement type encountered within replacement path: string");
}

TEST_CASE("a whole encrypted value can be copied, a part of it cannot") {
  const auto run = [](std::string_view replacement) {
    auto resources = std::make_unique<Resources>(kResources);
    resources->map[0].root().get("data").get("text").set_leaf(text_case::leaf("data:text"));
    const auto replacements = read(replacement);
    REQUIRE_OK(replacements);
    auto done = apply_replacements(resources->map, *replacements);
    return std::pair(std::move(resources), std::move(done));
  };
  const auto [whole, copied] =
      run("{source: {kind: Source, fieldPath: data.text}, targets: [{select: {kind: Target}, "
          "fieldPaths: "
          "[spec.text]}]}");
  REQUIRE_OK(copied);
  CHECK(whole->map[1].root().find("spec", "text").leaf() == text_case::leaf("data:text"));

  for (const std::string_view options :
       {"{source: {kind: Source, fieldPath: data.text, options: {delimiter: '-'}}, targets: "
        "[{select: "
        "{kind: Target}, fieldPaths: [spec.text]}]}",
        "{source: {kind: Source, fieldPath: data.text}, targets: [{select: {kind: Target}, "
        "fieldPaths: [spec.text], options: {delimiter: /}}]}",
        "{source: {kind: Source, fieldPath: data.text}, targets: [{select: {kind: Target}, "
        "fieldPaths: [spec.json.a.b]}]}",
        "{sourceValue: x, targets: [{select: {kind: Source}, fieldPaths: [data.text.x]}]}"}) {
    CAPTURE(options);
    const auto [resources, refused] = run(options);
    REQUIRE(!refused);
    CHECK(refused.error().code() == Code::kUnsupported);
  }
}
