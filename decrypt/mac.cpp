#include "mac.hpp"

#include <array>
#include <span>

namespace sluice::decrypt {
namespace {

// The SHA-256 of "sops".
constexpr std::array<unsigned char, 32> kOnlyEncrypted = {
    0x8a, 0x3f, 0xd2, 0xad, 0x54, 0xce, 0x66, 0x52, 0x7b, 0x10, 0x34, 0xf3, 0xd1, 0x47, 0xbe, 0x0b,
    0x0b, 0x97, 0x5b, 0x3b, 0xf4, 0x4f, 0x72, 0xc6, 0xfd, 0xad, 0xec, 0x81, 0x76, 0xf2, 0x7d, 0x69};

}  // namespace

MacInput::MacInput(bool only_encrypted) {
  if (only_encrypted) hash_.append(std::as_bytes(std::span(kOnlyEncrypted)));
}

void MacInput::add(ItemKind kind, std::string_view text) {
  if (kind == ItemKind::kBool) {
    hash_.append(text == "true" ? std::string_view("True") : std::string_view("False"));
  } else {
    hash_.append(text);
  }
}

crypto::SecretBytes MacInput::finish() {
  const auto digest = hash_.finish();
  crypto::SecretBytes hex(128);
  for (std::size_t i = 0; i < 64; ++i) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    hex.writable()[2 * i] = static_cast<std::byte>(kDigits[digest[i] >> 4]);
    hex.writable()[2 * i + 1] = static_cast<std::byte>(kDigits[digest[i] & 15]);
  }
  return hex;
}

}  // namespace sluice::decrypt
