// SealedSecrets that leave their scope: told without a key.
#include <string>
#include <vector>

#include "kustomize/builder.hpp"

using namespace sluice;
using sluice::test::build_text;
using sluice::test::Files;

namespace {

std::string sealed(const std::string& metadata, const std::string& repeated = "{}") {
  return "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: " + metadata +
         "\nspec: {encryptedData: {a: AgA=}, template: {metadata: " + repeated + "}}\n";
}

/// The error of a build that refuses, "" when nothing is moved.
std::string moved(const std::string& kustomization, const std::string& object) {
  kustomize::BuildOptions options;
  options.refuse_moved_sealed_secrets = true;
  const Files files = {{"kustomization.yaml", kustomization + "\nresources: [s.yaml]\n"},
                       {"s.yaml", object}};
  const auto built = test::build(sources::MemTree(files), "", options);
  return built ? "" : built.error().text();
}

const std::string kPlain = "{name: db, namespace: prod}";

}  // namespace

TEST_CASE("a strict SealedSecret that is renamed or moved is an error with its place") {
  CHECK(
      moved("namePrefix: x-", sealed(kPlain))
          .find(
              "SealedSecret \"db\" was sealed for prod/db (scope strict) and becomes prod/x-db") !=
      std::string::npos);
  CHECK(moved("namespace: dev", sealed(kPlain)).find("becomes dev/db") != std::string::npos);
  CHECK(moved("namePrefix: x-", sealed(kPlain)).find("s.yaml:1:1") != std::string::npos);
  CHECK(moved("commonLabels: {a: b}", sealed(kPlain)).empty());
  CHECK(moved("namespace: prod", sealed(kPlain)).empty());
}

TEST_CASE("what the template repeats is what the object was sealed for") {
  CHECK(moved("namePrefix: x-", sealed(kPlain, "{name: x-db, namespace: prod}")).empty());
  CHECK(moved("namespace: prod", sealed("{name: db}", "{name: db, namespace: prod}")).empty());
  CHECK_FALSE(moved("namespace: dev", sealed("{name: db}", "{name: db, namespace: prod}")).empty());
  CHECK(moved("namespace: dev", sealed("{name: db}")).empty());  // nobody knows
}

TEST_CASE("wider scopes may move as far as they reach") {
  const std::string wide = "{name: db, namespace: prod, annotations: {sealedsecrets.bitnami.com/";
  CHECK(moved("namePrefix: x-", sealed(wide + "namespace-wide: \"true\"}}")).empty());
  CHECK_FALSE(moved("namespace: dev", sealed(wide + "namespace-wide: \"true\"}}")).empty());
  CHECK(moved("namespace: dev\nnamePrefix: x-", sealed(wide + "cluster-wide: \"true\"}}")).empty());
  CHECK_FALSE(moved("namePrefix: x-", sealed(wide + "cluster-wide: \"yes\"}}")).empty());
}

TEST_CASE("several are reported together, and a plain build only warns") {
  const Files files = {{"kustomization.yaml", "namePrefix: x-\nresources: [a.yaml, b.yaml]\n"},
                       {"a.yaml", sealed("{name: a, namespace: prod}")},
                       {"b.yaml", sealed("{name: b, namespace: prod}")}};
  kustomize::BuildOptions options;
  options.refuse_moved_sealed_secrets = true;
  const std::string error = test::build_error(files, "", options).text();
  CHECK(error.find("prod/x-a") != std::string::npos);
  CHECK(error.find("prod/x-b") != std::string::npos);
  std::vector<std::string> warnings;
  options.refuse_moved_sealed_secrets = false;
  options.on_warning = [&warnings](std::string_view line) { warnings.emplace_back(line); };
  CHECK(build_text(files, "", options).find("name: x-a") != std::string::npos);
  CHECK(warnings.size() == 2);
}
