// Whole builds against what kustomize 5.8.2 printed: fixtures/kustomize/CASE/{in,want.yaml,ORIGIN}.
// ORIGIN names the command; the directory it builds is its last word, "." when there is none.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "sluice/kustomize/build.hpp"
#include "sluice/sources/dir_tree.hpp"

#include "support/files.hpp"
#include "support/test.hpp"

namespace {

namespace fs = std::filesystem;
using namespace sluice;
using test::read_file;

std::string built_directory(const fs::path& fixture) {
  std::istringstream words(read_file(fixture / "ORIGIN"));
  std::string word, last;
  while (words >> word)
    last = word;
  return last == "build" ? "." : last;
}

}  // namespace

TEST_CASE("builds print what kustomize prints, whole trees, byte for byte") {
  const fs::path root = fs::path(SLUICE_SOURCE_DIR) / "fixtures/kustomize";
  std::vector<fs::path> fixtures;
  for (const auto& entry : fs::directory_iterator(root))
    fixtures.push_back(entry.path());
  std::sort(fixtures.begin(), fixtures.end());
  REQUIRE(fixtures.size() >= 7);
  for (const fs::path& fixture : fixtures) {
    INFO(fixture.filename().string());
    const auto tree = sources::make_dir_tree((fixture / "in").string());
    const auto directory = TreePath::parse(built_directory(fixture));
    REQUIRE_OK(directory);
    for (const unsigned threads : {1U, 0U}) {
      kustomize::BuildOptions options;
      options.threads = threads;
      const auto built = kustomize::build(*tree, *directory, options);
      REQUIRE_OK(built);
      const auto text = built->resources.to_yaml();
      REQUIRE_OK(text);
      CHECK(*text == read_file(fixture / "want.yaml"));
    }
  }
}
