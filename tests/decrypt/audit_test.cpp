// What an audit log is told of decryptions.
#include "files.hpp"

using namespace sluice;
using namespace sluice::decrypt;
using namespace sluice::test;

namespace {

std::filesystem::path fixture(const char* name) {
  return std::filesystem::path(SLUICE_SOURCE_DIR) / "fixtures/sops" / name;
}

}  // namespace

TEST_CASE("audit: a file that was opened, with the key that gave its data key") {
  std::vector<AuditRecord> records;
  DecryptFileOptions options{Format::kYaml, Format::kYaml};
  options.audit = [&records](const AuditRecord& record) { records.push_back(record); };
  const std::string text = read_file(fixture("secret.yaml"));
  REQUIRE_OK(decrypt_file(text, "a/secret.yaml", options, age_keys({fixture("key.txt")}), {}));
  REQUIRE(records.size() == 1);
  CHECK(records[0].file == "a/secret.yaml");
  CHECK(records[0].opened);
  CHECK(records[0].reason.empty());
  REQUIRE(records[0].keys.size() == 1);
  CHECK(records[0].keys[0].starts_with("age \"age1"));
}

TEST_CASE(
    "audit: a refusal and a tampered file are told, too, with the reason and without a value") {
  std::vector<AuditRecord> records;
  DecryptFileOptions options{Format::kYaml, Format::kYaml};
  options.audit = [&records](const AuditRecord& record) { records.push_back(record); };
  std::string text = read_file(fixture("secret.yaml"));
  CHECK_FALSE(
      decrypt_file(text, "s.yaml", options, age_keys({fixture("other-key.txt")}), {}).has_value());
  const std::size_t at = text.find("lastmodified: \"20");
  REQUIRE(at != std::string::npos);
  text[at + 17] = text[at + 17] == '9' ? '8' : '9';
  CHECK_FALSE(
      decrypt_file(text, "s.yaml", options, age_keys({fixture("key.txt")}), {}).has_value());
  REQUIRE(records.size() == 2);
  CHECK_FALSE(records[0].opened);
  CHECK(records[0].keys.empty());
  CHECK(records[0].reason.find("data key") != std::string::npos);
  CHECK_FALSE(records[1].opened);
  CHECK(records[1].keys.size() == 1);
  for (const AuditRecord& record : records)
    CHECK(record.reason.find("canary") == std::string::npos);
}

TEST_CASE("audit: a decryptor tells of each file once, however many of its leaves are opened") {
  std::vector<AuditRecord> records;
  const auto files = std::make_shared<SopsFiles>();
  const auto entries = lift_env(std::make_shared<const std::string>(read_file(fixture("vars.env"))),
                                "vars.env", *files);
  REQUIRE_OK(entries);
  SopsDecryptor decryptor(files, age_keys({fixture("key.txt")}), kDefaultDecryptionOrder,
                          [&records](const AuditRecord& record) { records.push_back(record); });
  for (int round = 0; round < 2; ++round) {
    for (const EnvEntry& entry : *entries) {
      if (entry.encrypted) REQUIRE_OK(decryptor.open(entry.leaf, {}));
    }
  }
  REQUIRE(records.size() == 1);
  CHECK(records[0].file == "vars.env");
}
