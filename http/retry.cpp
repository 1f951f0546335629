#include "sluice/http/retry.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <ctime>
#include <random>

namespace sluice::http {
namespace {

using std::chrono::milliseconds;

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, IMF-fixdate).
std::optional<WallTime> parse_http_date(const std::string& text) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  int day = 0;
  int year = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  char month[4] = {};
  if (std::sscanf(text.c_str(), "%*3s, %2d %3s %4d %2d:%2d:%2d GMT", &day, month, &year, &hour,
                  &minute, &second) != 6) {
    return std::nullopt;
  }
  const std::size_t at = kMonths.find(month);
  if (std::strlen(month) != 3 || at == std::string_view::npos || at % 3 != 0) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(at / 3 + 1)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

}  // namespace

bool is_retryable(int status) {
  return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 ||
         status == 504;
}

std::optional<milliseconds> retry_after(const Response& response, const Clock& clock) {
  const std::string text(response.header("retry-after"));
  if (text.empty()) return std::nullopt;
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc() && end == text.data() + text.size()) {
    if (seconds < 0) return std::nullopt;
    return milliseconds(std::min<std::int64_t>(seconds, 86'400) * 1000);
  }
  const auto date = parse_http_date(text);
  if (!date) return std::nullopt;
  return std::max(milliseconds(0), std::chrono::duration_cast<milliseconds>(*date - clock.wall()));
}

milliseconds backoff(const RetryPolicy& policy, int attempt, std::uint64_t random) {
  const int doublings = std::clamp(attempt - 2, 0, 20);
  const std::int64_t most =
      std::min<std::int64_t>(policy.cap.count(), policy.base.count() << doublings);
  if (most <= 0) return milliseconds(0);
  return milliseconds(static_cast<std::int64_t>(random % (static_cast<std::uint64_t>(most) + 1)));
}

Result<Response> send_with_retry(Client& client, const Request& request, const CancelToken& cancel,
                                 Clock& clock, const RetryPolicy& policy) {
  thread_local std::mt19937_64 random{std::random_device{}()};
  for (int attempt = 1;; ++attempt) {
    auto answer = client.send(request, cancel);
    const bool again = answer
                           ? is_retryable(answer->status) || (policy.also && policy.also(*answer))
                           : answer.error().code() == Code::kUnavailable;
    if (!again || attempt >= policy.attempts) return answer;
    milliseconds pause = backoff(policy, attempt + 1, random());
    if (answer) {
      if (const auto asked = retry_after(*answer, clock)) pause = std::min(policy.cap, *asked);
    }
    if (!sleep_for(clock, pause, cancel)) {
      return fail(Code::kCancelled, "cancelled while waiting to retry");
    }
  }
}

}  // namespace sluice::http
