// Printing as kustomize prints. Expectations are what kustomize 5.8.2 (go.yaml.in/yaml/v2 2.4.4
// behind a round trip through JSON) gives; fixtures/yaml/scalars holds thousands more.
#include "sluice/yaml/read.hpp"
#include "sluice/yaml/write.hpp"

#include "support/test.hpp"

using namespace sluice;
using namespace sluice::yaml;

namespace {

std::string printed(std::string_view yaml) {
  const auto documents = read_yaml(yaml, FileId::kNone);
  if (!documents) return "error: " + documents.error().message();
  std::string out;
  const auto result = write_yaml(documents->at(0).root(), out);
  return result ? out : "error: " + result.error().message();
}

/// `text` printed as the value of the key "a".
std::string value(std::string_view text) {
  Document document;
  document.root().set_mapping();
  document.root().put_string("a", text);
  std::string out;
  const auto result = write_yaml(std::as_const(document).root(), out);
  return result ? out : "error: " + result.error().message();
}

std::string key(std::string_view text) {
  Document document;
  document.root().set_mapping();
  document.root().put_int(text, 1);
  std::string out;
  const auto result = write_yaml(std::as_const(document).root(), out);
  return result ? out : "error: " + result.error().message();
}

}  // namespace

TEST_CASE("write_yaml: block style, sequences not indented under their key") {
  CHECK(
      printed("{a: {b: [1, {c: 2, d: [x]}], e: {}}, f: [], g: [[1, [2]], {}, []], h: ~}") ==
      "a:\n  b:\n  - 1\n  - c: 2\n    d:\n    - x\n  e: {}\nf: []\ng:\n- - 1\n  - - 2\n- {}\n- []\n"
      "h: null\n");
  CHECK(printed("[1, [a]]") == "- 1\n- - a\n");
  CHECK(printed("x") == "x\n");
  CHECK(printed("{}") == "{}\n");
}

TEST_CASE("write_yaml: strings that would read as something else are double-quoted") {
  for (const char* text : {"y",        "Y",          "yes",      "on",
                           "off",      "n",          "N",        "no",
                           "true",     "~",          "null",     "",
                           "0x1F",     "1e3",        "017",      "089",
                           "0o17",     "0b11",       "1_000",    "1__0",
                           ".5",       "1.",         "+1",       "-0x1",
                           ".inf",     "2020-01-02", "2020-1-2", "2001-12-14t21:59:43.10-05:00",
                           "12:30:45", "1:2"}) {
    CAPTURE(text);
    CHECK(value(text) == "a: \"" + std::string(text) + "\"\n");
    CHECK(key(text) == "\"" + std::string(text) + "\": 1\n");
  }
}

TEST_CASE("write_yaml: strings stay plain when nothing forbids it") {
  for (const char* text : {"<<",
                           "=",
                           "0x",
                           "1e",
                           "1,000",
                           "0.1.2",
                           "?x",
                           ":x",
                           "-x",
                           "a{b}",
                           "a[0]",
                           "a: b"
                           "",
                           "x#y",
                           "a:b",
                           "é",
                           "a\xC2\xA0z",
                           "~x",
                           "yEs",
                           "1:60",
                           "--",
                           "..",
                           "a'b",
                           "a\"b",
                           "\\",
                           "0o8",
                           "_1",
                           "1970-13-01"}) {
    CAPTURE(text);
    if (std::string_view(text) == "a: b") continue;
    CHECK(value(text) == "a: " + std::string(text) + "\n");
  }
}

TEST_CASE("write_yaml: indicators are single-quoted") {
  for (const char* text : {"# x", ", x", "[x",   "]",   "{x",   "}",   "&x",   "*x",  "!x", "|",
                           ">",   "\"x", "%x",   "@x",  "`x",   "- x", "-",    "? x", "?",  ": x",
                           ":",   "---", "---x", "...", "a: b", "a:",  "a #b", " a",  "a ", " "}) {
    CAPTURE(text);
    CHECK(value(text) == "a: '" + std::string(text) + "'\n");
  }
  CHECK(value("'x") == "a: '''x'\n");
}

TEST_CASE("write_yaml: text with line breaks is literal, with its chomping and indentation") {
  CHECK(value("x\ny") == "a: |-\n  x\n  y\n");
  CHECK(value("x\ny\n") == "a: |\n  x\n  y\n");
  CHECK(value("x\n\n") == "a: |+\n  x\n\n");
  CHECK(value("\n") == "a: |2+\n\n");
  CHECK(value("\nlead") == "a: |2-\n\n  lead\n");
  CHECK(value("  two\nx") == "a: |2-\n    two\n  x\n");
  CHECK(value("x\n  y\n\n z") == "a: |-\n  x\n    y\n\n   z\n");
  CHECK(value("ü\n\né\n") == "a: |\n  ü\n\n  é\n");
  CHECK(value("x \ny") == "a: \"x \\ny\"\n");
  CHECK(value("x\ny ") == "a: \"x\\ny \"\n");
  CHECK(value("x\n\ty") == "a: \"x\\n\\ty\"\n");
  CHECK(value("x\r\ny") == "a: \"x\\r\\ny\"\n");
  CHECK(printed("- |\n  x\n- \"y\\nz\"\n- b: |+\n    q\n\n") ==
        "- |\n  x\n- |-\n  y\n  z\n- b: |+\n    q\n\n");
}

TEST_CASE("write_yaml: special characters are escaped between double quotes") {
  CHECK(value("\t") == "a: \"\\t\"\n");
  CHECK(value(std::string_view("\0\a\b\v\f\r\x1b", 7)) == "a: \"\\0\\a\\b\\v\\f\\r\\e\"\n");
  CHECK(value("\x01\"\\") == "a: \"\\x01\\\"\\\\\"\n");
  CHECK(value("😀") == "a: \"\\U0001F600\"\n");
  CHECK(value("x\xEF\xBB\xBFy") == "a: \"x\\uFEFFy\"\n");
  CHECK(value("\xEF\xBB\xBFxy") == "a: \"\\uFEFF\\x78\\x79\"\n");
  CHECK(value("x\xE2\x80\xA8y") == "a: 'x\xE2\x80\xA8  y'\n");
  CHECK(value("x \xE2\x80\xA8 y") == "a: \"x \\L y\"\n");
  CHECK(value("x\xC2\x85y") == "a: x y\n");  // JSON does not escape it, go-yaml folds it
  CHECK(value("x \xC2\x85 \xC2\x85 y") == "a: |-\n  x\n  y\n");
  CHECK(value("\x7f") == "error: yaml: control characters are not allowed");
  CHECK(value("\xC2\x80") == "error: yaml: control characters are not allowed");
  CHECK(value("x\xff") == "a: x\xEF\xBF\xBD\n");
}

TEST_CASE("write_yaml: lines fold at a single space past column 80") {
  const std::string word = "0123456789";
  std::string text = "x" + word;
  for (int i = 0; i < 8; ++i)
    text += " " + word;
  // The space in column 80 stays; the next one breaks.
  const std::string eight = text.substr(0, text.size() - word.size() - 1);
  CHECK(value(text) == "a: " + eight + "\n  " + word + "\n");
  CHECK(value("'" + text).find("\n  " + word) != std::string::npos);
  CHECK(value("\t" + text).find("\n  " + word) != std::string::npos);
  const std::string gap = std::string(85, 'x') + "  " + word;
  CHECK(value(gap) == "a: " + gap + "\n");  // runs of spaces do not break
  CHECK(value("\t" + gap) == "a: \"\\t" + std::string(85, 'x') + "\n  \\ " + word + "\"\n");
  CHECK(key(std::string(85, 'x') + " y") == std::string(85, 'x') + " y: 1\n");
}

TEST_CASE("write_yaml: keys longer than 128 bytes or of several lines take a question mark") {
  const std::string longest(128, 'k');
  CHECK(key(longest) == longest + ": 1\n");
  CHECK(key(longest + "k") == "? " + longest + "k\n: 1\n");
  CHECK(key("x\ny") == "? |-\n  x\n  y\n: 1\n");
  CHECK(printed("{\"x\\ny\": [1, {b: c}], \"z\\n\": {d: e}}") ==
        "? |-\n  x\n  y\n: - 1\n  - b: c\n? |\n  z\n: d: e\n");
  CHECK(key("x\xC2\x85") == "error: yaml: line 1: did not find expected ',' or '}'");
  CHECK(key(std::string(1022, 'k')).starts_with("? k"));
  CHECK(key(std::string(1023, 'k')) ==
        "error: yaml: mapping values are not allowed in this context");
}

TEST_CASE("write_yaml: numbers print as Go reads and prints them through JSON") {
  struct Row {
    const char* in;
    const char* out;
  };
  for (const Row row : {Row{"1.0", "1"},
                        {"1e3", "1000"},
                        {"1e21", "1e+21"},
                        {"1e-7", "1e-07"},
                        {"12345678.9", "1.23456789e+07"},
                        {"0.0001", "0.0001"},
                        {"0.00001", "1e-05"},
                        {"123456.5", "123456.5"},
                        {"100000000000000000000", "1e+20"},
                        {"18446744073709551615", "18446744073709551615"},
                        {"18446744073709551616", "1.8446744073709552e+19"},
                        {"-9223372036854775808", "-9223372036854775808"},
                        {"1.5e19", "15000000000000000000"},
                        {"0x1F", "31"},
                        {"017", "15"},
                        {"0o17", "15"},
                        {"0b11", "3"},
                        {"089", "89"},
                        {"1_000", "1000"},
                        {"+5", "5"},
                        {"-0", "0"},
                        {"-0.0", "0"},
                        {".5", "0.5"},
                        {"1e400", "1e400"},
                        {"true", "true"},
                        {"True", "true"},
                        {"~", "null"},
                        {"yes", "\"yes\""},
                        {"2020-01-02", "\"2020-01-02T00:00:00Z\""},
                        {"2020-01-02 3:4:5,6", "\"2020-01-02T03:04:05.6Z\""},
                        {"2020-01-02T03:04:05+05:30", "\"2020-01-02T03:04:05+05:30\""},
                        {"12:30:45", "\"12:30:45\""},
                        {"!!binary aGk=", "hi"},
                        {"!!str 12", "\"12\""},
                        {"!!float 3", "3"},
                        {"!foo 3", "\"3\""}}) {
    CAPTURE(row.in);
    CHECK(printed("a: " + std::string(row.in)) == "a: " + std::string(row.out) + "\n");
  }
  CHECK(printed("a: .inf") == "error: json: unsupported value: +Inf");
  CHECK(printed("a: -.inf") == "error: json: unsupported value: -Inf");
  CHECK(printed("a: .nan") == "error: json: unsupported value: NaN");
  CHECK(printed("a: 2020-01-02T03:04:05+24:00").find("timezone hour outside of range") !=
        std::string::npos);
}

TEST_CASE("write_yaml: a folded scalar gains breaks on its way through text, decoded it does not") {
  const auto documents = read_yaml("a: >\n  x\n\n    y\nb: {k: , t: 12:30:00}\n", FileId::kNone);
  REQUIRE_OK(documents);
  std::string through_text, decoded;
  CHECK_OK(write_yaml(documents->at(0).root(), through_text));
  CHECK_OK(write_yaml_decoded(documents->at(0).root(), decoded));
  CHECK(through_text == "a: |\n  x\n\n\n    y\nb:\n  k: \"\"\n  t: \"12:30:00\"\n");
  CHECK(decoded == "a: |\n  x\n\n    y\nb:\n  k: null\n  t: \"12:30:00\"\n");
}

TEST_CASE("write_yaml: keys print in natural order") {
  CHECK(printed("{é: 1, b: 1, ab: 1, aB: 1, a_b: 1, a/b: 1, a.b: 1, a-b: 1, a: 1, \"10\": 1, "
                "\"9\": 1, _: 1, \"-\": 1, a10: 1, a9: 1}") ==
        "'-': 1\n_: 1\n\"9\": 1\n\"10\": 1\na: 1\na-b: 1\na.b: 1\na/b: 1\na_b: 1\na9: 1\na10: 1\n"
        "aB: 1\nab: 1\nb: 1\né: 1\n");
  CHECK(printed("{x10: 1, x001: 1, x01: 1, x1: 1, x_1: 1}") ==
        "x_1: 1\nx1: 1\nx01: 1\nx001: 1\nx10: 1\n");
}

TEST_CASE("write_yaml: where the natural order is not transitive, input order does not show") {
  const std::string one = printed("{a10: 1, a1b: 2, a9: 3}");
  CHECK(one == printed("{a9: 3, a1b: 2, a10: 1}"));
  CHECK(one == printed("{a1b: 2, a10: 1, a9: 3}"));
  std::string forward = "{";
  std::string backward = "}";
  for (int i = 0; i < 200; ++i) {
    const std::string entry = "k" + std::to_string(i) + (i % 3 == 0 ? "b" : "") + ": 1,";
    forward += entry;
    backward = entry + backward;
  }
  CHECK(printed(forward + "}") == printed("{" + backward));
}

TEST_CASE("write_yaml: keys that are no strings are refused below the top level") {
  CHECK(printed("a: {1: x}") == "error: json: unsupported type: map[interface {}]interface {}");
  CHECK(printed("a: {true: x}") == "error: json: unsupported type: map[interface {}]interface {}");
  CHECK(printed("{1: x, 0x10: y, true: z, ~: gone}") == "\"0x10\": \"y\"\n\"1\": x\n\"true\": z\n");
}

namespace {

class FixedReader final : public LeafReader {
 public:
  explicit FixedReader(Value value) : value_(value) {}
  Result<Value> read(const EncryptedLeaf&) override { return value_; }

 private:
  Value value_;
};

/// Counts what reaches it before and after plaintext does.
class Collecting final : public ByteSink {
 public:
  void append(std::string_view bytes) override { text += bytes; }
  std::string text;
};

}  // namespace

TEST_CASE("writers: a leaf prints redacted without a reader, as its plaintext with one") {
  Document document;
  document.root().set_mapping();
  document.root().put_leaf("a", EncryptedLeaf{});
  document.root().put_string("b", "x");
  std::string out;
  REQUIRE_OK(write_yaml(std::as_const(document).root(), out));
  CHECK(out == "a: '**SOPS**'\nb: x\n");
  out.clear();
  REQUIRE_OK(write_go_json(std::as_const(document).root(), out));
  CHECK(out == "{\"a\":\"**SOPS**\",\"b\":\"x\"}");

  struct Row {
    LeafReader::Value value;
    std::string_view yaml, json;
  };
  for (const Row& row : {Row{{Kind::kString, "se'cret: <x>\n\xE2\x80\xA8\tend"},
                             "a: \"se'cret: <x>\\n\\L\\tend\"\nb: x\n",
                             "{\"a\":\"se'cret: \\u003cx\\u003e\\n\\u2028\\tend\",\"b\":\"x\"}"},
                         {{Kind::kString, "12"}, "a: \"12\"\nb: x\n", "{\"a\":\"12\",\"b\":\"x\"}"},
                         {{Kind::kString, "l1\nl2\n"},
                          "a: |\n  l1\n  l2\nb: x\n",
                          "{\"a\":\"l1\\nl2\\n\",\"b\":\"x\"}"},
                         {{Kind::kInt, "12"}, "a: 12\nb: x\n", "{\"a\":12,\"b\":\"x\"}"},
                         {{Kind::kFloat, "1.50"}, "a: 1.5\nb: x\n", "{\"a\":1.5,\"b\":\"x\"}"},
                         {{Kind::kBool, "true"}, "a: true\nb: x\n", "{\"a\":true,\"b\":\"x\"}"},
                         {{Kind::kTimestamp, "2020-01-02"},
                          "a: \"2020-01-02T00:00:00Z\"\nb: x\n",
                          "{\"a\":\"2020-01-02T00:00:00Z\",\"b\":\"x\"}"}}) {
    CAPTURE(row.value.text);
    FixedReader reader(row.value);
    Collecting yaml;
    REQUIRE_OK(write_yaml(std::as_const(document).root(), yaml, &reader));
    CHECK(yaml.text == row.yaml);
    Collecting json;
    JsonOptions options;
    options.leaves = &reader;
    REQUIRE_OK(write_go_json(std::as_const(document).root(), json, options));
    CHECK(json.text == row.json);
  }
  FixedReader broken({Kind::kString, "\xff"});
  Collecting sink;
  const auto result = write_yaml(std::as_const(document).root(), sink, &broken);
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().message().find("\xff") == std::string::npos);
}

TEST_CASE("writers: a document nested as deep as readers allow") {
  const std::string nested = std::string(500, '[') + std::string(500, ']');
  const std::string out = printed(nested);
  CHECK(out.ends_with("[]\n"));
  CHECK(printed(out) == out);
}
