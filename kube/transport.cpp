#include "kube/transport.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>

namespace sluice::kube {
namespace {

constexpr int kBusyRetries = 6;
constexpr std::chrono::seconds kLongestBusyWait{30};

std::chrono::seconds retry_after(const http::Response& response) {
  const std::string_view text = response.header("retry-after");
  int seconds = 1;
  std::from_chars(text.data(), text.data() + text.size(), seconds);
  return std::clamp(std::chrono::seconds(seconds), std::chrono::seconds(0), kLongestBusyWait);
}

/// The server did not look at the request (priority and fairness, or it starts or stops).
bool is_busy(const http::Response& response) {
  return response.status == 429 ||
         (response.status == 503 && !response.header("retry-after").empty());
}

}  // namespace

Transport::Transport(Config config, http::Client& http, Clock& clock)
    : config_(std::move(config)), http_(http), clock_(clock), credentials_(config_, clock) {}

Result<http::Response> Transport::send_once(http::Request& request, const CancelToken& cancel) {
  SLUICE_TRY(auto header, credentials_.header());
  for (bool again : {true, false}) {
    request.secret_header_name = header ? "Authorization" : "";
    request.secret_header_value = header;
    ++requests_;
    SLUICE_TRY(http::Response response, http_.send(request, cancel));
    if (response.status != 401 || !again || !credentials_.refresh(header)) return response;
    SLUICE_TRY(header, credentials_.header());
  }
  return fail(Code::kInternal, "unreachable: two attempts were made");
}

Result<http::Response> Transport::send(http::Request request, const std::string& user,
                                       const CancelToken& cancel) {
  request.url = config_.server + request.url;
  request.tls = config_.tls;
  request.proxy = config_.proxy;
  if (!user.empty()) request.headers.emplace_back("Impersonate-User", user);
  for (int attempt = 0;; ++attempt) {
    SLUICE_TRY(http::Response response, send_once(request, cancel));
    if (!is_busy(response) || attempt == kBusyRetries) return response;
    if (!sleep_for(clock_, retry_after(response), cancel))
      return fail(Code::kCancelled, "cancelled while the API server was busy");
  }
}

}  // namespace sluice::kube
