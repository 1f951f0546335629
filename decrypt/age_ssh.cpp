#include "age_ssh.hpp"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <optional>

#include "sluice/base/encoding.hpp"
#include "sluice/crypto/aead.hpp"
#include "sluice/crypto/ed25519.hpp"
#include "sluice/crypto/hash.hpp"
#include "sluice/crypto/rsa.hpp"

#include "ssh_key.hpp"

namespace sluice::decrypt {
namespace {

using crypto::as_bytes;
using crypto::SecretBytes;

constexpr std::string_view kEd25519 = "ssh-ed25519", kRsa = "ssh-rsa";
constexpr std::string_view kEd25519Label = "age-encryption.org/v1/ssh-ed25519";
constexpr std::string_view kRsaLabel = "age-encryption.org/v1/ssh-rsa";
constexpr std::array<std::byte, 12> kZeroNonce{};  // the keys below are used once

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// How a stanza names a key: base64 of the first bytes of a hash of the public key.
std::string tag_of(std::string_view public_key) {
  const Digest hash = crypto::sha256(public_key);
  return age_base64_encode(text_of(std::as_bytes(hash.bytes().first(4))));
}

/// Of a number with its sign bit, as SSH writes it.
crypto::Bytes magnitude(std::string_view number) {
  while (!number.empty() && number.front() == '\0')
    number.remove_prefix(1);
  return as_bytes(number);
}

std::string rsa_wire(std::string_view modulus, std::string_view exponent) {
  const auto signed_number = [](std::string_view bytes) {
    const bool high = !bytes.empty() && (static_cast<unsigned char>(bytes.front()) & 0x80U) != 0;
    return std::string(high ? 1 : 0, '\0') + std::string(bytes);
  };
  std::string wire;
  append_ssh_text(wire, kRsa);
  append_ssh_text(wire, signed_number(exponent));
  append_ssh_text(wire, signed_number(modulus));
  return wire;
}

/// The secret half of a key, in use.
class PrivateHalf {
 public:
  virtual ~PrivateHalf() = default;
  /// nullopt when it does not open.
  virtual std::optional<SecretBytes> open(const AgeStanza& stanza,
                                          std::string_view public_key) const = 0;
};

class Ed25519Half final : public PrivateHalf {
 public:
  explicit Ed25519Half(crypto::Bytes seed) : scalar_(32) {
    crypto::Hash hash(crypto::HashAlgorithm::kSha512);
    hash.append(seed);
    auto digest = hash.finish();
    std::memcpy(scalar_.writable().data(), digest.data(), 32);
    crypto::wipe(digest.data(), digest.size());
  }
  std::optional<SecretBytes> open(const AgeStanza& stanza,
                                  std::string_view public_key) const override {
    const auto share = age_base64(stanza.args[1]);
    const auto point = crypto::x25519_public(scalar_.reveal());
    const auto shared = crypto::x25519(scalar_.reveal(), as_bytes(*share));
    if (!point || !shared) return std::nullopt;
    // Binds the key to its SSH form.
    const SecretBytes tweak = crypto::hkdf_sha256({}, as_bytes(public_key), kEd25519Label);
    const auto tweaked = crypto::x25519(tweak.reveal(), shared->reveal());
    if (!tweaked) return std::nullopt;
    const std::string salt = *share + std::string(text_of(*point));
    const SecretBytes key = crypto::hkdf_sha256(tweaked->reveal(), as_bytes(salt), kEd25519Label);
    SecretBytes file_key(kAgeFileKey);
    if (!crypto::chacha20_poly1305_open(key.reveal(), kZeroNonce, as_bytes(stanza.body),
                                        file_key.writable())) {
      return std::nullopt;
    }
    return file_key;
  }

 private:
  SecretBytes scalar_;
};

class RsaHalf final : public PrivateHalf {
 public:
  explicit RsaHalf(crypto::RsaPrivateKey key) : key_(std::move(key)) {}
  std::optional<SecretBytes> open(const AgeStanza& stanza, std::string_view) const override {
    auto file_key = key_.open_oaep_sha256(as_bytes(stanza.body), as_bytes(kRsaLabel));
    if (file_key && file_key->size() != kAgeFileKey) return std::nullopt;
    return file_key;
  }

 private:
  crypto::RsaPrivateKey key_;
};

/// The private section of an OPENSSH PRIVATE KEY.
Result<std::unique_ptr<PrivateHalf>> read_private_half(const SecretBytes& section,
                                                       std::string_view wanted_type) {
  const auto broken = [] {
    return fail(Code::kInvalid, "broken OpenSSH private key: its private section");
  };
  SshReader reader(section.reveal_text().substr(8));  // after the check numbers
  const auto type = reader.text();
  if (!type || *type != wanted_type) return broken();
  if (*type == kEd25519) {
    const auto point = reader.text();
    const auto secret = reader.text();  // the seed, then the public key
    if (!point || !secret || secret->size() != 64) return broken();
    return std::make_unique<Ed25519Half>(as_bytes(secret->substr(0, 32)));
  }
  std::array<std::string_view, 6> numbers;  // n e d iqmp p q
  for (std::string_view& one : numbers) {
    const auto text = reader.text();
    if (!text) return broken();
    one = *text;
  }
  SLUICE_TRY(auto key, crypto::RsaPrivateKey::from_numbers(
                           {magnitude(numbers[0]), magnitude(numbers[1]), magnitude(numbers[2]),
                            magnitude(numbers[4]), magnitude(numbers[5]), magnitude(numbers[3])}));
  return std::make_unique<RsaHalf>(std::move(key));
}

class SshIdentity final : public AgeIdentity {
 public:
  SshIdentity(std::string type, std::string public_key, std::unique_ptr<PrivateHalf> half)
      : type_(std::move(type)), public_key_(std::move(public_key)), half_(std::move(half)) {}
  SshIdentity(SshKeyFile file, std::string origin, AskPassphrase ask)
      : type_(file.type),
        public_key_(file.public_key),
        file_(std::move(file)),
        origin_(std::move(origin)),
        ask_(std::move(ask)) {}

  bool is(std::string_view recipient) const override {
    const std::size_t space = recipient.find(' ');
    if (space == std::string_view::npos || recipient.substr(0, space) != type_) return false;
    recipient.remove_prefix(space + 1);
    return recipient.substr(0, recipient.find(' ')) == base64_encode(public_key_);
  }

  Result<std::optional<SecretBytes>> unwrap(std::span<const AgeStanza> stanzas) const override {
    for (const AgeStanza& stanza : stanzas) {
      if (stanza.type != type_) continue;
      SLUICE_CHECK(check_form(stanza));
      if (stanza.args[0] != tag_of(public_key_)) continue;
      SLUICE_TRY(const PrivateHalf* const half, private_half());
      auto file_key = half->open(stanza, public_key_);
      if (file_key) return file_key;
    }
    return std::optional<SecretBytes>();
  }

 private:
  Result<void> check_form(const AgeStanza& stanza) const {
    const auto broken = [this](const char* what) {
      return fail(Code::kInvalid, "age header: " + std::string(what) + " " + type_ + " stanza");
    };
    if (type_ == kRsa) return stanza.args.size() == 1 ? Result<void>() : broken("malformed");
    const auto share =
        stanza.args.size() == 2 ? age_base64(stanza.args[1]) : std::optional<std::string>();
    if (!share || share->size() != 32) return broken("malformed");
    if (stanza.body.size() != kAgeFileKey + crypto::kAeadTagSize) {
      return broken("body of the wrong size in a");
    }
    return {};
  }

  Result<const PrivateHalf*> private_half() const {
    const std::lock_guard lock(mutex_);
    for (unsigned attempt = 0; half_ == nullptr; ++attempt) {
      Result<SecretBytes> passphrase =
          fail(Code::kUnsupported, origin_ + ": an SSH key that is protected by a passphrase",
               Where{}, "there is nobody to ask; ssh-keygen -p takes it off");
      if (ask_) passphrase = ask_("SSH key " + origin_, attempt);
      // No passphrase is not "no match": the key is the right one.
      if (!passphrase)
        return fail(
            Error(Code::kDenied, passphrase.error().message(), Where{}, passphrase.error().hint()));
      SLUICE_TRY(const auto section, open_ssh_key(*file_, *passphrase));
      if (!section) continue;
      SLUICE_TRY(half_, read_private_half(*section, type_));
    }
    return half_.get();
  }

  std::string type_, public_key_;
  mutable std::mutex mutex_;  // guards half_, null until the passphrase was given
  mutable std::unique_ptr<PrivateHalf> half_;
  std::optional<SshKeyFile> file_;
  std::string origin_;
  AskPassphrase ask_;
};

}  // namespace

bool is_ssh_key(std::string_view text) {
  return text.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----") ||
         text.starts_with("-----BEGIN RSA PRIVATE KEY-----") ||
         text.starts_with("-----BEGIN PRIVATE KEY-----") ||
         text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----");
}

Result<std::shared_ptr<const AgeIdentity>> read_ssh_identity(const SecretBytes& text,
                                                             const std::string& origin,
                                                             const AskPassphrase& ask) {
  const auto read = [&]() -> Result<std::shared_ptr<const AgeIdentity>> {
    const std::string_view shown = text.reveal_text();
    if (shown.find("-----BEGIN OPENSSH PRIVATE KEY-----") == std::string_view::npos) {
      if (shown.find("ENCRYPTED") != std::string_view::npos) {
        return fail(Code::kUnsupported, "a PEM private key behind a passphrase", Where{},
                    "ssh-keygen -p -f FILE writes it in OpenSSH's own format");
      }
      SLUICE_TRY(auto key, crypto::RsaPrivateKey::from_pem(text));
      std::string wire = rsa_wire(key.modulus(), key.exponent());
      return std::make_shared<SshIdentity>(std::string(kRsa), std::move(wire),
                                           std::make_unique<RsaHalf>(std::move(key)));
    }
    SLUICE_TRY(SshKeyFile file, read_ssh_key_file(text));
    if (file.type != kEd25519 && file.type != kRsa) {
      return fail(Code::kUnsupported, "an SSH key of type " + file.type, Where{},
                  "age uses ssh-ed25519 and ssh-rsa keys");
    }
    if (file.cipher != "none") return std::make_shared<SshIdentity>(std::move(file), origin, ask);
    SLUICE_TRY(auto half, read_private_half(file.secret, file.type));
    return std::make_shared<SshIdentity>(file.type, file.public_key, std::move(half));
  };
  auto identity = read();
  if (!identity) return fail(std::move(identity).error().prefix(origin + ": "));
  return identity;
}

Result<AgeStanza> wrap_ssh(const SecretBytes& file_key, std::string_view recipient) {
  const auto broken = [] { return fail(Code::kInvalid, "the SSH age recipient is no public key"); };
  const std::size_t space = std::min(recipient.find(' '), recipient.size());
  const std::string type(recipient.substr(0, space));
  std::string_view encoded = recipient.substr(std::min(space + 1, recipient.size()));
  encoded = encoded.substr(0, encoded.find(' '));
  const auto wire = base64_decode(encoded);
  if (!wire) return broken();
  SshReader reader(*wire);
  if (reader.text() != std::optional<std::string_view>(type)) return broken();
  if (type == kRsa) {
    const auto exponent = reader.text();
    const auto modulus = reader.text();
    if (!exponent || !modulus) return broken();
    auto sealed = crypto::rsa_seal_oaep_sha256(magnitude(*modulus), magnitude(*exponent),
                                               file_key.reveal(), as_bytes(kRsaLabel));
    if (!sealed) return broken();
    return AgeStanza{type, {tag_of(*wire)}, std::move(*sealed)};
  }
  if (type != kEd25519) {
    return fail(Code::kUnsupported, "an SSH age recipient of type " + type, Where{},
                "age uses ssh-ed25519 and ssh-rsa keys");
  }
  const auto edwards = reader.text();
  const auto point = edwards ? crypto::x25519_from_ed25519(as_bytes(*edwards)) : std::nullopt;
  if (!point) return broken();
  const SecretBytes ephemeral = crypto::random_bytes(32);
  const auto share = crypto::x25519_public(ephemeral.reveal());
  const auto shared = crypto::x25519(ephemeral.reveal(), *point);
  const SecretBytes tweak = crypto::hkdf_sha256({}, as_bytes(*wire), kEd25519Label);
  const auto tweaked = shared ? crypto::x25519(tweak.reveal(), shared->reveal()) : std::nullopt;
  if (!share || !tweaked) return broken();
  const std::string salt = std::string(text_of(*share)) + std::string(text_of(*point));
  const SecretBytes key = crypto::hkdf_sha256(tweaked->reveal(), as_bytes(salt), kEd25519Label);
  return AgeStanza{type,
                   {tag_of(*wire), age_base64_encode(text_of(*share))},
                   crypto::chacha20_poly1305_seal(key.reveal(), kZeroNonce, file_key.reveal())};
}

}  // namespace sluice::decrypt
