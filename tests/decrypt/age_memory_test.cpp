// Hybrid and SSH identities: after everything is gone, no writable page holds what they opened, nor
// the identities themselves.
#include <cctype>

#include "sluice/crypto/aead.hpp"
#include "sluice/crypto/x_wing.hpp"

#include "decrypt/age_write.hpp"
#include "decrypt/bech32.hpp"
#include "files.hpp"
#include "support/memory_scan.hpp"

using namespace sluice;
using namespace sluice::decrypt;
using namespace sluice::test;
namespace fs = std::filesystem;

namespace {

const crypto::HardenReport hardened = crypto::harden_process();

fs::path ssh_keys() {
  return fs::path(SLUICE_SOURCE_DIR) / "../shared/conformance/age/generated-ssh";
}

crypto::SecretBytes revealed(const std::string& disguised) {
  std::string text = disguise(disguised);
  auto secret = crypto::SecretBytes::copy_of(text);
  crypto::wipe(text);
  return secret;
}

void open_with(const crypto::SecretBytes& identity, const std::string& recipient,
               const std::string& canary, AskPassphrase ask = {}) {
  const auto wrapped = encrypt_age(revealed(canary), recipient);
  REQUIRE_OK(wrapped);
  const auto keys = make_age_key_service(std::move(ask));
  REQUIRE_OK(keys->add_identities(identity, "key"));
  CHECK_OK(keys->unwrap({"age", recipient, *wrapped, {}}, {}));
}

__attribute__((noinline)) void open_everything(const std::string& canary, const std::string& seed) {
  {
    const auto secret = revealed(seed);
    const auto point = crypto::x_wing_public(secret.reveal());
    REQUIRE(point.has_value());
    std::string line = encode_bech32("age-secret-key-pq-", secret.reveal());
    for (char& c : line)
      c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    const auto identity = crypto::SecretBytes::copy_of(line);
    crypto::wipe(line);
    open_with(identity, encode_bech32("age1pq", crypto::as_bytes(*point)), canary);
  }
  if (!fs::exists(ssh_keys())) return;
  for (const char* name : {"ssh_ed25519", "ssh_rsa2048", "ssh_ed25519_passphrase"}) {
    std::string recipient = read_file(ssh_keys() / (std::string(name) + ".pub"));
    recipient.erase(recipient.find_last_not_of('\n') + 1);
    open_with(crypto::SecretBytes::copy_of(read_file(ssh_keys() / name)), recipient, canary,
              [](const std::string&, unsigned attempt) -> Result<crypto::SecretBytes> {
                if (attempt > 0) return fail(Code::kNotFound, "no more");
                return crypto::SecretBytes::copy_of(
                    read_file(ssh_keys() / "ssh_ed25519_passphrase.passphrase"));
              });
  }
}

}  // namespace

TEST_CASE("age memory: nothing is left of what hybrid and SSH keys opened, nor of a hybrid seed") {
  if (!hardened.library_memory_wiped) SLUICE_SKIP("OpenSSL was in use before main()");
  // Both stand for text of 32 bytes: a data key, and a seed.
  const std::string canaries[] = {"9;4;(#wage-keys-7f3a91-32-bytes!",
                                  "9;4;(#wpq-seed-7f3a91-32-bytes!!"};
  REQUIRE(canaries[0].size() == 32);
  REQUIRE(canaries[1].size() == 32);
  std::vector<std::size_t> before;
  for (const std::string& canary : canaries)
    before.push_back(count_in_memory(canary));
  open_everything(canaries[0], canaries[1]);
  for (std::size_t i = 0; i < before.size(); ++i) {
    CAPTURE(i);
    CHECK(count_in_memory(canaries[i]) <= before[i]);
  }
}

TEST_CASE("age memory: nothing is left of the passphrase of an identity file") {
  if (!hardened.library_memory_wiped) SLUICE_SKIP("OpenSSL was in use before main()");
  const std::string canary = "9;4;(#wpassphrase-7f3a91-32-byt!";
  const std::size_t before = count_in_memory(canary);
  {
    const auto passphrase = revealed(canary);
    constexpr unsigned kCheap = 4;
    CHECK(crypto::scrypt(passphrase.reveal(), crypto::as_bytes("salt"), kCheap).has_value());
  }
  CHECK(count_in_memory(canary) <= before);
}
