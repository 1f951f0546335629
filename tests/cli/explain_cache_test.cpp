// `sluice build --explain-cache`: what it remembers and what it says is wrong with it.
#include "cli/explain_cache.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

#include "sluice/sources/dir_tree.hpp"

#include "support/test.hpp"

using namespace sluice;

namespace {

/// A directory that goes with the test, and what was written to stderr meanwhile.
struct Scene {
  Scene() {
    char name[] = "/tmp/sluice-explain-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    root = name;
    ::setenv("XDG_CACHE_HOME", (root + "/cache").c_str(), 1);
    write("kustomization.yaml", "resources: [cm.yaml]\n");
    write("cm.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n");
  }
  ~Scene() {
    ::unsetenv("XDG_CACHE_HOME");
    std::filesystem::remove_all(root);
  }
  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(root + "/tree");
    std::ofstream(root + "/tree/" + name) << text;
  }
  std::string build() const {
    const auto tree = sources::make_dir_tree("/");
    const auto path = TreePath::parse(root + "/tree");
    REQUIRE_OK(path);
    std::fflush(stderr);
    const int kept = ::dup(STDERR_FILENO);
    const std::string log = root + "/log";
    REQUIRE(std::freopen(log.c_str(), "w", stderr) != nullptr);
    const auto built = cli::build_and_explain(*tree, *path, {});
    std::fflush(stderr);
    ::dup2(kept, STDERR_FILENO);
    ::close(kept);
    REQUIRE_OK(built);
    std::ifstream file(log);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  std::string root;
};

}  // namespace

TEST_CASE("explain-cache: nothing known, then good, then what changed, appeared and went") {
  const Scene scene;
  CHECK(scene.build().find("cache: nothing is known of an earlier build of " + scene.root) == 0);
  CHECK(scene.build().find("cache: good: all ") == 0);
  scene.write("cm.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n");
  scene.write("unread.yaml", "nobody names this\n");
  CHECK(scene.build() == "cache: " + scene.root + "/tree/cm.yaml changed\n");
  CHECK(scene.build().find("cache: good") == 0);
}

TEST_CASE("explain-cache: what it keeps is private and names files and ids, not content") {
  const Scene scene;
  scene.build();
  std::size_t files = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(scene.root + "/cache/sluice/reads")) {
    ++files;
    CHECK((entry.status().permissions() & std::filesystem::perms::all) ==
          (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
    std::ifstream file(entry.path(), std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    CHECK(text.str().find("/tree/cm.yaml") != std::string::npos);
    CHECK(text.str().find("ConfigMap") == std::string::npos);
  }
  CHECK(files == 1);
}

TEST_CASE("explain-cache: a damaged file counts as none") {
  const Scene scene;
  scene.build();
  for (const auto& entry :
       std::filesystem::directory_iterator(scene.root + "/cache/sluice/reads")) {
    std::ofstream(entry.path(), std::ios::app) << "x";
  }
  CHECK(scene.build().find("cache: nothing is known") == 0);
}
