// The second engine and the cross-check. libyaml decides as go-yaml does; what yaml-cpp 0.7 is
// known to take beyond that is listed, so that a new version of it is noticed.
#include "sluice/yaml/event_source.hpp"
#include "sluice/yaml/read.hpp"

#include "support/test.hpp"

using namespace sluice;
using namespace sluice::yaml;

namespace {

ReadOptions with(Engine engine) {
  ReadOptions options;
  options.engine = engine;
  return options;
}

bool accepts(Engine engine, std::string_view text) {
  return read_yaml(text, FileId::kNone, with(engine)).has_value();
}

}  // namespace

TEST_CASE("both engines read the same documents") {
  for (const std::string_view text :
       {"a: 1\nb: [x, 'y', \"z\\n\"]\n", "- |\n  x\n  y\n- >\n  a\n  b\n\n  c\n",
        "a: &x {k: 1}\nb: *x\n", "one: 1\n---\ntwo: 2\n", "# nothing\n", "---\n---\n",
        "a: ~\nb:\nc: null\n", "a: !!str 1\nb: !!int '2'\nc: !foo bar\n", "? a\n: b\n",
        "a: {b: {c: []}}\n", "<<: {a: 1}\n", "plain over\n  two lines\n", "é: ü\n",
        "{\"json\": [1, 2.5, true, null]}"}) {
    CAPTURE(text);
    const auto one = read_yaml(text, FileId::kNone);
    const auto both = read_yaml(text, FileId::kNone, with(Engine::kBoth));
    REQUIRE_OK(one);
    REQUIRE_OK(both);
    REQUIRE(one->size() == both->size());
    for (std::size_t i = 0; i < one->size(); ++i)
      CHECK(equal((*one)[i].root(), (*both)[i].root()));
    const auto second = read_yaml(text, FileId::kNone, with(Engine::kYamlCpp));
    REQUIRE_OK(second);
    for (std::size_t i = 0; i < one->size(); ++i)
      CHECK(equal((*one)[i].root(), (*second)[i].root()));
  }
}

TEST_CASE("what yaml-cpp takes and go-yaml does not is refused by the cross-check") {
  for (const std::string_view text : {"a: b\nc\n", "[1,,2]", ": a", "%FOO\n---\na: 1\n",
                                      "a: \"\\/\"", "%YAML 1.2\n---\na: 1\n", "&a.b/c x"}) {
    CAPTURE(text);
    CHECK_FALSE(accepts(Engine::kLibyaml, text));
    CHECK_FALSE(accepts(Engine::kBoth, text));
    CHECK(accepts(Engine::kYamlCpp, text));
  }
}

TEST_CASE("what only libyaml takes is refused by the cross-check, with a hint") {
  for (const std::string_view text : {"a: b\rc: d\r",
                                      "a: b\xC2\x85"
                                      "c: d\n"}) {
    CAPTURE(text);
    CHECK(accepts(Engine::kLibyaml, text));
    const auto both = read_yaml(text, FileId::kNone, with(Engine::kBoth));
    REQUIRE_FALSE(both.has_value());
    CHECK(both.error().hint().find("--strict-yaml") != std::string::npos);
  }
}

TEST_CASE("the cross-check names the first place where the engines disagree") {
  const auto both = read_yaml("a: 1\nb: ! 12\n", FileId::kNone, with(Engine::kBoth));
  REQUIRE_FALSE(both.has_value());
  CHECK(both.error().message() == "yaml: the engines disagree: a int against a string");
  CHECK(both.error().where().line == 2);
}

TEST_CASE("yaml-cpp: bytes that are no text, endless documents and deep nesting are errors") {
  for (const std::string_view text :
       {std::string_view("a: \xff"), std::string_view("a: \x01"), std::string_view("a: \0b", 5),
        std::string_view(","), std::string_view("a: 1\n---\n,")}) {
    CHECK_FALSE(accepts(Engine::kYamlCpp, text));
  }
  CHECK_FALSE(accepts(Engine::kYamlCpp, std::string(100'000, '[')));
  CHECK_FALSE(accepts(Engine::kYamlCpp, std::string(499, '[') + "[[]]" + std::string(499, ']')));
}

TEST_CASE("open_events: places are bytes, tags are whole, both engines are no single source") {
  const std::string_view text = "\xEF\xBB\xBFkéy: &a !!str 'v'  # c\n";
  const auto events = open_events(text, Engine::kLibyaml);
  const auto kind = [&] { return events->next()->kind; };
  CHECK(kind() == EventKind::kDocumentStart);
  CHECK(kind() == EventKind::kMappingStart);
  const Event key = *events->next();
  CHECK(text.substr(key.start.offset, key.end.offset - key.start.offset) == "kéy");
  CHECK(key.end.column == 4);
  CHECK(key.plain_implicit);
  const Event value = *events->next();
  CHECK(value.style == Style::kSingleQuoted);
  CHECK(value.tag == "tag:yaml.org,2002:str");
  CHECK(value.anchor == "a");
  CHECK(text.substr(value.end.offset - 3, 3) == "'v'");
  CHECK(kind() == EventKind::kMappingEnd);
  CHECK(kind() == EventKind::kDocumentEnd);
  CHECK(kind() == EventKind::kStreamEnd);
  const auto refused = open_events(text, Engine::kBoth)->next();
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code() == Code::kUnsupported);
}
