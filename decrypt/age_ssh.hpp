#pragma once
/// SSH keys as age identities and recipients (age's agessh): ssh-ed25519 and ssh-rsa. Private keys
/// come as OPENSSH PRIVATE KEY (also behind a passphrase), or as PEM (PKCS#1, PKCS#8).

#include <memory>
#include <string>
#include <string_view>

#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"
#include "sluice/decrypt/passphrase.hpp"

#include "age_file.hpp"

namespace sluice::decrypt {

/// Whether `text` starts as such a private key does.
bool is_ssh_key(std::string_view text);

/// A key behind a passphrase is opened when a stanza names it, and `ask` is asked then. Errors:
/// kInvalid (broken), kUnsupported (another kind of key or protection), naming `origin`.
Result<std::shared_ptr<const AgeIdentity>> read_ssh_identity(const crypto::SecretBytes& text,
                                                             const std::string& origin,
                                                             const AskPassphrase& ask);

/// The stanza that gives `file_key` to `recipient`, a line as in authorized_keys. Errors: kInvalid,
/// kUnsupported (another kind of key).
Result<AgeStanza> wrap_ssh(const crypto::SecretBytes& file_key, std::string_view recipient);

}  // namespace sluice::decrypt
