// Folded scalars on kustomize's way out. Expectations are kustomize 5.8.2's.

#include "sluice/yaml/read.hpp"
#include "sluice/yaml/write.hpp"

#include "support/test.hpp"

using namespace sluice::yaml;

TEST_CASE("refolded: paragraphs come back as they were") {
  for (const char* text :
       {"", "one line", "one line\n", "a\nb", "a\nb\n", "a\n\nb\n", "é\n\n\nü"}) {
    CAPTURE(text);
    CHECK(refolded(text) == text);
  }
}

TEST_CASE("refolded: breaks before indented lines and at the end are doubled") {
  CHECK(refolded("if true; then\n  echo\nfi\n\n") == "if true; then\n\n  echo\nfi\n\n\n");
  CHECK(refolded("x\n  y\nz\n") == "x\n\n  y\nz\n");
  CHECK(refolded("x\ny z\n q\n\n\nr") == "x\ny z\n\n q\n\n\nr");
  CHECK(refolded("x\n\n\n") == "x\n\n\n\n");
  CHECK(refolded(" x \ny") == " x \ny");  // printed between quotes, which is exact
}

TEST_CASE("write_yaml and write_go_json print what kustomize makes of folded scalars") {
  const auto documents = read_yaml("a: >\n  x\n    y\n  z\n", sluice::FileId::kNone);
  REQUIRE_OK(documents);
  std::string yaml;
  REQUIRE_OK(write_yaml(documents->at(0).root(), yaml));
  CHECK(yaml == "a: |\n  x\n\n    y\n  z\n");
  std::string json;
  REQUIRE_OK(write_go_json(documents->at(0).root(), json));
  CHECK(json == "{\"a\":\"x\\n\\n  y\\nz\\n\"}");
}
