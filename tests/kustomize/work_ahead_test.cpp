// Bases beside each other are built ahead of their turn, on several threads (Target::work_ahead).
// Nothing but time may show it: each case is built with one thread and with four.

#include <string>

#include "kustomize/builder.hpp"

namespace {

using namespace sluice;
using sluice::test::Files;

kustomize::BuildOptions with_threads(unsigned threads) {
  kustomize::BuildOptions options;
  options.load_restrictor = kustomize::LoadRestrictor::kSourceRoot;
  options.threads = threads;
  return options;
}

/// All that a build says: the text, or the error, then warnings, reads and counts.
std::string told(const Files& files, const kustomize::BuildOptions& options) {
  const sources::MemTree tree(files);
  std::string text;
  kustomize::BuildOptions own = options;
  own.on_warning = [&text](std::string_view line) { text.append(line).append("\n"); };
  const auto built = test::build(tree, "top", own);
  if (!built) return text + built.error().text();
  const auto yaml = built->resources.to_yaml();
  REQUIRE_OK(yaml);
  text += *yaml;
  for (const std::string& line : built->warnings)
    text += "warning: " + line + "\n";
  for (const TreePath& path : built->reads)
    text += "read: " + path.text() + "\n";
  return text + std::to_string(built->documents_parsed) + " documents\n";
}

/// `count` bases under one overlay, each a ConfigMap with a deprecated field and a generated one.
Files bases(int count) {
  Files files;
  std::string list = "resources:\n";
  for (int i = 0; i < count; ++i) {
    const std::string name = "base-" + std::to_string(i);
    list += "- ../" + name + "\n";
    files[name + "/kustomization.yaml"] = "commonLabels: {app: " + name +
                                          "}\nresources: [a.yaml]\n"
                                          "configMapGenerator:\n- name: " +
                                          name + "-made\n  literals: [a=b]\n";
    files[name + "/a.yaml"] =
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + name + "\ndata: {a: b}\n";
  }
  files["top/kustomization.yaml"] = list + "namePrefix: p-\n";
  return files;
}

void check_same(const Files& files, const std::string& holds) {
  const std::string alone = told(files, with_threads(1));
  INFO(alone);
  CHECK(alone.find(holds) != std::string::npos);
  CHECK(told(files, with_threads(4)) == alone);
}

}  // namespace

TEST_CASE("bases beside each other: text, warnings, reads and counts are those of one thread") {
  check_same(bases(3), "p-base-2");
  check_same(bases(9), "9 documents");
}

TEST_CASE(
    "bases beside each other: the first that fails gives the error, in the words of its turn") {
  Files files = bases(8);
  files["base-2/a.yaml"] = "apiVersion: v1\nkind: ConfigMap\n";
  files["base-5/a.yaml"] = "a: [\n";
  check_same(files, "missing metadata.name");
  files = bases(8);
  files.erase("base-6/kustomization.yaml");
  check_same(files, "accumulation err=");
  files = bases(8);
  files["base-7/a.yaml"] = files["base-1/a.yaml"];
  check_same(files, "may not add resource with an already registered id");
}

TEST_CASE("bases beside each other: a schema that one of them sets holds from its turn on") {
  Files files = bases(6);
  const std::string patched =
      "resources: [x.yaml]\npatches:\n- patch: |\n    apiVersion: example.com/v1\n    kind: "
      "Widget\n"
      "    metadata: {name: NAME}\n    parts:\n    - {name: b, size: 2}\n";
  const std::string widget =
      "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: NAME}\n"
      "parts:\n- {name: a, size: 1}\n";
  for (const std::string base : {"base-1", "base-4"}) {
    const auto named = [&base](std::string text) {
      return text.replace(text.find("NAME"), 4, base);
    };
    files[base + "/kustomization.yaml"] = named(patched);
    files[base + "/x.yaml"] = named(widget);
  }
  files["base-2/kustomization.yaml"] += "openapi: {path: schema.json}\n";
  files["base-2/schema.json"] =
      R"({"definitions":{"v1.Widget":{"properties":{"parts":{"type":"array","items":{"type":"object"},)"
      R"("x-kubernetes-patch-merge-key":"name","x-kubernetes-patch-strategy":"merge"}},)"
      R"("x-kubernetes-group-version-kind":[{"group":"example.com","kind":"Widget","version":"v1"}]}}})";
  check_same(files, "name: p-base-4\nparts:\n- name: b\n  size: 2\n- name: a\n");
}

TEST_CASE("bases beside each other: limits are those of one after the other") {
  Files files = bases(6);
  files["base-3/kustomization.yaml"] += "components: [../part]\n";
  files["part/kustomization.yaml"] =
      "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnamePrefix: c-\n";
  Files larger = files;
  larger["base-4/a.yaml"] += "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: second}\n";
  for (const unsigned threads : {1U, 4U}) {
    kustomize::BuildOptions options = with_threads(threads);
    options.max_directories = 7;
    CHECK(told(files, options).find("more than") == std::string::npos);
    options.max_directories = 6;
    CHECK(told(files, options).find("more than 6 bases") != std::string::npos);

    options = with_threads(threads);
    options.max_resources = 1;  // of the files of one directory
    CHECK(told(files, options).find("more than") == std::string::npos);
    CHECK(told(larger, options).find("more than 1 resources") != std::string::npos);
  }
}

TEST_CASE("bases beside each other: what they fetch or start is refused once, in its turn") {
  Files files = bases(6);
  files["base-4/kustomization.yaml"] += "openapi: {path: https://example.com/schema.json}\n";
  check_same(files, "remote bases and files are not allowed");
}
