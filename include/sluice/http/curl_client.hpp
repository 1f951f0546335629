#pragma once
/// The real http::Client, over libcurl.

#include <memory>

#include "sluice/http/client.hpp"

namespace sluice::http {

struct CurlOptions {
  std::string user_agent = "sluice/" SLUICE_VERSION;
  long max_host_connections = 4;  ///< for HTTP/2 each carries up to 100 streams
};

/// Also counts: how many requests were sent, for tests and `bench/`.
class CurlClient : public Client {
 public:
  virtual std::uint64_t requests_sent() const = 0;
};

/// Call once per process before other threads start (it initializes libcurl with zeroizing
/// allocators). Thread-safe afterwards.
std::unique_ptr<CurlClient> make_curl_client(const CurlOptions& options = {});

}  // namespace sluice::http
