#pragma once
/// What all remote key services do alike: bounded, retried requests; one call for one key and
/// ciphertext; answers remembered for a while.

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "sluice/base/digest.hpp"
#include "sluice/decrypt/remote_keys.hpp"
#include "sluice/http/aws_credentials.hpp"

namespace sluice::decrypt {

class RemoteContext {
 public:
  explicit RemoteContext(RemoteKeyOptions options) : options_(std::move(options)) {}
  const RemoteKeyOptions& options() const { return options_; }
  http::Surroundings& surroundings() const { return *options_.surroundings; }
  Clock& clock() const { return *options_.clock; }

  /// Sends with the context's timeouts and retries, as one of at most `concurrent`; the answer's
  /// body is secret. A redirect is an error (kDenied) that names where it leads. `also` as in
  /// RetryPolicy.
  Result<http::Response> send(http::Request request, const CancelToken& cancel,
                              std::function<bool(const http::Response&)> also = {}) {
    return send(std::move(request), cancel, options_.retry.attempts, std::move(also));
  }
  Result<http::Response> send(http::Request request, const CancelToken& cancel, int attempts,
                              std::function<bool(const http::Response&)> also);

 private:
  RemoteKeyOptions options_;
  std::mutex mutex_;  // guards under_way_
  std::condition_variable freed_;
  unsigned under_way_ = 0;
};

/// For the identities of clouds.
http::SecretExchange exchange_of(const std::shared_ptr<RemoteContext>& context);

/// Names a call: type, id, every field and the ciphertext of a key.
Digest call_id(const MasterKey& key);

/// One call at a time for one id; what it gave is kept.
class CallCache {
 public:
  explicit CallCache(std::shared_ptr<RemoteContext> context) : context_(std::move(context)) {}

  /// The remembered answer, that of a call under way, or of `call`. Who waits gives up when his own
  /// `cancel` says so; when it was the caller who was cancelled, the next in line calls again.
  Result<crypto::SecretBytes> get(const Digest& id, const CancelToken& cancel,
                                  const std::function<Result<crypto::SecretBytes>()>& call);

 private:
  struct Slot {
    bool under_way = false;
    unsigned waiting = 0;
    crypto::SecretBytes value;
    std::optional<SteadyTime> until;  // a value is there
    std::optional<Error> error;       // of the last call, for those who waited for it
  };
  void make_room(SteadyTime now);

  std::shared_ptr<RemoteContext> context_;
  std::mutex mutex_;  // guards everything below
  std::condition_variable ended_;
  std::unordered_map<Digest, std::shared_ptr<Slot>> slots_;
};

/// The answer's own words, fit for a message: at most 300 characters, no control characters, none
/// of `secrets` in it (a server may send back what it got).
std::string safe_words(std::string_view text,
                       std::initializer_list<const crypto::SecretBytes*> secrets = {});

/// The data key that the answer `json` has in base64 at `path`; nullopt for none, or an empty one.
std::optional<crypto::SecretBytes> data_key_in(std::string_view json,
                                               std::initializer_list<std::string_view> path);

/// kDenied for 401 and 403, kNotFound for 404, kUnavailable for what was retried, else kInvalid.
Code code_of_status(int status);

/// A secret request body or URL-encoded form, as a request takes it.
std::shared_ptr<const crypto::SecretBytes> share(crypto::SecretBytes bytes);
std::shared_ptr<const crypto::SecretBytes> share(crypto::SecretBuffer buffer);

}  // namespace sluice::decrypt
