// Env files as joho/godotenv 1.5.1 reads them; the expectations are its output.

#include "decrypt/godotenv.hpp"

#include "support/test.hpp"

using namespace sluice;

namespace {

std::string shown(std::string_view text) {
  const auto entries = decrypt::read_godotenv(text);
  if (!entries) return "error: " + entries.error().message();
  std::string all;
  for (const decrypt::GodotenvEntry& entry : *entries) {
    if (!all.empty()) all += "|";
    all += entry.key + "=" + std::string(entry.value.reveal_text());
  }
  return all;
}

struct Case {
  std::string_view text, want;
};

}  // namespace

TEST_CASE("godotenv: one variable a line, spaces and comments around them") {
  const Case cases[] = {
      {"", ""},
      {"A=1\nB=2\n", "A=1|B=2"},
      {"A=1\r\nB=2\r\n", "A=1|B=2"},
      {"  # c\n\n A = x y  \n#\n", "A=x y"},
      {"export A=1\nexport\tB=2\nexporter=3", "A=1|B=2|exporter=3"},
      {"A: yaml\nB:x", "A=yaml|B=x"},
      {"A=\nB=1", "A=|B=1"},
      {"A=x # tail\nB=x#no\nC=#c\nD=a # b # c", "A=x|B=x#no|C=#c|D=a # b"},
      {"A=1\nA=2\nB=3", "A=2|B=3"},
      {"A.b_9=1", "A.b_9=1"},
  };
  for (const Case& one : cases) {
    INFO(one.text);
    CHECK(shown(one.text) == one.want);
  }
}

TEST_CASE("godotenv: quotes, escapes and what is expanded in them") {
  const Case cases[] = {
      {"A='x # y $B'", "A=x # y $B"},
      {"A=\"x # y\"", "A=x # y"},
      {"A=\"a\\nb\\rc\\td\"", "A=a\nb\rctd"},
      {"A='a\\nb'", "A=a\\nb"},
      {"A=\"q \\\" q\"", "A=q \" q"},
      {"A=\"two\nlines\"\nB=1", "A=two\nlines|B=1"},
      {"A=''\nB=\"\"", "A=|B="},
      {"P=v\nA=$P\nB=${P}/x\nC=\"$P\"\nD='$P'\nE=$NONE.", "P=v|A=v|B=v/x|C=v|D=$P|E=."},
      {"P=v\nA=\\$P\nB=\"\\$P\"\nC=$(P)\nD=$\nE=$p", "P=v|A=$P|B=$P|C=v)|D=$|E=$p"},
      {"A=$B\nB=1", "A=|B=1"},
  };
  for (const Case& one : cases) {
    INFO(one.text);
    CHECK(shown(one.text) == one.want);
  }
}

TEST_CASE("godotenv: errors name the variable, never the value") {
  CHECK(shown("A=\"canary\nB=1") == "error: unterminated quoted value of \"A\"");
  CHECK(shown("A-B=1") == "error: unexpected character \"-\" in variable name");
  CHECK(shown("A\nB=1") == "error: unexpected character \"\\n\" in variable name");
}

TEST_CASE("godotenv: variables that grow with each line are refused past 16 MiB") {
  std::string text = "A0=" + std::string(1 << 10, 'x') + "\n";
  const auto grow = [&](int i) {
    text += "A" + std::to_string(i) + "=$A" + std::to_string(i - 1) + "$A" + std::to_string(i - 1) +
            "\n";
  };
  for (int i = 1; i <= 13; ++i)
    grow(i);
  CHECK(decrypt::read_godotenv(text).has_value());  // 2 + 4 + ... KiB, just below
  grow(14);
  const auto entries = decrypt::read_godotenv(text);
  REQUIRE_FALSE(entries.has_value());
  CHECK(entries.error().code() == Code::kUnsupported);
}
