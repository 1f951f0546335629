// Known answers: RFC 4231, 5869, 7748, 7914; the AEAD values were made with another program over
// the same inputs (python-cryptography 48). SOPS files exercise AES-GCM against Go in
// tests/decrypt.
#include "sluice/crypto/aead.hpp"

#include "sluice/base/encoding.hpp"

#include "support/test.hpp"

using namespace sluice;
using namespace sluice::crypto;

namespace {

std::string unhex(std::string_view text) {
  return hex_decode(text).value();
}
std::string hex(Bytes bytes) {
  return hex_encode({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

}  // namespace

TEST_CASE("AES-256-GCM: opens with IVs of 12 bytes and of other lengths") {
  std::string key(32, '\0');
  for (std::size_t i = 0; i < 32; ++i)
    key[i] = static_cast<char>(i);
  const std::pair<std::size_t, std::string_view> cases[] = {
      {12, "57baabf646d514c5761ff45abf74916f77d4f151ca4cfa6ed82b5f1c4482"},
      {16, "5533bf46d67c3b4cc13c35225230f8b43be682ce850fb92d95f61804be79"},
      {32, "dd15f98876b09e1787a6c24eb99ca2859ff1241a58beb03aa4707da01c27"},
      {128, "4532e2b4f2f1352087656ad8de79761d4e090d5c337a33cca5a95826f321"}};
  for (const auto& [size, sealed_hex] : cases) {
    CAPTURE(size);
    std::string iv(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
      iv[i] = static_cast<char>((7 * i + size) % 256);
    std::string sealed = unhex(sealed_hex);
    const auto open = [&](std::string_view aad) {
      const Bytes bytes = as_bytes(sealed);
      return aes256_gcm_open(as_bytes(key), as_bytes(iv), as_bytes(aad),
                             bytes.first(bytes.size() - 16), bytes.last(16));
    };
    REQUIRE(open("data:password:").has_value());
    CHECK(open("data:password:")->reveal_text() == "attack at dawn");
    CHECK_FALSE(open("data:passwore:").has_value());
    CHECK_FALSE(open("").has_value());
    sealed[0] ^= 1;
    CHECK_FALSE(open("data:password:").has_value());
    sealed[0] ^= 1;
    sealed.back() ^= 1;
    CHECK_FALSE(open("data:password:").has_value());
    CHECK(aes256_gcm_seal(as_bytes(key), as_bytes(iv), as_bytes("data:password:"),
                          as_bytes("attack at dawn")) == unhex(sealed_hex));
  }
}

TEST_CASE("sealing: lengths that cannot be are refused, and nothing repeats in random bytes") {
  const std::string key(32, 'k');
  CHECK_THROWS(aes256_gcm_seal(as_bytes(key).first(31), as_bytes("iv"), {}, {}));
  CHECK_THROWS(aes256_gcm_seal(as_bytes(key), {}, {}, {}));
  CHECK_THROWS(aes256_gcm_seal(as_bytes(key), as_bytes(std::string(129, 'i')), {}, {}));
  const SecretBytes a = random_bytes(32);
  const SecretBytes b = random_bytes(32);
  CHECK(a.size() == 32);
  CHECK_FALSE(equal_constant_time(a.reveal(), b.reveal()));
  CHECK(random_bytes(0).empty());
}

TEST_CASE("ChaCha20-Poly1305: what is sealed opens") {
  const std::string key(32, 'k');
  const std::string nonce(12, 'n');
  for (const std::string& text : {std::string(), std::string("one"), std::string(70000, 'x')}) {
    const std::string sealed =
        chacha20_poly1305_seal(as_bytes(key), as_bytes(nonce), as_bytes(text));
    CHECK(sealed.size() == text.size() + kAeadTagSize);
    SecretBytes out(text.size());
    REQUIRE(
        chacha20_poly1305_open(as_bytes(key), as_bytes(nonce), as_bytes(sealed), out.writable()));
    CHECK(out.reveal_text() == text);
  }
}

TEST_CASE("AES-256-GCM: an empty message has a tag too") {
  std::string key(32, '\0');
  for (std::size_t i = 0; i < 32; ++i)
    key[i] = static_cast<char>(i);
  const std::string tag = unhex("f05d76ae4ab99fe5a6f69b3148c2363d");
  const std::string iv(12, '\0');
  const auto opened = aes256_gcm_open(as_bytes(key), as_bytes(iv), {}, {}, as_bytes(tag));
  REQUIRE(opened.has_value());
  CHECK(opened->empty());
}

TEST_CASE("AES-256-GCM: wrong lengths are refused, one past each limit") {
  const std::string key(32, 'k');
  const std::string iv(129, 'i');
  const std::string tag(17, 't');
  CHECK_FALSE(aes256_gcm_open(as_bytes(key), {}, {}, {}, as_bytes(tag).first(16)).has_value());
  CHECK_FALSE(
      aes256_gcm_open(as_bytes(key), as_bytes(iv), {}, {}, as_bytes(tag).first(16)).has_value());
  CHECK_FALSE(
      aes256_gcm_open(as_bytes(key), as_bytes(iv).first(12), {}, {}, as_bytes(tag)).has_value());
  CHECK_FALSE(
      aes256_gcm_open(as_bytes(key), as_bytes(iv).first(12), {}, {}, as_bytes(tag).first(15))
          .has_value());
  CHECK_FALSE(aes256_gcm_open(as_bytes(key).first(31), as_bytes(iv).first(12), {}, {},
                              as_bytes(tag).first(16))
                  .has_value());
}

TEST_CASE("ChaCha20-Poly1305: opens, and zeroizes what does not authenticate") {
  std::string key(32, '\0');
  for (std::size_t i = 0; i < 32; ++i)
    key[i] = static_cast<char>(i);
  const std::string nonce(12, '\0');
  std::string sealed = unhex("79cc3650ce8d86b067413800d82d62deb8cd5e32fd8fb26f67abc378f326");
  SecretBytes out(14);
  CHECK(chacha20_poly1305_open(as_bytes(key), as_bytes(nonce), as_bytes(sealed), out.writable()));
  CHECK(out.reveal_text() == "attack at dawn");
  sealed.back() ^= 1;
  CHECK_FALSE(
      chacha20_poly1305_open(as_bytes(key), as_bytes(nonce), as_bytes(sealed), out.writable()));
  CHECK(out.reveal_text() == std::string(14, '\0'));
  const std::string empty = unhex("10324f800a160bd9a1794255be7ec29d");
  CHECK(chacha20_poly1305_open(as_bytes(key), as_bytes(nonce), as_bytes(empty), {}));
  CHECK_FALSE(
      chacha20_poly1305_open(as_bytes(key), as_bytes(nonce), as_bytes(empty).first(15), {}));
  CHECK_FALSE(chacha20_poly1305_open(as_bytes(key), as_bytes(nonce), as_bytes(sealed),
                                     out.writable().first(13)));
}

TEST_CASE("HMAC-SHA-256: RFC 4231 test cases 2 and 6, a key of a block, and no key at all") {
  CHECK(hex(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(hex(hmac_sha256(as_bytes(std::string(131, '\xaa')),
                        as_bytes("Test Using Larger Than Block-Size Key - Hash Key First"))) ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  CHECK(hex(hmac_sha256(as_bytes(std::string(64, 'k')), as_bytes("m"))) ==
        "3b7a8d453e76edb519238a515105a57508d0f169f480ebeee120a9e7803289fa");
  CHECK(hex(hmac_sha256({}, {})) ==
        "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST_CASE("HKDF-SHA-256: RFC 5869 test cases 1 and 3") {
  const std::string secret(22, '\x0b');
  CHECK(hex(hkdf_sha256(as_bytes(secret), as_bytes(unhex("000102030405060708090a0b0c")),
                        unhex("f0f1f2f3f4f5f6f7f8f9"))
                .reveal()) == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
  CHECK(hex(hkdf_sha256(as_bytes(secret), {}, "").reveal()) ==
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
}

TEST_CASE("X25519: RFC 7748 section 6.1, and low-order points are refused") {
  const std::string a = unhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
  const std::string b = unhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
  const auto public_a = x25519_public(as_bytes(a));
  REQUIRE(public_a.has_value());
  CHECK(hex(*public_a) == "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  const auto shared = x25519(as_bytes(b), *public_a);
  REQUIRE(shared.has_value());
  CHECK(hex(shared->reveal()) ==
        "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
  CHECK_FALSE(x25519(as_bytes(a), as_bytes(std::string(32, '\0'))).has_value());
  CHECK_FALSE(x25519(as_bytes(a), as_bytes(std::string(31, '\x09'))).has_value());
  CHECK_FALSE(x25519_public(as_bytes(a).first(31)).has_value());
}

TEST_CASE("scrypt: RFC 7914 section 12, and costs past the limit are refused") {
  const auto key = scrypt(as_bytes("pleaseletmein"), as_bytes("SodiumChloride"), 14);
  REQUIRE(key.has_value());
  CHECK(hex(key->reveal()) == "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2");
  CHECK_FALSE(scrypt(as_bytes("x"), as_bytes("y"), 23).has_value());
  CHECK_FALSE(scrypt(as_bytes("x"), as_bytes("y"), 0).has_value());
}
