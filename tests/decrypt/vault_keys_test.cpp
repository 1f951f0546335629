// HashiCorp Vault and OpenBao as key services (SOPS hcvault/keysource.go; Vault's transit API), and
// the frame that all remote key services share.
#include <thread>

#include "remote.hpp"

using namespace sluice;
using namespace sluice::decrypt;
using namespace sluice::test;
using namespace std::chrono_literals;

namespace {

constexpr char kAddress[] = "https://vault.example.com:8200";

MasterKey transit(std::string enc = "vault:v1:AAAA") {
  MasterKey key;
  key.type = "hc_vault";
  key.fields = {{"vault_address", kAddress},
                {"engine_path", "sops"},
                {"key_name", "first"},
                {"created_at", "2026-01-01T00:00:00Z"}};
  key.id = std::string(kAddress) + "/v1/sops/keys/first";
  key.wrapped_key = std::move(enc);
  return key;
}

std::string plaintext_answer() {
  return R"({"request_id":"1","data":{"plaintext":")" + std::string(kDataKeyBase64) + R"("}})";
}

}  // namespace

TEST_CASE("Vault: the call is that of Vault's own client, with the token as a secret header") {
  RemoteWorld world;
  world.trust(kAddress);
  world.surroundings->variables = {{"VAULT_TOKEN", "hvs.token\n"}, {"VAULT_NAMESPACE", "team/a"}};
  world.http.answer(200, plaintext_answer());
  const auto service = make_vault_key_service(world.context());
  CHECK(world.surroundings->asked().empty());  // nothing is looked at before the first key
  const auto key = service->unwrap(transit(), {});
  REQUIRE_OK(key);
  CHECK(key->reveal_text() == kDataKey);
  REQUIRE(world.http.count() == 1);
  const auto sent = world.http.sent()[0];
  CHECK(sent.method == "PUT");
  CHECK(sent.url == "https://vault.example.com:8200/v1/sops/decrypt/first");
  CHECK(sent.body == R"({"ciphertext":"vault:v1:AAAA"})");
  CHECK(sent.secret_header == "X-Vault-Token: hvs.token");
  CHECK(sent.header("X-Vault-Namespace") == "team/a");
  CHECK(sent.header("X-Vault-Request") == "true");
}

TEST_CASE("Vault: wrapping asks for encryption and gives what is written to the file") {
  RemoteWorld world;
  world.trust(kAddress);
  world.surroundings->files["/home/me/.vault-token"] = "hvs.file\n";
  world.http.answer(200, R"({"data":{"ciphertext":"vault:v3:xyz","key_version":3}})");
  const auto service = make_vault_key_service(world.context());
  const auto enc =
      service->wrap(transit(""), crypto::SecretBytes::copy_of(kDataKey), CancelToken());
  REQUIRE_OK(enc);
  CHECK(*enc == "vault:v3:xyz");
  const auto sent = world.http.sent()[0];
  CHECK(sent.url == "https://vault.example.com:8200/v1/sops/encrypt/first");
  CHECK(sent.body == R"({"plaintext":")" + std::string(kDataKeyBase64) + R"("})");
  CHECK(sent.secret_header == "X-Vault-Token: hvs.file");
  const auto places = service->looked_in();
  REQUIRE(places.size() == 2);
  CHECK(places[0] == "VAULT_TOKEN: not set");
  CHECK(places[1] == "/home/me/.vault-token");
}

TEST_CASE("Vault: a server that only the file names gets nothing") {
  RemoteWorld world;
  world.surroundings->variables["VAULT_TOKEN"] = "hvs.token";
  SUBCASE("trusted is nobody") {}
  SUBCASE("trusted is another") {
    world.trust("https://vault.example.com");
  }
  SUBCASE("trusted is one whose name starts alike") {
    world.trust("https://vault.example.com:820");
  }
  SUBCASE("trusted is a path below") {
    world.trust("https://vault.example.com:8200/vault");
  }
  SUBCASE("VAULT_ADDR is another") {
    world.surroundings->variables["VAULT_ADDR"] = "http://vault.example.com:8200";
  }
  const auto key = make_vault_key_service(world.context())->unwrap(transit(), {});
  REQUIRE_FALSE(key.has_value());
  CHECK(key.error().code() == Code::kDenied);
  CHECK(key.error().message().find("https://vault.example.com:8200") != std::string::npos);
  CHECK(world.http.count() == 0);
  CHECK_FALSE(world.surroundings->asked().contains("VAULT_TOKEN"));
}

TEST_CASE("Vault: VAULT_ADDR is trusted, an agent is asked instead of the file's server") {
  RemoteWorld world;
  world.surroundings->variables = {{"VAULT_TOKEN", "t"},
                                   {"VAULT_ADDR", "https://vault.example.com:8200/"}};
  SUBCASE("address") {
    world.http.answer(200, plaintext_answer());
    REQUIRE_OK(make_vault_key_service(world.context())->unwrap(transit(), {}));
    CHECK(world.http.sent()[0].url.starts_with("https://vault.example.com:8200/v1/"));
  }
  SUBCASE("agent") {
    world.surroundings->variables["VAULT_AGENT_ADDR"] = "http://127.0.0.1:8100";
    world.http.answer(200, plaintext_answer());
    REQUIRE_OK(make_vault_key_service(world.context())->unwrap(transit(), {}));
    CHECK(world.http.sent()[0].url == "http://127.0.0.1:8100/v1/sops/decrypt/first");
  }
}

TEST_CASE("Vault: engine_path and key_name reach the transit engine only") {
  RemoteWorld world;
  world.trust("all");
  world.surroundings->variables["VAULT_TOKEN"] = "t";
  const auto service = make_vault_key_service(world.context());
  for (const auto& [engine, name] : {std::pair{"sops/../sys", "first"},
                                     {"", "first"},
                                     {"sops", ""},
                                     {"sops", "a/b"},
                                     {"sops", "..%2f"},
                                     {"sops?x", "first"},
                                     {"a//b", "first"},
                                     {"sops", "."}}) {
    MasterKey key = transit();
    key.fields["engine_path"] = engine;
    key.fields["key_name"] = name;
    CAPTURE(engine);
    CAPTURE(name);
    const auto opened = service->unwrap(key, {});
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().code() == Code::kInvalid);
  }
  CHECK(world.http.count() == 0);
  MasterKey nested = transit();
  nested.fields["engine_path"] = "/team/transit/";
  world.http.answer(200, plaintext_answer());
  REQUIRE_OK(service->unwrap(nested, {}));
  CHECK(world.http.sent()[0].url.ends_with("/v1/team/transit/decrypt/first"));
}

TEST_CASE("Vault: refusals carry the server's words, never the token or the ciphertext") {
  RemoteWorld world;
  world.trust(kAddress);
  world.surroundings->variables["VAULT_TOKEN"] = "hvs.very-secret";
  const auto service = make_vault_key_service(world.context());
  world.http.answer(403, R"({"errors":["permission denied for hvs.very-secret\n"]})");
  const auto denied = service->unwrap(transit(), {});
  REQUIRE_FALSE(denied.has_value());
  CHECK(denied.error().code() == Code::kDenied);
  CHECK(denied.error().message() ==
        "failed to decrypt sops data key from Vault transit backend 'sops/decrypt/first': 403 "
        "permission denied for *** (PUT https://vault.example.com:8200/v1/sops/decrypt/first)");
  for (const char* lie : {"", "{", "[]", "{}", R"({"data":null})", R"({"data":{"plaintext":3}})",
                          R"({"data":{"plaintext":"***"}})", R"({"data":{"plaintext":""}})"}) {
    CAPTURE(lie);
    world.http.answer(200, lie);
    const auto opened = service->unwrap(transit(), {});
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().code() == Code::kInvalid);
  }
  world.http.answer(307, "", {{"location", "https://evil.example/v1/sops/decrypt/first"}});
  const auto moved = service->unwrap(transit(), {});
  REQUIRE_FALSE(moved.has_value());
  CHECK(moved.error().code() == Code::kDenied);
  CHECK(moved.error().message().find("evil.example") != std::string::npos);
  CHECK(world.http.sent().back().url.starts_with(kAddress));
}

TEST_CASE("Vault: no token is said with the places that were looked at") {
  RemoteWorld world;
  world.trust(kAddress);
  const auto service = make_vault_key_service(world.context());
  const auto key = service->unwrap(transit(), {});
  REQUIRE_FALSE(key.has_value());
  CHECK(key.error().message().find("no Vault token") != std::string::npos);
  CHECK(service->looked_in() ==
        std::vector<std::string>{"VAULT_TOKEN: not set", "/home/me/.vault-token: no such file"});
  CHECK(world.http.count() == 0);
}

TEST_CASE(
    "Vault: a JWT login is done once, used until near its end, and again when it was revoked") {
  RemoteWorld world;
  VaultCredentials credentials;
  credentials.login = [](const std::string& address,
                         const CancelToken&) -> Result<std::optional<VaultLogin>> {
    if (address != kAddress) return std::optional<VaultLogin>();
    return std::optional(VaultLogin{"auth/kubernetes/login", "flux_controller",
                                    crypto::SecretBytes::copy_of(std::string_view("the.jwt.x"))});
  };
  std::string current = "hvs.one";
  int logins = 0;
  world.http.on_request([&](const ScriptedHttp::Sent& sent) -> Result<http::Response> {
    http::Response response;
    response.status = 200;
    if (sent.url.ends_with("/v1/auth/kubernetes/login")) {
      ++logins;
      CHECK(sent.method == "POST");
      CHECK(sent.body == R"({"role":"flux_controller","jwt":"the.jwt.x"})");
      CHECK(sent.secret_header.empty());
      response.body = R"({"auth":{"client_token":")" + current + R"(","lease_duration":1000}})";
    } else if (sent.secret_header != "X-Vault-Token: " + current) {
      response.status = 403;
      response.body = R"({"errors":["permission denied"]})";
    } else {
      response.body = plaintext_answer();
    }
    return response;
  });
  const auto service = make_vault_key_service(world.context(), std::move(credentials));
  REQUIRE_OK(service->unwrap(transit("vault:v1:1"), {}));
  REQUIRE_OK(service->unwrap(transit("vault:v1:2"), {}));
  CHECK(logins == 1);
  world.clock.advance(901s);
  REQUIRE_OK(service->unwrap(transit("vault:v1:3"), {}));
  CHECK(logins == 2);
  current = "hvs.two";  // the first is revoked now
  REQUIRE_OK(service->unwrap(transit("vault:v1:4"), {}));
  CHECK(logins == 3);
  MasterKey elsewhere = transit("vault:v1:5");
  elsewhere.fields["vault_address"] = "https://evil.example";
  CHECK_FALSE(service->unwrap(elsewhere, {}).has_value());
  CHECK(logins == 3);
}

TEST_CASE("remote keys: an answer is remembered, in time forgotten, and never across credentials") {
  RemoteWorld world;
  world.trust(kAddress);
  world.options.remember = 60s;
  world.surroundings->variables["VAULT_TOKEN"] = "t";
  world.http.on_request([](const ScriptedHttp::Sent&) -> Result<http::Response> {
    http::Response response;
    response.status = 200;
    response.body = plaintext_answer();
    return response;
  });
  const auto context = world.context();
  const auto service = make_vault_key_service(context);
  for (int i = 0; i < 5; ++i) {
    REQUIRE_OK(service->unwrap(transit("vault:v1:same"), {}));
  }
  CHECK(world.http.count() == 1);
  REQUIRE_OK(service->unwrap(transit("vault:v1:other"), {}));
  CHECK(world.http.count() == 2);
  world.clock.advance(61s);
  REQUIRE_OK(service->unwrap(transit("vault:v1:same"), {}));
  CHECK(world.http.count() == 3);
  const auto tenant =
      make_vault_key_service(context, {secret("another token"), "Secret b/keys", {}, {}});
  REQUIRE_OK(tenant->unwrap(transit("vault:v1:same"), {}));
  CHECK(world.http.count() == 4);
  CHECK(world.http.sent().back().secret_header == "X-Vault-Token: another token");
}

TEST_CASE("remote keys: 500 files under one key are at most 500 calls, and none the second time") {
  RemoteWorld world;
  world.trust(kAddress);
  world.surroundings->variables["VAULT_TOKEN"] = "t";
  world.http.on_request([](const ScriptedHttp::Sent&) -> Result<http::Response> {
    http::Response response;
    response.status = 200;
    response.body = plaintext_answer();
    return response;
  });
  const auto service = make_vault_key_service(world.context());
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 500; ++i) {
      REQUIRE_OK(service->unwrap(transit("vault:v1:" + std::to_string(i)), {}));
    }
    CHECK(world.http.count() == 500);
  }
}

TEST_CASE(
    "remote keys: ten who want the same key at once make one call; calls in all are bounded") {
  RemoteWorld world;
  world.trust(kAddress);
  world.options.concurrent = 3;
  world.surroundings->variables["VAULT_TOKEN"] = "t";
  std::atomic<int> now{0};
  std::atomic<int> most{0};
  world.http.on_request([&](const ScriptedHttp::Sent&) -> Result<http::Response> {
    const int here = ++now;
    for (int seen = most; here > seen && !most.compare_exchange_weak(seen, here);) {
    }
    std::this_thread::sleep_for(20ms);
    --now;
    http::Response response;
    response.status = 200;
    response.body = plaintext_answer();
    return response;
  });
  const auto service = make_vault_key_service(world.context());
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 10; ++i) {
      threads.emplace_back([&] { CHECK_OK(service->unwrap(transit("vault:v1:same"), {})); });
    }
  }
  CHECK(world.http.count() == 1);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 10; ++i) {
      threads.emplace_back(
          [&, i] { CHECK_OK(service->unwrap(transit("vault:v1:" + std::to_string(i)), {})); });
    }
  }
  CHECK(world.http.count() == 11);
  CHECK(most <= 3);
}

TEST_CASE("remote keys: who waits can give up; when the caller gives up, the next one calls") {
  RemoteWorld world;
  world.trust(kAddress);
  world.surroundings->variables["VAULT_TOKEN"] = "t";
  std::atomic<bool> go{false};
  CancelSource first;
  std::atomic<int> calls{0};
  world.http.on_request([&](const ScriptedHttp::Sent&) -> Result<http::Response> {
    if (++calls == 1) {
      while (!go)
        std::this_thread::sleep_for(1ms);
      return fail(Code::kCancelled, "the request was cancelled");
    }
    http::Response response;
    response.status = 200;
    response.body = plaintext_answer();
    return response;
  });
  const auto service = make_vault_key_service(world.context());
  std::jthread caller([&] {
    const auto key = service->unwrap(transit(), first.token());
    REQUIRE_FALSE(key.has_value());
    CHECK(key.error().code() == Code::kCancelled);
  });
  while (calls == 0)
    std::this_thread::sleep_for(1ms);
  CancelSource second;
  std::jthread impatient([&] {
    const auto key = service->unwrap(transit(), second.token());
    REQUIRE_FALSE(key.has_value());
    CHECK(key.error().code() == Code::kCancelled);
  });
  std::jthread patient([&] { CHECK_OK(service->unwrap(transit(), {})); });
  std::this_thread::sleep_for(10ms);
  second.cancel();
  impatient.join();
  first.cancel();
  go = true;
  caller.join();
  patient.join();
  CHECK(calls == 2);
}

TEST_CASE("remote keys: throttling and outages are tried again, then said to be the world's") {
  RemoteWorld world;
  world.trust(kAddress);
  world.surroundings->variables["VAULT_TOKEN"] = "t";
  const auto service = make_vault_key_service(world.context());
  world.http.answer(429, R"({"errors":["slow down"]})");
  world.http.answer(503, R"({"errors":["sealed"]})");
  world.http.answer(200, plaintext_answer());
  REQUIRE_OK(service->unwrap(transit(), {}));
  CHECK(world.http.count() == 3);
  for (int i = 0; i < 3; ++i)
    world.http.answer(503, R"({"errors":["Vault is sealed"]})");
  const auto sealed = service->unwrap(transit("vault:v1:2"), {});
  REQUIRE_FALSE(sealed.has_value());
  CHECK(sealed.error().code() == Code::kUnavailable);
  CHECK(world.http.count() == 6);
  for (int i = 0; i < 3; ++i)
    world.http.answer(Error(Code::kUnavailable, "vault.example.com:8200: timed out"));
  const auto slow = service->unwrap(transit("vault:v1:3"), {});
  REQUIRE_FALSE(slow.has_value());
  CHECK(slow.error().code() == Code::kUnavailable);
  CHECK(slow.error().message().find("timed out") != std::string::npos);
}

TEST_CASE(
    "remote keys: the list of trusted servers takes URLs, all and none, and refuses the rest") {
  CHECK(TrustedHosts::parse("all")->allows("http://anything.example/x"));
  CHECK_FALSE(TrustedHosts::parse("none")->allows("https://vault.example.com"));
  CHECK_FALSE(TrustedHosts::parse("all")->allows("https://user@vault.example.com"));
  const auto some =
      TrustedHosts::parse(" https://a.example/x , http://127.0.0.1:8200\nhttps://b.example");
  REQUIRE_OK(some);
  CHECK(some->allows("https://a.example/x"));
  CHECK(some->allows("https://A.example/x/y"));
  CHECK_FALSE(some->allows("https://a.example/xy"));
  CHECK_FALSE(some->allows("https://a.example/x/../y"));
  CHECK_FALSE(some->allows("https://a.example"));
  CHECK(some->allows("http://127.0.0.1:8200"));
  CHECK_FALSE(some->allows("https://127.0.0.1:8200"));
  CHECK(some->allows("https://b.example:443/"));
  CHECK_FALSE(some->allows("https://b.example.evil.example"));
  for (const char* bad : {"vault.example.com", "https://u@x", "ftp://x", "https://a?b=c"}) {
    CAPTURE(bad);
    const auto parsed = TrustedHosts::parse(bad);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().code() == Code::kInvalid);
  }
}
