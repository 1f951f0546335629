#pragma once
/// Passphrases of protected keys. Who is asked (a terminal, a file descriptor, nobody) is decided
/// above this module; it asks only when a key is needed that cannot be used without.

#include <functional>
#include <string>

#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"

namespace sluice::decrypt {

/// The passphrase of `what`, a key and where it is from. `attempt` counts from 0 for each key and
/// goes up when the last answer was wrong. Errors: kNotFound when there is no (other) answer, with
/// a hint on how to give one. Called by one thread at a time for each service.
using AskPassphrase =
    std::function<Result<crypto::SecretBytes>(const std::string& what, unsigned attempt)>;

}  // namespace sluice::decrypt
