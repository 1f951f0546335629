#include "age_write.hpp"

#include <algorithm>
#include <cstring>

#include "sluice/base/encoding.hpp"
#include "sluice/crypto/aead.hpp"

#include "age_hybrid.hpp"
#include "age_plugin.hpp"
#include "age_ssh.hpp"
#include "bech32.hpp"

namespace sluice::decrypt {
namespace {

using crypto::as_bytes;
using crypto::SecretBytes;

constexpr std::size_t kChunk = std::size_t{64} << 10;
constexpr std::size_t kColumns = 64;

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string raw_base64(std::string_view bytes) {
  std::string text = base64_encode(bytes);
  while (text.ends_with('='))
    text.pop_back();
  return text;
}

// Lines of 64 columns; the last one is shorter, if need be empty.
void append_body(std::string& out, std::string_view bytes) {
  const std::string text = raw_base64(bytes);
  std::string_view rest = text;
  while (rest.size() >= kColumns) {
    out.append(rest.substr(0, kColumns));
    out += '\n';
    rest.remove_prefix(kColumns);
  }
  out.append(rest);
  out += '\n';
}

}  // namespace

Result<AgePoint> parse_age_recipient(std::string_view text) {
  const auto decoded = decode_bech32(text);
  const std::string hint = "a recipient is what age-keygen prints as the public key: age1…";
  if (decoded && decoded->prefix.starts_with("age-secret-key-")) {
    return fail(Code::kInvalid, "this is an age identity (the secret half), not a recipient",
                Where{}, hint);
  }
  // Bech32 may be in upper case; age refuses that of recipients.
  const bool is_recipient = text.starts_with("age1") && decoded && decoded->prefix == "age";
  if (!is_recipient || decoded->data.size() != AgePoint().size()) {
    return fail(Code::kInvalid, "\"" + std::string(text.substr(0, 80)) + "\" is no age recipient",
                Where{}, hint);
  }
  AgePoint point{};
  std::memcpy(point.data(), decoded->data.reveal().data(), point.size());
  return point;
}

Result<AgeStanza> wrap_x25519(const SecretBytes& file_key, const AgePoint& recipient) {
  const SecretBytes ephemeral = crypto::random_bytes(32);
  const auto share = crypto::x25519_public(ephemeral.reveal());
  const auto shared = crypto::x25519(ephemeral.reveal(), recipient);
  if (!share || !shared) {
    return fail(Code::kInvalid, "the age recipient is a point of low order, which is no key");
  }
  std::string salt(text_of(*share));
  salt.append(text_of(recipient));
  const SecretBytes key =
      crypto::hkdf_sha256(shared->reveal(), as_bytes(salt), "age-encryption.org/v1/X25519");
  // A nonce of zeros: the key comes from a fresh ephemeral one and is used once.
  constexpr std::array<std::byte, 12> kNonce{};
  return AgeStanza{"X25519",
                   {raw_base64(text_of(*share))},
                   crypto::chacha20_poly1305_seal(key.reveal(), kNonce, file_key.reveal())};
}

std::string seal_age(const SecretBytes& plaintext, std::span<const AgeStanza> stanzas,
                     const SecretBytes& file_key) {
  std::string file = "age-encryption.org/v1\n";
  for (const AgeStanza& stanza : stanzas) {
    file += "-> " + stanza.type;
    for (const std::string& arg : stanza.args)
      file += " " + arg;
    file += '\n';
    append_body(file, stanza.body);
  }
  file += "---";
  const SecretBytes mac_key = crypto::hkdf_sha256(file_key.reveal(), {}, "header");
  const auto mac = crypto::hmac_sha256(mac_key.reveal(), as_bytes(file));
  file += " " + raw_base64(text_of(mac)) + "\n";

  // The nonce makes the payload key new, so the counter may start at zero.
  constexpr std::size_t kNonceSize = 16;
  const SecretBytes nonce = crypto::random_bytes(kNonceSize);
  file.append(nonce.reveal_text());
  const SecretBytes key = crypto::hkdf_sha256(file_key.reveal(), nonce.reveal(), "payload");
  std::span<const std::byte> rest = plaintext.reveal();
  for (std::uint64_t i = 0;; ++i) {
    const bool last = rest.size() <= kChunk;
    const auto chunk = rest.first(std::min(rest.size(), kChunk));
    std::array<std::byte, 12> counter{};  // 11 bytes of counter, then 1 on the last chunk
    for (unsigned byte = 0; byte < 8; ++byte) {
      counter[10 - byte] = static_cast<std::byte>(i >> 8 * byte & 0xff);
    }
    counter[11] = std::byte{last};
    file += crypto::chacha20_poly1305_seal(key.reveal(), counter, chunk);
    if (last) return file;
    rest = rest.subspan(chunk.size());
  }
}

std::string encode_age_armor(std::string_view file) {
  const std::string text = base64_encode(file);
  std::string out = "-----BEGIN AGE ENCRYPTED FILE-----\n";
  for (std::size_t at = 0; at < text.size(); at += kColumns) {
    out += text.substr(at, kColumns);
    out += '\n';
  }
  return out + "-----END AGE ENCRYPTED FILE-----\n";
}

Result<AgeStanza> wrap_file_key(const SecretBytes& file_key, std::string_view recipient) {
  if (recipient.starts_with("ssh-")) return wrap_ssh(file_key, recipient);
  if (recipient.starts_with("age1pq1")) {
    const auto decoded = decode_bech32(recipient);
    if (!decoded || decoded->prefix != "age1pq") {
      return fail(Code::kInvalid,
                  "\"" + std::string(recipient.substr(0, 80)) + "…\" is no age recipient");
    }
    return wrap_hybrid(file_key, decoded->data.reveal_text());
  }
  SLUICE_TRY(const AgePoint point, parse_age_recipient(recipient));
  return wrap_x25519(file_key, point);
}

Result<void> check_age_recipient(std::string_view text) {
  if (age_plugin_of_recipient(text)) return {};
  auto tried = wrap_file_key(SecretBytes(kAgeFileKey), text);
  if (!tried) return fail(std::move(tried).error());
  return {};
}

Result<std::string> encrypt_age(const SecretBytes& plaintext, std::string_view recipient) {
  const SecretBytes file_key = crypto::random_bytes(kAgeFileKey);
  SLUICE_TRY(const AgeStanza stanza, wrap_file_key(file_key, recipient));
  return encode_age_armor(seal_age(plaintext, {&stanza, 1}, file_key));
}

}  // namespace sluice::decrypt
