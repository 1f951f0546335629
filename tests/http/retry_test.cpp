// Retrying: RFC 9110 section 10.2.3 (Retry-After), backoff with full jitter.
#include "sluice/http/retry.hpp"

#include "support/scripted_http.hpp"
#include "support/test.hpp"

namespace sluice::http {
namespace {

using namespace std::chrono_literals;

/// Time passes only by waiting.
class JumpingClock final : public Clock {
 public:
  WallTime wall() const override { return WallTime(784'111'777s) + now_; }  // 06 Nov 1994 08:49:37
  SteadyTime steady() const override { return SteadyTime(now_); }
  void wait_until(std::unique_lock<std::mutex>&, std::condition_variable&,
                  SteadyTime deadline) override {
    ++waits;
    now_ = deadline.time_since_epoch();
  }
  int waits = 0;

 private:
  Duration now_{0};
};

}  // namespace

TEST_CASE("only what may pass by itself is retried") {
  for (const int status : {408, 429, 500, 502, 503, 504})
    CHECK(is_retryable(status));
  for (const int status : {200, 301, 400, 401, 403, 404, 409, 501})
    CHECK_FALSE(is_retryable(status));
}

TEST_CASE("backoff: full jitter below a doubling bound that ends at the cap") {
  const RetryPolicy policy{.attempts = 9, .base = 100ms, .cap = 1s};
  for (const auto& [attempt, bound] :
       {std::pair{2, 100}, {3, 200}, {4, 400}, {5, 800}, {6, 1000}, {60, 1000}}) {
    CHECK(backoff(policy, attempt, 0) == 0ms);
    CHECK(backoff(policy, attempt, static_cast<std::uint64_t>(bound)).count() == bound);
    CHECK(backoff(policy, attempt, ~std::uint64_t{0}).count() <= bound);
  }
}

TEST_CASE("Retry-After is seconds or a date") {
  const JumpingClock clock;
  const auto asked = [&](const char* text) {
    Response response;
    response.headers = {{"retry-after", text}};
    return retry_after(response, clock);
  };
  CHECK(asked("2") == 2000ms);
  CHECK(asked("0") == 0ms);
  CHECK(asked("Sun, 06 Nov 1994 08:49:40 GMT") == 3000ms);
  CHECK(asked("Sun, 06 Nov 1994 08:00:00 GMT") == 0ms);
  for (const char* bad : {"", "-1", "1.5", "soon", "Sun, 99 Foo 1994 08:49:40 GMT"})
    CHECK_MESSAGE(asked(bad) == std::nullopt, bad);
}

TEST_CASE("send_with_retry: until it works, at most `attempts` times, not for the user's errors") {
  JumpingClock clock;
  SUBCASE("works at the third") {
    test::ScriptedHttp http;
    http.answer(503, "");
    http.answer(Error(Code::kUnavailable, "cut off"));
    http.answer(200, "good");
    const auto answer = send_with_retry(http, {}, {}, clock);
    REQUIRE_OK(answer);
    CHECK(answer->body == "good");
    CHECK(http.count() == 3);
  }
  SUBCASE("gives up with the last answer") {
    test::ScriptedHttp http([](const auto&) {
      Response response;
      response.status = 429;
      response.headers = {{"retry-after", "7"}};
      return response;
    });
    CHECK(send_with_retry(http, {}, {}, clock)->status == 429);
    CHECK(http.count() == 4);
    CHECK(clock.steady().time_since_epoch() == 21s);
  }
  SUBCASE("not a 404, not an untrusted server") {
    test::ScriptedHttp http;
    http.answer(404, "");
    http.answer(Error(Code::kIntegrity, "cannot trust"));
    CHECK(send_with_retry(http, {}, {}, clock)->status == 404);
    CHECK(send_with_retry(http, {}, {}, clock).error().code() == Code::kIntegrity);
    CHECK(http.count() == 2);
  }
  SUBCASE("cancelled while waiting") {
    CancelSource source;
    test::ScriptedHttp http([&](const auto&) -> Result<Response> {
      source.cancel();
      return fail(Code::kUnavailable, "down");
    });
    CHECK(send_with_retry(http, {}, source.token(), clock).error().code() == Code::kCancelled);
    CHECK(http.count() == 1);
  }
}

}  // namespace sluice::http
