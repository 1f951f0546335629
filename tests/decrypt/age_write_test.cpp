// age files as sluice writes them, opened by sluice and by the age program.
#include "decrypt/age_write.hpp"

#include <fstream>

#include "sluice/crypto/aead.hpp"

#include "decrypt/bech32.hpp"
#include "files.hpp"
#include "support/process.hpp"
#include "support/test.hpp"

using namespace sluice;
using namespace sluice::decrypt;

namespace {

struct KeyPair {
  X25519Identity identity;
  std::string recipient, secret;
};

KeyPair make_key() {
  KeyPair key;
  key.identity.scalar = crypto::random_bytes(32);
  key.identity.point = crypto::x25519_public(key.identity.scalar.reveal()).value();
  key.recipient = encode_bech32("age", key.identity.point);
  key.secret = encode_bech32("age-secret-key-", key.identity.scalar.reveal());
  for (char& c : key.secret)
    c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return key;
}

}  // namespace

TEST_CASE("age writing: sluice and age read what was written, whatever its size") {
  const KeyPair key = make_key();
  const auto age = test::find_program("age");
  const auto folder =
      std::filesystem::temp_directory_path() / ("sluice-age-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  std::ofstream(folder / "key.txt") << key.secret << "\n";
  for (const std::size_t size : {0U, 1U, 32U, 33U, 65535U, 65536U, 65537U, 131072U}) {
    CAPTURE(size);
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
      text[i] = static_cast<char>('a' + i % 23);
    const auto armored = encrypt_age(crypto::SecretBytes::copy_of(text), key.recipient);
    REQUIRE_OK(armored);
    const auto binary = decode_age_armor(*armored);
    REQUIRE_OK(binary);
    const auto opened = decrypt_age(*binary, key.identity);
    REQUIRE_OK(opened);
    CHECK(opened->reveal_text() == text);
    if (!age) continue;
    std::ofstream(folder / "file.age") << *armored;
    const auto done = test::run({*age, "-d", "-i", folder / "key.txt", folder / "file.age"});
    CHECK(done.status == 0);
    CHECK(done.output == text);
  }
  std::filesystem::remove_all(folder);
  if (!age) SLUICE_SKIP("age is not on PATH (scripts/tools builds it): only sluice read the files");
}

TEST_CASE("age writing: what is no X25519 recipient is refused, and identities are not quoted") {
  const KeyPair key = make_key();
  const auto refused = [](std::string_view text) {
    const auto result = parse_age_recipient(text);
    REQUIRE_FALSE(result.has_value());
    return result.error();
  };
  CHECK(refused("").code() == Code::kInvalid);
  CHECK(refused("age1xyz").code() == Code::kInvalid);
  CHECK(refused(key.recipient + "q").code() == Code::kInvalid);
  CHECK_FALSE(wrap_file_key(crypto::random_bytes(16), "ssh-ed25519 AAAA").has_value());
  CHECK_FALSE(wrap_file_key(crypto::random_bytes(16), "ssh-dss AAAAB3NzaC1kc3M=").has_value());
  CHECK_FALSE(wrap_file_key(crypto::random_bytes(16), "age1pq1qqqq").has_value());
  const Error identity = refused(key.secret);
  CHECK(identity.text().find(key.secret.substr(20, 20)) == std::string::npos);
  CHECK(identity.message().find("identity") != std::string::npos);
  const std::array<std::byte, 32> low_order{};
  CHECK_FALSE(wrap_x25519(crypto::random_bytes(16), low_order).has_value());
}
