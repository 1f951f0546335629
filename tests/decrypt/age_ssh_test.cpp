// SSH keys as age identities and recipients, and hybrid recipients, beside the age program.
#include "decrypt/age_ssh.hpp"

#include <cctype>
#include <fstream>

#include "sluice/crypto/aead.hpp"
#include "sluice/crypto/bcrypt.hpp"
#include "sluice/crypto/x_wing.hpp"

#include "decrypt/age_write.hpp"
#include "decrypt/bech32.hpp"
#include "files.hpp"
#include "support/process.hpp"
#include "support/test.hpp"

using namespace sluice;
using namespace sluice::decrypt;
namespace fs = std::filesystem;

namespace {

fs::path vectors() {
  return fs::path(SLUICE_SOURCE_DIR) / "../shared/conformance/age/generated-ssh";
}

crypto::SecretBytes secret_file(const fs::path& path) {
  return crypto::SecretBytes::copy_of(test::read_file(path));
}

AskPassphrase answers(std::vector<std::string> list) {
  return [list](const std::string& what, unsigned attempt) -> Result<crypto::SecretBytes> {
    if (attempt >= list.size()) return fail(Code::kNotFound, what + ": no more passphrases");
    return crypto::SecretBytes::copy_of(list[attempt]);
  };
}

Result<crypto::SecretBytes> open_with(const fs::path& key, const fs::path& file,
                                      AskPassphrase ask = {}) {
  const auto keys = make_age_key_service(std::move(ask));
  REQUIRE_OK(keys->add_identities(secret_file(key), key.filename().string()));
  return keys->unwrap({"age", "", test::read_file(file), {}}, {});
}

/// A folder that goes away.
struct Folder {
  fs::path path = fs::temp_directory_path() / ("sluice-age-ssh-" + std::to_string(::getpid()));
  Folder() { fs::create_directory(path); }
  ~Folder() { fs::remove_all(path); }
};

}  // namespace

TEST_CASE("age ssh: each key opens its file, and the one for three recipients") {
  if (!fs::exists(vectors())) SLUICE_SKIP("no age test vectors beside this checkout");
  const std::string wanted = test::read_file(vectors() / "plain32.bin");
  for (const std::string name : {"ssh_ed25519", "ssh_rsa2048", "ssh_rsa4096_pem"}) {
    CAPTURE(name);
    const auto opened = open_with(vectors() / name, vectors() / (name + ".age.asc"));
    REQUIRE_OK(opened);
    CHECK(opened->reveal_text() == wanted);
  }
  for (const std::string name : {"ssh_ed25519", "ssh_rsa2048", "x25519.txt"}) {
    CAPTURE(name);
    const auto opened = open_with(vectors() / name, vectors() / "multi.age.asc");
    REQUIRE_OK(opened);
    CHECK(opened->reveal_text() == wanted);
  }
  const auto other = open_with(vectors() / "ssh_ed25519", vectors() / "ssh_rsa2048.age.asc");
  REQUIRE_FALSE(other.has_value());
  CHECK(other.error().code() == Code::kNotFound);
}

TEST_CASE("age ssh: a key behind a passphrase opens with it, and says what it is without") {
  if (!fs::exists(vectors())) SLUICE_SKIP("no age test vectors beside this checkout");
  const auto key = vectors() / "ssh_ed25519_passphrase";
  const auto file = vectors() / "ssh_ed25519_passphrase.age.asc";
  const auto opened = open_with(
      key, file,
      answers({"wrong", test::read_file(vectors() / "ssh_ed25519_passphrase.passphrase")}));
  REQUIRE_OK(opened);
  CHECK(opened->reveal_text() == test::read_file(vectors() / "plain32.bin"));
  for (const auto& ask : {AskPassphrase(), answers({"wrong"})}) {
    const auto refused = open_with(key, file, ask);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().message().find("passphrase") != std::string::npos);
  }
  // Nobody is asked for a file that is for another key.
  const auto other = open_with(key, vectors() / "ssh_ed25519.age.asc",
                               [](const std::string&, unsigned) -> Result<crypto::SecretBytes> {
                                 FAIL("asked for a passphrase");
                                 return crypto::SecretBytes();
                               });
  CHECK_FALSE(other.has_value());
}

TEST_CASE("age: an identity file behind a passphrase is opened when it is needed") {
  const fs::path fixtures = fs::path(SLUICE_SOURCE_DIR) / "fixtures/sops";
  const std::string plain = test::read_file(fixtures / "key.txt");
  const crypto::SecretBytes file_key = crypto::SecretBytes(16);
  // What `age -p` writes, with a small work factor.
  const std::string passphrase = "open sesame";
  const std::string salt(16, 's');
  const auto wrap_key = crypto::scrypt(crypto::as_bytes(passphrase),
                                       crypto::as_bytes("age-encryption.org/v1/scrypt" + salt), 10);
  REQUIRE(wrap_key.has_value());
  const std::array<std::byte, 12> nonce{};
  const AgeStanza stanza{
      "scrypt",
      {age_base64_encode(salt), "10"},
      crypto::chacha20_poly1305_seal(wrap_key->reveal(), nonce, file_key.reveal())};
  const std::string sealed = seal_age(crypto::SecretBytes::copy_of(plain), {&stanza, 1}, file_key);
  for (const std::string& text : {sealed, encode_age_armor(sealed)}) {
    const auto keys = make_age_key_service(answers({"wrong", passphrase}));
    REQUIRE_OK(keys->add_identities(crypto::SecretBytes::copy_of(text), "keys.age"));
    const auto opened = test::decrypt_path(fixtures / "secret.yaml", {keys});
    CHECK_OK(opened);
    const auto wrong = make_age_key_service(answers({"wrong"}));
    REQUIRE_OK(wrong->add_identities(crypto::SecretBytes::copy_of(text), "keys.age"));
    const auto refused = test::decrypt_path(fixtures / "secret.yaml", {wrong});
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().text().find("keys.age") != std::string::npos);
  }
}

TEST_CASE("age: a source is read for a recipient that nothing else opens, once") {
  const fs::path fixtures = fs::path(SLUICE_SOURCE_DIR) / "fixtures/sops";
  const auto keys = make_age_key_service();
  int reads = 0;
  keys->add_source("command", [&](const std::string& recipient) -> Result<crypto::SecretBytes> {
    ++reads;
    CHECK(recipient.starts_with("age1"));
    return secret_file(fixtures / "key.txt");
  });
  CHECK_OK(test::decrypt_path(fixtures / "secret.yaml", {keys}));
  CHECK_OK(test::decrypt_path(fixtures / "secret.yaml", {keys}));
  CHECK(reads == 1);
}

TEST_CASE("age: hybrid and SSH recipients: what we wrap, we and the age program open") {
  if (!fs::exists(vectors())) SLUICE_SKIP("no age test vectors beside this checkout");
  const Folder folder;
  const crypto::SecretBytes seed = crypto::random_bytes(32);
  const auto point = crypto::x_wing_public(seed.reveal());
  REQUIRE(point.has_value());
  std::string identity = encode_bech32("age-secret-key-pq-", seed.reveal());
  for (char& c : identity)
    c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  std::ofstream(folder.path / "pq.txt") << identity << "\n";
  const std::pair<std::string, fs::path> cases[] = {
      {encode_bech32("age1pq", crypto::as_bytes(*point)), folder.path / "pq.txt"},
      {test::read_file(vectors() / "ssh_ed25519.pub"), vectors() / "ssh_ed25519"},
      {test::read_file(vectors() / "ssh_rsa2048.pub"), vectors() / "ssh_rsa2048"}};
  const std::string wanted(32, 'k');
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    CAPTURE(i);
    std::string recipient = cases[i].first;
    while (recipient.ends_with('\n'))
      recipient.pop_back();
    const auto wrapped = encrypt_age(crypto::SecretBytes::copy_of(wanted), recipient);
    REQUIRE_OK(wrapped);
    const auto keys = make_age_key_service();
    REQUIRE_OK(keys->add_identities(secret_file(cases[i].second), "key"));
    const auto opened = keys->unwrap({"age", recipient, *wrapped, {}}, {});
    REQUIRE_OK(opened);
    CHECK(opened->reveal_text() == wanted);
    const auto age = test::find_program("age");
    if (!age) continue;
    const auto key = folder.path / "key";
    fs::copy_file(cases[i].second, key, fs::copy_options::overwrite_existing);
    fs::permissions(key, fs::perms::owner_read | fs::perms::owner_write);
    std::ofstream(folder.path / "file.age") << *wrapped;
    const auto done = test::run({*age, "-d", "-i", key, folder.path / "file.age"});
    if (i == 0 && done.status != 0) continue;  // age before 1.3 knows no hybrid keys
    CHECK(done.status == 0);
    CHECK(done.output == wanted);
  }
}
