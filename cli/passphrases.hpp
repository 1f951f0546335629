#pragma once
/// Where the passphrases of protected keys come from: a file descriptor, or the terminal.

#include "sluice/decrypt/passphrase.hpp"

namespace sluice::cli {

/// SLUICE_PASSPHRASE_FD=N: lines of that descriptor, read when the first is needed, each tried for
/// each key. Else a prompt on the terminal of the process, three times a key, never echoed. With
/// neither, the answer is kNotFound and says what to do. One thread is asked after the other.
decrypt::AskPassphrase passphrases();

}  // namespace sluice::cli
