// JSON in and out. Writing follows Go's encoding/json (encode.go), whose bytes hashes depend on.
#include "sluice/yaml/read.hpp"
#include "sluice/yaml/write.hpp"

#include "support/test.hpp"

using namespace sluice;
using namespace sluice::yaml;

namespace {

std::string round_trip(std::string_view json, const JsonOptions& options = {}) {
  const auto document = read_json(json);
  if (!document) return "error: " + document.error().message();
  std::string out;
  const auto written = write_go_json(document->root(), out, options);
  return written ? out : "error: " + written.error().message();
}

std::string failure_of(std::string_view json) {
  const auto document = read_json(json, FileId::kNone);
  return document ? "read" : document.error().text();
}

}  // namespace

TEST_CASE("read_json: values, texts as written, key order and positions") {
  const auto document = read_json(
      " {\"b\": [1, -2.50, 1e3, true, null],\n  \"a\\u00e9\": \"x\\ny\", \"b2\": \"plain\"} ");
  REQUIRE_OK(document);
  const Node root = document->root();
  CHECK(root.key(0).text() == "b");
  CHECK(root.get("b").at(0).kind() == Kind::kInt);
  CHECK(root.get("b").at(1).kind() == Kind::kFloat);
  CHECK(root.get("b").at(1).text() == "-2.50");
  CHECK(root.get("b").at(2).kind() == Kind::kFloat);
  CHECK(root.get("b").at(3).kind() == Kind::kBool);
  CHECK(root.get("b").at(4).is_null());
  CHECK(root.get("aé").text() == "x\ny");
  CHECK(root.get("b2").text() == "plain");
  CHECK(root.key(1).position() == Position(2, 3));
  CHECK(root.get("b").at(0).position() == Position(1, 9));
}

TEST_CASE("read_json: a scalar is a document, too") {
  CHECK(round_trip("\"x\"") == "\"x\"");
  CHECK(round_trip(" 12 ") == "12");
  CHECK(round_trip("true") == "true");
  CHECK(round_trip("null\n") == "null");
  CHECK(round_trip("[]") == "[]");
  CHECK(round_trip("{}") == "{}");
}

TEST_CASE("read_json: of repeated keys the last wins, in the first one's place") {
  JsonOptions keep_order;
  keep_order.sort_keys = false;
  CHECK(round_trip("{\"a\":1,\"b\":2,\"a\":3}", keep_order) == "{\"a\":3,\"b\":2}");
  std::string many = "{\"k1\":0";
  for (int i = 0; i < 40; ++i)
    many += ",\"k" + std::to_string(i) + "\":1";
  CHECK(read_json(many + "}")->root().size() == 40);
}

TEST_CASE("read_json: integers of any size keep their text") {
  const auto document = read_json("[123456789012345678901234567890, 18446744073709551615, 1e400]");
  REQUIRE_OK(document);
  CHECK(document->root().at(0).text() == "123456789012345678901234567890");
  CHECK(document->root().at(0).kind() == Kind::kInt);
  CHECK(round_trip("[123456789012345678901234567890,18446744073709551615]") ==
        "[1.2345678901234568e+29,18446744073709551615]");
}

TEST_CASE("read_json: what is not JSON is refused with its place") {
  for (const std::string_view bad : {"",
                                     " ",
                                     "{",
                                     "[",
                                     "[1",
                                     "[1,",
                                     "[1,]",
                                     "[1 2]",
                                     "{\"a\"}",
                                     "{\"a\":}",
                                     "{\"a\":1,}",
                                     "{a:1}",
                                     "{'a':1}",
                                     "{1:2}",
                                     "{\"a\" 1}",
                                     "[01]",
                                     "[1.]",
                                     "[.5]",
                                     "[+1]",
                                     "[-]",
                                     "[1e]",
                                     "[0x1]",
                                     "[NaN]",
                                     "[nul]",
                                     "[truex]",
                                     "[null1]",
                                     "tru",
                                     "01",
                                     "1 2",
                                     "\"a\" \"b\"",
                                     "\"a",
                                     "\"\\x\"",
                                     "\"\\ud800\"",
                                     "[\"\t\"]",
                                     "[\"\xff\"]",
                                     "[1]]",
                                     "{}{}",
                                     "[]x",
                                     "nullx",
                                     "]",
                                     "[1}",
                                     "{\"a\":1]",
                                     "\"a\"x",
                                     "[\"a\" \"b\"]",
                                     "{\"a\":1 \"b\":2}",
                                     "[,1]",
                                     "{,}"}) {
    CAPTURE(bad);
    const auto document = read_json(bad);
    CHECK_FALSE(document.has_value());
    if (!document) CHECK(document.error().code() == Code::kInvalid);
  }
  CHECK(failure_of("{\"a\": 1,\n \"b\": 01}").starts_with("line 2:7: json: not a number"));
  // simdjson 3.1 and newer look at the last bracket first, and so see an end that is missing.
  const std::string follows = failure_of("[1]\n x");
  CHECK((follows.starts_with("line 2:2: json: something follows") ||
         follows.starts_with("line 1:1: json: a bracket or brace is not closed")));
}

TEST_CASE("read_json: limits hold, one past each is refused") {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  CHECK(read_json(nested(500)).has_value());
  const auto deep = read_json(nested(501));
  REQUIRE_FALSE(deep.has_value());
  CHECK(deep.error().code() == Code::kUnsupported);
  CHECK_FALSE(read_json(nested(100'000)).has_value());
  Limits small;
  small.max_bytes = 2;
  CHECK(read_json("[]", FileId::kNone, small).has_value());
  CHECK_FALSE(read_json("[1]", FileId::kNone, small).has_value());
}

TEST_CASE("read_json: values are counted, one too many is refused with its place") {
  Limits few;
  few.max_nodes = 4;
  CHECK_OK(read_json("[1,2,3]", FileId::kNone, few));
  CHECK_OK(read_json("[{\"a\":1}]", FileId::kNone, few));
  for (const std::string_view many : {"[1,2,3,\n4]", "[{\"a\":1},\n2]"}) {
    const auto refused = read_json(many, FileId::kNone, few);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code() == Code::kUnsupported);
    CHECK(refused.error().text().starts_with("line 2:1: json: more than 4 values"));
  }
}

TEST_CASE("write_go_json: escapes and numbers are encoding/json's") {
  Document document;
  const auto written = [&](std::string_view text) {
    document.root().set_string(text);
    std::string out;
    REQUIRE_OK(write_go_json(std::as_const(document).root(), out));
    return out;
  };
  CHECK(written("a\"\\/\b\f\n\r\t\x01\x7f") == "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\x7f\"");
  CHECK(written("<&>") == "\"\\u003c\\u0026\\u003e\"");
  CHECK(written("é\u2028\u2029😀") == "\"é\\u2028\\u2029😀\"");
  CHECK(written("x\xff\xc3(") == "\"x\\ufffd\\ufffd(\"");
  JsonOptions plain;
  plain.escape_html = false;
  document.root().set_string("<\u2028>");
  std::string out;
  REQUIRE_OK(write_go_json(std::as_const(document).root(), out, plain));
  CHECK(out == "\"<\\u2028>\"");

  CHECK(round_trip("[1.0,1e3,1e21,1e20,0.000001,1e-7,-0.0,1.50]") ==
        "[1,1000,1e+21,100000000000000000000,0.000001,1e-7,-0,1.5]");
  CHECK(round_trip("{\"b\":1,\"a\":2,\"B\":3,\"a10\":4,\"a9\":5}") ==
        "{\"B\":3,\"a\":2,\"a10\":4,\"a9\":5,\"b\":1}");
}

TEST_CASE("write_go_json: YAML values print as Go decodes them") {
  const auto documents = read_yaml(
      "{i: 0x1F, o: 017, f: 1_000.5, t: 2020-01-02, b: !!binary aGk=, n: ~, y: yes, big: 1e400}",
      FileId::kNone);
  REQUIRE_OK(documents);
  std::string out;
  REQUIRE_OK(write_go_json(documents->at(0).root(), out));
  CHECK(out ==
        "{\"b\":\"hi\",\"big\":\"1e400\",\"f\":1000.5,\"i\":31,\"n\":null,\"o\":15,"
        "\"t\":\"2020-01-02T00:00:00Z\",\"y\":\"yes\"}");
  const auto refused = [](std::string_view text) {
    const auto read = read_yaml(text, FileId::kNone);
    std::string ignored;
    const auto result = write_go_json(read->at(0).root(), ignored);
    return result ? "" : result.error().message();
  };
  CHECK(refused("a: .inf") == "json: unsupported value: +Inf");
  CHECK(refused("a: -.INF") == "json: unsupported value: -Inf");
  CHECK(refused("a: .nan") == "json: unsupported value: NaN");
  CHECK(refused("a: {1: x}") == "json: unsupported type: map[interface {}]interface {}");
}
