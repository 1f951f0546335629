// The contract of http::Client, held against the real client and a loopback server.
#include "sluice/http/curl_client.hpp"

#include <atomic>
#include <chrono>
#include <thread>
#include <unistd.h>
#include <vector>

#include "support/certificates.hpp"
#include "support/process.hpp"
#include "support/test.hpp"

namespace sluice::http {
namespace {

using namespace std::chrono_literals;
using crypto::SecretBytes;
using test::Certificates;

struct Server {
  explicit Server(std::vector<std::string> arguments = {})
      : process([&] {
          std::vector<std::string> all{"python3",
                                       SLUICE_SOURCE_DIR "/tests/support/http_server.py"};
          all.insert(all.end(), arguments.begin(), arguments.end());
          return all;
        }()),
        port(process.read_line()) {}
  std::string url(const std::string& path) const { return "http://127.0.0.1:" + port + path; }
  std::string https(const std::string& path, const std::string& host = "localhost") const {
    return "https://" + host + ":" + port + path;
  }
  test::Process process;
  std::string port;
};

const Server& plain_server() {
  static const Server server;
  return server;
}

CurlClient& client() {
  static const std::unique_ptr<CurlClient> made = make_curl_client();
  return *made;
}

Request get(const std::string& path) {
  Request request;
  request.url = plain_server().url(path);
  request.timeout = 10s;
  return request;
}

std::shared_ptr<const SecretBytes> secret(std::string_view text) {
  return std::make_shared<const SecretBytes>(SecretBytes::copy_of(text));
}

std::chrono::milliseconds since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               start);
}

}  // namespace

TEST_CASE("a request carries method, query, headers, secret header and body; nothing of its own") {
  Request request = get("/echo?a=1&b=%20");
  request.method = "PATCH";
  request.headers = {{"X-One", "1"}, {"X-Empty", ""}, {"Accept", "application/json"}};
  request.secret_header_name = "Authorization";
  request.secret_header_value = bearer_authorization(SecretBytes::copy_of("t0ken"));
  request.body = "the body";
  const auto before = client().requests_sent();
  const auto answer = client().send(request, {});
  REQUIRE_OK(answer);
  CHECK(client().requests_sent() == before + 1);
  CHECK(answer->status == 200);
  CHECK(answer->header("content-type") == "text/plain");
  CHECK(answer->header("absent").empty());
  CHECK(answer->body.starts_with("PATCH /echo?a=1&b=%20\n"));
  for (const char* line :
       {"X-One: 1\n", "X-Empty: \n", "Accept: application/json\n", "Authorization: Bearer t0ken\n",
        "Content-Length: 8\n", "User-Agent: sluice/"}) {
    CHECK_MESSAGE(answer->body.find(line) != std::string::npos, line);
  }
  CHECK(answer->body.find("Content-Type") == std::string::npos);
  CHECK(answer->body.find("Expect") == std::string::npos);
  CHECK(answer->body.ends_with("\nthe body"));
}

TEST_CASE(
    "secret bodies of any size and content arrive, and secret answers come in secret memory") {
  std::string body(300'000, 'z');
  body[7] = '\0';
  Request request = get("/echo");
  request.method = "PUT";
  request.secret_body = secret(body);
  request.secret_response = true;
  const auto answer = client().send(request, {});
  REQUIRE_OK(answer);
  CHECK(answer->body.empty());
  REQUIRE(answer->secret_body);
  CHECK(answer->secret_body->reveal_text().ends_with(body));
}

TEST_CASE("methods without a body, empty bodies and empty answers") {
  for (const char* method : {"GET", "DELETE", "POST", "PUT", "OPTIONS"}) {
    INFO(method);
    Request request = get("/echo");
    request.method = method;
    const auto answer = client().send(request, {});
    REQUIRE_OK(answer);
    if (std::string_view(method) != "OPTIONS") {  // the server has no OPTIONS: any status is fine
      CHECK(answer->body.starts_with(std::string(method) + " /echo\n"));
    }
  }
  Request head = get("/size/10");
  head.method = "HEAD";
  const auto answer = client().send(head, {});
  REQUIRE_OK(answer);
  CHECK(answer->body.empty());
  CHECK(answer->header("content-length") == "10");
  CHECK(client().send(get("/status/204"), {})->status == 204);
}

TEST_CASE("basic and bearer authorization are spelled as RFC 7617 and 6750 say") {
  CHECK(basic_authorization("Aladdin", SecretBytes::copy_of("open sesame"))->reveal_text() ==
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  CHECK(bearer_authorization(SecretBytes::copy_of("abc"))->reveal_text() == "Bearer abc");
}

TEST_CASE("any status is an answer; redirects are not followed") {
  CHECK(client().send(get("/status/500"), {})->body == "status body");
  CHECK(client().send(get("/status/401"), {})->status == 401);
  const auto redirect = client().send(get("/redirect"), {});
  CHECK(redirect->status == 302);
  CHECK(redirect->header("location") == "/echo");
}

TEST_CASE("an answer of exactly the limit is taken, one byte more is refused") {
  Request request = get("/size/1000");
  request.max_response_bytes = 1000;
  CHECK(client().send(request, {})->body.size() == 1000);
  request.url = plain_server().url("/size/1001");
  const auto answer = client().send(request, {});
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().code() == Code::kInvalid);
  request.secret_response = true;
  CHECK(client().send(request, {}).error().code() == Code::kInvalid);
}

TEST_CASE("headers past 256 KiB are refused") {
  CHECK_OK(client().send(get("/headers/50000"), {}));
  const auto answer = client().send(get("/headers/400000"), {});
  REQUIRE_FALSE(answer.has_value());
  CHECK((answer.error().code() == Code::kInvalid || answer.error().code() == Code::kUnavailable));
}

TEST_CASE("on_body gets the bytes as they arrive, and can end the exchange") {
  std::string got;
  int calls = 0;
  Request request = get("/chunks/5");
  request.on_body = [&](std::string_view bytes) {
    got += bytes;
    ++calls;
    return true;
  };
  const auto answer = client().send(request, {});
  REQUIRE_OK(answer);
  CHECK(answer->body.empty());
  CHECK(got == "chunk 0\nchunk 1\nchunk 2\nchunk 3\nchunk 4\n");
  CHECK(calls > 1);

  request.url = plain_server().url("/forever");
  request.timeout = 0ms;
  request.on_body = [](std::string_view bytes) { return bytes.find("3") == std::string::npos; };
  CHECK(client().send(request, {}).error().code() == Code::kCancelled);

  // The body of a failure is buffered, so that its message can be read.
  request.url = plain_server().url("/status/403");
  CHECK(client().send(request, {})->body == "status body");
}

TEST_CASE("cancelling ends an exchange that waits, and one that streams") {
  for (const auto* path : {"/hang", "/forever"}) {
    INFO(path);
    CancelSource source;
    Request request = get(path);
    request.timeout = 0ms;
    request.on_body = [](std::string_view) { return true; };
    std::thread canceller([&] {
      std::this_thread::sleep_for(100ms);
      source.cancel();
    });
    const auto start = std::chrono::steady_clock::now();
    const auto answer = client().send(request, source.token());
    canceller.join();
    CHECK(answer.error().code() == Code::kCancelled);
    CHECK(since(start) < 2s);
    CHECK(client().send(request, source.token()).error().code() == Code::kCancelled);
  }
}

TEST_CASE("destroying a client cancels nothing that is not its own, and its streams end") {
  auto own = make_curl_client();
  CancelSource source;
  Request request = get("/forever");
  request.timeout = 0ms;
  request.on_body = [](std::string_view) { return true; };
  std::atomic<bool> ended{false};
  std::thread reader([&] {
    CHECK(own->send(request, source.token()).error().code() == Code::kCancelled);
    ended = true;
  });
  std::this_thread::sleep_for(100ms);
  CHECK_FALSE(ended);
  source.cancel();
  reader.join();
  own.reset();
  CHECK_OK(client().send(get("/echo"), {}));
}

TEST_CASE("timeouts: of the exchange, and of silence") {
  Request request = get("/hang");
  request.timeout = 200ms;
  auto start = std::chrono::steady_clock::now();
  auto answer = client().send(request, {});
  CHECK(answer.error().code() == Code::kUnavailable);
  CHECK(answer.error().message().find("timed out") != std::string::npos);
  CHECK(since(start) < 2s);

  request = get("/drip");
  request.stall_timeout = 1s;
  start = std::chrono::steady_clock::now();
  answer = client().send(request, {});
  CHECK(answer.error().code() == Code::kUnavailable);
  CHECK(answer.error().message().find("nothing arrived for 1 s") != std::string::npos);
  CHECK(since(start) < 8s);
}

TEST_CASE("an answer that is cut off, or none at all, is kUnavailable") {
  for (const auto* path : {"/cut", "/hangup"}) {
    const auto answer = client().send(get(path), {});
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().code() == Code::kUnavailable);
  }
}

TEST_CASE("errors name host and port, never query, header or body") {
  const std::string port = std::to_string(test::free_port());
  Request request;
  request.url = "http://127.0.0.1:" + port + "/path?token=hunter2";
  request.secret_header_name = "Authorization";
  request.secret_header_value = bearer_authorization(SecretBytes::copy_of("hunter2"));
  auto answer = client().send(request, {});
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().code() == Code::kUnavailable);
  CHECK(answer.error().message() == "cannot connect to 127.0.0.1:" + port + ": Connection refused");
  request.proxy = "http://127.0.0.1:" + port;
  request.url = "http://does-not-exist.invalid/?token=hunter2";
  answer = client().send(request, {});
  CHECK(answer.error().message() ==
        "cannot connect to the proxy for does-not-exist.invalid:80: Connection refused");
  request.proxy.clear();
  answer = client().send(request, {});
  CHECK(answer.error().code() == Code::kUnavailable);
  CHECK(answer.error().message() == "cannot resolve host \"does-not-exist.invalid\"");
}

TEST_CASE("URLs, methods and headers that cannot be are refused before anything is sent") {
  const auto before = client().requests_sent();
  const auto code = [](const Request& request) {
    const auto answer = client().send(request, {});
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().text().find("hunter2") == std::string::npos);
    return answer.error().code();
  };
  Request request;
  for (const char* url : {"", "no url", "ftp://x/", "file:///etc/passwd", "http://u:hunter2@x/",
                          "http://u@x/", "http://x\r\nHost: y/", "http:///"}) {
    INFO(url);
    request.url = url;
    CHECK(code(request) == Code::kInvalid);
  }
  request.url = plain_server().url("/echo");
  request.method = "GET /x HTTP/1.1";
  CHECK(code(request) == Code::kInvalid);
  request.method = "GET";
  request.headers = {{"X", "a\r\nInjected: b"}};
  CHECK(code(request) == Code::kInvalid);
  request.headers = {{"X:Y", "a"}};
  CHECK(code(request) == Code::kInvalid);
  request.headers.clear();
  request.secret_header_name = "Authorization";
  request.secret_header_value = secret("Bearer hunter2\nInjected: x");
  CHECK(code(request) == Code::kInvalid);
  CHECK(client().requests_sent() == before);
}

TEST_CASE("many threads share one client, more requests than connections") {
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 16; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        Request request = get("/echo?" + std::to_string(t * 100 + i));
        if (i % 2 == 0) request.secret_body = secret("s" + std::to_string(i));
        if (i % 2 == 0) request.method = "POST";
        const auto answer = client().send(request, {});
        if (answer &&
            answer->body.find("?" + std::to_string(t * 100 + i) + "\n") != std::string::npos) {
          ++good;
        }
      }
    });
  }
  for (auto& thread : threads)
    thread.join();
  CHECK(good == 160);
}

TEST_CASE("connections are kept: ten requests in a row use one") {
  const auto own = make_curl_client();
  std::string first;
  for (int i = 0; i < 10; ++i) {
    const auto answer = own->send(get("/status/200"), {});
    REQUIRE_OK(answer);
    if (i == 0) first = answer->header("x-connection");
    CHECK(answer->header("x-connection") == first);
  }
}

TEST_CASE("TLS: the right authority is trusted, another or none is kIntegrity") {
  const Certificates* certificates = Certificates::get();
  if (certificates == nullptr) SLUICE_SKIP("no openssl program (scripts/deps installs it)");
  const Server server(
      {"--cert", certificates->path("server.crt"), "--key", certificates->path("server.key")});
  const auto tls_for = [&](const std::string& ca) {
    auto tls = std::make_shared<Tls>();
    tls->ca_pem = ca.empty() ? "" : certificates->text(ca);
    return tls;
  };
  Request request;
  request.timeout = 10s;
  request.url = server.https("/echo");
  request.tls = tls_for("ca.crt");
  REQUIRE_OK(client().send(request, {}));

  // Not even over the connection that is open already.
  request.tls = tls_for("other.crt");
  auto answer = client().send(request, {});
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().code() == Code::kIntegrity);
  CHECK(answer.error().message().find("cannot trust the server") != std::string::npos);
  request.tls = nullptr;
  CHECK(client().send(request, {}).error().code() == Code::kIntegrity);

  auto tls = tls_for("other.crt");
  tls->insecure = true;
  request.tls = tls;
  CHECK_OK(client().send(request, {}));

  SUBCASE("an unusable PEM is the user's error") {
    tls = tls_for("ca.crt");
    tls->ca_pem = "no certificate";
    request.tls = tls;
    CHECK(client().send(request, {}).error().code() == Code::kInvalid);
    tls = tls_for("ca.crt");
    tls->client_certificate_pem = certificates->text("client.crt");
    tls->client_key_pem = secret(certificates->text("other.key"));
    request.tls = tls;
    CHECK(client().send(request, {}).error().code() == Code::kInvalid);
  }
  SUBCASE("server_name is verified instead of the URL's host, which stays in Host") {
    tls = tls_for("ca.crt");
    tls->server_name = "sluice.test";
    request.tls = tls;
    request.url = server.https("/echo", "127.0.0.1");
    const auto named = client().send(request, {});
    REQUIRE_OK(named);
    CHECK(named->body.find("Host: 127.0.0.1:" + server.port + "\n") != std::string::npos);
    tls = tls_for("ca.crt");
    tls->server_name = "other.test";
    request.tls = tls;
    CHECK(client().send(request, {}).error().code() == Code::kIntegrity);
  }
  SUBCASE("plain HTTP on a TLS port and TLS on a plain port are kUnavailable") {
    request.tls = tls_for("ca.crt");
    request.url = "https://localhost:" + plain_server().port + "/echo";
    CHECK(client().send(request, {}).error().code() == Code::kUnavailable);
    // A client of its own: curl 8 sends this over a TLS connection that it has open to the port.
    request.url = "http://localhost:" + server.port + "/echo";
    const auto refused = make_curl_client()->send(request, {});
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code() == Code::kUnavailable);
  }
}

TEST_CASE("TLS: a client certificate from memory opens the door, without it the door says so") {
  const Certificates* certificates = Certificates::get();
  if (certificates == nullptr) SLUICE_SKIP("no openssl program (scripts/deps installs it)");
  const Server server({"--cert", certificates->path("server.crt"), "--key",
                       certificates->path("server.key"), "--client-ca",
                       certificates->path("ca.crt")});
  auto tls = std::make_shared<Tls>();
  tls->ca_pem = certificates->text("ca.crt");
  Request request;
  request.timeout = 10s;
  request.url = server.https("/echo");
  request.tls = tls;
  const auto refused = client().send(request, {});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code() == Code::kDenied);

  tls = std::make_shared<Tls>(*tls);
  tls->client_certificate_pem = certificates->text("client.crt");
  tls->client_key_pem = secret(certificates->text("client.key"));
  request.tls = tls;
  REQUIRE_OK(client().send(request, {}));
  // Another request with the same content shares the connection.
  const auto first = client().send(request, {});
  request.tls = std::make_shared<Tls>(*tls);
  const auto second = client().send(request, {});
  REQUIRE_OK(first);
  REQUIRE_OK(second);
  CHECK(first->body.size() == second->body.size());
}

}  // namespace sluice::http
