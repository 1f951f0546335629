#pragma once
/// Where commands find the keys that decrypt. No key is read from a place that sops would not look
/// at, or that was not named.

#include <string>

#include "sluice/base/result.hpp"
#include "sluice/decrypt/decryptor.hpp"

namespace sluice::cli {

struct KeyOptions {
  bool age_plugins = false;  ///< start programs age-plugin-NAME where a key is theirs
};

/// age identities as sops looks for them: SOPS_AGE_KEY, SOPS_AGE_KEY_FILE, the default keys.txt,
/// SOPS_AGE_SSH_PRIVATE_KEY_FILE; ~/.ssh/id_ed25519 and id_rsa when nothing else opens a file.
/// OpenPGP keys from SLUICE_PGP_KEY_FILE (several files are separated by ":") and the keyrings
/// secring.gpg, pubring.kbx and pubring.gpg of GNUPGHOME or ~/.gnupg. A place that is not there is
/// noted for messages. And the key services of cloud_keys.hpp.
Result<decrypt::KeyServices> keys_from_environment(const KeyOptions& options = {});

/// The keys of one file, age or OpenPGP, and the key services of cloud_keys.hpp.
Result<decrypt::KeyServices> keys_from_file(const std::string& path,
                                            const KeyOptions& options = {});

}  // namespace sluice::cli
