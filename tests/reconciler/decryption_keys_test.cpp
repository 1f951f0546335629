// spec.decryption.secretRef, read as Flux's internal/decryptor does.
#include "reconciler/decryption_keys.hpp"

#include <fstream>
#include <sstream>

#include "support/api_server.hpp"
#include "support/test.hpp"

using namespace sluice;
using test::document;

namespace {

std::string read_fixture(const std::string& name) {
  std::ifstream file(std::string(SLUICE_SOURCE_DIR) + "/fixtures/sops/" + name);
  std::stringstream text;
  text << file.rdbuf();
  REQUIRE_FALSE(text.str().empty());
  return text.str();
}

std::string indented(const std::string& text) {
  std::string out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    out += "    " + line + "\n";
  return out;
}

void put_secret(kube::Client& client, const std::string& name, const std::string& entries) {
  const auto object = document("apiVersion: v1\nkind: Secret\nmetadata: {name: " + name +
                               ", namespace: default}\nstringData:\n" + entries);
  REQUIRE_OK(client.apply(kube::object_id(object.root()), object.root(), nullptr,
                          {.field_manager = "test"}, {}));
}

}  // namespace

TEST_CASE("decryption keys: *.agekey and *.asc entries are used, whatever their names") {
  std::string why;
  const auto server = test::ApiServer::get(why);
  if (!server) SLUICE_SKIP(why);
  auto& client = server->client();
  put_secret(client, "keys-both",
             "  any.agekey: |\n" + indented(read_fixture("key.txt")) + "  other.asc: |\n" +
                 indented(read_fixture("pgp/plain.key.asc")) + "  readme: hello\n");
  const auto keys = reconciler::decryption_keys(client, "default", "keys-both", {});
  REQUIRE_OK(keys);
  for (const char* file : {"secret.yaml", "pgp/secret.yaml"}) {
    CAPTURE(file);
    const auto plaintext = decrypt::decrypt_file(
        read_fixture(file), file, {decrypt::Format::kYaml, decrypt::Format::kYaml}, *keys, {});
    if (!plaintext && plaintext.error().text().find("librnp0") != std::string::npos) {
      SLUICE_SKIP("librnp0 is not installed (scripts/deps installs it)");
    }
    CHECK_OK(plaintext);
  }
  const auto protected_file =
      keys->back()->unwrap({"pgp", "", read_fixture("pgp/protected.asc"), {}}, {});
  CHECK_FALSE(protected_file.has_value());
}

TEST_CASE("decryption keys: an entry that holds no key of its kind is an error with its name") {
  std::string why;
  const auto server = test::ApiServer::get(why);
  if (!server) SLUICE_SKIP(why);
  auto& client = server->client();
  put_secret(client, "keys-bad", "  wrong.asc: AGE-SECRET-KEY-1\n");
  const auto keys = reconciler::decryption_keys(client, "default", "keys-bad", {});
  REQUIRE_FALSE(keys.has_value());
  CHECK(keys.error().message() ==
        "Secret default/keys-bad entry \"wrong.asc\": no OpenPGP key in it");
}
