// write_yaml_as_read: what kyaml's encoder (go-yaml v3) prints of what it has read.

#include <memory>
#include <string>

#include "sluice/yaml/read.hpp"
#include "sluice/yaml/write.hpp"

#include "support/test.hpp"

using namespace sluice;

namespace {

std::string again(const std::string& text) {
  const auto documents = yaml::read_yaml(text, FileId::kNone);
  REQUIRE_OK(documents);
  REQUIRE(documents->size() == 1);
  std::string out;
  REQUIRE_OK(yaml::write_yaml_as_read(documents->front().root(), out));
  return out;
}

}  // namespace

TEST_CASE("write_yaml_as_read: key order, quoting and numbers stay as they were read") {
  const std::string text =
      "z: 0x10\na: 'x'\n\"y\": \"yes\"\nplain: it's\nnothing: null\nempty: \"\"\nlist:\n- 1\n- - "
      "a\n  - "
      "b\n- k: v\n  deep:\n  - 1.50\nnone: {}\nno: []\ntext: |\n  a\n  b\nkeep: |+\n  a\n\nlead: "
      "|2-\n   a\n  "
      "b\nescaped: \"a\\tb\"\n";
  CHECK(again(text) == text);
}

TEST_CASE("write_yaml_as_read: nothing is folded") {
  const std::string words =
      "aaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbb ccccccccccccccccccccc ";
  const std::string line = words + words + "end";
  CHECK(again("k: " + line + "\n") == "k: " + line + "\n");
  CHECK(again("k: '" + line + "'\n") == "k: '" + line + "'\n");
  CHECK(again("k: \"" + line + "\"\n") == "k: \"" + line + "\"\n");
}

TEST_CASE("write_yaml_as_read: a string that cannot have its style gets one that can hold it") {
  yaml::Document document;
  document.root().set_mapping();
  document.root().put_string("plain", "a: b");
  document.root().put_string("single", "a\tb\x07").set_style(yaml::Style::kSingleQuoted);
  document.root().put_string("literal", "a \nb").set_style(yaml::Style::kLiteral);
  std::string out;
  REQUIRE_OK(yaml::write_yaml_as_read(std::as_const(document).root(), out));
  CHECK(out == "plain: 'a: b'\nsingle: \"a\\tb\\a\"\nliteral: \"a \\nb\"\n");
}
