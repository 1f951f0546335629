#pragma once
/// Reading files straight into secret memory: keys, tokens, kubeconfigs, plaintext to encrypt.

#include <cstddef>
#include <string>

#include "sluice/base/byte_sink.hpp"
#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"

namespace sluice::crypto {

constexpr std::size_t kMaxSecretFileBytes = 16U << 20;  ///< sops caps identity files at it, too

/// Appends what the descriptor `fd` gives until its end to `out`; no ordinary memory sees it in
/// between. `shown` names it in messages. Errors: those of system_error(), kUnsupported past
/// `limit_bytes`.
Result<void> read_all(int fd, const std::string& shown, std::size_t limit_bytes, ByteSink& out);

/// The file at `path`, which may be a pipe or a device. Errors: as read_all().
Result<SecretBytes> read_secret_file(const std::string& path,
                                     std::size_t limit_bytes = kMaxSecretFileBytes);

}  // namespace sluice::crypto
