/// JSON patches: RFC 6902 with the texts of gopkg.in/evanphx/json-patch.v4 4.13, as kustomize 5.8.2
/// prints them.
#include "kustomize/json_patch.hpp"

#include "kustomize/json_round_trip.hpp"
#include "text_case.hpp"

using namespace sluice;
using namespace sluice::kustomize;

namespace {

std::string patched(std::string_view target, std::string_view operations) {
  yaml::Document document = text_case::parse(target);
  const auto patch = JsonPatch::parse(operations);
  if (!patch) return "parse: " + patch.error().message();
  const auto done = patch->apply(document.root());
  return done ? text_case::print(std::as_const(document)) : "error: " + done.error().message();
}

struct Row {
  std::string_view name, target, patch, want;
};

}  // namespace

TEST_CASE("operations do what the engine of kustomize does") {
  const Row rows[] = {
      {"add", "{a: 1}", "[{op: add, path: /b, value: 2}]", "{a: 1, b: 2}"},
      {"add over a value", "{a: 1}", "[{op: add, path: /a, value: 2}]", "{a: 2}"},
      {"add without value is null", "{a: 1}", "[{op: add, path: /b}]", "{a: 1, b: null}"},
      {"insert", "{a: [1, 2]}", "[{op: add, path: /a/1, value: 9}]", "{a: [1, 9, 2]}"},
      {"append", "{a: [1, 2]}", "[{op: add, path: /a/-, value: 9}]", "{a: [1, 2, 9]}"},
      {"minus one appends", "{a: [1, 2]}", "[{op: add, path: /a/-1, value: 9}]", "{a: [1, 2, 9]}"},
      {"remove", "{a: 1, b: [1, 2]}", "[{op: remove, path: /a}, {op: remove, path: /b/-1}]",
       "{b: [1]}"},
      {"replace a missing key adds it", "{a: 1}", "[{op: replace, path: /b, value: 2}]",
       "{a: 1, b: 2}"},
      {"replace the document", "{a: 1}", "[{op: replace, path: '', value: {b: 2}}]", "{b: 2}"},
      {"move", "{a: {b: 1}}", "[{op: move, from: /a/b, path: /c}]", "{a: {}, c: 1}"},
      {"copy is deep", "{a: {b: 1}}",
       "[{op: copy, from: /a, path: /c}, {op: replace, path: /c/b, value: 2}]",
       "{a: {b: 1}, c: {b: 2}}"},
      {"test", "{a: {b: [1, x]}}",
       "[{op: test, path: /a, value: {b: [1, x]}}, {op: remove, path: /a}]", "{}"},
      {"test of nothing", "{a: null}", "[{op: test, path: /a, value: null}, {op: test, path: /b}]",
       "{a: null}"},
      {"escapes", "{a/b: 1, c~d: 2}",
       "[{op: remove, path: /a~1b}, {op: replace, path: /c~0d, value: 3}]", "{c~d: 3}"},
      {"text before the first slash is ignored", "{b: 1}", "[{op: replace, path: a/b, value: 2}]",
       "{b: 2}"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const std::string block = " " + std::string(row.patch);  // not JSON: YAML flow
    CHECK(patched(row.target, block) == text_case::normal(row.want));
  }
}

TEST_CASE("items are inserted at the front one by one, up to a limit of moves in all") {
  constexpr int kItems = 30'000;
  std::string list = "{a: [0";
  for (int i = 1; i < kItems; ++i)
    list += ", 0";
  list += "]}";
  const auto patch = [](int count, std::string_view path) {
    std::string text = "[";
    for (int i = 0; i < count; ++i) {
      if (i != 0) text += ',';
      text += R"({"op": "add", "path": ")" + std::string(path) + R"(", "value": 1})";
    }
    return text + "]";
  };
  const auto apply = [&](const std::string& operations) {
    yaml::Document document = text_case::parse(list);
    const auto done = JsonPatch::parse(operations)->apply(document.root());
    if (!done) return done.error().message();
    return std::to_string(document.root().get("a").size());
  };
  CHECK(apply(patch(3'000, "/a/0")) == "33000");
  CHECK(apply(patch(60'000, "/a/-")) == "90000");  // nothing is moved
  // 30,000 + 30,001 + … + 53,851
  CHECK(apply(patch(30'000, "/a/0")) ==
        "operation 23852 of a JSON patch of 30000: looks for a place among more than 1000000000 "
        "items and keys in all");
}

TEST_CASE("errors are worded as the engine words them") {
  const Row rows[] = {
      {"no parent", "{a: 1}", "[{op: add, path: /x/y, value: 1}]",
       "add operation does not apply: doc is missing path: \"/x/y\": missing value"},
      {"no key", "{a: 1}", "[{op: remove, path: /b}]",
       "error in remove for path: '/b': Unable to remove nonexistent key: b: missing value"},
      {"index too large", "{a: [1]}", "[{op: add, path: /a/9, value: 1}]",
       "error in add for path: '/a/9': Unable to access invalid index: 9: invalid index "
       "referenced"},
      {"index too small", "{a: [1]}", "[{op: remove, path: /a/-3}]",
       "error in remove for path: '/a/-3': Unable to access invalid index: -3: invalid index "
       "referenced"},
      {"no index", "{a: [1]}", "[{op: add, path: /a/x, value: 1}]",
       "error in add for path: '/a/x': value was not a proper array index: 'x': strconv.Atoi: "
       "parsing \"x\": invalid syntax"},
      {"replace in a list", "{a: [1]}", "[{op: replace, path: /a/1, value: 1}]",
       "replace operation does not apply: doc is missing key: /a/1: missing value"},
      {"failed test", "{a: 1}", "[{op: test, path: /a, value: 2}]",
       "testing value /a failed: test failed"},
      {"number and string differ", "{a: 1}", "[{op: test, path: /a, value: '1'}]",
       "testing value /a failed: test failed"},
      {"unknown operation", "{a: 1}", "[{op: put, path: /a}]", "Unexpected kind: put"},
      {"no operation", "{a: 1}", "[{path: /a}]", "Unexpected kind: unknown"},
      {"no path", "{a: 1}", "[{op: add}]", "add operation failed to decode path: missing value"},
      {"no from", "{a: 1}", "[{op: move, path: /a}]",
       "move operation failed to decode from: operation, missing from field: missing value"},
      {"scalar for a document", "{a: 1}", "[{op: replace, path: '', value: 1}]",
       "replace operation value must be object or array: %!w(<nil>)"},
      {"list for a document", "{a: 1}", "[{op: replace, path: '', value: [1]}]",
       "json: cannot unmarshal array into Go value of type map[string]interface {}"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(patched(row.target, " " + std::string(row.patch)) == "error: " + std::string(row.want));
  }
}

TEST_CASE("a patch is YAML, or JSON when it starts with a bracket") {
  CHECK(patched("{a: 1}", "- op: add\n  path: /b\n  value: yes\n") ==
        text_case::normal("{a: 1, b: true}"));
  CHECK(patched("{a: 1}", R"([{"op":"add","path":"/b","value":"yes"}])") ==
        text_case::normal("{a: 1, b: \"yes\"}"));
  CHECK(patched("{a: 1}", "- op: add\n  path: /d\n  value: 2020-01-02\n") ==
        text_case::normal("{a: 1, d: \"2020-01-02\"}"));
  CHECK(patched("{}", "a: b") ==
        "parse: json: cannot unmarshal object into Go value of type jsonpatch.Patch");
  CHECK(patched("{}", "- a") ==
        "parse: json: cannot unmarshal string into Go value of type jsonpatch.Operation");
  CHECK(patched("{}", "") == "parse: empty json patch operations");
  const auto comments = JsonPatch::parse("# nothing\n");
  REQUIRE_OK(comments);
  CHECK(comments->empty());
}

TEST_CASE("numbers of a patched resource go through float64, dates become strings") {
  CHECK(patched("{a: 9007199254740993, b: 0x1F, c: 1.0, d: 2020-01-02, e: 12345678}", " []") ==
        "a: 9007199254740992\nb: 31\nc: 1\nd: \"2020-01-02T00:00:00Z\"\ne: 12345678\n");
  yaml::Document document = text_case::parse("{a: 12345678}");
  REQUIRE_OK(to_json(document.root(), yaml::Schema::kV3));
  REQUIRE_OK(from_json(document.root()));
  CHECK(document.root().get("a").text() == "1.2345678e+07");
}

TEST_CASE("what JSON cannot hold is refused") {
  CHECK(patched("{a: .inf}", " []") == "error: json: unsupported value: +Inf");
  CHECK(patched("{a: {1: b}}", " []") ==
        "error: json: unsupported type: map[interface {}]interface {}");
}

TEST_CASE("encrypted values move and copy, and are not tested") {
  yaml::Document document = text_case::parse("{a: x, b: y}");
  document.root().get("a").set_leaf(text_case::leaf("a"));
  const auto patch = JsonPatch::parse(
      R"([{"op":"copy","from":"/a","path":"/c"},{"op":"move","from":"/a","path":"/d"}])");
  REQUIRE_OK(patch);
  REQUIRE_OK(patch->apply(document.root()));
  CHECK(document.root().get("c").leaf() == text_case::leaf("a"));
  CHECK(document.root().get("d").leaf() == text_case::leaf("a"));
  const auto test = JsonPatch::parse(R"([{"op":"test","path":"/d","value":"secret"}])");
  REQUIRE_OK(test);
  const auto refused = test->apply(document.root());
  REQUIRE(!refused);
  CHECK(refused.error().code() == Code::kUnsupported);
}
