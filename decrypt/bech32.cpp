#include "bech32.hpp"

#include <array>
#include <cstdint>

#include "sluice/base/ascii.hpp"

namespace sluice::decrypt {
namespace {

constexpr std::string_view kLetters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::size_t kChecksum = 6;

class Checksum {
 public:
  void add(unsigned value) {
    static constexpr std::array<std::uint32_t, 5> kGenerator = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa,
                                                                0x3d4233dd, 0x2a1462b3};
    const std::uint32_t top = sum_ >> 25;
    sum_ = (sum_ & 0x1ffffff) << 5 ^ value;
    for (unsigned i = 0; i < 5; ++i) {
      if ((top >> i & 1) != 0) sum_ ^= kGenerator[i];
    }
  }
  void add_prefix(std::string_view prefix) {
    for (const char c : prefix)
      add(static_cast<unsigned char>(c) >> 5);
    add(0);
    for (const char c : prefix)
      add(static_cast<unsigned char>(c) & 31);
  }
  std::uint32_t value() const { return sum_; }

 private:
  std::uint32_t sum_ = 1;
};

// 0..31, or 32 for no letter of Bech32. Looks at every letter, so that the time taken does not
// depend on which one matched: the text may be a secret key.
unsigned letter_value(char c) {
  unsigned value = 32;
  for (unsigned i = 0; i < 32; ++i) {
    const unsigned differs = static_cast<unsigned char>(c ^ kLetters[i]);
    const unsigned mask = (differs - 1U) >> 31;  // 1 when equal
    value ^= (value ^ i) & (0U - mask);
  }
  return value;
}

}  // namespace

std::optional<Bech32> decode_bech32(std::string_view text) {
  bool has_lower = false;
  bool has_upper = false;
  for (const char c : text) {
    if (c < 33 || c > 126) return std::nullopt;
    has_lower = has_lower || is_lower(c);
    has_upper = has_upper || is_upper(c);
  }
  if (has_lower && has_upper) return std::nullopt;
  const std::size_t separator = text.rfind('1');
  if (separator == std::string_view::npos || separator == 0 ||
      text.size() - separator - 1 < kChecksum) {
    return std::nullopt;
  }
  Bech32 result;
  for (const char c : text.substr(0, separator))
    result.prefix += to_lower(c);
  const std::string_view letters = text.substr(separator + 1);
  const std::size_t groups = letters.size() - kChecksum;
  Checksum checksum;
  checksum.add_prefix(result.prefix);
  crypto::SecretBytes data(groups * 5 / 8);
  std::size_t size = 0;
  std::uint32_t buffer = 0;
  unsigned bits = 0;
  for (std::size_t i = 0; i < letters.size(); ++i) {
    const unsigned value = letter_value(to_lower(letters[i]));
    if (value == 32) return std::nullopt;
    checksum.add(value);
    if (i >= groups) continue;
    buffer = (buffer << 5 | value) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      data.writable()[size++] = static_cast<std::byte>(buffer >> bits & 0xff);
    }
  }
  const bool padding_is_zero = bits < 5 && (buffer & ((1U << bits) - 1)) == 0;
  if (checksum.value() != 1 || !padding_is_zero) return std::nullopt;
  result.data = std::move(data);
  return result;
}

std::string encode_bech32(std::string_view prefix, std::span<const std::byte> data) {
  std::string text(prefix);
  text += '1';
  Checksum checksum;
  checksum.add_prefix(prefix);
  std::uint32_t buffer = 0;
  unsigned bits = 0;
  const auto put = [&](unsigned value) {
    checksum.add(value);
    text += kLetters[value];
  };
  for (const std::byte b : data) {
    buffer = (buffer << 8 | std::to_integer<unsigned>(b)) & 0xfff;
    for (bits += 8; bits >= 5;) {
      bits -= 5;
      put(buffer >> bits & 31);
    }
  }
  if (bits != 0) put(buffer << (5 - bits) & 31);
  for (std::size_t i = 0; i < kChecksum; ++i)
    checksum.add(0);
  const std::uint32_t sum = checksum.value() ^ 1;
  for (unsigned i = 0; i < kChecksum; ++i)
    text += kLetters[sum >> 5 * (5 - i) & 31];
  return text;
}

}  // namespace sluice::decrypt
