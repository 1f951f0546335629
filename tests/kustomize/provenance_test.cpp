/// What --explain tells: places of values, layers, and paths, never values.
#include "sluice/kustomize/provenance.hpp"

#include "builder.hpp"

using namespace sluice;
using namespace sluice::kustomize;

namespace {

const test::Files kFiles = {
    {"base/kustomization.yaml",
     "resources: [web.yaml]\nconfigMapGenerator:\n- name: c\n  literals: [a=b]\n"},
    {"base/web.yaml",
     "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  replicas: 1\n"
     "  paused: true\n  template:\n    spec:\n      containers:\n      - name: c\n        image: "
     "i:1\n"
     "        envFrom: [{configMapRef: {name: c}}]\n"},
    {"prod/kustomization.yaml",
     "resources:\n- ../base\nnamePrefix: prod-\nimages:\n- {name: i, newTag: \"2\"}\n"
     "patches:\n- path: patch.yaml\n"},
    {"prod/patch.yaml",
     "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 3\n"
     "  paused: null\n"}};

std::string explained(std::string_view query) {
  const sources::MemTree tree(kFiles);
  BuildOptions options;
  options.explain = true;
  const auto built = test::build(tree, "prod", options);
  REQUIRE_OK(built);
  const auto text = explain(*built, query);
  return text ? *text : text.error().message();
}

}  // namespace

TEST_CASE("explain tells of one field where it was written and which layers touched it") {
  CHECK(explained("Deployment/prod-web:spec.replicas") ==
        "Deployment/prod-web\n"
        "  base/web.yaml:1:1  read\n"
        "  prod/kustomization.yaml:7:3  patches\n"
        "    changes spec.replicas\n"
        "  written at\n"
        "    spec.replicas  prod/patch.yaml:5:13\n");
  CHECK(explained("deployment/web:spec.paused") ==
        "Deployment/prod-web\n"
        "  base/web.yaml:1:1  read\n"
        "  prod/kustomization.yaml:7:3  patches\n"
        "    removes spec.paused\n");
}

TEST_CASE("explain tells of an object every layer in order") {
  const std::string text = explained("Deployment/web");
  CHECK(
      text.starts_with("Deployment/prod-web\n"
                       "  base/web.yaml:1:1  read\n"
                       "  base/kustomization.yaml:1:13  resources\n"
                       "  prod/kustomization.yaml:2:3  resources\n"
                       "  prod/kustomization.yaml:7:3  patches\n"
                       "    changes spec.replicas\n"
                       "    removes spec.paused\n"
                       "  prod/kustomization.yaml:3:13  namePrefix\n"
                       "    changes metadata.name\n"
                       "  prod/kustomization.yaml:5:3  images\n"
                       "    changes spec.template.spec.containers.[name=c].image\n"
                       "  base/kustomization.yaml:3:3  name references\n"));
  CHECK(text.find("    spec.template.spec.containers.[name=c].image  base/web.yaml:12:16\n") !=
        std::string::npos);
}

TEST_CASE("explain finds generated objects by their first name, and paths by index") {
  CHECK(explained("ConfigMap/c").starts_with("ConfigMap/prod-c-"));
  CHECK(explained("ConfigMap/c").find("  base/kustomization.yaml:3:3  configMapGenerator\n") !=
        std::string::npos);
  CHECK(explained("ConfigMap/c")
            .find("  base/kustomization.yaml:3:3  name suffix\n    changes metadata.name\n") !=
        std::string::npos);
  CHECK(explained("Deployment/web:spec.template.spec.containers.0.image")
            .find("containers.[name=c].image  base/web.yaml:12:16\n") != std::string::npos);
}

TEST_CASE("explain tells which entry renamed what a reference names, and which var a value is") {
  const sources::MemTree tree(test::Files{
      {"kustomization.yaml",
       "resources: [a.yaml]\nnamePrefix: p-\nvars:\n- name: V\n"
       "  objref: {apiVersion: v1, kind: Service, name: s}\n"
       "- name: W\n  objref: {apiVersion: v1, kind: Service, name: s}\n"
       "buildMetadata: [managedByLabel]\n"},
      {"a.yaml",
       "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n---\n"
       "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\n---\n"
       "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"
       "spec: {serviceAccountName: a, containers: [{name: c, command: [$(W), $(V)$(W), x]}]}\n"}});
  BuildOptions options;
  options.explain = true;
  const auto built = test::build(tree, "", options);
  REQUIRE_OK(built);
  const auto text = explain(*built, "Pod/p");
  REQUIRE_OK(text);
  INFO(*text);
  CHECK(text->find("  kustomization.yaml:2:13  name references\n"
                   "    changes spec.serviceAccountName\n"
                   "  kustomization.yaml:6:3  vars\n"
                   "    changes spec.containers.[name=c].command.0\n"
                   "  kustomization.yaml:4:3  vars\n"
                   "    changes spec.containers.[name=c].command.1\n"
                   "  kustomization.yaml:8:16  managedByLabel\n"
                   "    adds metadata.labels\n") != std::string::npos);
}

TEST_CASE("explain refuses what is not there") {
  CHECK(explained("Deployment") == "\"Deployment\" names no object");
  CHECK(explained("Deployment/nope") == "the build has no object \"Deployment/nope\"");
  CHECK(explained("Deployment/other/web") == "the build has no object \"Deployment/other/web\"");
  CHECK(explained("Deployment/web:spec.nope").find("no such field") != std::string::npos);
}

TEST_CASE("a build that is not asked to explain records nothing") {
  const sources::MemTree tree(kFiles);
  const auto built = test::build(tree, "prod");
  REQUIRE_OK(built);
  CHECK(built->histories.empty());
  CHECK(built->resources.resources.front().former_names.empty());
}
