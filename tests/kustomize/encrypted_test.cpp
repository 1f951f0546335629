// SOPS files in a build: values travel as leaves, names come from the plaintext. The fixtures are
// those of the decrypt module (fixtures/sops, made with sops 3.13.3).

#include <memory>
#include <string>

#include "sluice/base/encoding.hpp"
#include "sluice/decrypt/decryptor.hpp"

#include "kustomize/builder.hpp"
#include "support/files.hpp"

using namespace sluice;
using sluice::test::contains;
using sluice::test::Files;

namespace {

std::string sops_fixture(const std::string& name) {
  return test::fixture("sops/" + name);
}

// A build that lifts, with the key of the fixtures unless told otherwise.
struct LiftedBuild {
  explicit LiftedBuild(const Files& files, bool with_key = true) : tree(files) {
    auto service = decrypt::make_age_key_service();
    const auto added =
        service->add_identities(crypto::SecretBytes::copy_of(sops_fixture("key.txt")), "key.txt");
    REQUIRE_OK(added);
    options.lift_encrypted = true;
    options.sops_files = std::make_shared<decrypt::SopsFiles>();
    decryptor =
        std::make_unique<decrypt::SopsDecryptor>(options.sops_files, decrypt::KeyServices{service});
    if (with_key) options.decryptor = decryptor.get();
    auto done = test::build(tree, "", options);
    REQUIRE_OK(done);
    result = *std::move(done);
  }

  std::string redacted() const {
    const auto text = result.resources.to_yaml();
    REQUIRE_OK(text);
    return *text;
  }
  std::string plaintext() const {
    decrypt::DecryptingLeafReader leaves(*decryptor, CancelToken());
    std::string text;
    yaml::StringSink sink(text);
    REQUIRE_OK(result.resources.write_yaml(sink, &leaves));
    return text;
  }

  sources::MemTree tree;
  kustomize::BuildOptions options;
  std::unique_ptr<decrypt::SopsDecryptor> decryptor;
  kustomize::BuildResult result;
};

std::string generator(const std::string& source) {
  return "secretGenerator:\n- name: generated\n  " + source + "\n";
}

}  // namespace

TEST_CASE("a SOPS Secret among the resources: leaves in the output, no sops block") {
  const LiftedBuild built({{"kustomization.yaml", "resources: [secret.yaml]\nnamePrefix: p-\n"},
                           {"secret.yaml", sops_fixture("secret.yaml")}});
  REQUIRE(built.result.resources.resources.size() == 1);
  const std::string text = built.redacted();
  CHECK(contains(text, "**SOPS**"));
  CHECK_FALSE(contains(text, "sops:"));
  CHECK_FALSE(contains(text, "ENC["));
  CHECK(contains(text, "name: p-"));
  CHECK(built.result.encrypted->size() == 1);
}

TEST_CASE("without lifting, a SOPS file is plain YAML, as kustomize sees it") {
  const std::string text = test::build_text({{"kustomization.yaml", "resources: [secret.yaml]\n"},
                                             {"secret.yaml", sops_fixture("secret.yaml")}});
  CHECK(contains(text, "ENC["));
  CHECK(contains(text, "sops:"));
}

TEST_CASE("secretGenerator: an encrypted source gives the name and content of the plaintext") {
  struct Row {
    const char* source;
    const char* file;
  };
  for (const Row& row : {Row{"envs: [vars.env]", "vars.env"}, Row{"files: [blob.bin]", "blob.bin"},
                         Row{"files: [config.json]", "config.json"}}) {
    INFO(row.source);
    const std::string kustomization = generator(row.source);
    const LiftedBuild lifted(
        {{"kustomization.yaml", kustomization}, {row.file, sops_fixture(row.file)}});
    const std::string wanted =
        test::build_text({{"kustomization.yaml", kustomization},
                          {row.file, sops_fixture(std::string("want/") + row.file)}});
    CHECK(contains(wanted, "name: " + lifted.result.resources.resources[0].id.name + "\n"));
    CHECK_FALSE(contains(lifted.redacted(), "ENC["));
    CHECK(contains(lifted.redacted(), "**SOPS**"));
  }
}

TEST_CASE("secretGenerator: without keys the suffix follows the ciphertext, with a warning") {
  const Files files = {{"kustomization.yaml", generator("envs: [vars.env]")},
                       {"vars.env", sops_fixture("vars.env")}};
  const LiftedBuild with_key(files);
  const LiftedBuild without(files, /*with_key=*/false);
  const LiftedBuild again(files, /*with_key=*/false);
  const auto name = [](const LiftedBuild& built) {
    return built.result.resources.resources[0].id.name;
  };
  CHECK(name(without) == name(again));
  CHECK(name(without) != name(with_key));
  CHECK(with_key.result.warnings.empty());
  REQUIRE(without.result.warnings.size() == 1);
  CHECK(contains(without.result.warnings[0], "without keys"));
}

TEST_CASE("configMapGenerator: decrypts a file only when it shares it with a secretGenerator") {
  const std::string shared = "configMapGenerator:\n- name: public\n  envs: [vars.env]\n";
  const LiftedBuild alone({{"kustomization.yaml", shared}, {"vars.env", sops_fixture("vars.env")}});
  CHECK(contains(alone.redacted(), "ENC["));
  const LiftedBuild both({{"kustomization.yaml", shared + generator("envs: [./vars.env]")},
                          {"vars.env", sops_fixture("vars.env")}});
  CHECK_FALSE(contains(both.redacted(), "ENC["));
}

TEST_CASE("leaves survive transformers, merges and references") {
  const LiftedBuild built(
      {{"kustomization.yaml",
        "resources: [base, pod.yaml]\nnamespace: prod\nlabels: [{pairs: {a: b}}]\n"
        "secretGenerator:\n- name: generated\n  behavior: merge\n  literals: [MORE=1]\n"},
       {"base/kustomization.yaml", "namePrefix: x-\n" + generator("envs: [vars.env]")},
       {"base/vars.env", sops_fixture("vars.env")},
       {"pod.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n"
        "    envFrom: [{secretRef: {name: generated}}]\n"}});
  const std::string text = built.redacted();
  CHECK(contains(text, "MORE: MQ=="));
  CHECK(contains(text, "**SOPS**"));
  std::string name;
  for (const auto& resource : built.result.resources.resources) {
    if (resource.id.gvk.kind == "Secret") name = resource.id.name;
  }
  CHECK(name.starts_with("x-generated-"));
  CHECK(contains(text, "name: " + name + "\n"));
  CHECK_FALSE(contains(built.plaintext(), "**SOPS**"));
}

TEST_CASE("an encrypted patch carries its leaves along") {
  const LiftedBuild built(
      {{"kustomization.yaml",
        "resources: [s.yaml]\npatches: [{path: p.yaml, target: {kind: Secret}}]\n"},
       {"s.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"},
       {"p.yaml", sops_fixture("secret.yaml")}});
  const std::string text = built.redacted();
  CHECK(contains(text, "name: s\n"));
  CHECK(contains(text, "**SOPS**"));
  CHECK_FALSE(contains(text, "sops:"));
}

TEST_CASE("a broken SOPS block is an error that quotes no value") {
  std::string broken = sops_fixture("secret.yaml");
  const std::size_t at = broken.find("ENC[AES256_GCM,data:");
  REQUIRE(at != std::string::npos);
  const std::string ciphertext = broken.substr(at + 20, 12);
  broken.replace(at, 20, "ENC[AES256_GCM,dat?:");
  const sources::MemTree tree(
      {{"kustomization.yaml", "resources: [secret.yaml]\n"}, {"secret.yaml", broken}});
  kustomize::BuildOptions options;
  options.lift_encrypted = true;
  const auto built = test::build(tree, "", options);
  if (built) return;  // what does not look like ciphertext is a plain value
  CHECK_FALSE(contains(built.error().text(), ciphertext));
}

TEST_CASE("a SOPS file as a value of Secret.data becomes a leaf, after all transformers") {
  const auto blob = [](const std::string& name) { return base64_encode(sops_fixture(name)); };
  const std::string secret =
      "apiVersion: v1\nkind: Secret\nmetadata:\n  name: inside\ndata:\n  plain: cGxhaW4=\n"
      "  secret.yaml: " +
      blob("secret.yaml") + "\n  vars.env: " + blob("vars.env") +
      "\n  config.json: " + blob("config.json") + "\n  blob: " + blob("blob.bin") + "\n";
  const LiftedBuild built(
      {{"kustomization.yaml", "resources: [s.yaml]\nnamePrefix: p-\n"}, {"s.yaml", secret}});
  CHECK(contains(built.redacted(), "plain: cGxhaW4="));
  CHECK_FALSE(contains(built.redacted(), blob("vars.env").substr(0, 40)));
  const std::string text = built.plaintext();
  for (const char* name : {"secret.yaml", "vars.env", "config.json"}) {
    CHECK(contains(
        text, std::string(name) + ": " + base64_encode(sops_fixture("want/" + std::string(name)))));
  }
  CHECK(contains(text, "blob: " + base64_encode(sops_fixture("want/blob.bin"))));
  SUBCASE("not in other kinds, and not where decryption is turned off") {
    std::string other = secret;
    other.replace(other.find("kind: Secret"), 12, "kind: ConfigMap");
    std::string off = secret;
    off.replace(off.find("  name: inside"), 14,
                "  name: inside\n  annotations: {kustomize.toolkit.fluxcd.io/decrypt: Disabled}");
    for (const std::string& untouched : {other, off}) {
      const LiftedBuild same(
          {{"kustomization.yaml", "resources: [s.yaml]\n"}, {"s.yaml", untouched}});
      CHECK(same.result.encrypted->size() == 0);
    }
  }
}

TEST_CASE("HelmRelease, ConfigMap, components: wherever a SOPS block is, its values are leaves") {
  const LiftedBuild built(
      {{"kustomization.yaml",
        "resources: [release.yaml]\ncomponents: [c]\npatches:\n- target: {kind: HelmRelease}\n"
        "  patch: '[{\"op\": \"add\", \"path\": \"/spec/interval\", \"value\": \"1m\"}]'\n"},
       {"release.yaml", sops_fixture("release.yaml")},
       {"c/kustomization.yaml",
        "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [secret.yaml]\n"
        "secretGenerator:\n- name: generated\n  envs: [vars.env]\n"},
       {"c/secret.yaml", sops_fixture("secret.yaml")},
       {"c/vars.env", sops_fixture("vars.env")}});
  CHECK(built.result.encrypted->size() == 3);
  CHECK_FALSE(contains(built.redacted(), "ENC["));
  CHECK_FALSE(contains(built.redacted(), "canary"));
  CHECK_FALSE(contains(built.redacted(), "sops:"));
  const std::string text = built.plaintext();
  CHECK(contains(text, "password: canary-release\n"));
  CHECK(contains(text, "replicas: 3\n"));
  CHECK(contains(text, "token: canary-map\n"));
  CHECK(contains(text, "interval: 1m\n"));
}
