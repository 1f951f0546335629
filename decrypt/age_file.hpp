#pragma once
/// The age file format, version 1 (age-encryption.org/v1): armor, header, X25519 and scrypt stanzas
/// and the STREAM payload, as strict as the C2SP test vectors ask. Decrypts whole files in memory;
/// gives out nothing of a payload unless all of it authenticates.

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"

namespace sluice::decrypt {

/// Longest header that is read; real ones have some 200 bytes a recipient.
inline constexpr std::size_t kMaxAgeHeaderBytes = std::size_t{256} << 10;
inline constexpr std::size_t kAgeFileKey = 16;
/// Largest work factor of a passphrase that is done: 2^22 KiB of memory, as in the age program.
inline constexpr unsigned kMaxAgeWorkFactor = 22;

struct AgeStanza {
  std::string type;
  std::vector<std::string> args;  ///< without the type
  std::string body;               ///< decoded
};

struct AgeHeader {
  std::vector<AgeStanza> stanzas;
  std::size_t mac_input = 0;  ///< bytes of the file that the MAC covers
  std::array<std::byte, 32> mac{};
  std::size_t size = 0;  ///< bytes of the file before the payload
};

/// Errors: kInvalid, naming the line.
Result<AgeHeader> parse_age_header(std::string_view file);

/// The bytes inside `-----BEGIN AGE ENCRYPTED FILE-----`. Errors: kInvalid.
Result<std::string> decode_age_armor(std::string_view text);

/// Base64 without padding, canonical: what decodes must encode back to the same text.
std::optional<std::string> age_base64(std::string_view text);
std::string age_base64_encode(std::string_view bytes);

/// What opens stanzas. Immutable; shared by threads.
class AgeIdentity {
 public:
  virtual ~AgeIdentity() = default;
  /// The file key; nullopt when no stanza is for this identity. Errors: kInvalid for a stanza of
  /// its type that breaks the format; others when a passphrase is needed and there is none.
  virtual Result<std::optional<crypto::SecretBytes>> unwrap(
      std::span<const AgeStanza> stanzas) const = 0;
  /// Whether `recipient` is its public half.
  virtual bool is(std::string_view recipient) const = 0;
  /// Asks a program, and perhaps a person: tried when no other opens a file.
  virtual bool is_plugin() const { return false; }
};
using AgeIdentities = std::vector<std::shared_ptr<const AgeIdentity>>;

class X25519Identity final : public AgeIdentity {
 public:
  X25519Identity() = default;
  /// `point` is the public key of `scalar`.
  X25519Identity(crypto::SecretBytes scalar_in, const std::array<std::byte, 32>& point_in)
      : scalar(std::move(scalar_in)), point(point_in) {}
  Result<std::optional<crypto::SecretBytes>> unwrap(
      std::span<const AgeStanza> stanzas) const override;
  bool is(std::string_view recipient) const override;

  crypto::SecretBytes scalar;
  std::array<std::byte, 32> point{};
};

/// For a file that a passphrase protects; it must be the only stanza.
class PassphraseIdentity final : public AgeIdentity {
 public:
  explicit PassphraseIdentity(crypto::SecretBytes passphrase)
      : passphrase_(std::move(passphrase)) {}
  Result<std::optional<crypto::SecretBytes>> unwrap(
      std::span<const AgeStanza> stanzas) const override;
  bool is(std::string_view) const override { return false; }

 private:
  crypto::SecretBytes passphrase_;
};

/// `file` is binary (not armored). Errors: kNotFound (no stanza is for one of `identities`),
/// kInvalid (header), kIntegrity (header MAC or payload), those of the identities.
Result<crypto::SecretBytes> decrypt_age(
    std::string_view file, std::span<const std::shared_ptr<const AgeIdentity>> identities);
Result<crypto::SecretBytes> decrypt_age(std::string_view file, const AgeIdentity& identity);

}  // namespace sluice::decrypt
