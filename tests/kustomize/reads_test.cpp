// What a build looks at: counts first, since "cost grows with the change" rests on them.

#include <algorithm>
#include <string>

#include "kustomize/builder.hpp"

using namespace sluice;
using sluice::test::Files;

namespace {

Files apps(int count) {
  Files files;
  std::string list = "resources:\n";
  for (int i = 0; i < count; ++i) {
    const std::string name = "app" + std::to_string(i);
    list += "- " + name + "\n";
    files[name + "/kustomization.yaml"] =
        "resources: [d.yaml]\nconfigMapGenerator: [{name: " + name + ", envs: [e.env]}]\n";
    files[name + "/d.yaml"] =
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " + name + "}\n";
    files[name + "/e.env"] = "A=" + name + "\n";
  }
  files["kustomization.yaml"] = list + "namePrefix: p-\nnamespace: team\n";
  return files;
}

std::size_t reads(int count) {
  const sources::MemTree tree(apps(count));
  REQUIRE_OK(test::build(tree));
  return tree.reads();
}

}  // namespace

TEST_CASE("reads grow by the same number for each app") {
  const std::size_t ten = reads(10);
  CHECK(reads(20) - ten == ten - reads(0 + 1) - (reads(1) - reads(1)) + (reads(2) - reads(1)));
  CHECK(reads(30) - reads(20) == reads(20) - ten);
}

TEST_CASE("reads lists what was looked at, misses included, each once, in order") {
  const sources::MemTree tree(apps(2));
  const auto built = test::build(tree);
  REQUIRE_OK(built);
  const auto& reads = built->reads;
  CHECK(std::is_sorted(reads.begin(), reads.end()));
  CHECK(std::adjacent_find(reads.begin(), reads.end()) == reads.end());
  const auto has = [&](const std::string& path) {
    return std::find(reads.begin(), reads.end(), *TreePath::parse(path)) != reads.end();
  };
  for (const char* path : {"kustomization.yaml", "kustomization.yml", "Kustomization", "app0",
                           "app0/d.yaml", "app1/e.env"}) {
    INFO(path);
    CHECK(has(path));
  }
}

TEST_CASE("a build is pure: the same tree gives the same bytes") {
  const Files files = apps(40);
  CHECK(test::build_text(files) == test::build_text(files));
}
