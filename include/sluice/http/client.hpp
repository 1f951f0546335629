#pragma once
/// HTTP for everybody: Git, key services, the API server. One TLS stack, one set of limits.
///
/// Blocking calls from any number of threads; the real client (curl_client.hpp) runs them over one
/// libcurl multi handle, so that requests to one HTTP/2 server share a connection. Never follows
/// redirects by itself, never retries by itself (see retry.hpp), never logs bodies or headers, and
/// zeroizes its buffers. Knows nothing about what a request means.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/base/cancel.hpp"
#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"

namespace sluice::http {

/// How to trust the server and who we are. PEM texts in memory; nothing is read from disk but the
/// system's bundle. Connections are reused among requests whose `Tls` has the same content.
struct Tls {
  std::string ca_pem;                  ///< "" : the system's bundle
  std::string client_certificate_pem;  ///< "" : none
  std::shared_ptr<const crypto::SecretBytes> client_key_pem;
  std::string server_name;  ///< overrides the name to verify; "" : the URL's host
  bool insecure = false;    ///< only when the user asked for it by name
};

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method = "GET";
  std::string url;
  Headers headers;  ///< not secret
  /// One header whose value is secret: "Authorization". The value is complete ("Bearer …").
  std::string secret_header_name;
  std::shared_ptr<const crypto::SecretBytes> secret_header_value;
  std::string body;                                        ///< not secret
  std::shared_ptr<const crypto::SecretBytes> secret_body;  ///< instead of `body`
  /// The buffered body of the answer is secret: it is found in `Response::secret_body`.
  bool secret_response = false;
  std::shared_ptr<const Tls> tls;  ///< null: system trust, no client certificate
  std::string proxy;               ///< "" : none; the environment is never asked
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds timeout{60'000};  ///< of the whole exchange; 0: none (watches)
  /// Ends the exchange when fewer than one byte a second arrives for this long; 0: never.
  std::chrono::seconds stall_timeout{0};
  std::size_t max_response_bytes = 256U << 20;  ///< of a buffered body
  /// Given, the body of a 2xx answer is passed here as it arrives, on the client's thread, instead
  /// of being buffered; false ends the exchange (kCancelled). Must not block long or call the
  /// client.
  std::function<bool(std::string_view)> on_body;
};

struct Response {
  int status = 0;
  Headers headers;                                                  ///< names in lower case
  std::string body;                                                 ///< empty when on_body took it
  std::shared_ptr<const crypto::SecretBytes> secret_body;           ///< for `secret_response`
  std::string_view header(std::string_view lower_case_name) const;  ///< "" when absent
};

class Client {
 public:
  virtual ~Client() = default;
  /// Any status is a success here. Errors: kUnavailable (cannot resolve, connect, timed out, cut
  /// off; the message names host and port, never the query), kIntegrity (the server's certificate),
  /// kDenied (the server refused ours, or wants one), kInvalid (URL, a line break in a header,
  /// credentials in the URL, an unusable PEM, response over the limit), kCancelled.
  virtual Result<Response> send(const Request& request, const CancelToken& cancel) = 0;
};

/// Value of "Authorization: Basic …" in secret memory.
std::shared_ptr<const crypto::SecretBytes> basic_authorization(std::string_view user,
                                                               const crypto::SecretBytes& password);
std::shared_ptr<const crypto::SecretBytes> bearer_authorization(const crypto::SecretBytes& token);

}  // namespace sluice::http
