#pragma once
/// OpenSSH's private key file (PROTOCOL.key) and public key lines.

#include <optional>
#include <string>
#include <string_view>

#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"

namespace sluice::decrypt {

/// Reads the strings, numbers and fields of SSH's wire format from `bytes`, which must live.
class SshReader {
 public:
  explicit SshReader(std::string_view bytes) : rest_(bytes) {}
  std::optional<std::uint32_t> number();
  std::optional<std::string_view> text();
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

/// The same format, written.
void append_ssh_text(std::string& out, std::string_view text);

/// An OPENSSH PRIVATE KEY: one key, its private half possibly encrypted.
struct SshKeyFile {
  std::string public_key;      ///< wire format
  std::string type;            ///< "ssh-ed25519", …
  crypto::SecretBytes secret;  ///< encrypted, or as it is when `cipher` is "none"
  std::string cipher, kdf;
  std::string salt;
  std::uint32_t rounds = 0;
};
/// Errors: kInvalid, kUnsupported.
Result<SshKeyFile> read_ssh_key_file(const crypto::SecretBytes& text);

/// The private half in clear. nullopt when the passphrase is wrong. Errors: kUnsupported (cipher).
Result<std::optional<crypto::SecretBytes>> open_ssh_key(const SshKeyFile& file,
                                                        const crypto::SecretBytes& passphrase);

}  // namespace sluice::decrypt
