// What Flux's Kustomization.spec does to the kustomization file (fluxcd/pkg
// kustomize/kustomize_generator.go).

#include <string>

#include "sluice/yaml/read.hpp"

#include "kustomize/builder.hpp"

using namespace sluice;
using sluice::test::build_error;
using sluice::test::build_text;
using sluice::test::contains;
using sluice::test::Files;
using sluice::test::kConfigMap;

namespace {

yaml::Document document(const std::string& text) {
  auto documents = yaml::read_yaml(text, FileId::kNone);
  REQUIRE_OK(documents);
  REQUIRE(documents->size() == 1);
  return std::move(documents->front());
}

kustomize::BuildOptions flux() {
  kustomize::BuildOptions options;
  options.load_restrictor = kustomize::LoadRestrictor::kSourceRoot;
  options.overrides.generate_kustomization = true;
  return options;
}

const std::string kDeployment = R"(apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      - {name: web, image: "web:1"}
)";

}  // namespace

TEST_CASE("a directory without a kustomization file is built from the YAML files below it") {
  const Files files = {{"app/b.yml", kConfigMap},
                       {"app/sub/a.yaml", kDeployment},
                       {"app/notes.txt", "no"},
                       {"app/own/kustomization.yaml", "resources: [s.yaml]\nnamePrefix: own-\n"},
                       {"app/own/s.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n"},
                       {"app/own/unused.yaml", "not: a resource"}};
  const std::string text = build_text(files, "app", flux());
  CHECK(contains(text, "name: cm"));
  CHECK(contains(text, "name: web"));
  CHECK(contains(text, "name: own-s"));
  CHECK(contains(build_error({{"app/bad.yaml", "a: b\n"}}, "app", flux()).message(),
                 "failed to decode Kubernetes YAML from app/bad.yaml: missing Resource metadata"));
}

TEST_CASE("an empty directory gives nothing, and is no error") {
  CHECK(build_text({{"app/readme.md", "x"}}, "app", flux()).empty());
}

TEST_CASE("without the option, a missing kustomization file is an error") {
  CHECK(build_error({{"app/a.yaml", kConfigMap}}, "app").code() == Code::kNotFound);
}

TEST_CASE("targetNamespace, namePrefix and nameSuffix win over the file's") {
  kustomize::BuildOptions options = flux();
  options.overrides.target_namespace = "team";
  options.overrides.name_prefix = "a-";
  options.overrides.name_suffix = "-z";
  const std::string text = build_text(
      {{"kustomization.yaml", "resources: [cm.yaml]\nnamespace: other\nnamePrefix: x-\n"},
       {"cm.yaml", kConfigMap}},
      "", options);
  CHECK(contains(text, "name: a-cm-z"));
  CHECK(contains(text, "namespace: team"));
}

TEST_CASE("patches and components are added after the file's") {
  kustomize::BuildOptions options = flux();
  options.overrides.patches = document(
      "- patch: |\n    - op: add\n      path: /data/x\n      value: flux\n  target: {kind: "
      "ConfigMap}\n");
  options.overrides.components = {"comp"};
  const Files files = {{"kustomization.yaml", "resources: [cm.yaml]\n"},
                       {"cm.yaml", kConfigMap},
                       {"comp/kustomization.yaml",
                        "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: "
                        "Component\ncommonAnnotations: {c: d}\n"}};
  const std::string text = build_text(files, "", options);
  CHECK(contains(text, "x: flux"));
  CHECK(contains(text, "c: d"));
}

TEST_CASE("ignoreMissingComponents drops directories that are not there") {
  kustomize::BuildOptions options = flux();
  options.overrides.components = {"none"};
  const Files files = {{"kustomization.yaml", "resources: [cm.yaml]\n"}, {"cm.yaml", kConfigMap}};
  CHECK(contains(build_error(files, "", options).message(), "accumulating components"));
  options.overrides.ignore_missing_components = true;
  CHECK(contains(build_text(files, "", options), "name: cm"));
}

TEST_CASE("images merge by name: tag and digest go together") {
  kustomize::BuildOptions options = flux();
  options.overrides.images = document("- {name: web, newTag: '9'}\n- {name: other, newTag: '1'}\n");
  const std::string text = build_text(
      {{"kustomization.yaml",
        "resources: [d.yaml]\nimages: [{name: web, newName: mirror/web, digest: 'sha256:0'}]\n"},
       {"d.yaml", kDeployment}},
      "", options);
  CHECK(contains(text, "image: mirror/web:9"));
}

TEST_CASE("wrong patches name the field of the spec") {
  kustomize::BuildOptions options = flux();
  options.overrides.patches = document("{a: b}");
  CHECK(contains(build_error({{"kustomization.yaml", "resources: []\n"}}, "", options).message(),
                 "spec.patches: json: cannot unmarshal object"));
}
