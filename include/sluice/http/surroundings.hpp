#pragma once
/// What the process was started in, as far as credentials are looked for there: environment
/// variables, files of the user, the host's name. A seam, since nothing below cli/ reads the
/// environment; and asked late, when the first key of a kind is met, so that a command that needs
/// no credential touches none.

#include <string>

#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"

namespace sluice::http {

/// Thread-safe.
class Surroundings {
 public:
  virtual ~Surroundings() = default;
  /// A variable whose value is no secret: a path, a region. "" when it is not set.
  virtual std::string variable(const std::string& name) = 0;
  /// A variable whose value is a secret. It is moved out of the environment block, which is
  /// overwritten there, and can be asked for again. Empty when it is not set.
  virtual crypto::SecretBytes secret_variable(const std::string& name) = 0;
  /// A file, read into secret memory, at most 1 MiB. Errors: kNotFound, kDenied, kInvalid; the
  /// message names the path.
  virtual Result<crypto::SecretBytes> file(const std::string& path) = 0;
  virtual std::string host_name() = 0;
  /// "" when there is none.
  virtual std::string home() = 0;
};

}  // namespace sluice::http
