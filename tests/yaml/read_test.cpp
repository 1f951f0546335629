// Reading: go-yaml's errors, anchors, merges and empty documents. Upstream: go.yaml.in/yaml/v3
// decode.go and its decode_test.go; kyaml/yaml/rnode.go for merges.
#include "sluice/yaml/read.hpp"

#include "sluice/yaml/write.hpp"

#include "support/test.hpp"

using namespace sluice;
using namespace sluice::yaml;

namespace {

Node first(const Result<std::vector<Document>>& documents) {
  return documents->at(0).root();
}

/// Message of the failure, "" when it was read.
std::string message_of(std::string_view text, const ReadOptions& options = {}) {
  const auto result = read_yaml(text, FileId::kNone, options);
  return result ? "" : result.error().message();
}

}  // namespace

TEST_CASE("read_yaml: scalars, collections and positions") {
  const auto documents =
      read_yaml("a: 1\nb:\n  - x\n  - 'it''s'\n  - \"q\\tq\"\n  - |\n    one\n    two\nü: ö # ä\n",
                FileId{7});
  REQUIRE_OK(documents);
  REQUIRE(documents->size() == 1);
  const Node root = first(documents);
  CHECK(root.get("a").kind() == Kind::kInt);
  CHECK(root.get("b").at(0).text() == "x");
  CHECK(root.get("b").at(1).text() == "it's");
  CHECK(root.get("b").at(1).style() == Style::kSingleQuoted);
  CHECK(root.get("b").at(2).text() == "q\tq");
  CHECK(root.get("b").at(3).text() == "one\ntwo\n");
  CHECK(root.get("b").at(3).style() == Style::kLiteral);
  CHECK(root.get("ü").text() == "ö");
  CHECK(root.get("b").at(1).position() == Position(4, 5));
  CHECK(root.get("ü").position() == Position(9, 4));
  CHECK(root.get("a").file() == FileId{7});
}

TEST_CASE("read_yaml: documents without a node are left out, explicit nulls are not") {
  const auto documents =
      read_yaml("# c\n---\n---\na: 1\n---\n# only\n---\nnull\n---\n", FileId::kNone);
  REQUIRE_OK(documents);
  REQUIRE(documents->size() == 2);
  CHECK(first(documents).get("a").text() == "1");
  CHECK((*documents)[1].root().is_null());
  CHECK(read_yaml("", FileId::kNone)->empty());
  CHECK(read_yaml("\xEF\xBB\xBF"
                  "a: 1",
                  FileId::kNone)
            ->at(0)
            .root()
            .get("a")
            .text() == "1");
}

TEST_CASE("read_yaml: plain text is a view of the file, which the document keeps alive") {
  auto text = std::make_shared<const std::string>("key: some value\nesc: \"a\\nb\"\n");
  const char* const begin = text->data();
  const char* const end = begin + text->size();
  auto documents = read_yaml(text, FileId::kNone);
  REQUIRE_OK(documents);
  text.reset();
  const Node value = first(documents).get("key");
  CHECK(value.text() == "some value");
  CHECK((value.text().data() >= begin && value.text().data() < end));
  CHECK(first(documents).get("esc").text() == "a\nb");
  const Document copy = documents->at(0);
  documents->clear();
  CHECK(copy.root().get("key").text() == "some value");
  CHECK(copy.root().get("esc").text() == "a\nb");
}

TEST_CASE("read_yaml: errors are go-yaml's, with the place of the problem") {
  struct Row {
    std::string_view text, v3, v2;
    std::uint32_t line;
  };
  // Recorded from go.yaml.in/yaml/v3 3.0.5 and v2 2.4.4.
  const Row rows[] = {
      {"a: b\nc\n", "yaml: line 2: could not find expected ':'",
       "yaml: line 3: could not find expected ':'", 3},
      {"a: b: c\n", "yaml: mapping values are not allowed in this context",
       "yaml: mapping values are not allowed in this context", 1},
      {"x: 1\na: b: c\n", "yaml: line 2: mapping values are not allowed in this context",
       "yaml: line 2: mapping values are not allowed in this context", 2},
      {"a: 'x\n", "yaml: line 2: found unexpected end of stream",
       "yaml: line 2: found unexpected end of stream", 2},
      {"a:\n\t- x\n", "yaml: line 2: found character that cannot start any token",
       "yaml: line 2: found character that cannot start any token", 2},
      {"a: [1, 2\nb: 3\n", "yaml: line 1: did not find expected ',' or ']'",
       "yaml: line 1: did not find expected ',' or ']'", 2},
      {"a: 1\n b: 2\n", "yaml: line 2: mapping values are not allowed in this context",
       "yaml: line 2: mapping values are not allowed in this context", 2},
      {"a: 1\nb: \x01\n", "yaml: control characters are not allowed",
       "yaml: control characters are not allowed", 2},
      {"a: \xff\n", "yaml: invalid leading UTF-8 octet", "yaml: invalid leading UTF-8 octet", 1},
      {"a: *x\n", "yaml: unknown anchor 'x' referenced", "yaml: unknown anchor 'x' referenced", 1},
      {"a: &x [*x]\n", "yaml: anchor 'x' value contains itself",
       "yaml: anchor 'x' value contains itself", 1},
      {"a: !!int x\n", "yaml: cannot decode !!str `x` as a !!int",
       "yaml: cannot decode !!str `x` as a !!int", 1},
      {"a: !!binary '*'\n", "yaml: !!binary value contains invalid base64 data",
       "yaml: !!binary value contains invalid base64 data", 1},
      {"a:\n  <<: 1\n", "yaml: map merge requires map or sequence of maps as the value",
       "yaml: map merge requires map or sequence of maps as the value", 2},
      {"a: \"x\\/y\"\n", "yaml: found unknown escape character",
       "yaml: found unknown escape character", 1},
      {"a: [a?b]\n", "yaml: did not find expected ',' or ']'",
       "yaml: did not find expected ',' or ']'", 1},
      {"x: 1\na: {k: a?b}\n", "yaml: line 1: did not find expected ',' or '}'",
       "yaml: line 1: did not find expected ',' or '}'", 2},
      {"%YAML 1.2\n---\na: 1\n", "yaml: found incompatible YAML document",
       "yaml: found incompatible YAML document", 1},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto v3 = read_yaml(row.text, FileId::kNone);
    REQUIRE_FALSE(v3.has_value());
    CHECK(v3.error().message() == row.v3);
    CHECK(v3.error().where().line == row.line);
    CHECK(v3.error().code() == Code::kInvalid);
    ReadOptions v2;
    v2.schema = Schema::kV2;
    CHECK(message_of(row.text, v2) == row.v2);
  }
}

TEST_CASE("read_yaml: a single quote may be escaped in double quotes, as in go-yaml") {
  const std::string_view texts[] = {
      "a: \"it\\'s\"\nb: 'a\\'\nc: \"\\'\"\n",                    // the quick reader
      "x: {\"k\\'\": 1}\na: \"it\\'s\"\nb: 'a\\'\nc: \"\\'\"\n",  // libyaml
      "é: [\"é\\'\"]\na: \"it\\\n  \\'s\"\nb: 'a\\'\nc: \"\\'\"\n",
  };
  for (const std::string_view text : texts) {
    for (const Schema schema : {Schema::kV3, Schema::kV2}) {
      CAPTURE(text);
      ReadOptions options;
      options.schema = schema;
      const auto documents = read_yaml(text, FileId::kNone, options);
      REQUIRE_OK(documents);
      CHECK(first(documents).get("a").text() == "it's");
      CHECK(first(documents).get("b").text() == "a\\");
      CHECK(first(documents).get("c").text() == "'");
    }
  }
  const auto flow = read_yaml("{\"a\\'\": \"\\\"\\'\\\\'\", b: \"\\e\"}", FileId::kNone);
  REQUIRE_OK(flow);
  CHECK(first(flow).key(0).text() == "a'");
  CHECK(first(flow).value(0).text() == "\"'\\'");
  CHECK(first(flow).get("b").text() == "\x1b");
  // Nobody writes both; what cannot be told apart is refused.
  CHECK(message_of("x: 1\na: [\"\\e\\'\"]\n") == "yaml: line 2: found unknown escape character");
  CHECK(message_of("x: 1\na: [\"\\'\\z\"]\n") == "yaml: line 2: found unknown escape character");
}

TEST_CASE("read_yaml: texts with more escaped single quotes than the limit are refused") {
  std::string text = "a: [" + std::string(1U << 20U, ' ');
  for (int i = 0; i < 257; ++i)
    text += "\"\\'\", ";
  CHECK(message_of(text + "]\n") == "yaml: found unknown escape character");
}

TEST_CASE("read_yaml: a repeated key names both places, outer mappings first") {
  CHECK(message_of("name: a\nx: 1\nname: b\n") ==
        "yaml: unmarshal errors:\n  line 3: mapping key \"name\" already defined at line 1");
  CHECK(message_of("a: {b: 1, b: 2}\nc:\n  d: 1\n  d: 2\n  d: 3\n") ==
        "yaml: unmarshal errors:\n"
        "  line 1: mapping key \"b\" already defined at line 1\n"
        "  line 4: mapping key \"d\" already defined at line 3\n"
        "  line 5: mapping key \"d\" already defined at line 3\n"
        "  line 5: mapping key \"d\" already defined at line 4");
  CHECK(message_of("a: {b: 1, b: 2}\na: 1\n") ==
        "yaml: unmarshal errors:\n  line 2: mapping key \"a\" already defined at line 1");
  CHECK(message_of("1: a\n\"1\": b\n").find("\"1\" already") != std::string::npos);
  std::string many;
  for (int i = 0; i < 40; ++i)
    many += "k" + std::to_string(i) + ": 1\n";
  CHECK(message_of(many).empty());
  CHECK(message_of(many + "k7: 2\n") ==
        "yaml: unmarshal errors:\n  line 41: mapping key \"k7\" already defined at line 8");
  ReadOptions lax;
  lax.unique_keys = false;
  const auto last_wins = read_yaml("a: 1\nb: 2\na: 3\n", FileId::kNone, lax);
  REQUIRE_OK(last_wins);
  CHECK(first(last_wins).size() == 2);
  CHECK(first(last_wins).value(0).text() == "3");
}

TEST_CASE("read_yaml: aliases become copies; later documents see earlier anchors in v3 only") {
  const auto documents =
      read_yaml("a: &x {k: [1, 2]}\nb: *x\nc: &x 5\nd: *x\n---\ne: *x\n", FileId::kNone);
  REQUIRE_OK(documents);
  CHECK(equal(first(documents).get("a"), first(documents).get("b")));
  CHECK(first(documents).get("d").text() == "5");
  CHECK((*documents)[1].root().get("e").text() == "5");
  ReadOptions v2;
  v2.schema = Schema::kV2;
  CHECK(message_of("a: &x 1\n---\nb: *x\n", v2) == "yaml: unknown anchor 'x' referenced");
}

TEST_CASE("read_yaml: merge keys: written keys win, then earlier maps; in v2 the order decides") {
  const std::string_view text =
      "base: &b {x: 1, j: 2}\nmore: &m {j: 3, z: 4}\n"
      "one: {j: 9, <<: *b}\ntwo: {<<: [*m, *b], x: 7}\nquoted: {\"<<\": 1}\n";
  const auto documents = read_yaml(text, FileId::kNone);
  REQUIRE_OK(documents);
  const Node root = first(documents);
  CHECK(root.find("one", "j").text() == "9");
  CHECK(root.find("one", "x").text() == "1");
  CHECK(root.get("one").size() == 2);
  CHECK(root.find("two", "j").text() == "3");
  CHECK(root.find("two", "x").text() == "7");
  CHECK(root.find("two", "z").text() == "4");
  CHECK(root.find("quoted", "<<").text() == "1");
  ReadOptions v2;
  v2.schema = Schema::kV2;
  const auto in_order = read_yaml(text, FileId::kNone, v2);
  REQUIRE_OK(in_order);
  CHECK(first(in_order).find("one", "j").text() == "2");
  CHECK(first(in_order).find("two", "j").text() == "3");
  ReadOptions off;
  off.merge_keys = false;
  const auto kept = read_yaml(text, FileId::kNone, off);
  REQUIRE_OK(kept);
  CHECK(first(kept).find("one", "<<", "x").text() == "1");
}

TEST_CASE("read_yaml: v2 makes strings of keys, as sigs.k8s.io/yaml does") {
  ReadOptions v2;
  v2.schema = Schema::kV2;
  const auto documents =
      read_yaml("{1: a, on: b, 0x10: c, 1.5: d, 2020-01-02: 2020-01-02}", FileId::kNone, v2);
  REQUIRE_OK(documents);
  CHECK(first(documents).get("1").text() == "a");
  CHECK(first(documents).get("true").text() == "b");
  CHECK(first(documents).get("16").text() == "c");
  CHECK(first(documents).get("1.5").text() == "d");
  CHECK(first(documents).get("2020-01-02").is_string());
  CHECK(message_of("{~: a}", v2).starts_with("unsupported map key"));
}

TEST_CASE("read_yaml: limits hold, one past each is refused") {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  CHECK(message_of(nested(500)).empty());
  auto deep = read_yaml(nested(501), FileId::kNone);
  REQUIRE_FALSE(deep.has_value());
  CHECK(deep.error().code() == Code::kUnsupported);
  CHECK(deep.error().message() == "yaml: line 1: nested deeper than 500 levels");
  CHECK_FALSE(read_yaml(std::string(200'000, '['), FileId::kNone).has_value());
  CHECK_FALSE(read_yaml(std::string(200'000, '-'), FileId::kNone)->empty());

  ReadOptions small;
  small.limits.max_bytes = 4;
  CHECK(message_of("a: 1", small).empty());
  CHECK(message_of("a: 12", small) == "yaml: 5 bytes are more than the limit of 4");

  // With both readers: the second text has an anchor, which is libyaml's.
  for (const std::string mark : {"", "&x "}) {
    ReadOptions few;
    few.limits.max_nodes = 9;
    const std::string start = mark + "a: [1, 2, 3]\n---\nb:\n";
    CHECK(message_of(start, few).empty());
    CHECK(message_of(start + "- 1", few) == "yaml: line 4: more than 9 values in one file");
    CHECK(message_of(start + "  c: [", few) == "yaml: line 4: more than 9 values in one file");
  }

  // 4 nodes written by the time of the alias (root, key, value, key): 2 + 40 may be added.
  ReadOptions aliases;
  aliases.limits.max_alias_nodes = 0;
  std::string text = "a: &x [1]\nb: [";
  CHECK(message_of(text + "*x]", aliases).empty());
  const auto times = [&](int count) {
    std::string list = text;
    for (int i = 0; i < count; ++i)
      list += "*x,";
    return list + "]";
  };
  CHECK(message_of(times(30), aliases).empty());  // 6 written nodes, 60 added
  CHECK(message_of(times(31), aliases) == "yaml: document contains excessive aliasing");
  std::string bomb = "a0: &a0 [x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string name = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j)
      bomb += name + ",";
    bomb += "]\n";
  }
  CHECK(message_of(bomb) == "yaml: document contains excessive aliasing");
  // Aliases within aliases add up their depth.
  std::string tower = "- &a0 " + nested(300) + "\n- " + std::string(200, '[') + "*a0" +
                      std::string(200, ']') + "\n";
  CHECK(message_of(tower).find("alias 'a0' makes it nested deeper than 500") != std::string::npos);
}

TEST_CASE("read_yaml: text that is no view of the source survives, also in later documents") {
  std::string text;
  for (int i = 0; i < 300; ++i) {
    text +=
        "---\nk: \"v\\t" + std::to_string(i) + "\"\nü: |\n  line " + std::to_string(i) + "\n  ö\n";
  }
  const auto documents = read_yaml(text, FileId::kNone);
  REQUIRE_OK(documents);
  REQUIRE(documents->size() == 300);
  for (std::size_t i = 0; i < 300; ++i) {
    const Node root = (*documents)[i].root();
    CHECK(root.get("k").text() == "v\t" + std::to_string(i));
    CHECK(root.get("ü").text() == "line " + std::to_string(i) + "\nö\n");
  }
}
