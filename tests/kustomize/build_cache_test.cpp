// What is built again after a change, by counts: documents parsed, resources built, files read.
#include "sluice/kustomize/build_cache.hpp"

#include "kustomize/builder.hpp"

using namespace sluice;
using kustomize::BuildCache;
using kustomize::BuildOptions;
using kustomize::CacheReport;
using sources::MemTree;
using test::Files;

namespace {

TreePath path(const std::string& text) {
  const auto parsed = TreePath::parse(text);
  REQUIRE_OK(parsed);
  return *parsed;
}

sources::Artifact artifact(const Files& files) {
  sources::Artifact made;
  made.tree = std::make_shared<const MemTree>(files);
  return made;
}

std::size_t reads_of(const sources::Artifact& artifact) {
  return static_cast<const MemTree&>(*artifact.tree).reads();
}

Files apps(int count) {
  Files files;
  for (int i = 0; i < count; ++i) {
    const std::string app = "apps/a" + std::to_string(i) + "/";
    files[app + "kustomization.yaml"] = "resources: [cm.yaml, ../../base]\nnamePrefix: p-\n";
    files[app + "cm.yaml"] = test::kConfigMap;
  }
  files["base/kustomization.yaml"] = "resources: [s.yaml]\n";
  files["base/s.yaml"] = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n";
  files["README.md"] = "words\n";
  return files;
}

struct Got {
  std::shared_ptr<const kustomize::BuildResult> result;
  CacheReport report;
};

Got get(BuildCache& cache, const sources::Artifact& artifact, const std::string& directory,
        const BuildOptions& options = {}, std::string_view scope = {}) {
  Got got;
  BuildOptions used = options;
  used.load_restrictor = kustomize::LoadRestrictor::kSourceRoot;
  auto result = cache.get(artifact, path(directory), used, scope, &got.report);
  REQUIRE_OK(result);
  got.result = *std::move(result);
  return got;
}

}  // namespace

TEST_CASE("build cache: the same tree is built once") {
  BuildCache cache;
  const auto tree = artifact(apps(1));
  const Got first = get(cache, tree, "apps/a0");
  CHECK_FALSE(first.report.hit);
  CHECK(first.report.changes.empty());
  CHECK(first.report.files_read == 4);
  CHECK(first.report.documents_parsed == 4);
  CHECK(first.report.resources_built == 2);
  const std::size_t reads = reads_of(tree);
  const Got second = get(cache, tree, "apps/a0");
  CHECK(second.report.hit);
  CHECK(second.report.documents_parsed == 0);
  CHECK(second.result == first.result);
  CHECK(reads_of(tree) == reads);
}

TEST_CASE("build cache: one of many apps changed: it alone is built, the others read nothing") {
  constexpr int kApps = 50;
  BuildCache cache;
  Files files = apps(kApps);
  const auto before = artifact(files);
  for (int i = 0; i < kApps; ++i)
    get(cache, before, "apps/a" + std::to_string(i));
  files["apps/a7/cm.yaml"] += "  c: d\n";
  const auto after = artifact(files);
  std::size_t documents = 0, resources = 0, builds = 0;
  for (int i = 0; i < kApps; ++i) {
    const Got got = get(cache, after, "apps/a" + std::to_string(i));
    documents += got.report.documents_parsed;
    resources += got.report.resources_built;
    builds += got.report.hit ? 0 : 1;
    if (i != 7) {
      CHECK(got.report.hit);
      continue;
    }
    REQUIRE(got.report.changes.size() == 1);
    CHECK(got.report.changes[0].path.text() == "apps/a7/cm.yaml");
    CHECK(got.report.changes[0].what == "changed");
  }
  CHECK(builds == 1);
  CHECK(documents == 4);
  CHECK(resources == 2);
  CHECK(reads_of(after) == 4);
}

TEST_CASE("build cache: a change that nothing looked at builds nothing") {
  BuildCache cache;
  Files files = apps(2);
  get(cache, artifact(files), "apps/a0");
  files["README.md"] = "other words\n";
  files["apps/a0/notes.txt"] = "not a resource\n";
  files["apps/a1/cm.yaml"] = "";
  const auto after = artifact(files);
  CHECK(get(cache, after, "apps/a0").report.hit);
  CHECK(reads_of(after) == 0);
}

TEST_CASE("build cache: what was missing and appears counts") {
  BuildCache cache;
  Files files = apps(1);
  get(cache, artifact(files), "apps/a0");
  files["apps/a0/kustomization.yml"] = "resources: []\n";
  const auto both = artifact(files);
  BuildOptions strict;
  strict.load_restrictor = kustomize::LoadRestrictor::kSourceRoot;
  const auto built = cache.get(both, path("apps/a0"), strict);
  REQUIRE_FALSE(built.has_value());
  CHECK(built.error().message().find("Found multiple kustomization files") != std::string::npos);

  files = apps(1);
  BuildOptions options;
  options.overrides.components = {"../../component"};
  options.overrides.ignore_missing_components = true;
  CHECK(get(cache, artifact(files), "apps/a0", options).result->resources.resources.size() == 2);
  files["component/kustomization.yaml"] =
      "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnameSuffix: -s\n";
  const Got got = get(cache, artifact(files), "apps/a0", options);
  CHECK_FALSE(got.report.hit);
  REQUIRE_FALSE(got.report.changes.empty());
  CHECK(got.report.changes[0].path.text() == "component");
  CHECK(got.report.changes[0].what == "is new");
}

TEST_CASE("build cache: what goes, turns into a directory or leads elsewhere counts") {
  Files files = apps(1);
  files["shared/cm.yaml"] = test::kConfigMap;
  files["other/cm.yaml"] = test::kConfigMap;
  files["apps/a0/cm.yaml"] = "@link:../../shared/cm.yaml";
  BuildCache cache;
  CHECK_FALSE(get(cache, artifact(files), "apps/a0").report.hit);
  CHECK(get(cache, artifact(files), "apps/a0").report.hit);

  Files moved = files;
  moved["shared/cm.yaml"] += "  c: d\n";  // the directory with the link has the same id
  Got got = get(cache, artifact(moved), "apps/a0");
  CHECK_FALSE(got.report.hit);
  CHECK(got.report.changes[0].what == "changed");

  moved["apps/a0/cm.yaml"] = "@link:../../other/cm.yaml";
  got = get(cache, artifact(moved), "apps/a0");
  CHECK_FALSE(got.report.hit);
  CHECK(got.report.changes[0].what == "now leads to \"other/cm.yaml\"");

  moved.erase("apps/a0/cm.yaml");
  CHECK_FALSE(cache.get(artifact(moved), path("apps/a0"), {}).has_value());
  CHECK(get(cache, artifact(files), "apps/a0").report.changes.size() == 1);  // and back again
}

TEST_CASE("build cache: a generated kustomization sees new files, and new files only") {
  BuildOptions options;
  options.overrides.generate_kustomization = true;
  BuildCache cache;
  Files files = {{"d/a.yaml", test::kConfigMap}, {"d/sub/notes.txt", "x"}};
  CHECK(get(cache, artifact(files), "d", options).result->resources.resources.size() == 1);
  files["d/sub/notes.txt"] = "y";
  CHECK(get(cache, artifact(files), "d", options).report.hit);
  files["d/sub/s.yaml"] = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n";
  const Got got = get(cache, artifact(files), "d", options);
  CHECK_FALSE(got.report.hit);
  CHECK(got.report.changes[0].what == "lists other files");
  CHECK(got.result->resources.resources.size() == 2);
}

TEST_CASE("build cache: options, directories and scopes have results of their own") {
  BuildCache cache;
  const auto tree = artifact(apps(2));
  get(cache, tree, "apps/a0");
  CHECK_FALSE(get(cache, tree, "apps/a1").report.hit);
  CHECK_FALSE(get(cache, tree, "apps/a0", {}, "another").report.hit);
  BuildOptions options;
  options.overrides.target_namespace = "team";
  CHECK_FALSE(get(cache, tree, "apps/a0", options).report.hit);
  CHECK(get(cache, tree, "apps/a0", options).report.hit);
  CHECK(get(cache, tree, "apps/a0").report.hit);
  CHECK(cache.size() == 4);
  cache.forget("another");
  CHECK(cache.size() == 3);
  CHECK_FALSE(get(cache, tree, "apps/a0", {}, "another").report.hit);
}

TEST_CASE("build cache: errors and builds that may run programs are not kept") {
  BuildCache cache;
  CHECK_FALSE(cache.get(artifact({{"kustomization.yaml", "resources: [x.yaml]\n"}}), path(""), {})
                  .has_value());
  BuildOptions options;
  options.programs = std::make_shared<const kustomize::Programs>();
  get(cache, artifact(apps(1)), "apps/a0", options);
  CHECK(cache.size() == 0);
}

TEST_CASE("build cache: the longest unused results go when there are too many resources") {
  BuildCache cache(4);
  const auto tree = artifact(apps(3));
  get(cache, tree, "apps/a0");
  get(cache, tree, "apps/a1");
  CHECK(get(cache, tree, "apps/a0").report.hit);
  get(cache, tree, "apps/a2");  // one past the limit
  CHECK(cache.size() == 2);
  CHECK(get(cache, tree, "apps/a0").report.hit);
  CHECK_FALSE(get(cache, tree, "apps/a1").report.hit);
}
