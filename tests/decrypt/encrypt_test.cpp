// Writing SOPS files: what is encrypted opens again, says what it should, and holds no plaintext.
// The program sops reads it too where it is found; tests/differential/sops_fuzz.py does so at
// length.
#include "sluice/crypto/aead.hpp"
#include "sluice/decrypt/encryptor.hpp"

#include "decrypt/data_key.hpp"
#include "files.hpp"
#include "recipient.hpp"
#include "support/test.hpp"

using namespace sluice;
using namespace sluice::decrypt;
using test::make_recipient;
using test::Recipient;

namespace {

EncryptFileOptions options_for(Format format, const std::vector<std::vector<std::string>>& groups) {
  EncryptFileOptions options{format, format};
  for (const auto& names : groups) {
    options.settings.groups.emplace_back();
    for (const std::string& name : names) {
      const auto keys = parse_master_keys("age", name);
      REQUIRE_OK(keys);
      options.settings.groups.back().push_back(keys->front());
    }
  }
  options.now = "2026-11-23T12:00:00Z";
  return options;
}

Result<std::string> encrypt(const std::string& text, const EncryptFileOptions& options,
                            const KeyServices& services) {
  return encrypt_file(crypto::SecretBytes::copy_of(text), "test", options, services, {});
}

std::string decrypted(const std::string& text, Format format, const KeyServices& services) {
  const auto plain = decrypt_file(text, "test", {format, format}, services, {});
  REQUIRE_OK(plain);
  return std::string(plain->reveal_text());
}

}  // namespace

TEST_CASE("encrypt: each format opens again, and no value stays readable") {
  const Recipient key = make_recipient();
  const std::pair<Format, std::string> cases[] = {
      {Format::kYaml,
       "a: canary-1\nb:\n    - canary-2\n    # canary-3\n    - 7\nc_unencrypted: open\n"},
      {Format::kJson,
       "{\n\t\"a\": \"canary-1\",\n\t\"b\": "
       "[\n\t\t\"canary-2\",\n\t\ttrue\n\t],\n\t\"c_unencrypted\": \"open\"\n}\n"},
      {Format::kDotenv, "#canary-1\nA=canary-2\nC_unencrypted=open\n"},
      {Format::kIni, "[s]\nA             = canary-1\nC_unencrypted = open\n"},
      {Format::kBinary, "canary-1\n"}};
  for (const auto& [format, text] : cases) {
    CAPTURE(text);
    const auto file = encrypt(text, options_for(format, {{key.name}}), key.services);
    REQUIRE_OK(file);
    CHECK(file->find("canary") == std::string::npos);
    CHECK((format == Format::kBinary || file->find("open") != std::string::npos));
    CHECK(decrypted(*file, format, key.services) == text);
  }
}

TEST_CASE("encrypt: comments that belong to nothing do not stay readable") {
  const Recipient key = make_recipient();
  const std::pair<Format, std::string> cases[] = {
      {Format::kIni, "[s]\na = 1\n; canary\n"},
      {Format::kIni, "[s]\na = `1` canary\n"},
      {Format::kIni, "; canary\n[s] ; canary\na = 1 # canary\n"},
      {Format::kYaml,
       "a: [1, # canary\n  2] # canary\n\n# canary\n\n\n# canary\n---\n# canary\nb: |  # canary\n  "
       "x\n# canary\n...\n# canary\n"},
      {Format::kYaml, "? a # canary\n: # canary\n  - # canary\n    - b # canary\n# canary\n"},
      {Format::kDotenv, "A=1\n#canary"}};
  for (const auto& [format, text] : cases) {
    CAPTURE(text);
    const auto file = encrypt(text, options_for(format, {{key.name}}), key.services);
    REQUIRE_OK(file);
    CHECK(file->find("canary") == std::string::npos);
    CHECK_OK(decrypt_file(*file, "test", {format, format}, key.services, {}));
  }
}

TEST_CASE("encrypt: an INI text that printing would change into something else is refused") {
  const Recipient key = make_recipient();
  // A comment at the end makes it be printed anew, and the first value ends in a backslash then.
  auto options = options_for(Format::kIni, {{key.name}});
  options.settings.encrypted_regex = "^b$";
  options.settings.mac_only_encrypted = true;
  const auto file = encrypt("[s]\na = x\\;y\nb = 1\n; end\n", options, key.services);
  REQUIRE_FALSE(file.has_value());
  CHECK(sops_exit_code(file.error()) == 23);
}

TEST_CASE("encrypt: key groups need as many keys as the threshold says") {
  const Recipient a = make_recipient();
  const Recipient b = make_recipient();
  const Recipient c = make_recipient();
  auto options = options_for(Format::kYaml, {{a.name}, {b.name}, {c.name}});
  options.settings.shamir_threshold = 2;
  const auto file = encrypt("a: b\n", options, a.services);
  REQUIRE_OK(file);
  CHECK(decrypted(*file, Format::kYaml, {a.services[0], c.services[0]}) == "a: b\n");
  const auto one = decrypt_file(*file, "test", {Format::kYaml, Format::kYaml}, b.services, {});
  REQUIRE_FALSE(one.has_value());
  CHECK(sops_exit_code(one.error()) == 128);
  options.settings.shamir_threshold = 4;
  CHECK_FALSE(encrypt("a: b\n", options, a.services).has_value());
  options.settings.shamir_threshold = 1;
  CHECK_FALSE(encrypt("a: b\n", options, a.services).has_value());
}

TEST_CASE("shamir: any threshold of the parts gives the secret, fewer do not") {
  const auto secret = crypto::random_bytes(32);
  const auto parts = split_parts(secret, 5, 3);
  REQUIRE_OK(parts);
  for (const auto& chosen : {std::vector<std::size_t>{0, 1, 2}, {4, 2, 0}, {0, 1, 2, 3, 4}}) {
    std::vector<crypto::SecretBytes> some;
    for (const std::size_t i : chosen)
      some.push_back((*parts)[i].clone());
    const auto combined = combine_parts(some);
    REQUIRE_OK(combined);
    CHECK(crypto::equal_constant_time(combined->reveal(), secret.reveal()));
  }
  std::vector<crypto::SecretBytes> two;
  two.push_back((*parts)[0].clone());
  two.push_back((*parts)[1].clone());
  const auto combined = combine_parts(two);
  REQUIRE_OK(combined);
  CHECK_FALSE(crypto::equal_constant_time(combined->reveal(), secret.reveal()));
  CHECK_OK(split_parts(secret, 255, 255));
  CHECK_FALSE(split_parts(secret, 256, 2).has_value());
  CHECK_FALSE(split_parts(secret, 3, 1).has_value());
  CHECK_FALSE(split_parts(secret, 3, 4).has_value());
  CHECK_FALSE(split_parts(crypto::SecretBytes(), 3, 2).has_value());
}

TEST_CASE("encrypt: refusals have the exit statuses of sops") {
  const Recipient key = make_recipient();
  const auto status = [&key](const std::string& text, EncryptFileOptions options) {
    const auto file = encrypt(text, options, key.services);
    REQUIRE_FALSE(file.has_value());
    CHECK(file.error().text().find("canary") == std::string::npos);
    return sops_exit_code(file.error());
  };
  const auto yaml = options_for(Format::kYaml, {{key.name}});
  CHECK(status("", yaml) == 92);
  CHECK(status("a: canary\nsops: {}\n", yaml) == 203);
  CHECK(status("A=canary\nsops_mac=x\n", options_for(Format::kDotenv, {{key.name}})) == 203);
  CHECK(status("a: [canary\n", yaml) == 2);
  CHECK(status("1: canary\n", yaml) == 23);
  auto two = yaml;
  two.settings.encrypted_regex = "a";
  two.settings.encrypted_suffix = "b";
  CHECK(status("a: canary\n", two) == 8);
  auto matches_all = yaml;
  matches_all.settings.unencrypted_comment_regex = "ENC";
  CHECK(status("# x\na: canary\n", matches_all) == 23);
  CHECK(status("a: canary\n", options_for(Format::kYaml, {})) == 1);
}

TEST_CASE(".sops.yaml: the first rule that matches counts, with its keys and its Shamir groups") {
  const Recipient a = make_recipient();
  const Recipient b = make_recipient();
  const auto config = SopsConfig::read(
      "creation_rules:\n"
      "  - path_regex: ^prod/.*\\.yaml$\n"
      "    encrypted_regex: ^data$\n"
      "    shamir_threshold: 2\n"
      "    key_groups:\n"
      "      - age: [" +
          a.name +
          "]\n"
          "        pgp: [85D7 7543]\n"
          "      - merge: [{age: [" +
          b.name +
          "]}]\n"
          "        age: [" +
          b.name +
          "]\n"
          "  - path_regex: dev\n"
          "    age: " +
          a.name + "," + b.name +
          "\n"
          "    mac_only_encrypted: true\n"
          "stores: {yaml: {indent: 2}, json: {indent: 0}}\n",
      "/repo/.sops.yaml");
  REQUIRE_OK(config);
  CHECK(config->yaml_indent() == 2);
  CHECK(config->json_indent() == 0);
  CHECK(config->binary_indent() == -1);
  const auto prod = config->settings_for("/repo/prod/a.yaml");
  REQUIRE_OK(prod);
  REQUIRE(prod->has_value());
  REQUIRE((*prod)->groups.size() == 2);
  CHECK((*prod)->groups[0].size() == 2);
  CHECK((*prod)->groups[0][1].id == "85D77543");
  CHECK((*prod)->groups[1].size() == 1);
  CHECK((*prod)->encrypted_regex == "^data$");
  CHECK((*prod)->shamir_threshold == 2);
  const auto dev = config->settings_for("/repo/dev/a.json");
  REQUIRE_OK(dev);
  CHECK((*dev)->groups[0].size() == 2);
  CHECK((*dev)->mac_only_encrypted);
  const auto none = config->settings_for("/repo/other");
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().where().line == 2);
  const auto empty = SopsConfig::read("stores: {}\n", "/repo/.sops.yaml");
  REQUIRE_OK(empty);
  CHECK_FALSE(empty->settings_for("/repo/a")->has_value());
}

TEST_CASE(".sops.yaml: a wrong type is an error wherever it stands, a wrong key where it is used") {
  const std::string age = "creation_rules:\n  - age: " + make_recipient().name + "\n";
  const auto read = [](const std::string& text) {
    return SopsConfig::read(text, "/repo/.sops.yaml");
  };
  const auto settings = [&read](const std::string& text) {
    const auto config = read(text);
    REQUIRE_OK(config);
    return config->settings_for("/repo/a.yaml");
  };
  for (const char* const wrong :
       {"  - path_regex: [x]\n", "  - shamir_threshold: abc\n", "  - mac_only_encrypted: 1\n",
        "  - key_groups: abc\n", "  - abc\n", "stores: abc\n", "stores: {yaml: abc}\n"}) {
    CAPTURE(wrong);
    const auto config = read(age + wrong);
    REQUIRE_FALSE(config.has_value());
    CHECK(config.error().where().line == 3);
  }
  CHECK_OK(settings(age + "  - age: nobody\n"));
  CHECK_OK(settings("creation_rules:\n  -" + age.substr(age.find('\n'))));  // null is no rule
  for (const char* const wrong :
       {"merge: abc", "kms: [{arn: x, context: [a]}]", "kms: [{arn: x, context: {a: ~}}]",
        "hckms: [{key_id: abc}]", "gcp_kms: [{}]", "age: abc", "hc_vault: [v/v1/t/keys/k]"}) {
    CAPTURE(wrong);
    const auto keys =
        settings("creation_rules:\n  - key_groups:\n    - " + std::string(wrong) + "\n");
    REQUIRE_FALSE(keys.has_value());
    CHECK(keys.error().where().line == 3);
  }
  for (const char* const word : {"yes", "on", "y", "true"}) {
    CAPTURE(word);
    const auto found = settings(age + "    mac_only_encrypted: " + word + "\n");
    REQUIRE_OK(found);
    CHECK((*found)->mac_only_encrypted);
  }
}

TEST_CASE(".sops.yaml: below the root, path_regex sees the whole path") {
  const std::string rule = "creation_rules:\n  - path_regex: ^/repo/\n";
  const auto config = SopsConfig::read(rule, "/.sops.yaml");
  REQUIRE_OK(config);
  CHECK_OK(config->settings_for("/repo/a.yaml"));
}

TEST_CASE("Vault keys by their address: the last segment is the name, whatever stands before it") {
  const std::pair<const char*, const char*> forms[] = {
      {"https://v:8200/v1/transit/keys/k", "https://v:8200/v1/transit/keys/k"},
      {"https://v/v2/a/b/keys/k/", "https://v/v1/a/b/keys/k"},
      {"HTTPS://V//v1/t/other/k", "https://V/v1/t/keys/k"}};
  for (const auto& [address, text] : forms) {
    CAPTURE(address);
    const auto keys = parse_master_keys("hc_vault", address);
    REQUIRE_OK(keys);
    CHECK(master_key_text(keys->front()) == text);
  }
  for (const char* const address :
       {"v/v1/t/keys/k", "://v/v1/t/keys/k", "https://v/prefix/v1/t/keys/k", "https://v/v1/keys/k",
        "https://v/v1/t/keys/", "https://v", "https://v/v1/t/keys/k?a=b", "https://v/v1/t/keys/k#f",
        "https://v/v1/t/keys/k "}) {
    CAPTURE(address);
    CHECK_FALSE(parse_master_keys("hc_vault", address).has_value());
  }
}

TEST_CASE("value paths: the notation of --extract") {
  const auto path = parse_value_path("[\"a\"]['b c'][0][\"1\"]");
  REQUIRE_OK(path);
  CHECK(value_path_text(*path) == "[\"a\"][\"b c\"][0][\"1\"]");
  CHECK(parse_value_path("")->empty());
  for (const char* const broken : {"a", "[\"a\"", "[a]", "[]", "[\"]", "[0]x"}) {
    CAPTURE(broken);
    const auto result = parse_value_path(broken);
    REQUIRE_FALSE(result.has_value());
    CHECK(sops_exit_code(result.error()) == 91);
  }
}
