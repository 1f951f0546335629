#pragma once
/// Retrying what the world refused for now: exponential backoff with full jitter, and the server's
/// own Retry-After. Only for requests that may be sent twice.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "sluice/base/clock.hpp"
#include "sluice/http/client.hpp"

namespace sluice::http {

struct RetryPolicy {
  int attempts = 4;  ///< in all, the first included
  std::chrono::milliseconds base{250};
  std::chrono::milliseconds cap{10'000};  ///< of one wait, a Retry-After included
  /// Answers that are worth another try although their status does not say so: AWS throttles with
  /// status 400. May be empty.
  std::function<bool(const Response&)> also = {};
};

/// 408, 429, 500, 502, 503, 504.
bool is_retryable(int status);

/// What Retry-After asks for ("120" or an HTTP date); nullopt when absent or unreadable.
std::optional<std::chrono::milliseconds> retry_after(const Response& response, const Clock& clock);

/// The wait before attempt `attempt` (2 is the first retry), between 0 and base * 2^(attempt - 2),
/// at most the cap. `random` is any number: callers pass a fresh one each time.
std::chrono::milliseconds backoff(const RetryPolicy& policy, int attempt, std::uint64_t random);

/// Sends until the answer is not retryable (then it is returned, whatever its status) or the
/// attempts are used up (then the last answer or error is). Only kUnavailable errors are retried.
/// Not for requests with `on_body`.
Result<Response> send_with_retry(Client& client, const Request& request, const CancelToken& cancel,
                                 Clock& clock, const RetryPolicy& policy = {});

}  // namespace sluice::http
