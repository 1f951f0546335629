#pragma once
/// What the process was started with: the only place that reads environment variables.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sluice/base/cancel.hpp"
#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"
#include "sluice/decrypt/decryptor.hpp"
#include "sluice/decrypt/sealed_secret.hpp"

#include "key_sources.hpp"

namespace sluice::cli {

std::string environment(const char* name);     ///< "" when not set
std::vector<std::string> whole_environment();  ///< "NAME=value", for a child process
/// Takes a secret variable: copies it into secret memory, overwrites it where it stood and unsets
/// it.
crypto::SecretBytes take_secret_environment(const char* name);

/// Writes secret bytes to a file descriptor, without stdio's buffers.
Result<void> write_secret(int descriptor, const crypto::SecretBytes& bytes);

/// Opens leaves with keys_from_environment() of key_sources.hpp; looks for them when the first leaf
/// is opened, not before.
std::unique_ptr<decrypt::LeafDecryptor> make_environment_decryptor(
    std::shared_ptr<decrypt::SopsFiles> files, decrypt::Audit record, const KeyOptions& options);
/// The private keys of Sealed Secrets in these files, each of which may be a comma-separated list.
Result<decrypt::SealedKeys> sealed_keys_from_files(const std::vector<std::string>& paths);

/// Cancels `source` on SIGINT and SIGTERM for as long as it lives. Make it before other threads
/// start.
class SignalWatch {
 public:
  explicit SignalWatch(CancelSource& source);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::cli
