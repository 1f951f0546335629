// age files and armor as they come in the metadata of a SOPS file, Bech32 keys, and OpenSSH's
// private key files, which are identities.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sluice/crypto/aead.hpp"

#include "decrypt/age_file.hpp"
#include "decrypt/age_hybrid.hpp"
#include "decrypt/age_ssh.hpp"
#include "decrypt/age_write.hpp"
#include "decrypt/bech32.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::decrypt;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const X25519Identity identity = [] {
    X25519Identity made;
    made.scalar = sluice::crypto::SecretBytes::copy_of(std::string_view(
        "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16"
        "\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x20",
        32));
    made.point = *sluice::crypto::x25519_public(made.scalar.reveal());
    return made;
  }();
  const auto armored = decode_age_armor(text);
  const std::string_view file = armored ? std::string_view(*armored) : text;
  const auto header = parse_age_header(file);
  if (header && header->size > file.size()) std::abort();
  static_cast<void>(decrypt_age(file, identity).has_value());
  static const auto hybrid =
      make_hybrid_identity(sluice::crypto::SecretBytes::copy_of(std::string(32, 'h')));
  static_cast<void>(decrypt_age(file, *hybrid).has_value());
  const auto secret = sluice::crypto::SecretBytes::copy_of(text);
  if (is_ssh_key(text)) static_cast<void>(read_ssh_identity(secret, "key", {}).has_value());
  if (text.starts_with("ssh-") || text.starts_with("age1")) {
    static_cast<void>(wrap_file_key(sluice::crypto::SecretBytes(16), text).has_value());
  }
  if (const auto decoded = decode_bech32(text)) {
    // One value has one spelling, but for its case.
    const auto again = encode_bech32(decoded->prefix, decoded->data.reveal());
    const auto twice = decode_bech32(again);
    if (!twice || twice->data.size() != decoded->data.size()) std::abort();
  }
  return 0;
}
