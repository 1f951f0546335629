// Files that other programs encrypted, and what `sops -d` prints for them, byte for byte.
#include <set>

#include "files.hpp"

using namespace sluice;
using namespace sluice::decrypt;
using namespace sluice::test;
namespace fs = std::filesystem;

namespace {

#define REQUIRE_CONFORMANCE_DATA() \
  if (!fs::exists(conformance())) SLUICE_SKIP("no SOPS conformance data beside this checkout")

void check_equal(const fs::path& encrypted, const fs::path& expected, const KeyServices& keys) {
  CAPTURE(encrypted.string());
  const auto plaintext = decrypt_path(encrypted, keys);
  CHECK_OK(plaintext);
  if (plaintext) CHECK(plaintext->reveal_text() == read_file(expected));
}

}  // namespace

TEST_CASE("sops -d: generated files of every kind print as upstream's code prints them") {
  REQUIRE_CONFORMANCE_DATA();
  const fs::path folder = conformance() / "generated-upstream";
  const auto keys =
      age_keys({folder / "keys/age-a.txt", folder / "keys/age-b.txt", folder / "keys/age-c.txt"});
  int ran = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const std::size_t enc = name.find(".enc.");
    if (enc == std::string::npos) continue;
    // One group of this case is PGP only.
    if (name.starts_with("yaml-shamir-2of2-mixed")) continue;
    const std::string stem = name.substr(0, enc);
    const bool is_binary = name.starts_with("bin-");
    const std::string extension = is_binary ? "bin" : name.substr(enc + 5);
    const fs::path expected = folder / (stem + ".dec." + extension);
    CAPTURE(name);
    const Format format = is_binary ? Format::kBinary : format_for_path(name);
    const auto plaintext = decrypt_file(read_file(entry.path()), name, {format, format}, keys, {});
    CHECK_OK(plaintext);
    if (plaintext) CHECK(plaintext->reveal_text() == read_file(expected));
    ++ran;
  }
  CHECK(ran == 25);
}

TEST_CASE("sops -d: changed files fail with upstream's exit status and give no plaintext") {
  REQUIRE_CONFORMANCE_DATA();
  const fs::path folder = conformance() / "generated-upstream";
  const auto keys = age_keys({folder / "keys/age-a.txt"});
  const std::pair<const char*, int> cases[] = {{"NEG-mac-plain-changed.yaml", 51},
                                               {"NEG-no-mac.yaml", 51},
                                               {"NEG-lastmodified-changed.yaml", 51},
                                               {"NEG-key-renamed.yaml", 25},
                                               {"NEG-two-rules.yaml", 1},
                                               {"NEG-no-keys.yaml", 1}};
  for (const auto& [name, status] : cases) {
    CAPTURE(name);
    const auto plaintext = decrypt_path(folder / name, keys);
    REQUIRE_FALSE(plaintext.has_value());
    CHECK(sops_exit_code(plaintext.error()) == status);
    CHECK(plaintext.error().where().file == name);
  }
  // A value in the clear among the encrypted ones: sops has 25 for it, whatever it is.
  const std::string text = read_file(folder / "OK-timezone.yaml");
  const std::string_view mapping = "stringData:\n";
  const std::size_t at = text.find(mapping);
  REQUIRE(at != std::string::npos);
  for (const char* added : {"    new: plain\n", "    new: 7\n"}) {
    CAPTURE(added);
    std::string changed = text;
    changed.insert(at + mapping.size(), added);
    const auto opened = decrypt_file(changed, "x.yaml", {Format::kYaml, Format::kYaml}, keys, {});
    REQUIRE_FALSE(opened.has_value());
    CHECK(sops_exit_code(opened.error()) == 25);
  }
  for (const char* name : {"OK-timezone.yaml", "OK-key-renamed-plain.yaml"}) {
    CAPTURE(name);
    CHECK_OK(decrypt_path(folder / name, keys));
  }
  const auto tampered = decrypt_path(conformance() / "flux-pkg/tampered-mac.secret.age.yaml",
                                     age_keys({conformance() / "flux/keys/age.txt"}));
  REQUIRE_FALSE(tampered.has_value());
  CHECK(sops_exit_code(tampered.error()) == 51);
  CHECK(tampered.error().text().find("my-sops-age-secret") == std::string::npos);
}

TEST_CASE("sops -d --ignore-mac: opens a file whose MAC does not match") {
  REQUIRE_CONFORMANCE_DATA();
  const auto keys = age_keys({conformance() / "flux/keys/age.txt"});
  DecryptFileOptions options{Format::kYaml, Format::kYaml};
  options.ignore_mac = true;
  const auto plaintext =
      decrypt_file(read_file(conformance() / "flux-pkg/tampered-mac.secret.age.yaml"), "x.yaml",
                   options, keys, {});
  REQUIRE_OK(plaintext);
  CHECK(plaintext->reveal_text().find("my-sops-age-secret") != std::string_view::npos);
}

TEST_CASE("key groups: too few parts are refused, naming the groups") {
  REQUIRE_CONFORMANCE_DATA();
  const fs::path folder = conformance() / "generated-upstream";
  const auto one = age_keys({folder / "keys/age-a.txt"});
  for (const char* name : {"yaml-shamir-2of3.enc.yaml", "env-shamir.enc.env"}) {
    const auto plaintext = decrypt_path(folder / name, one);
    REQUIRE_FALSE(plaintext.has_value());
    CHECK(sops_exit_code(plaintext.error()) == 128);
    CHECK(plaintext.error().message().find("1 of ") != std::string::npos);
  }
  const auto mixed = decrypt_path(folder / "yaml-shamir-2of2-mixed.enc.yaml", one);
  REQUIRE_FALSE(mixed.has_value());
  CHECK(mixed.error().code() == Code::kDenied);
  CHECK(mixed.error().message().find("no pgp keys were given") != std::string::npos);
}

TEST_CASE("sops -d: files of Flux and kluctl") {
  REQUIRE_CONFORMANCE_DATA();
  const fs::path flux = conformance() / "flux";
  const auto keys = age_keys({flux / "keys/age.txt"});
  for (const char* name : {"algorithms/age.yaml", "envs/env.env", "files/file.txt",
                           "patches/merge1.yaml", "remote/env.env"}) {
    check_equal(flux / "fixtures" / name, flux / "expected" / name, keys);
  }
  check_equal(flux / "fixtures/global/secret.yaml", flux / "expected/global/secret.yaml",
              age_keys({flux / "keys/age-global.txt"}));
  const fs::path kluctl = conformance() / "kluctl";
  for (const char* name : {"test.yaml", "test-configmap.yaml"}) {
    check_equal(kluctl / "fixtures" / name, kluctl / "expected" / name,
                age_keys({kluctl / "keys/test-key.txt"}));
  }
}

TEST_CASE("sops -d: a wrong key is refused, naming the recipients and where keys were looked for") {
  REQUIRE_CONFORMANCE_DATA();
  const auto plaintext = decrypt_path(conformance() / "flux/fixtures/algorithms/age.yaml",
                                      age_keys({conformance() / "flux/keys/age-global.txt"}));
  REQUIRE_FALSE(plaintext.has_value());
  CHECK(plaintext.error().code() == Code::kDenied);
  CHECK(sops_exit_code(plaintext.error()) == 128);
  CHECK(plaintext.error().message().find("age \"age1") != std::string::npos);
  CHECK(plaintext.error().message().find("no identity matched") != std::string::npos);
  CHECK(plaintext.error().hint().find("age-global.txt: 1 identity") != std::string::npos);
}

TEST_CASE("sops -d: files that only PGP keys open are refused by name") {
  REQUIRE_CONFORMANCE_DATA();
  const auto plaintext = decrypt_path(conformance() / "flux/fixtures/algorithms/pgp.yaml",
                                      age_keys({conformance() / "flux/keys/age.txt"}));
  REQUIRE_FALSE(plaintext.has_value());
  CHECK(plaintext.error().message().find("pgp \"") != std::string::npos);
  CHECK(plaintext.error().message().find("no pgp keys were given") != std::string::npos);
}

TEST_CASE("sops -d: a hybrid age recipient that no identity opens is shortened in the message") {
  REQUIRE_CONFORMANCE_DATA();
  const auto path = conformance() / "flux/fixtures/algorithms/age-pq.yaml";
  const auto refused = decrypt_path(path, age_keys({conformance() / "flux/keys/age.txt"}));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message().find("age1pq1") != std::string::npos);
  CHECK(refused.error().message().size() < 300);
  CHECK_OK(decrypt_path(path, age_keys({conformance() / "flux/keys/age-pq.txt"})));
}
