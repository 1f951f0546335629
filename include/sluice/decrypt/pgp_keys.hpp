#pragma once
/// OpenPGP as a key service, through librnp: secret keys in memory, no gpg, no agent, no home
/// directory. What SOPS pgp/keysource.go leaves to gpg is decided here: a message without integrity
/// protection is refused, signatures are ignored, expiry and revocation do not keep a key from
/// decrypting, a hidden recipient is tried with each key.
///
/// librnp is loaded when the first key is needed, and costs nothing before. Never writes a key
/// anywhere; the gpg program is started only by the service that is made for it.

#include <functional>
#include <memory>
#include <string>

#include "sluice/base/process.hpp"
#include "sluice/decrypt/decryptor.hpp"
#include "sluice/decrypt/passphrase.hpp"

namespace sluice::decrypt {

/// Longest message that is read, and longest plaintext of one: a data key has 32 bytes, and what
/// follows is a compression bomb.
inline constexpr std::size_t kMaxPgpMessageBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxPgpPlaintextBytes = std::size_t{4} << 10;

/// Keys are added first, by one thread; afterwards it may be shared.
class PgpKeyService : public KeyService {
 public:
  /// `text` holds armored blocks (any number, of secret and public keys), binary packets as `gpg
  /// --export-secret-keys` gives them, or a GnuPG keybox (public keys, for wrap()). They are read
  /// when they are first needed. Errors: kInvalid when it is nothing of the sort.
  virtual Result<void> add_keys(const crypto::SecretBytes& text, std::string origin) = 0;
  /// The same for a file that need not be there, nor be of use: it is read with the first key that
  /// is needed, and what is wrong with it is only noted.
  virtual void add_keyring(std::string origin,
                           std::function<Result<crypto::SecretBytes>()> read) = 0;
  /// Notes a place that was looked at and had nothing.
  virtual void note_missing(std::string origin) = 0;
};

/// Whether it starts as add_keys() wants it.
bool is_pgp_key(const crypto::SecretBytes& text);

/// Without `ask`, keys that are protected by a passphrase cannot be used.
std::shared_ptr<PgpKeyService> make_pgp_key_service(AskPassphrase ask = {});

/// The keys of the gpg program `program` and its agent, for users who ask for that by name: smart
/// cards, and keys that never leave gpg. Never used unless it was asked for. `environment` is
/// gpg's.
std::shared_ptr<KeyService> make_gpg_program_service(RunProgram run, std::string program,
                                                     std::vector<std::string> environment);

}  // namespace sluice::decrypt
