// One of many apps changes: kustomize_cache_bench [N=1000]. Counts first: what is built, parsed and
// read again; then times, by processor time. Each app is a directory with four resources on a base
// of its own, as a Kustomization of a fleet has it; all live in one tree.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>
#include <string>
#include <vector>

#include "sluice/kustomize/build_cache.hpp"
#include "sluice/sources/mem_tree.hpp"

namespace {

using namespace sluice;

double cpu_ms() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC * 1e3;
}

std::string resource(const char* kind, const std::string& name, int value) {
  std::string text = "apiVersion: v1\nkind: ";
  text += kind;
  text += "\nmetadata:\n  name: " + name + "\n  labels:\n    app: web\ndata:\n";
  for (int i = 0; i < 10; ++i)
    text += "  key" + std::to_string(i) + ": value " + std::to_string(value) + "\n";
  return text;
}

std::map<std::string, std::string> apps(int count) {
  std::map<std::string, std::string> files;
  for (int i = 0; i < count; ++i) {
    const std::string app = "apps/app-" + std::to_string(i) + "/";
    files[app + "base/kustomization.yaml"] = "resources: [a.yaml, b.yaml, c.yaml]\n";
    for (const char* name : {"a", "b", "c"})
      files[app + "base/" + name + ".yaml"] = resource("ConfigMap", name, i);
    files[app + "prod/kustomization.yaml"] =
        "resources: [../base, d.yaml]\nnamePrefix: prod-\nnamespace: team\n"
        "labels:\n- pairs: {env: prod}\n";
    files[app + "prod/d.yaml"] = resource("ConfigMap", "d", i);
  }
  return files;
}

sources::Artifact artifact(const std::map<std::string, std::string>& files) {
  sources::Artifact made;
  made.tree = std::make_shared<const sources::MemTree>(files);
  static_cast<void>(made.tree->stat(TreePath()));  // ids of all directories, as a Git tree has them
  return made;
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc > 1 ? std::atoi(argv[1]) : 1000;
  auto files = apps(count);
  std::vector<TreePath> directories;
  for (int i = 0; i < count; ++i)
    directories.push_back(*TreePath::parse("apps/app-" + std::to_string(i) + "/prod"));
  kustomize::BuildOptions options;
  options.load_restrictor = kustomize::LoadRestrictor::kSourceRoot;
  kustomize::BuildCache cache;

  const auto pass = [&](const char* name, const sources::Artifact& tree) {
    std::size_t built = 0, documents = 0, resources = 0, read = 0;
    double longest_build = 0;
    const double begin = cpu_ms();
    for (const TreePath& directory : directories) {
      kustomize::CacheReport report;
      const double start = cpu_ms();
      if (const auto got = cache.get(tree, directory, options, {}, &report); !got) {
        std::fprintf(stderr, "%s\n", got.error().text().c_str());
        std::exit(1);
      }
      if (!report.hit) longest_build = std::max(longest_build, cpu_ms() - start);
      built += report.hit ? 0 : 1;
      documents += report.documents_parsed;
      resources += report.resources_built;
      read += report.files_read;
    }
    std::printf("%-34s %7zu %9zu %9zu %7zu %10.1f %12.2f\n", name, built, documents, resources,
                read, cpu_ms() - begin, longest_build);
  };
  std::printf("%d apps\n%-34s %7s %9s %9s %7s %10s %12s\n", count, "", "builds", "documents",
              "resources", "files", "all, ms", "longest, ms");
  pass("cold", artifact(files));
  pass("the same tree", artifact(files));
  files["README.md"] = "words";
  pass("a file that nothing reads", artifact(files));
  files["apps/app-0/base/b.yaml"] += "  more: text\n";
  pass("one resource of one app", artifact(files));
  return 0;
}
