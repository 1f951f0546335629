#pragma once
/// The real http::Client, over libcurl.
///
/// Three lanes, each a thread with a curl_multi of its own, started when first used: exchanges,
/// multiplexed over HTTP/2 where the server speaks it; streams (timeout 0 with `on_body`: watches),
/// so that no exchange waits behind them; and private exchanges (secret body or answer), over
/// HTTP/1.1, because libnghttp2 keeps sent frames in memory that nobody wipes.
/// Bodies are wiped from libcurl's memory as soon as an exchange ends.

#include <cstdint>
#include <memory>
#include <string>

#include "sluice/http/client.hpp"

namespace sluice::http {

struct CurlOptions {
  std::string user_agent = "sluice/" SLUICE_VERSION;
  /// Of exchanges, and again of private ones; for HTTP/2 each carries up to 100. Streams: no limit.
  long max_host_connections = 8;
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
