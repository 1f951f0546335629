// FIPS 203 with the parameters of ML-KEM-768. The names are the standard's; numbers of the ring are
// kept in [0, 3329) everywhere.
#include "sluice/crypto/ml_kem.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "keccak.hpp"

namespace sluice::crypto {
namespace {

constexpr std::uint32_t kQ = 3329;
constexpr std::size_t kN = 256;
constexpr std::size_t kK = 3;
constexpr std::size_t kDu = 10, kDv = 4;
constexpr std::size_t kPolyBytes = 384;             // 256 numbers of 12 bits
constexpr std::size_t kUBytes = kK * kN * kDu / 8;  // of the ciphertext

using Number = std::uint16_t;
using Poly = std::array<Number, kN>;
using Vector = std::array<Poly, kK>;

/// Polynomials that hold secrets: wiped at the end.
template <class T>
struct Wiped {
  T value{};
  Wiped() = default;
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
  ~Wiped() { wipe(&value, sizeof value); }
};

constexpr Number subtract_q(std::uint32_t x) {  // x < 2q
  const std::uint32_t lower = x - kQ;
  return static_cast<Number>(lower + (kQ & (0U - (lower >> 31))));
}
constexpr Number add(Number a, Number b) {
  return subtract_q(std::uint32_t{a} + b);
}
constexpr Number subtract(Number a, Number b) {
  return subtract_q(std::uint32_t{a} + kQ - b);
}
// Barrett: the quotient by 5039 / 2^24 is too small by at most one for products below q^2.
constexpr Number multiply(Number a, Number b) {
  const std::uint32_t product = std::uint32_t{a} * b;
  const auto quotient = static_cast<std::uint32_t>(std::uint64_t{product} * 5039 >> 24);
  return subtract_q(product - quotient * kQ);
}

constexpr unsigned reversed_7_bits(unsigned i) {
  unsigned out = 0;
  for (unsigned bit = 0; bit < 7; ++bit)
    out |= (i >> bit & 1U) << (6 - bit);
  return out;
}
constexpr Number power_of_17(unsigned exponent) {
  Number out = 1;
  for (unsigned i = 0; i < exponent; ++i)
    out = multiply(out, 17);
  return out;
}
constexpr std::array<Number, 128> make_zetas(bool squared) {
  std::array<Number, 128> out{};
  for (unsigned i = 0; i < 128; ++i)
    out[i] = power_of_17(squared ? 2 * reversed_7_bits(i) + 1 : reversed_7_bits(i));
  return out;
}
constexpr auto kZetas = make_zetas(false);
constexpr auto kGammas = make_zetas(true);

void ntt(Poly& f) {
  std::size_t k = 1;
  for (std::size_t length = 128; length >= 2; length /= 2) {
    for (std::size_t start = 0; start < kN; start += 2 * length, ++k) {
      for (std::size_t j = start; j < start + length; ++j) {
        const Number t = multiply(kZetas[k], f[j + length]);
        f[j + length] = subtract(f[j], t);
        f[j] = add(f[j], t);
      }
    }
  }
}

void inverse_ntt(Poly& f) {
  std::size_t k = 127;
  for (std::size_t length = 2; length <= 128; length *= 2) {
    for (std::size_t start = 0; start < kN; start += 2 * length, --k) {
      for (std::size_t j = start; j < start + length; ++j) {
        const Number t = f[j];
        f[j] = add(t, f[j + length]);
        f[j + length] = multiply(kZetas[k], subtract(f[j + length], t));
      }
    }
  }
  for (Number& x : f)
    x = multiply(x, 3303);  // 1/128
}

void multiply_add(const Poly& f, const Poly& g, Poly& sum) {
  for (std::size_t i = 0; i < kN / 2; ++i) {
    const Number a0 = f[2 * i], a1 = f[2 * i + 1], b0 = g[2 * i], b1 = g[2 * i + 1];
    const Number c0 = add(multiply(a0, b0), multiply(multiply(a1, b1), kGammas[i]));
    const Number c1 = add(multiply(a0, b1), multiply(a1, b0));
    sum[2 * i] = add(sum[2 * i], c0);
    sum[2 * i + 1] = add(sum[2 * i + 1], c1);
  }
}

void add_to(Poly& sum, const Poly& other) {
  for (std::size_t i = 0; i < kN; ++i)
    sum[i] = add(sum[i], other[i]);
}

void encode(const Poly& f, unsigned bits, std::span<std::byte> out) {
  std::uint32_t buffer = 0;
  unsigned have = 0;
  std::size_t at = 0;
  for (const Number x : f) {
    buffer |= std::uint32_t{x} << have;
    for (have += bits; have >= 8; have -= 8, buffer >>= 8)
      out[at++] = static_cast<std::byte>(buffer & 0xff);
  }
}

void decode(Bytes bytes, unsigned bits, Poly& f) {
  std::uint32_t buffer = 0;
  unsigned have = 0;
  std::size_t at = 0;
  for (Number& x : f) {
    for (; have < bits; have += 8)
      buffer |= std::to_integer<std::uint32_t>(bytes[at++]) << have;
    x = static_cast<Number>(buffer & ((1U << bits) - 1));
    buffer >>= bits;
    have -= bits;
  }
}

// round(2^bits / q * x) mod 2^bits, dividing by multiplication: a division's time would depend on
// x.
Number compress(Number x, unsigned bits) {
  const std::uint64_t scaled = (std::uint64_t{x} << bits) + kQ / 2;
  return static_cast<Number>((scaled * 20642679 >> 36) & ((1U << bits) - 1));
}
Number decompress(Number y, unsigned bits) {
  return static_cast<Number>((y * kQ + (1U << (bits - 1))) >> bits);
}

/// From bytes that everybody may know (the matrix): branches are fine.
void sample_ntt(Bytes rho, std::size_t j, std::size_t i, Poly& out) {
  const std::array<std::byte, 2> index = {static_cast<std::byte>(j), static_cast<std::byte>(i)};
  std::array<std::byte, 168 * 8> stream{};  // 896 candidates; 256 of them fit but once in 2^300
  keccak(Keccak::kShake128, {rho, index}, stream);
  std::size_t count = 0;
  for (std::size_t at = 0; count < kN; at += 3) {
    if (at + 3 > stream.size()) throw std::runtime_error("SHAKE128 gives no numbers below 3329");
    const auto b0 = std::to_integer<std::uint32_t>(stream[at]);
    const auto b1 = std::to_integer<std::uint32_t>(stream[at + 1]);
    const auto b2 = std::to_integer<std::uint32_t>(stream[at + 2]);
    const std::uint32_t d1 = b0 | (b1 & 15) << 8;
    const std::uint32_t d2 = b1 >> 4 | b2 << 4;
    if (d1 < kQ) out[count++] = static_cast<Number>(d1);
    if (d2 < kQ && count < kN) out[count++] = static_cast<Number>(d2);
  }
}

/// Small numbers, -2..2, from secret bytes.
void sample_small(Bytes seed, std::uint8_t number, Poly& out) {
  const std::array<std::byte, 1> index = {static_cast<std::byte>(number)};
  Wiped<std::array<std::byte, kN / 2>> stream;
  keccak(Keccak::kShake256, {seed, index}, stream.value);
  for (std::size_t i = 0; i < kN; ++i) {
    const auto byte = std::to_integer<std::uint32_t>(stream.value[i / 2]);
    const std::uint32_t bits = i % 2 == 0 ? byte & 15 : byte >> 4;
    const std::uint32_t x = (bits & 1) + (bits >> 1 & 1);
    const std::uint32_t y = (bits >> 2 & 1) + (bits >> 3 & 1);
    out[i] = subtract(static_cast<Number>(x), static_cast<Number>(y));
  }
}

struct Keys {
  Wiped<Vector> s;                              // secret, in the transformed domain
  std::array<std::byte, kMlKem768Public> ek{};  // t and rho
  std::array<std::byte, 32> ek_hash{};
};

void generate(Bytes d, Keys& keys) {
  const std::array<std::byte, 1> parameter = {static_cast<std::byte>(kK)};
  Wiped<std::array<std::byte, 64>> rho_sigma;
  keccak(Keccak::kSha3_512, {d, parameter}, rho_sigma.value);
  const Bytes rho = Bytes(rho_sigma.value).first(32);
  const Bytes sigma = Bytes(rho_sigma.value).subspan(32);
  for (std::size_t i = 0; i < kK; ++i) {
    sample_small(sigma, static_cast<std::uint8_t>(i), keys.s.value[i]);
    ntt(keys.s.value[i]);
  }
  for (std::size_t i = 0; i < kK; ++i) {
    Wiped<Poly> t;
    sample_small(sigma, static_cast<std::uint8_t>(kK + i), t.value);
    ntt(t.value);
    for (std::size_t j = 0; j < kK; ++j) {
      Poly a{};
      sample_ntt(rho, j, i, a);
      multiply_add(a, keys.s.value[j], t.value);
    }
    encode(t.value, 12, std::span(keys.ek).subspan(i * kPolyBytes, kPolyBytes));
  }
  std::memcpy(keys.ek.data() + kK * kPolyBytes, rho.data(), 32);
  keccak(Keccak::kSha3_256, {keys.ek}, keys.ek_hash);
}

/// K-PKE.Encrypt of 32 bytes `m` with the randomness `r`.
void encrypt(Bytes ek, Bytes m, Bytes r, std::span<std::byte> ciphertext) {
  const Bytes rho = ek.subspan(kK * kPolyBytes, 32);
  Wiped<Vector> y;
  for (std::size_t i = 0; i < kK; ++i) {
    sample_small(r, static_cast<std::uint8_t>(i), y.value[i]);
    ntt(y.value[i]);
  }
  for (std::size_t i = 0; i < kK; ++i) {
    Wiped<Poly> u, e1;
    for (std::size_t j = 0; j < kK; ++j) {
      Poly a{};
      sample_ntt(rho, i, j, a);  // the matrix transposed
      multiply_add(a, y.value[j], u.value);
    }
    inverse_ntt(u.value);
    sample_small(r, static_cast<std::uint8_t>(kK + i), e1.value);
    add_to(u.value, e1.value);
    for (Number& x : u.value)
      x = compress(x, kDu);
    encode(u.value, kDu, ciphertext.subspan(i * kN * kDu / 8, kN * kDu / 8));
  }
  Wiped<Poly> v, e2, mu;
  for (std::size_t j = 0; j < kK; ++j) {
    Poly t{};
    decode(ek.subspan(j * kPolyBytes, kPolyBytes), 12, t);
    multiply_add(t, y.value[j], v.value);
  }
  inverse_ntt(v.value);
  sample_small(r, 2 * kK, e2.value);
  decode(m, 1, mu.value);
  for (std::size_t i = 0; i < kN; ++i) {
    const Number bit = decompress(mu.value[i], 1);
    v.value[i] = compress(add(add(v.value[i], e2.value[i]), bit), kDv);
  }
  encode(v.value, kDv, ciphertext.subspan(kUBytes));
}

/// K-PKE.Decrypt.
void decrypt(const Vector& s, Bytes ciphertext, std::span<std::byte> m) {
  Wiped<Poly> w, sum;
  for (std::size_t i = 0; i < kK; ++i) {
    Poly u{};
    decode(ciphertext.subspan(i * kN * kDu / 8, kN * kDu / 8), kDu, u);
    for (Number& x : u)
      x = decompress(x, kDu);
    ntt(u);
    multiply_add(s[i], u, sum.value);
  }
  inverse_ntt(sum.value);
  decode(ciphertext.subspan(kUBytes), kDv, w.value);
  for (std::size_t i = 0; i < kN; ++i)
    w.value[i] = compress(subtract(decompress(w.value[i], kDv), sum.value[i]), 1);
  encode(w.value, 1, m);
}

std::optional<SecretBytes> decapsulate_here(Bytes seed, Bytes ciphertext) {
  Keys keys;
  generate(seed.first(32), keys);
  Wiped<std::array<std::byte, 32>> m;
  decrypt(keys.s.value, ciphertext, m.value);
  Wiped<std::array<std::byte, 64>> key_and_r;
  keccak(Keccak::kSha3_512, {m.value, keys.ek_hash}, key_and_r.value);
  SecretBytes shared(32);
  keccak(Keccak::kShake256, {seed.subspan(32), ciphertext}, shared.writable());
  Wiped<std::array<std::byte, kMlKem768Ciphertext>> again;
  encrypt(keys.ek, m.value, Bytes(key_and_r.value).subspan(32), again.value);
  std::uint32_t differs = 0;
  for (std::size_t i = 0; i < ciphertext.size(); ++i)
    differs |= std::to_integer<std::uint32_t>(ciphertext[i] ^ again.value[i]);
  // All bits when equal: then the real key is taken, else the one that nobody knows.
  const auto equal = static_cast<std::byte>((differs - 1U) >> 8 & 0xff);
  const auto out = shared.writable();
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] ^= equal & (out[i] ^ key_and_r.value[i]);
  return shared;
}

// --- OpenSSL's, where there is one

struct Deleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
template <class T>
using Owned = std::unique_ptr<T, Deleter>;
constexpr char kName[] = "ML-KEM-768";

/// nullopt for any failure: ours is asked then.
std::optional<SecretBytes> decapsulate_openssl(Bytes seed, Bytes ciphertext) {
  const Owned<EVP_PKEY_CTX> maker(EVP_PKEY_CTX_new_from_name(nullptr, kName, nullptr));
  EVP_PKEY* made = nullptr;
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string("seed", const_cast<std::byte*>(seed.data()), seed.size()),
      OSSL_PARAM_construct_end()};
  if (maker == nullptr || EVP_PKEY_fromdata_init(maker.get()) != 1 ||
      EVP_PKEY_fromdata(maker.get(), &made, EVP_PKEY_KEYPAIR, parameters) != 1) {
    ERR_clear_error();
    return std::nullopt;
  }
  const Owned<EVP_PKEY> key(made);
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  SecretBytes shared(32);
  std::size_t size = shared.size();
  const bool done =
      context != nullptr && EVP_PKEY_decapsulate_init(context.get(), nullptr) == 1 &&
      EVP_PKEY_decapsulate(
          context.get(), reinterpret_cast<unsigned char*>(shared.writable().data()), &size,
          reinterpret_cast<const unsigned char*>(ciphertext.data()), ciphertext.size()) == 1 &&
      size == shared.size();
  ERR_clear_error();
  if (!done) return std::nullopt;
  return shared;
}

}  // namespace

bool openssl_has_ml_kem() {
  static const bool has = [] {
    EVP_KEYMGMT* const found = EVP_KEYMGMT_fetch(nullptr, kName, nullptr);
    EVP_KEYMGMT_free(found);
    ERR_clear_error();
    return found != nullptr;
  }();
  return has;
}

std::string ml_kem_768_public(Bytes seed) {
  if (seed.size() != kMlKem768Seed) throw std::invalid_argument("an ML-KEM seed has 64 bytes");
  Keys keys;
  generate(seed.first(32), keys);
  return {reinterpret_cast<const char*>(keys.ek.data()), keys.ek.size()};
}

std::optional<SecretBytes> ml_kem_768_decapsulate_here(Bytes seed, Bytes ciphertext) {
  if (seed.size() != kMlKem768Seed || ciphertext.size() != kMlKem768Ciphertext) {
    return std::nullopt;
  }
  return decapsulate_here(seed, ciphertext);
}

std::optional<SecretBytes> ml_kem_768_decapsulate(Bytes seed, Bytes ciphertext) {
  if (seed.size() == kMlKem768Seed && ciphertext.size() == kMlKem768Ciphertext &&
      openssl_has_ml_kem()) {
    if (auto shared = decapsulate_openssl(seed, ciphertext)) return shared;
  }
  return ml_kem_768_decapsulate_here(seed, ciphertext);
}

std::optional<Encapsulated> ml_kem_768_encapsulate(Bytes public_key, Bytes randomness) {
  if (public_key.size() != kMlKem768Public || randomness.size() != 32) return std::nullopt;
  for (std::size_t i = 0; i < kK; ++i) {
    Poly t{};
    decode(public_key.subspan(i * kPolyBytes, kPolyBytes), 12, t);
    for (const Number x : t) {
      if (x >= kQ) return std::nullopt;
    }
  }
  std::array<std::byte, 32> hash{};
  keccak(Keccak::kSha3_256, {public_key}, hash);
  Wiped<std::array<std::byte, 64>> key_and_r;
  keccak(Keccak::kSha3_512, {randomness, hash}, key_and_r.value);
  Encapsulated out;
  out.shared = SecretBytes::copy_of(Bytes(key_and_r.value).first(32));
  out.ciphertext.resize(kMlKem768Ciphertext);
  encrypt(public_key, randomness, Bytes(key_and_r.value).subspan(32),
          std::as_writable_bytes(std::span(out.ciphertext)));
  return out;
}

}  // namespace sluice::crypto
