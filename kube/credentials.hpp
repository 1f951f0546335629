#pragma once
/// The value of the Authorization header, kept fresh: a token file is read again when it is a
/// minute old (as client-go does) and after the server refused it.

#include <memory>
#include <mutex>
#include <optional>

#include "sluice/base/clock.hpp"
#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"
#include "sluice/kube/config.hpp"

namespace sluice::kube {

/// Thread-safe.
class Credentials {
 public:
  Credentials(const Config& config, Clock& clock);
  /// null: no header (client certificate or anonymous). Errors: those of reading the token file
  /// when no token was ever read.
  Result<std::shared_ptr<const crypto::SecretBytes>> header();
  /// The server answered 401 to `used`: true when reading again gave another header.
  bool refresh(const std::shared_ptr<const crypto::SecretBytes>& used);

 private:
  Result<void> read_file();

  Clock& clock_;
  const std::string file_;
  std::mutex mutex_;  // guards the members below
  std::shared_ptr<const crypto::SecretBytes> header_;
  std::optional<SteadyTime> read_at_;
};

}  // namespace sluice::kube
