// The block reader gives what libyaml and the composer give, or nothing.
#include "yaml/block_reader.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "fuzz/yaml_properties.hpp"
#include "support/test.hpp"

using namespace sluice;
using namespace sluice::yaml;

namespace {

bool reads(std::string_view text, Schema schema = Schema::kV3) {
  ReadOptions options;
  options.schema = schema;
  return read_blocks(std::make_shared<const std::string>(text), FileId::kNone, options).has_value();
}

std::string wrong(std::string_view text) {
  ReadOptions options;
  std::string found = check_blocks(text, options);
  options.schema = Schema::kV2;
  return found.empty() ? check_blocks(text, options) : found;
}

std::vector<std::string> recorded_texts() {
  std::vector<std::string> texts;
  for (const char* folder : {"/fixtures", "/fuzz/corpus/yaml_read", "/deploy"}) {
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(std::string(SLUICE_SOURCE_DIR) + folder)) {
      if (!entry.is_regular_file()) continue;
      const std::string extension = entry.path().extension();
      if (extension != ".yaml" && extension != ".yml" &&
          std::string(folder) != "/fuzz/corpus/yaml_read")
        continue;
      std::ifstream in(entry.path(), std::ios::binary);
      texts.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    }
  }
  return texts;
}

}  // namespace

TEST_CASE("block reader: what it reads, it reads as libyaml does") {
  for (const std::string_view text :
       {"a: 1\nb: two\n",
        "a:\n  b:\n    c: d\n",
        "- a\n- b\n",
        "a:\n- b\n- c\nd: e\n",
        "a:\n  - b\n  - c: d\n    e: f\n",
        "- - a\n  - b\n- - c\n",
        "-\n  a: b\n-\n- c\n",
        "a:\nb:\n",
        "a: # comment\n  b: c # more\n# end\n",
        "a: \"b\\n\\\"c\\\\\"\nd: 'e''f'\n",
        "\"quoted key\": 1\n'single' : 2\n",
        "a: |\n  one\n   two\n\n  three\nb: c\n",
        "a: |-\n  one\n\n\nb: |+\n  two\n\n\nc: >\n  folded\n  text\n\n  more\n   indented\n  x\n",
        "a: >-\n\n  late\n\n\n  later\n",
        "a: |\n  x",
        "a: []\nb: {}\nc: [1, two, \"three\"]\n",
        "a: {b: c, d: [e, {f: g}], \"h\": 'i'}\n",
        "a: plain over\n  two lines\n\n  and three\nb: c\n",
        "a:\n  plain\n  again\n",
        "one: 1\n---\ntwo: 2\n---\n# nothing\n---\nthree: 3\n",
        "---\na: b\n---\n",
        "# only a comment\n",
        "",
        "\n\n",
        "  a: b\n  c: d\n",
        "a: b: c\n",
        "a : b\n",
        "k: é # ü\n\"ä\": {\"ö\": \"ß\"}\nz: 'ü' \n",
        "80: x\ntrue: y\n2020-01-01: w\n",
        "a: 2020-01-01\nb: 0x1F\nc: .5\nd: yes\n",
        "a: b#c\nd: e #f\ng: http://x:80/\n",
        "a: -1\nb: --c\n-d: e\n",
        "a:\n    - b\n    -   c: d\n        e: f\n",
        "a: |\n\n  b\n",
        "a:   \n  b:   c   \n",
        "a: |\n  b\n # c\nd: e\n",
        "a: 'tab\there'\n",
        "- [a]\n- {b: c}\n- \"d\"\n- 'e'\n- |\n f\n",
        "a:\n- |\n b\n-\n  - c\n"}) {
    CAPTURE(text);
    if (text != "a: b: c\n") CHECK(reads(text));
    CHECK(wrong(text) == "");
  }
}

TEST_CASE("block reader: what is out of the ordinary is left to libyaml") {
  for (const std::string_view text : {"a: &x b\n",
                                      "a: *x\n",
                                      "a: !!str b\n",
                                      "? a\n: b\n",
                                      "%YAML 1.1\n---\na: b\n",
                                      "a: b\n...\n",
                                      "--- a\n",
                                      "a:\tb\n",
                                      "\ta: b\n",
                                      "a: b\r\n",
                                      "a: \x01\n",
                                      "\xEF\xBB\xBF"
                                      "a: b\n",
                                      "a: \xC2\x85\n",
                                      "a: \xFF\n",
                                      "a: \"b\n  c\"\n",
                                      "a: 'b\n  c'\n",
                                      "a: \"\\u00e9\"\n",
                                      "a: \"\\/\"\n",
                                      "a: |2\n   b\n",
                                      "a: |\n    \n  b\n",
                                      "a: |\nb: c\n",
                                      "a: [b,\n  c]\n",
                                      "a: {b}\n",
                                      "a: [b: c]\n",
                                      "a: [b, ]\n",
                                      "<<: {a: b}\n",
                                      "'<<': b\n",
                                      "~: z\n",
                                      "a: 1\na: 2\n",
                                      "a: {b: 1, b: 2}\n",
                                      "plain\n",
                                      "a: b\n  c: d\n",
                                      "a:\n  b: c\n d: e\n",
                                      "a: - b\n",
                                      "- a\nb: c\n",
                                      "a: b\n   # c\n   d\n",
                                      "a: @b\n",
                                      "a: `b\n",
                                      "a: %b\n",
                                      "a: b\nc\n",
                                      "a: \"b\" c\n",
                                      "|\n  a\n"}) {
    CAPTURE(text);
    CHECK_FALSE(reads(text));
    CHECK(wrong(text) == "");
  }
  CHECK_FALSE(reads("80: x\n", Schema::kV2));  // a key that go-yaml v2 makes a string of
  CHECK_FALSE(reads(std::string(1100, 'k') + ": v\n"));
  std::string deep;
  for (int i = 0; i < 101; ++i)
    deep += "- ";
  CHECK_FALSE(reads(deep + "a\n"));
  CHECK(wrong(deep + "a\n") == "");
}

TEST_CASE(
    "block reader: recorded files and random changes of them are read as libyaml reads them") {
  const std::vector<std::string> texts = recorded_texts();
  REQUIRE(texts.size() > 20);
  std::mt19937 random(20240229);
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random() % limit); };
  static constexpr std::string_view kBits[] = {
      "\n", " ", "  ", ":",    ": ",  "- ", "-", "#",    " #",      "\"", "'",
      "|",  ">", "[",  "]",    "{",   "}",  ",", "\n\n", "\n---\n", "?",  "\t",
      "é",  "a", "1",  "|-\n", ">\n", "\\", "%", "&a",   "<<",      "..."};
  std::size_t accepted = 0;
  for (const std::string& text : texts) {
    CHECK(wrong(text) == "");
    if (text.empty() || text.size() > 6000) continue;
    for (int round = 0; round < 60; ++round) {
      std::string changed = text;
      const std::size_t from = below(changed.size());
      changed = changed.substr(from, 20 + below(300));
      for (std::size_t edits = below(4); edits > 0 && !changed.empty(); --edits) {
        const std::size_t at = below(changed.size());
        if (below(2) == 0)
          changed.erase(at, 1 + below(3));
        else
          changed.insert(at, kBits[below(std::size(kBits))]);
      }
      CAPTURE(changed);
      CHECK(wrong(changed) == "");
      accepted += reads(changed) ? 1 : 0;
    }
  }
  CHECK(accepted > 500);
}
