#pragma once
/// One API server's wire: credentials, impersonation, waiting when the server is busy, counting.

#include <atomic>
#include <memory>
#include <string>

#include "sluice/base/cancel.hpp"
#include "sluice/base/clock.hpp"
#include "sluice/base/result.hpp"
#include "sluice/http/client.hpp"
#include "sluice/kube/config.hpp"

#include "kube/credentials.hpp"

namespace sluice::kube {

/// Thread-safe; shared by a client and those that impersonate.
class Transport {
 public:
  Transport(Config config, http::Client& http, Clock& clock);

  /// Sends `request`, whose url is a path with query here; any status is a success, but 429 (and
  /// 503 with Retry-After) are waited out a few times, and after 401 a fresh token is tried once.
  Result<http::Response> send(http::Request request, const std::string& user,
                              const CancelToken& cancel);
  std::uint64_t requests() const { return requests_.load(); }
  const Config& config() const { return config_; }
  Clock& clock() const { return clock_; }

 private:
  Result<http::Response> send_once(http::Request& request, const CancelToken& cancel);

  const Config config_;
  http::Client& http_;
  Clock& clock_;
  Credentials credentials_;
  std::atomic<std::uint64_t> requests_{0};
};

}  // namespace sluice::kube
