#include "sluice/reconciler/spec.hpp"

#include "sluice/yaml/read.hpp"

#include "support/test.hpp"

using namespace sluice;
using namespace sluice::reconciler;
using namespace std::chrono_literals;

namespace {

Result<KustomizationSpec> parse(const std::string& spec) {
  auto documents =
      yaml::read_yaml("metadata: {name: a, namespace: n}\nspec:\n" + spec, FileId::kNone);
  REQUIRE_OK(documents);
  return parse_kustomization(documents->front().root());
}

const std::string kLeast =
    "  interval: 10m\n  prune: true\n  sourceRef: {kind: GitRepository, name: s}\n";

}  // namespace

TEST_CASE("Kustomization: defaults are Flux's") {
  const auto spec = parse(kLeast);
  REQUIRE_OK(spec);
  CHECK(spec->interval == 10min);
  CHECK(spec->retry_interval == 10min);
  CHECK(spec->timeout == 9min + 30s);
  CHECK(spec->source == Key{"n", "s"});
  CHECK(spec->deletion_policy == "MirrorPrune");
  CHECK_FALSE(spec->decrypt);
}

TEST_CASE("Kustomization: a timeout below 30 seconds counts as 30") {
  CHECK(parse(kLeast + "  timeout: 1s\n")->timeout == 30s);
  CHECK(parse("  interval: 20s\n  sourceRef: {kind: GitRepository, name: s}\n")->timeout == 30s);
}

TEST_CASE(
    "Kustomization: dependencies take the own namespace, and what is not supported is named "
    "together") {
  const auto spec = parse(kLeast +
                          "  dependsOn: [{name: b}, {name: c, namespace: other}]\n"
                          "  decryption: {provider: sops, secretRef: {name: k}}\n");
  REQUIRE_OK(spec);
  CHECK(spec->depends_on == std::vector<Key>{{"n", "b"}, {"other", "c"}});
  CHECK(spec->decrypt);
  CHECK(spec->decryption_secret == "k");
  const auto refused =
      parse(kLeast + "  postBuild: {substitute: {a: b}}\n  serviceAccountName: sa\n");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code() == Code::kUnsupported);
  CHECK(refused.error().message() ==
        "not supported by this version of sluice: spec.postBuild, spec.serviceAccountName");
}

TEST_CASE("GitRepository: the reference and the timeout") {
  auto documents = yaml::read_yaml(
      "metadata: {name: a, namespace: n}\nspec: {interval: 1m, url: 'https://x/y', ref: {branch: "
      "dev}, "
      "secretRef: {name: s}}",
      FileId::kNone);
  REQUIRE_OK(documents);
  const auto spec = parse_git_repository(documents->front().root());
  REQUIRE_OK(spec);
  CHECK(spec->git.ref.branch == "dev");
  CHECK(spec->git.timeout == 60s);
  CHECK(spec->git.id == "n/a");
  CHECK(spec->secret == "s");
}
