#pragma once
/// A context for remote key services whose servers are a script.

#include <memory>
#include <string>

#include "sluice/decrypt/remote_keys.hpp"

#include "support/manual_clock.hpp"
#include "support/scripted_http.hpp"
#include "support/surroundings.hpp"
#include "support/test.hpp"

namespace sluice::test {

struct RemoteWorld {
  ScriptedHttp http;
  ManualClock clock;
  std::shared_ptr<TestSurroundings> surroundings = std::make_shared<TestSurroundings>();
  decrypt::RemoteKeyOptions options = [this] {
    decrypt::RemoteKeyOptions made;
    made.surroundings = surroundings;
    made.client = [this]() -> http::Client& { return http; };
    made.clock = &clock;
    made.retry = {.attempts = 3, .base = std::chrono::milliseconds(0)};
    return made;
  }();
  void trust(std::string_view addresses) {
    auto parsed = decrypt::TrustedHosts::parse(addresses);
    REQUIRE_OK(parsed);
    options.trusted = *std::move(parsed);
  }
  std::shared_ptr<decrypt::RemoteContext> context() const {
    return decrypt::make_remote_context(options);
  }
};

inline std::shared_ptr<const crypto::SecretBytes> secret(std::string_view text) {
  return std::make_shared<const crypto::SecretBytes>(crypto::SecretBytes::copy_of(text));
}

/// 32 bytes, as text.
inline constexpr std::string_view kDataKey = "0123456789abcdef0123456789ABCDEF";
inline constexpr std::string_view kDataKeyBase64 = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlBQkNERUY=";

}  // namespace sluice::test
