// OpenPGP keys (SOPS pgp/keysource.go): every message that GnuPG made for the conformance folder.
#include "sluice/decrypt/pgp_keys.hpp"

#include "files.hpp"

using namespace sluice;
using namespace sluice::decrypt;
using namespace sluice::test;
namespace fs = std::filesystem;

namespace {

fs::path openpgp() {
  return conformance() / "generated-openpgp";
}

bool has_library() {
  const auto keys = make_pgp_key_service();
  MasterKey key{"pgp", "", "no message", {}};
  REQUIRE_OK(keys->add_keys(
      crypto::SecretBytes::copy_of(read_file(openpgp() / "keys/cv25519.sec.asc")), "key"));
  const auto opened = keys->unwrap(key, {});
  return opened || opened.error().code() != Code::kUnsupported;
}

AskPassphrase answers(std::vector<std::string> list) {
  return [list](const std::string& what, unsigned attempt) -> Result<crypto::SecretBytes> {
    if (attempt >= list.size()) return fail(Code::kNotFound, what + ": no more passphrases");
    return crypto::SecretBytes::copy_of(list[attempt]);
  };
}

std::shared_ptr<PgpKeyService> service(const std::vector<std::string>& names,
                                       AskPassphrase ask = {}) {
  auto made = make_pgp_key_service(std::move(ask));
  for (const std::string& name : names) {
    const std::string file = name + ".sec.asc";
    REQUIRE_OK(
        made->add_keys(crypto::SecretBytes::copy_of(read_file(openpgp() / "keys" / file)), file));
  }
  return made;
}

Result<crypto::SecretBytes> open_message(PgpKeyService& keys, const std::string& name) {
  return keys.unwrap({"pgp", "", read_file(openpgp() / "msgs" / (name + ".asc")), {}}, {});
}

std::vector<std::string> all_keys() {
  return {"rsa2048",  "rsa3072-pass", "cv25519",  "cv25519-pass",
          "nistp256", "nistp384",     "nistp521", "bp256"};
}

}  // namespace

TEST_CASE("pgp: each message of the conformance folder opens with all keys, hidden ones too") {
  if (!fs::exists(openpgp())) SLUICE_SKIP("no OpenPGP messages beside this checkout");
  if (!has_library()) SLUICE_SKIP("librnp0 is not installed (scripts/deps installs it)");
  std::vector<std::string> given = {"wrong"};
  std::istringstream lines(read_file(openpgp() / "KEYS.txt"));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find('\'');
    const std::size_t last = line.rfind('\'');
    if (last > first + 1) given.push_back(line.substr(first + 1, last - first - 1));
  }
  const std::string wanted = read_file(openpgp() / "datakey.bin");
  int opened = 0;
  const auto keys = service(all_keys(), answers(given));
  for (const auto& entry : fs::directory_iterator(openpgp() / "msgs")) {
    const std::string name = entry.path().stem().string();
    CAPTURE(name);
    const auto plaintext = open_message(*keys, name);
    if (name == "no-mdc" || name.starts_with("NEG-")) {
      REQUIRE_FALSE(plaintext.has_value());
      MESSAGE(name << ": " << plaintext.error().text());
      continue;
    }
    CHECK_OK(plaintext);
    if (!plaintext) continue;
    CHECK(plaintext->reveal_text() == wanted);
    ++opened;
  }
  CHECK(opened == 22);
}

TEST_CASE("pgp: a message for another key names the keys that would open it") {
  if (!fs::exists(openpgp())) SLUICE_SKIP("no OpenPGP messages beside this checkout");
  if (!has_library()) SLUICE_SKIP("librnp0 is not installed (scripts/deps installs it)");
  const auto keys = service({"cv25519"});
  const auto opened = open_message(*keys, "rsa2048");
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().code() == Code::kNotFound);
  CHECK(opened.error().message().find("no secret key for ") == 0);
}

TEST_CASE("pgp: a protected key is refused by name when nobody answers, or wrongly") {
  if (!fs::exists(openpgp())) SLUICE_SKIP("no OpenPGP messages beside this checkout");
  if (!has_library()) SLUICE_SKIP("librnp0 is not installed (scripts/deps installs it)");
  const auto silent = service({"cv25519-pass"});
  const auto refused = open_message(*silent, "cv25519-pass");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message().find("is protected by a passphrase") != std::string::npos);
  const auto wrong = service({"cv25519-pass"}, answers({"a", "b"}));
  const auto again = open_message(*wrong, "cv25519-pass");
  REQUIRE_FALSE(again.has_value());
  CHECK(again.error().message().find("no more passphrases") != std::string::npos);
}

TEST_CASE("pgp: other text and nothing are no keys") {
  const auto keys = make_pgp_key_service();
  for (const std::string text : {"", "hello", "AGE-SECRET-KEY-1"}) {
    const auto added = keys->add_keys(crypto::SecretBytes::copy_of(text), "x.asc");
    REQUIRE_FALSE(added.has_value());
    CHECK(added.error().message().starts_with("x.asc: no OpenPGP key"));
  }
  const auto opened = keys->unwrap({"pgp", "", "", {}}, {});
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().code() == Code::kNotFound);
}

TEST_CASE("pgp: a message one byte longer than the limit is refused before it is read") {
  if (!fs::exists(openpgp())) SLUICE_SKIP("no OpenPGP messages beside this checkout");
  const auto keys = service({"cv25519"});
  const auto opened = keys->unwrap({"pgp", "", std::string(kMaxPgpMessageBytes + 1, 'x'), {}}, {});
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().message().find("longer than") != std::string::npos);
}

TEST_CASE("pgp: what is wrapped for a key, also for a Shamir part, that key opens") {
  if (!fs::exists(openpgp())) SLUICE_SKIP("no OpenPGP messages beside this checkout");
  if (!has_library()) SLUICE_SKIP("librnp0 is not installed (scripts/deps installs it)");
  for (const std::string name : {"rsa2048", "cv25519", "nistp384", "bp256"}) {
    CAPTURE(name);
    const auto writer = make_pgp_key_service();
    REQUIRE_OK(writer->add_keys(
        crypto::SecretBytes::copy_of(read_file(openpgp() / "keys" / (name + ".pub.asc"))), name));
    std::istringstream lines(read_file(openpgp() / "KEYS.txt"));
    std::string fingerprint;
    for (std::string word, line; std::getline(lines, line);) {
      if (line.starts_with(name + " ")) fingerprint = line.substr(name.size() + 1, 40);
    }
    const std::string part = "a part of the key, of 33 bytes!!!";
    const auto wrapped =
        writer->wrap({"pgp", fingerprint, "", {}}, crypto::SecretBytes::copy_of(part), {});
    REQUIRE_OK(wrapped);
    CHECK(wrapped->starts_with("-----BEGIN PGP MESSAGE-----\n"));
    const auto opened = service({name})->unwrap({"pgp", fingerprint, *wrapped, {}}, {});
    REQUIRE_OK(opened);
    CHECK(opened->reveal_text() == part);
    const auto unknown =
        writer->wrap({"pgp", std::string(40, 'A'), "", {}}, crypto::SecretBytes(32), {});
    REQUIRE_FALSE(unknown.has_value());
    CHECK(unknown.error().message().find("no OpenPGP public key AAAA") == 0);
  }
}
