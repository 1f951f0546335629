#include "sluice/graph/graph.hpp"

#include <algorithm>
#include <random>
#include <set>

#include "sluice/sources/mem_tree.hpp"

#include "support/test.hpp"

using namespace sluice;
using namespace sluice::graph;

namespace {

KustomizationName k(const std::string& name) {
  return {"apps", name};
}

FleetGraph graph_of(std::initializer_list<std::pair<const char*, const char*>> edges) {
  FleetGraph graph;
  for (const auto& [from, to] : edges)
    graph.add_dependency(k(from), k(to));
  return graph;
}

std::string texts(const std::vector<Cycle>& cycles) {
  std::string out;
  for (const Cycle& cycle : cycles)
    out += cycle.text() + "\n";
  return out;
}

}  // namespace

TEST_CASE("find_cycles: a chain and a diamond have none, also when a dependency does not exist") {
  CHECK(find_cycles(graph_of({{"a", "b"}, {"b", "c"}, {"a", "c"}, {"c", "missing"}})).empty());
}

TEST_CASE("find_cycles: each component reports its shortest loop, from the first name on") {
  const auto cycles = find_cycles(
      graph_of({{"c", "a"}, {"a", "b"}, {"b", "c"}, {"b", "a"}, {"x", "x"}, {"waits", "a"}}));
  CHECK(texts(cycles) == "apps/a -> apps/b -> apps/a\napps/x -> apps/x\n");
  CHECK(cycles[0].members == std::vector<KustomizationName>{k("a"), k("b"), k("c")});
}

TEST_CASE("find_cycles: names the place of each dependsOn entry when it is known") {
  FleetGraph graph;
  graph.add_dependency(k("a"), k("b"), {"clusters/a.yaml", 9, 7});
  graph.add_dependency(k("b"), k("a"));
  CHECK(texts(find_cycles(graph)) == "apps/a (clusters/a.yaml:9:7) -> apps/b -> apps/a\n");
}

TEST_CASE("find_cycles: the same name in two namespaces is two Kustomizations") {
  FleetGraph graph;
  graph.add_dependency({"one", "a"}, {"two", "a"});
  CHECK(find_cycles(graph).empty());
}

TEST_CASE("find_cycles: a chain of 200,000 needs no deep stack") {
  FleetGraph graph;
  for (int i = 0; i < 200'000; ++i) {
    graph.add_dependency(k(std::to_string(i)), k(std::to_string(i + 1)));
  }
  CHECK(find_cycles(graph).empty());
}

TEST_CASE("find_cycles: agrees with brute force on small random graphs") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 300; ++round) {
    const int n = 2 + static_cast<int>(random() % 6);
    const int m = static_cast<int>(random() % 12);
    FleetGraph graph;
    std::vector<std::vector<bool>> reach(static_cast<std::size_t>(n),
                                         std::vector<bool>(static_cast<std::size_t>(n)));
    std::vector<std::vector<bool>> edge = reach;
    for (int i = 0; i < n; ++i)
      graph.add(k(std::to_string(i)));
    for (int i = 0; i < m; ++i) {
      const std::size_t a = random() % static_cast<unsigned>(n),
                        b = random() % static_cast<unsigned>(n);
      graph.add_dependency(k(std::to_string(a)), k(std::to_string(b)));
      reach[a][b] = edge[a][b] = true;
    }
    const auto un = static_cast<std::size_t>(n);
    for (std::size_t via = 0; via < un; ++via) {
      for (std::size_t a = 0; a < un; ++a) {
        for (std::size_t b = 0; b < un; ++b) {
          if (reach[a][via] && reach[via][b]) reach[a][b] = true;
        }
      }
    }
    std::set<std::string> looped;
    for (std::size_t a = 0; a < un; ++a) {
      if (reach[a][a]) looped.insert(std::to_string(a));
    }
    std::set<std::string> found;
    for (const Cycle& cycle : find_cycles(graph)) {
      for (const auto& member : cycle.members)
        found.insert(member.name);
      for (std::size_t i = 0; i < cycle.steps.size(); ++i) {
        const std::size_t a = std::stoul(cycle.steps[i].kustomization.name);
        const std::size_t b =
            std::stoul(cycle.steps[(i + 1) % cycle.steps.size()].kustomization.name);
        CHECK(edge[a][b]);
      }
    }
    CHECK(found == looped);
  }
}

TEST_CASE(
    "declared_dependencies: every dependsOn entry of a tree with its place, broken files passed "
    "over") {
  const sources::MemTree tree{
      {"clusters/a.yaml",
       "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n  name: a\n"
       "  namespace: flux-system\nspec:\n  dependsOn:\n    - name: b\n    - name: c\n      "
       "namespace: other\n"},
      {"clusters/broken.yaml", "apiVersion: kustomize.toolkit.fluxcd.io/v1\ndependsOn: [\n"},
      {"clusters/loop", "@link:."},
      {"other.yaml", "kind: Kustomization\n"}};
  const auto found = declared_dependencies(tree);
  REQUIRE(found.size() == 2);
  CHECK(found[0].from.text() == "flux-system/a");
  CHECK(found[0].to.text() == "flux-system/b");
  CHECK(found[0].where.text() == "clusters/a.yaml:8:7");
  CHECK(found[1].to.text() == "other/c");
}
