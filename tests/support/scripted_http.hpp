#pragma once
/// An http::Client that answers from a script and keeps what it was asked. Thread-safe.

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "sluice/http/client.hpp"

namespace sluice::test {

class ScriptedHttp final : public http::Client {
 public:
  /// What was sent. Secrets are shown: the values of tests are no secrets.
  struct Sent {
    std::string method, url;
    http::Headers headers;
    std::string secret_header;  ///< "Authorization: Bearer x", "" when none
    std::string body;           ///< the secret one when that was given
    std::string header(std::string_view name) const {
      for (const auto& [key, value] : headers) {
        if (key == name) return value;
      }
      return {};
    }
  };
  using Handler = std::function<Result<http::Response>(const Sent&)>;

  ScriptedHttp() = default;
  explicit ScriptedHttp(Handler handler) : handler_(std::move(handler)) {}

  /// Answers in order; when they are used up, `handler` (if any) is asked, else the request fails.
  void answer(int status, std::string body, http::Headers headers = {}) {
    http::Response response;
    response.status = status;
    response.body = std::move(body);
    response.headers = std::move(headers);
    const std::lock_guard lock(mutex_);
    script_.emplace_back(std::move(response));
  }
  void answer(Error error) {
    const std::lock_guard lock(mutex_);
    script_.emplace_back(fail(std::move(error)));
  }
  void on_request(Handler handler) {
    const std::lock_guard lock(mutex_);
    handler_ = std::move(handler);
  }

  Result<http::Response> send(const http::Request& request, const CancelToken& cancel) override {
    if (cancel.cancelled()) return fail(Code::kCancelled, "the request was cancelled");
    Sent sent{request.method, request.url, request.headers, {}, request.body};
    if (request.secret_header_value) {
      sent.secret_header = request.secret_header_name + ": " +
                           std::string(request.secret_header_value->reveal_text());
    }
    if (request.secret_body) sent.body = request.secret_body->reveal_text();
    Result<http::Response> result = fail(
        Code::kInternal, "ScriptedHttp has no answer for " + request.method + " " + request.url);
    Handler handler;
    {
      const std::lock_guard lock(mutex_);
      sent_.push_back(sent);
      if (next_ < script_.size()) {
        result = script_[next_++];
      } else {
        handler = handler_;
      }
    }
    if (handler) result = handler(sent);
    if (!result) return result;
    if (request.on_body && result->status >= 200 && result->status < 300) {
      const std::string body = std::exchange(result->body, {});
      if (!body.empty() && !request.on_body(body)) {
        return fail(Code::kCancelled, "the reader ended the exchange");
      }
    } else if (request.secret_response) {
      result->secret_body = std::make_shared<const crypto::SecretBytes>(
          crypto::SecretBytes::copy_of(std::string_view(result->body)));
      result->body.clear();
    }
    return result;
  }

  std::vector<Sent> sent() const {
    const std::lock_guard lock(mutex_);
    return sent_;
  }
  std::size_t count() const { return sent().size(); }

 private:
  mutable std::mutex mutex_;  // guards all below
  std::vector<Result<http::Response>> script_;
  std::size_t next_ = 0;
  std::vector<Sent> sent_;
  Handler handler_;
};

}  // namespace sluice::test
