// Loading and printing plain YAML as SOPS does: stores/yaml/store_test.go of getsops/sops.
#include "decrypt/tree.hpp"
#include "files.hpp"

using namespace sluice;
using namespace sluice::decrypt;
using namespace sluice::test;
namespace fs = std::filesystem;

namespace {

std::string printed(std::string_view text, int indent = 4) {
  const auto tree = read_yaml_tree(text);
  REQUIRE_OK(tree);
  std::string out;
  StringSink sink(out);
  REQUIRE_OK(print_yaml_tree(*tree, indent, sink));
  return out;
}

}  // namespace

TEST_CASE("yaml: upstream's pairs of input and output") {
  const fs::path folder = conformance() / "getsops/store-emission";
  if (!fs::exists(folder)) SLUICE_SKIP("no SOPS conformance data beside this checkout");
  int ran = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const std::size_t in = name.find(".in.yaml");
    if (in == std::string::npos) continue;
    const fs::path expected = folder / (name.substr(0, in) + ".out.yaml");
    if (!fs::exists(expected)) continue;
    CAPTURE(name);
    const int indent = name.find("indent2") == std::string::npos ? 4 : 2;
    CHECK(printed(read_file(entry.path()), indent) == read_file(expected));
    ++ran;
  }
  CHECK(ran >= 9);
}

TEST_CASE("yaml: head, line and foot comments stay where go-yaml puts them") {
  CHECK(printed("# top\n\n# head\na: 1 # line\n# foot\n\nb:\n    # in\n    - x # one\n    - y\n") ==
        "# top\n# head\na: 1 # line\n# foot\nb:\n    # in\n    - x # one\n    - \"y\"\n");
}

TEST_CASE("yaml: a comment behind the last collection of a document is printed in the next one") {
  // As sops 3.13.3 does. The document that the comment is from must still be there.
  CHECK(printed("a:\n- y\n- [{b: c}, x, {}] # behind a collection\n---\nd: 1\n---\ne: 2\n") ==
        "a:\n    - \"y\"\n    - - b: c\n      - x\n      - {}\n---\n# behind a collection\nd: 1\n"
        "---\ne: 2\n");
}

TEST_CASE("yaml: strings are quoted by what they look like") {
  CHECK(printed("a: 'yes'\nb: \"12\"\nc: ' x'\nd: \"a\\tb\"\ne: '12:30'\nf: <<\ng: ''\nh: '😀'\n") ==
        "a: \"yes\"\nb: \"12\"\nc: ' x'\nd: \"a\\tb\"\ne: \"12:30\"\nf: !!merge <<\ng: \"\"\n"
        "h: \"\\U0001F600\"\n");
}

TEST_CASE("yaml: repeated keys are refused in every document, with both places") {
  const auto tree = read_yaml_tree("a: 1\n---\nb: 1\nc: 2\nb: 3\n");
  REQUIRE_FALSE(tree.has_value());
  CHECK(tree.error().where().line == 5);
  CHECK(tree.error().message().find("already defined at line 3") != std::string::npos);
}

TEST_CASE("yaml: nesting and aliases past the limits are refused") {
  std::string deep;
  for (std::size_t i = 0; i < kMaxDepth + 5; ++i)
    deep += "[";
  const auto nested = read_yaml_tree("a: " + deep + std::string(kMaxDepth + 5, ']'));
  REQUIRE_FALSE(nested.has_value());
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 8; ++i) {
    const std::string before = std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int n = 0; n < 10; ++n)
      bomb += (n == 0 ? "*a" : ", *a") + before;
    bomb += "]\n";
  }
  const auto expanded = read_yaml_tree(bomb);
  REQUIRE_FALSE(expanded.has_value());
  CHECK(expanded.error().code() == Code::kUnsupported);
}
