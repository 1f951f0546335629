#pragma once
/// Programs that print keys: SOPS_AGE_KEY_CMD and its relatives, which sops runs, too. Setting the
/// variable asks for it; nothing in a file can.

#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"

namespace sluice::cli {

/// The words of a command as a POSIX shell splits them: quotes and backslashes, nothing expanded.
/// Errors: kInvalid (a quote without its end, no word).
Result<std::vector<std::string>> split_words(std::string_view command);

/// Runs the command of `variable` and gives what it prints; `recipient` is in its environment as
/// SOPS_AGE_RECIPIENT. Errors: kDenied when it fails, kInvalid, kNotFound, kUnavailable.
Result<crypto::SecretBytes> run_key_command(const std::string& variable,
                                            const std::string& recipient);

}  // namespace sluice::cli
