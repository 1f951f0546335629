// The index behind every look-up of a build, against std::multimap.

#include "kustomize/resource_index.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include "kustomize/res_map.hpp"
#include "support/test.hpp"

using namespace sluice::kustomize;

TEST_CASE("resource index: what is added and removed at random is found as in a multimap") {
  constexpr unsigned kSeed = 7;
  std::mt19937 random(kSeed);
  std::vector<BuildResource> resources(40);
  ResourceIndex index;
  std::multimap<std::size_t, BuildResource*> wanted;
  for (int step = 0; step < 20'000; ++step) {
    // Some keys are many resources', some end in the same bits.
    const std::size_t key = random() % 3 == 0 ? random() % 4 : (random() % 500) << 20;
    BuildResource& resource = resources[random() % resources.size()];
    const auto range = wanted.equal_range(key);
    const auto known = std::find_if(range.first, range.second,
                                    [&](const auto& entry) { return entry.second == &resource; });
    if (known == range.second) {
      CHECK(index.add(key, resource) == (range.first != range.second));
      wanted.emplace(key, &resource);
    } else {
      CHECK(index.remove(key, resource, resources.size() + 1));
      wanted.erase(known);
    }
    std::vector<BuildResource*> found, right;
    index.each(key, [&](BuildResource& one) { found.push_back(&one); });
    for (auto [at, end] = wanted.equal_range(key); at != end; ++at)
      right.push_back(at->second);
    std::sort(found.begin(), found.end());
    std::sort(right.begin(), right.end());
    REQUIRE(found == right);
  }
}

TEST_CASE("resource index: a removal gives up after as many steps as it may take") {
  std::vector<BuildResource> resources(5);
  ResourceIndex index;
  for (BuildResource& resource : resources)
    index.add(1, resource);
  CHECK_FALSE(index.remove(1, resources.front(), 4));  // the oldest of five
  CHECK(index.remove(1, resources.front(), 5));
  CHECK(index.remove(2, resources.front(), 1));  // not there: nothing to do
}
