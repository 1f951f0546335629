// Documents with comments, read and printed as go-yaml v3 does for kustomize. Expectations are
// kustomize 5.8.2's (replacements into texts, fixtures/kustomize/structured-text has more).
#include "sluice/yaml/commented.hpp"

#include "support/test.hpp"

using namespace sluice::yaml;

namespace {

std::string printed(std::string_view text) {
  const auto documents = read_commented(text);
  REQUIRE_OK(documents);
  REQUIRE(documents->size() == 1);
  return write_commented(documents->front());
}

std::string with_root(std::string text, Kind type, Style style = Style::kPlain) {
  CommentedDocument document;
  document.root = std::make_unique<CommentedNode>();
  document.root->text = std::move(text);
  document.root->type = type;
  document.root->style = style;
  return write_commented(document);
}

}  // namespace

TEST_CASE("write_commented: what is written as go-yaml writes it comes back") {
  for (const char* text :
       {"a: 1\n", "# head\n\na: 1\n",
        "# of a\na: 1 # behind\n# of b\nb:\n# not further in\n- x # y\n",
        "a:\n  b: |\n    text\n  c: >-\n    folded\n", "a: &x [1, 'two', {b: c}]\nd: *x\n",
        "? |-\n  long\n  key\n: 1\n", "a: !local {b: !!str 1}\n", "- - 1\n  - 2\n- {}\n- []\n",
        "a: \"\\t\\a\"\n", "a:\n- b: 1\n  c: 2\n\n# foot\n"}) {
    CAPTURE(text);
    CHECK(printed(text) == text);
  }
}

TEST_CASE("write_commented: indentation and gaps are go-yaml's, quotes are the text's") {
  CHECK(printed("a:\n    - b:   1      # c\n\n\n    - 'd'\n") == "a:\n- b: 1 # c\n- 'd'\n");
  CHECK(printed("---\na: {b:   1,\n  c: 2}\n") == "a: {b: 1, c: 2}\n");
}

TEST_CASE("write_commented: a text that is not what its type says gets quotes or a tag") {
  CHECK(with_root("5", Kind::kInt) == "5\n");
  CHECK(with_root("5", Kind::kString) == "\"5\"\n");
  CHECK(with_root("x", Kind::kInt) == "!!int x\n");
  CHECK(with_root("5", Kind::kFloat) == "!!float 5\n");
  CHECK(with_root("a: b", Kind::kString) == "'a: b'\n");
  CHECK(with_root("a\tb", Kind::kString) == "\"a\\tb\"\n");
  CHECK(with_root("a\nb\n", Kind::kString) == "|\n  a\n  b\n");
  CHECK(with_root(" a", Kind::kString, Style::kFolded) == ">2-\n   a\n");
}
