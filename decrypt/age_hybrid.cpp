#include "age_hybrid.hpp"

#include <cstring>

#include "sluice/crypto/x_wing.hpp"

#include "bech32.hpp"

namespace sluice::decrypt {
namespace {

using crypto::as_bytes;
using crypto::SecretBytes;

constexpr std::string_view kType = "mlkem768x25519";
constexpr std::string_view kInfo = "age-encryption.org/mlkem768x25519";
// "HPKE", the KEM 0x647a, the KDF 1, the AEAD 3.
constexpr std::string_view kSuite("HPKE\x64\x7a\x00\x01\x00\x03", 10);

/// HKDF-Extract with RFC 9180's label.
SecretBytes extract(crypto::Bytes salt, std::string_view label, std::string_view material) {
  crypto::SecretBuffer message(128);
  for (const std::string_view part : {std::string_view("HPKE-v1"), kSuite, label, material})
    message.append(part);
  auto mac = crypto::hmac_sha256(salt, std::move(message).take().reveal());
  SecretBytes out = SecretBytes::copy_of(mac);
  crypto::wipe(mac.data(), mac.size());
  return out;
}

/// HKDF-Expand of `size` bytes, at most 32, with RFC 9180's label.
SecretBytes expand(const SecretBytes& key, std::string_view label, std::string_view context,
                   std::size_t size) {
  crypto::SecretBuffer message(160);
  const char length[2] = {0, static_cast<char>(size)};
  for (const std::string_view part : {std::string_view(length, 2), std::string_view("HPKE-v1"),
                                      kSuite, label, context, std::string_view("\x01", 1)}) {
    message.append(part);
  }
  auto mac = crypto::hmac_sha256(key.reveal(), std::move(message).take().reveal());
  SecretBytes out = SecretBytes::copy_of(std::span(mac).first(size));
  crypto::wipe(mac.data(), mac.size());
  return out;
}

struct AeadKey {
  SecretBytes key, nonce;
};

AeadKey key_schedule(const SecretBytes& shared) {
  std::string context(1, '\0');  // mode_base
  context += extract({}, "psk_id_hash", "").reveal_text();
  context += extract({}, "info_hash", kInfo).reveal_text();
  const SecretBytes secret = extract(shared.reveal(), "secret", "");
  return {expand(secret, "key", context, 32), expand(secret, "base_nonce", context, 12)};
}

class HybridIdentity final : public AgeIdentity {
 public:
  HybridIdentity(SecretBytes seed, std::string recipient)
      : seed_(std::move(seed)), recipient_(std::move(recipient)) {}

  bool is(std::string_view recipient) const override { return recipient == recipient_; }

  Result<std::optional<SecretBytes>> unwrap(std::span<const AgeStanza> stanzas) const override {
    for (const AgeStanza& stanza : stanzas) {
      if (stanza.type != kType) continue;
      const auto broken = [](const char* what) {
        return fail(Code::kInvalid, std::string("age header: ") + what);
      };
      const auto sealed_to =
          stanza.args.size() == 1 ? age_base64(stanza.args[0]) : std::optional<std::string>();
      if (!sealed_to || sealed_to->size() != crypto::kXWingCiphertext) {
        return broken("malformed mlkem768x25519 stanza");
      }
      if (stanza.body.size() != kAgeFileKey + crypto::kAeadTagSize) {
        return broken("mlkem768x25519 stanza with a body of the wrong size");
      }
      const auto shared = crypto::x_wing_decapsulate(seed_.reveal(), as_bytes(*sealed_to));
      if (!shared) return broken("mlkem768x25519 share of low order");
      const AeadKey aead = key_schedule(*shared);
      SecretBytes file_key(kAgeFileKey);
      if (crypto::chacha20_poly1305_open(aead.key.reveal(), aead.nonce.reveal(),
                                         as_bytes(stanza.body), file_key.writable())) {
        return std::optional(std::move(file_key));
      }
    }
    return std::optional<SecretBytes>();
  }

 private:
  SecretBytes seed_;
  std::string recipient_;
};

}  // namespace

std::shared_ptr<const AgeIdentity> make_hybrid_identity(SecretBytes seed) {
  const auto point = crypto::x_wing_public(seed.reveal());
  if (!point) return nullptr;
  return std::make_shared<HybridIdentity>(std::move(seed),
                                          encode_bech32("age1pq", as_bytes(*point)));
}

Result<AgeStanza> wrap_hybrid(const SecretBytes& file_key, std::string_view recipient) {
  const auto encapsulated = crypto::x_wing_encapsulate(as_bytes(recipient));
  if (!encapsulated) return fail(Code::kInvalid, "the hybrid age recipient is no key");
  const AeadKey aead = key_schedule(encapsulated->shared);
  return AgeStanza{
      std::string(kType),
      {age_base64_encode(encapsulated->ciphertext)},
      crypto::chacha20_poly1305_seal(aead.key.reveal(), aead.nonce.reveal(), file_key.reveal())};
}

}  // namespace sluice::decrypt
