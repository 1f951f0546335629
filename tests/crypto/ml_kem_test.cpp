// ML-KEM-768 against the accumulated vectors of C2SP/CCTV (ML-KEM/README.md): keys, ciphertexts and
// secrets, of good and of random ciphertexts, hashed.
#include "sluice/crypto/ml_kem.hpp"

#include "sluice/base/encoding.hpp"
#include "sluice/crypto/x_wing.hpp"

#include "crypto/keccak.hpp"
#include "support/test.hpp"

using namespace sluice;
using namespace sluice::crypto;

namespace {

std::string hex(Bytes bytes) {
  return hex_encode({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

}  // namespace

TEST_CASE("ML-KEM-768: the first hundred of CCTV's accumulated vectors") {
  constexpr std::size_t kRounds = 100;
  std::vector<std::byte> input(kRounds * (64 + 32 + kMlKem768Ciphertext));
  keccak(Keccak::kShake128, {}, input);
  Bytes rest = input;
  const auto take = [&rest](std::size_t size) {
    const Bytes part = rest.first(size);
    rest = rest.subspan(size);
    return part;
  };
  std::string results;
  for (std::size_t i = 0; i < kRounds; ++i) {
    const Bytes seed = take(kMlKem768Seed);
    const std::string ek = ml_kem_768_public(seed);
    const auto sealed = ml_kem_768_encapsulate(as_bytes(ek), take(32));
    REQUIRE(sealed.has_value());
    const auto opened = ml_kem_768_decapsulate_here(seed, as_bytes(sealed->ciphertext));
    REQUIRE(opened.has_value());
    CHECK(equal_constant_time(opened->reveal(), sealed->shared.reveal()));
    const Bytes random = take(kMlKem768Ciphertext);
    const auto rejected = ml_kem_768_decapsulate_here(seed, random);
    REQUIRE(rejected.has_value());
    results.append(ek)
        .append(sealed->ciphertext)
        .append(sealed->shared.reveal_text())
        .append(rejected->reveal_text());
  }
  std::array<std::byte, 32> hash{};
  keccak(Keccak::kShake128, {as_bytes(results)}, hash);
  CHECK(hex(hash) == "1114b1b6699ed191734fa339376afa7e285c9e6acf6ff0177d346696ce564415");
}

TEST_CASE("ML-KEM-768: OpenSSL's, where it has one, gives the same secrets") {
  if (!openssl_has_ml_kem())
    SLUICE_SKIP("the OpenSSL that is loaded has no ML-KEM (3.5 and later)");
  for (int i = 0; i < 20; ++i) {
    const SecretBytes seed = random_bytes(kMlKem768Seed);
    const auto sealed = ml_kem_768_encapsulate(as_bytes(ml_kem_768_public(seed.reveal())),
                                               random_bytes(32).reveal());
    REQUIRE(sealed.has_value());
    for (const std::string& text : {sealed->ciphertext, std::string(kMlKem768Ciphertext, 'x')}) {
      const auto one = ml_kem_768_decapsulate(seed.reveal(), as_bytes(text));
      const auto other = ml_kem_768_decapsulate_here(seed.reveal(), as_bytes(text));
      REQUIRE(one.has_value());
      REQUIRE(other.has_value());
      CHECK(equal_constant_time(one->reveal(), other->reveal()));
    }
  }
}

TEST_CASE("ML-KEM-768: wrong sizes and numbers that are too large are refused") {
  const SecretBytes seed = random_bytes(kMlKem768Seed);
  std::string ek = ml_kem_768_public(seed.reveal());
  const SecretBytes m = random_bytes(32);
  CHECK_FALSE(ml_kem_768_encapsulate(as_bytes(ek.substr(1)), m.reveal()).has_value());
  CHECK_FALSE(ml_kem_768_encapsulate(as_bytes(ek), m.reveal().first(31)).has_value());
  CHECK_FALSE(ml_kem_768_decapsulate(seed.reveal(), m.reveal()).has_value());
  CHECK_FALSE(ml_kem_768_decapsulate(m.reveal(), as_bytes(ek)).has_value());
  ek[0] = '\x01';  // the first number becomes 3329, one past the largest
  ek[1] = static_cast<char>((ek[1] & '\xf0') | '\x0d');
  CHECK_FALSE(ml_kem_768_encapsulate(as_bytes(ek), m.reveal()).has_value());
}

TEST_CASE("X-Wing: both sides get the same secret, and another key another one") {
  const SecretBytes seed = random_bytes(kXWingSeed);
  const auto point = x_wing_public(seed.reveal());
  REQUIRE(point.has_value());
  CHECK(point->size() == kXWingPublic);
  const auto sealed = x_wing_encapsulate(as_bytes(*point));
  REQUIRE(sealed.has_value());
  const auto opened = x_wing_decapsulate(seed.reveal(), as_bytes(sealed->ciphertext));
  REQUIRE(opened.has_value());
  CHECK(equal_constant_time(opened->reveal(), sealed->shared.reveal()));
  const auto other = x_wing_decapsulate(random_bytes(32).reveal(), as_bytes(sealed->ciphertext));
  REQUIRE(other.has_value());
  CHECK_FALSE(equal_constant_time(other->reveal(), sealed->shared.reveal()));
  CHECK_FALSE(x_wing_public(seed.reveal().first(31)).has_value());
  CHECK_FALSE(x_wing_encapsulate(as_bytes(point->substr(1))).has_value());
}
