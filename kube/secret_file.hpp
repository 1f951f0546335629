#pragma once
/// Reading a file of credentials straight into secret memory.

#include <string>

#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"

namespace sluice::kube {

/// Errors: kNotFound, kDenied, kInvalid (no regular file), kUnsupported (over the limit),
/// kUnavailable.
Result<crypto::SecretBytes> read_secret_file(const std::string& path, std::size_t limit_bytes);

}  // namespace sluice::kube
