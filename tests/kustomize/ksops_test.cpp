// KSOPS generators in process. fixtures/ksops: what kustomize with KSOPS 4.5.1 prints.

#include <memory>
#include <string>

#include "sluice/decrypt/decryptor.hpp"

#include "kustomize/builder.hpp"
#include "support/files.hpp"

using namespace sluice;
using sluice::test::Files;
using sluice::test::fixture;

namespace {

Files fixture_tree() {
  Files files;
  for (const char* name : {"blob.enc.bin", "conf.enc.json", "generator.yaml", "kustomization.yaml",
                           "secret.enc.yaml", "token.enc.yaml", "uses.yaml", "vars.enc.env"}) {
    files[name] = fixture(std::string("ksops/") + name);
  }
  return files;
}

struct Opened {
  Opened() {
    auto service = decrypt::make_age_key_service();
    const auto added =
        service->add_identities(crypto::SecretBytes::copy_of(fixture("sops/key.txt")), "key.txt");
    REQUIRE_OK(added);
    options.sops_files = std::make_shared<decrypt::SopsFiles>();
    decryptor =
        std::make_unique<decrypt::SopsDecryptor>(options.sops_files, decrypt::KeyServices{service});
    options.decryptor = decryptor.get();
  }
  kustomize::BuildOptions options;
  std::unique_ptr<decrypt::SopsDecryptor> decryptor;
};

std::string generator(const std::string& body) {
  return "apiVersion: viaduct.ai/v1\nkind: ksops\nmetadata: {name: g}\n" + body;
}

Error error_of(const std::string& body, Files more = {}) {
  more["kustomization.yaml"] = "generators: [g.yaml]\n";
  more["g.yaml"] = generator(body);
  return test::build_error(more);
}

}  // namespace

TEST_CASE("ksops: a build with keys gives the bytes of kustomize with KSOPS") {
  const sources::MemTree tree(fixture_tree());
  Opened opened;
  const auto built = test::build(tree, "", opened.options);
  REQUIRE_OK(built);
  decrypt::DecryptingLeafReader leaves(*opened.decryptor, CancelToken());
  std::string text;
  yaml::StringSink sink(text);
  REQUIRE_OK(built->resources.write_yaml(sink, &leaves));
  CHECK(text == fixture("ksops/want-build.yaml"));
  const auto redacted = built->resources.to_yaml();
  REQUIRE_OK(redacted);
  CHECK(redacted->find("canary") == std::string::npos);
  CHECK(redacted->find("pre-zoo-7mbddkd5dc") != std::string::npos);
}

TEST_CASE("ksops: without keys a build renders, with suffixes of the ciphertext and a warning") {
  const sources::MemTree tree(fixture_tree());
  const auto built = test::build(tree);
  REQUIRE_OK(built);
  REQUIRE(built->warnings.size() == 1);
  CHECK(built->warnings[0].find("without keys") != std::string::npos);
  const auto text = built->resources.to_yaml();
  REQUIRE_OK(text);
  CHECK(text->find("canary") == std::string::npos);
  CHECK(text->find("ENC[") == std::string::npos);
  CHECK(text->find("pre-zoo-7mbddkd5dc") == std::string::npos);
}

TEST_CASE("ksops: any version of viaduct.ai is meant, other groups are not") {
  Files files = {{"kustomization.yaml", "generators: [g.yaml]\n"},
                 {"g.yaml",
                  "apiVersion: viaduct.ai/v2\nkind: ksops\nmetadata: {name: g}\n"
                  "files: []\n"}};
  CHECK(test::build_text(files).empty());
  files["g.yaml"] = "apiVersion: example.com/v1\nkind: ksops\nmetadata: {name: g}\nfiles: []\n";
  CHECK(test::build_error(files).message().find("external plugins disabled") != std::string::npos);
}

TEST_CASE("ksops: files may lie outside of the kustomization, as for a program") {
  Files files = {{"a/kustomization.yaml", "generators: [g.yaml]\n"},
                 {"a/g.yaml", generator("files: [../secrets/secret.enc.yaml]\n")},
                 {"secrets/secret.enc.yaml", fixture("ksops/secret.enc.yaml")}};
  CHECK(test::build_text(files, "a").find("name: plain") != std::string::npos);
}

TEST_CASE("ksops: one wrong file fails the build, in KSOPS's words") {
  CHECK(error_of("files: [none.yaml]\n").message() ==
        "unable to generate manifests: error decrypting file \"none.yaml\" from manifest.Files: "
        "error reading \"none.yaml\": open none.yaml: no such file or directory");
  CHECK(error_of("files: [cm.yaml]\n", {{"cm.yaml", test::kConfigMap}}).message() ==
        "unable to generate manifests: error decrypting file \"cm.yaml\" from manifest.Files: "
        "trouble decrypting file: sops metadata not found");
  CHECK(error_of("secretFrom: [{envs: [none.env]}]\n")
            .message()
            .find("from secretFrom.Envs: error reading \"none.env\"") != std::string::npos);
  CHECK(error_of("secretFrom: [{files: [a=b=c]}]\n")
            .message()
            .find("invalid format in file generator a=b=c") != std::string::npos);
  CHECK(error_of("secretFrom: [{files: {a: b}}]\n")
            .message()
            .find("json: cannot unmarshal object into Go struct field") != std::string::npos);
}

TEST_CASE("ksops: neither files nor secretFrom is an error that quotes the manifest") {
  CHECK(error_of("").message().starts_with(
      "unable to generate manifests: missing the required 'files' or 'secretFrom' key in the ksops "
      "manifests: apiVersion: viaduct.ai/v1\nkind: ksops\n"));
}

TEST_CASE("ksops: an object in a file that is encrypted as a whole is refused with what to do") {
  const Error error =
      error_of("files: [blob.enc.bin]\n", {{"blob.enc.bin", fixture("ksops/blob.enc.bin")}});
  CHECK(error.code() == Code::kUnsupported);
  CHECK(error.hint().find(".yaml") != std::string::npos);
}

TEST_CASE("ksops: an encrypted kind or name is refused with what to do") {
  std::string text = fixture("ksops/secret.enc.yaml");
  const std::size_t begin = text.find("ENC[", text.find("quoted:"));
  const std::string value = text.substr(begin, text.find(']', begin) - begin + 1);
  const std::size_t rule = text.find("unencrypted_regex: ");
  REQUIRE(rule != std::string::npos);
  text.replace(rule, text.find('\n', rule) - rule, "encrypted_regex: ^(stringData|data|name)$");
  text.replace(text.find("name: zoo"), 9, "name: " + value);
  text.replace(text.find("name: plain"), 11, "name: " + value);
  const Error error = error_of("files: [s.yaml]\n", {{"s.yaml", text}});
  CHECK(error.code() == Code::kUnsupported);
  CHECK(error.message().find("the metadata.name of an object in \"s.yaml\" is encrypted") !=
        std::string::npos);
  CHECK(error.hint().find("--encrypted-regex") != std::string::npos);
}
