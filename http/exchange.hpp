#pragma once
/// One request on its way: the libcurl handle, what it points at, and what came back so far.
/// libcurl is included here, in exchange.cpp and in curl_client.cpp, and nowhere else.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <curl/curl.h>

#include "sluice/http/client.hpp"

namespace sluice::http {

struct EasyCleanup {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct SlistFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, EasyCleanup>;
using Slist = std::unique_ptr<curl_slist, SlistFree>;

/// Where a URL points; the words of every error message.
struct Peer {
  std::string host;  ///< as in the URL, an IPv6 address with its brackets
  std::string port;
  bool is_https = false;
  std::string text() const { return host + ":" + port; }
};

class Exchange {
 public:
  /// Checks and sets up; sends nothing yet. `request` must outlive the exchange's use by a lane.
  /// Errors: kInvalid.
  static Result<std::shared_ptr<Exchange>> prepare(const Request& request,
                                                   const std::string& user_agent);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  CURL* handle() const { return easy_.get(); }
  bool is_private() const { return request_->secret_body || request_->secret_response; }

  // On the lane's thread.
  void finish(CURLcode code);
  void finish_cancelled();
  // On the caller's thread. Blocks; then the handle and its buffers are gone.
  Result<Response> wait();

 private:
  explicit Exchange(const Request& request) : request_(&request) {}
  Result<void> set_up(const std::string& user_agent);
  Result<void> set_headers();
  void set_body();
  void set_tls();
  void finish_with(Result<Response> result);
  Error failure(CURLcode code) const;
  long status() const;
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);

  enum class Stop { kNo, kHeaderLimit, kBodyLimit, kByReader };

  const Request* request_;
  Peer peer_;
  std::string url_;
  std::string host_header_;
  Easy easy_;
  Slist headers_;
  Slist connect_to_;
  char error_[CURL_ERROR_SIZE] = {};
  Response response_;
  std::optional<crypto::SecretBuffer> secret_;
  std::size_t header_bytes_ = 0;
  std::size_t body_bytes_ = 0;
  Stop stop_ = Stop::kNo;

  std::mutex mutex_;  // guards result_
  std::condition_variable done_;
  std::optional<Result<Response>> result_;
};

}  // namespace sluice::http
