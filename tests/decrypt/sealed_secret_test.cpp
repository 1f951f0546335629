// Sealed Secrets beside kubeseal 0.27.1 (fixtures/sealed) and the generated conformance files.
#include "sluice/decrypt/sealed_secret.hpp"

#include <array>
#include <string>
#include <vector>

#include "sluice/base/encoding.hpp"
#include "sluice/yaml/read.hpp"
#include "sluice/yaml/write.hpp"

#include "files.hpp"

using namespace sluice;
using namespace sluice::decrypt;
using namespace sluice::test;
namespace fs = std::filesystem;

namespace {

const fs::path kFixtures = fs::path(SLUICE_SOURCE_DIR) / "fixtures/sealed";

SealedKeys keys_of(const std::vector<fs::path>& files) {
  SealedKeys keys;
  for (const fs::path& file : files) {
    REQUIRE_OK(keys.add(crypto::SecretBytes::copy_of(read_file(file)), file.filename().string()));
  }
  return keys;
}

yaml::Document parse(const std::string& text) {
  auto documents = yaml::read_yaml(text, FileId::kNone);
  REQUIRE_OK(documents);
  REQUIRE(documents->size() == 1);
  return std::move(documents->front());
}

/// `kubeseal --recovery-unseal -o yaml`, without its "---".
Result<std::string> unseal(const std::string& text, SealedKeys keys, bool as_kubeseal = true) {
  const yaml::Document sealed = parse(text);
  SealedOpener opener(std::move(keys));
  SLUICE_TRY(const yaml::Document secret,
             opener.unseal(sealed.root(), {"sealed.yaml", 1, 1}, {.as_kubeseal = as_kubeseal}));
  DecryptingLeafReader leaves(opener, CancelToken());
  std::string out;
  StringSink sink(out);
  SLUICE_CHECK(yaml::write_yaml(secret.root(), sink, &leaves));
  return out;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t place = text.find(from);
  REQUIRE(place != std::string::npos);
  return text.replace(place, from.size(), to);
}

}  // namespace

TEST_CASE("each SealedSecret is told to the audit log, with the key that opened it") {
  std::vector<AuditRecord> records;
  SealedKeys keys;
  const std::string key = base64_encode(read_file(kFixtures / "key.pem"));
  REQUIRE_OK(
      keys.add(crypto::SecretBytes::copy_of("kind: Secret\nmetadata: {name: sealed-secrets-key1}\n"
                                            "data: {tls.key: \"" +
                                            key + "\"}\n"),
               "keys.yaml"));
  SealedOpener opener(std::move(keys), /*next=*/nullptr,
                      [&](const AuditRecord& record) { records.push_back(record); });
  const std::string text = read_file(kFixtures / "sealed.yaml");
  const yaml::Document sealed = parse(text);
  CHECK_OK(opener.unseal(sealed.root(), {"sealed.yaml", 1, 1}, {}));
  const yaml::Document moved = parse(replaced(text, "name: db", "name: other"));
  CHECK_FALSE(opener.unseal(moved.root(), {"moved.yaml", 1, 1}, {}).has_value());
  REQUIRE(records.size() == 2);
  CHECK(records[0].file == "sealed.yaml");
  CHECK(records[0].opened);
  CHECK(records[0].keys ==
        std::vector<std::string>{"sealed-secrets \"keys.yaml: sealed-secrets-key1\""});
  CHECK(records[1].file == "moved.yaml");
  CHECK_FALSE(records[1].opened);
  CHECK(records[1].keys.empty());
  CHECK(records[1].reason.starts_with("no key could decrypt secret"));
}

TEST_CASE("a SealedSecret opens to the Secret that kubeseal prints") {
  const auto got = unseal(read_file(kFixtures / "sealed.yaml"), keys_of({kFixtures / "key.pem"}));
  REQUIRE_OK(got);
  CHECK("---\n" + *got == read_file(kFixtures / "secret.yaml"));
}

TEST_CASE(
    "what a build renders can be applied: no owner without a uid, no null, no creationTimestamp") {
  const auto got =
      unseal(read_file(kFixtures / "sealed.yaml"), keys_of({kFixtures / "key.pem"}), false);
  REQUIRE_OK(got);
  CHECK(got->find("ownerReferences") == std::string::npos);
  CHECK(got->find("null") == std::string::npos);
  CHECK(got->find("none: \"\"\n") != std::string::npos);
}

TEST_CASE("keys are PEM, a Secret, a List or several documents, as YAML or JSON") {
  const std::string pem = read_file(kFixtures / "key.pem");
  const std::string base64 = base64_encode(pem);
  const std::string secret = "kind: Secret\nmetadata: {name: k}\ndata:\n  tls.crt: " + base64 +
                             "\n  tls.key: \"" + base64 + "\"\n";
  const std::string json =
      R"({"kind":"List","items":[{"kind":"Secret","data":{"tls.key":")" + base64 + R"("}}]})";
  for (const std::string& text : {pem, secret, json, secret + "---\n" + secret}) {
    SealedKeys keys;
    REQUIRE_OK(keys.add(crypto::SecretBytes::copy_of(text), "keys"));
    CHECK(keys.size() == (text == secret + "---\n" + secret ? 2 : 1));
    CHECK_OK(unseal(read_file(kFixtures / "sealed.yaml"), std::move(keys)));
  }
  const std::string bad[] = {"",
                             "hello",
                             "kind: ConfigMap\n",
                             "kind: Secret\ndata: {tls.key: \"!!!\"}\n",
                             "kind: Secret\nmetadata: {name: k}\ndata: {tls.key: " +
                                 base64_encode("no key, but long enough to be hidden away") + "}\n",
                             "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
                             "kind: List\nitems: []\n"};
  for (const std::string& text : bad) {
    CAPTURE(text);
    SealedKeys keys;
    const auto added = keys.add(crypto::SecretBytes::copy_of(text), "keys.yaml");
    REQUIRE_FALSE(added.has_value());
    CHECK(added.error().code() == Code::kInvalid);
    CHECK(added.error().message().starts_with("keys.yaml: "));
    CHECK(added.error().text().find("hidden") == std::string::npos);
  }
}

TEST_CASE("another name, namespace, scope, key or byte: nothing opens, and the message says what") {
  const std::string good = read_file(kFixtures / "sealed.yaml");
  const fs::path key = kFixtures / "key.pem";
  const std::string bad[] = {
      replaced(good, "  name: db\n", "  name: other\n"),
      replaced(good, "  namespace: prod\n", "  namespace: dev\n"),
      replaced(good, "  name: db\n",
               "  name: db\n  annotations: {sealedsecrets.bitnami.com/cluster-wide: \"true\"}\n"),
      replaced(good, "  name: db\n",
               "  name: db\n  annotations: {sealedsecrets.bitnami.com/namespace-wide: \"true\"}\n"),
      replaced(good, "    user: A", "    user: AAA"),
      replaced(good, "    user: A", "    user: \"\" #")};
  for (const std::string& text : bad) {
    const auto got = unseal(text, keys_of({key}));
    REQUIRE_FALSE(got.has_value());
    CHECK(got.error().where().file == "sealed.yaml");
    CHECK(got.error().message().find("user") != std::string::npos);
    CHECK(got.error().text().find("canary-7d1f") == std::string::npos);
  }
  CHECK(unseal(replaced(good, "    user: A", "    user: \"!\" #"), keys_of({key}))
            .error()
            .message() == "illegal base64 data (user)");
  CHECK(unseal(good, SealedKeys()).error().code() == Code::kDenied);
  CHECK(unseal(replaced(good, "  encryptedData:", "  data: AAAA\n  encryptedData:"), keys_of({key}))
            .error()
            .message()
            .find("deprecated 'data' field") != std::string::npos);
  const auto unsupported = unseal(replaced(good, "| urlquery", "| genPrivateKey"), keys_of({key}));
  REQUIRE_FALSE(unsupported.has_value());
  CHECK(unsupported.error().message().find("function \"genPrivateKey\"") != std::string::npos);
}

TEST_CASE("conformance: every generated SealedSecret opens with its key, and no negative does") {
  const fs::path folder = conformance().parent_path() / "sealed-secrets/generated";
  if (!fs::exists(folder)) SLUICE_SKIP("no Sealed Secrets conformance data beside this checkout");
  const yaml::Document expected = parse(read_file(folder / "expected.json"));
  const std::vector<std::vector<fs::path>> sets = {
      {folder / "backup-list.json"},
      {folder / "key2-rsa2048.key.pem", folder / "key1-rsa4096.key.pem"}};
  int opened = 0, refused = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".yaml")) continue;
    CAPTURE(name);
    for (const auto& set : sets) {
      const auto got = unseal(read_file(entry.path()), keys_of(set));
      if (name.starts_with("NEG-")) {
        REQUIRE_FALSE(got.has_value());
        CHECK(got.error().text().find("admin") == std::string::npos);
        ++refused;
        continue;
      }
      REQUIRE_OK(got);
      ++opened;
      const yaml::Document secret = parse(*got);
      const yaml::Node data = secret.root().get("data");
      if (name.find("independent") != std::string::npos) {
        CHECK(base64_decode(data.get("token").text()) == "from-an-independent-sealer");
        continue;
      }
      const yaml::Node want = expected.root().get("data");
      for (std::size_t i = 0; i < data.size(); ++i) {
        const std::string key(data.key(i).text());
        const std::string_view text = data.value(i).is_null() ? "" : data.value(i).text();
        if (key == "conn.txt") {
          CHECK(base64_decode(text) == expected.root().get("template.yaml conn.txt").text());
        } else {
          CHECK(text == want.get(key).text());
        }
      }
    }
  }
  CHECK(opened == 12);
  CHECK(refused == 8);
}
