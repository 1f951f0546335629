// bcrypt_pbkdf (OpenBSD lib/libutil) over Blowfish's expensive key schedule. OpenSSL has Blowfish,
// but not a schedule that takes a salt.
#include "sluice/crypto/bcrypt.hpp"

#include <array>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
#include <vector>

#include <openssl/evp.h>

#include "sluice/crypto/hash.hpp"

namespace sluice::crypto {
namespace {

constexpr std::size_t kP = 18, kS = 4 * 256, kWords = kP + kS;

/// The first words of pi's fraction, which Blowfish starts from: 16 arctan(1/5) - 4 arctan(1/239),
/// fixed point, with guard words for what each division cuts off.
class Pi {
 public:
  std::array<std::uint32_t, kWords> fraction() {
    Fixed sum(kWords + 1 + kGuard);
    add_arctan(16, 5, /*negative=*/false, sum);
    add_arctan(4, 239, /*negative=*/true, sum);
    std::array<std::uint32_t, kWords> out{};
    for (std::size_t i = 0; i < kWords; ++i)
      out[i] = sum[i + 1];
    return out;
  }

 private:
  using Fixed = std::vector<std::uint32_t>;  // the whole part, then the fraction, high words first
  static constexpr std::size_t kGuard = 4;

  static void divide(Fixed& number, std::uint32_t by, std::size_t from) {
    std::uint64_t rest = 0;
    for (std::size_t i = from; i < number.size(); ++i) {
      rest = rest << 32 | number[i];
      number[i] = static_cast<std::uint32_t>(rest / by);
      rest %= by;
    }
  }
  static void add(Fixed& sum, const Fixed& term, bool negative) {
    std::uint64_t carry = 0;
    for (std::size_t i = sum.size(); i-- > 0;) {
      const std::uint64_t value = negative ? std::uint64_t{sum[i]} - term[i] - carry
                                           : std::uint64_t{sum[i]} + term[i] + carry;
      sum[i] = static_cast<std::uint32_t>(value);
      carry = value >> 32 & 1;
    }
  }
  static void add_arctan(std::uint32_t factor, std::uint32_t x, bool negative, Fixed& sum) {
    Fixed power(sum.size());
    power[0] = factor;
    divide(power, x, 0);
    std::size_t from = 0;  // words before it are zero
    for (std::uint32_t k = 1; from < power.size(); k += 2) {
      Fixed term = power;
      divide(term, k, from);
      add(sum, term, negative != (k % 4 == 3));
      divide(power, x * x, from);
      while (from < power.size() && power[from] == 0)
        ++from;
    }
  }
};

struct Blowfish {
  std::array<std::uint32_t, kP> p{};
  std::array<std::uint32_t, kS> s{};

  Blowfish() {
    static const std::array<std::uint32_t, kWords> start = Pi().fraction();
    std::memcpy(p.data(), start.data(), sizeof p);
    std::memcpy(s.data(), start.data() + kP, sizeof s);
  }
  Blowfish(const Blowfish&) = delete;
  Blowfish& operator=(const Blowfish&) = delete;
  ~Blowfish() { wipe(this, sizeof *this); }

  std::uint32_t mix(std::uint32_t x) const {
    return ((s[x >> 24] + s[256 + (x >> 16 & 255)]) ^ s[512 + (x >> 8 & 255)]) + s[768 + (x & 255)];
  }
  void encrypt(std::uint32_t& left, std::uint32_t& right) const {
    for (std::size_t i = 0; i < 16; i += 2) {
      left ^= p[i];
      right ^= mix(left) ^ p[i + 1];
      left ^= mix(right);
    }
    const std::uint32_t last = left ^ p[16];
    left = right ^ p[17];
    right = last;
  }

  /// Bytes as words, over and over.
  struct Cycle {
    Bytes bytes;
    std::size_t at = 0;
    std::uint32_t next() {
      std::uint32_t word = 0;
      for (int i = 0; i < 4; ++i) {
        word = word << 8 | std::to_integer<std::uint32_t>(bytes[at]);
        at = (at + 1) % bytes.size();
      }
      return word;
    }
  };
  void expand(Bytes salt, Bytes key) {
    Cycle keys{key};
    for (std::uint32_t& word : p)
      word ^= keys.next();
    Cycle salts{salt};
    std::uint32_t left = 0, right = 0;
    const auto fill = [&](auto& table) {
      for (std::size_t i = 0; i < table.size(); i += 2) {
        if (!salt.empty()) {
          left ^= salts.next();
          right ^= salts.next();
        }
        encrypt(left, right);
        table[i] = left;
        table[i + 1] = right;
      }
    };
    fill(p);
    fill(s);
  }
};

using Block = std::array<std::byte, 32>;
using Digest512 = std::array<std::uint8_t, 64>;

Digest512 sha512_of(Bytes a, Bytes b = {}) {
  Hash hash(HashAlgorithm::kSha512);
  hash.append(a);
  hash.append(b);
  return hash.finish();
}

/// bcrypt's core with both inputs hashed, as bcrypt_pbkdf has it.
Block bcrypt_hash(Bytes key, Bytes salt) {
  constexpr std::string_view kText = "OxychromaticBlowfishSwatDynamite";
  Blowfish state;
  state.expand(salt, key);
  for (int i = 0; i < 64; ++i) {
    state.expand({}, salt);
    state.expand({}, key);
  }
  std::array<std::uint32_t, 8> words{};
  Blowfish::Cycle text{as_bytes(kText)};
  for (std::uint32_t& word : words)
    word = text.next();
  for (int i = 0; i < 64; ++i) {
    for (std::size_t k = 0; k < words.size(); k += 2)
      state.encrypt(words[k], words[k + 1]);
  }
  Block out{};
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<std::byte>(words[i / 4] >> 8 * (i % 4) & 0xff);  // little-endian here
  wipe(words.data(), sizeof words);
  return out;
}

}  // namespace

SecretBytes bcrypt_pbkdf(Bytes passphrase, Bytes salt, std::uint32_t rounds, std::size_t size) {
  constexpr std::size_t kMaxSalt = std::size_t{1} << 20, kMaxOutput = 1024;
  if (salt.empty() || salt.size() > kMaxSalt || rounds == 0 || size == 0 || size > kMaxOutput) {
    throw std::invalid_argument("bcrypt_pbkdf: a size that cannot be");
  }
  Digest512 key = sha512_of(passphrase);
  const Bytes key_bytes = std::as_bytes(std::span(key));
  SecretBytes out(size);
  const std::size_t blocks = (size + sizeof(Block) - 1) / sizeof(Block);
  // Each block's bytes are spread over the whole output.
  for (std::size_t number = 1; number <= blocks; ++number) {
    const std::array<std::byte, 4> count = {std::byte{0}, std::byte{0},
                                            static_cast<std::byte>(number >> 8),
                                            static_cast<std::byte>(number)};
    Digest512 salted = sha512_of(salt, count);
    Block hashed = bcrypt_hash(key_bytes, std::as_bytes(std::span(salted)));
    Block sum = hashed;
    for (std::uint32_t round = 1; round < rounds; ++round) {
      salted = sha512_of(hashed);
      hashed = bcrypt_hash(key_bytes, std::as_bytes(std::span(salted)));
      for (std::size_t i = 0; i < sum.size(); ++i)
        sum[i] ^= hashed[i];
    }
    for (std::size_t i = 0; i < sum.size(); ++i) {
      const std::size_t at = i * blocks + number - 1;
      if (at < size) out.writable()[at] = sum[i];
    }
    wipe(hashed.data(), hashed.size());
    wipe(sum.data(), sum.size());
    wipe(salted.data(), salted.size());
  }
  wipe(key.data(), key.size());
  return out;
}

SecretBytes aes256_ctr(Bytes key, Bytes counter, Bytes input) {
  struct Deleter {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  };
  if (key.size() != 32 || counter.size() != 16 || input.size() > (1U << 30)) {
    throw std::invalid_argument("aes256_ctr: a length that cannot be");
  }
  const std::unique_ptr<EVP_CIPHER_CTX, Deleter> context(EVP_CIPHER_CTX_new());
  if (context == nullptr) throw std::bad_alloc();
  SecretBytes out(input.size());
  int size = 0;
  const auto raw = [](Bytes bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); };
  if (EVP_DecryptInit_ex2(context.get(), EVP_aes_256_ctr(), raw(key), raw(counter), nullptr) != 1 ||
      (!input.empty() &&
       EVP_DecryptUpdate(context.get(), reinterpret_cast<unsigned char*>(out.writable().data()),
                         &size, raw(input), static_cast<int>(input.size())) != 1)) {
    throw std::bad_alloc();
  }
  return out;
}

}  // namespace sluice::crypto
