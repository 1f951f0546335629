// HTTP/2 against nginx: requests share a connection, private ones go over HTTP/1.1, streams do not
// stand in the way.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <set>
#include <stdlib.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "sluice/http/curl_client.hpp"

#include "support/certificates.hpp"
#include "support/process.hpp"
#include "support/test.hpp"

namespace fs = std::filesystem;

namespace sluice::http {
namespace {

using namespace std::chrono_literals;
using test::Certificates;

/// nginx in the foreground, in a directory of its own; /who tells connection and protocol, /slow
/// sends 64 KB a second.
struct Nginx {
  explicit Nginx(const std::string& program, const Certificates& certificates) {
    std::string pattern = fs::temp_directory_path() / "sluice-nginx-XXXXXX";
    directory = ::mkdtemp(pattern.data());
    fs::permissions(directory, fs::perms::owner_all | fs::perms::others_exec);
    port = test::free_port();
    std::ofstream(directory / "slow") << std::string(1 << 20, 's');
    std::ofstream(directory / "nginx.conf")
        << "daemon off; master_process off; pid " << (directory / "pid").string() << "; error_log "
        << (directory / "error.log").string() << ";\n"
        << "events {}\nhttp { access_log off; client_body_temp_path " << directory.string()
        << "/body; proxy_temp_path " << directory.string() << "/proxy; fastcgi_temp_path "
        << directory.string() << "/fcgi; uwsgi_temp_path " << directory.string()
        << "/uwsgi; scgi_temp_path " << directory.string() << "/scgi;\n"
        << "server { listen 127.0.0.1:" << port << " ssl http2; server_name localhost;\n"
        << "ssl_certificate " << certificates.path("server.crt") << "; ssl_certificate_key "
        << certificates.path("server.key") << ";\n"
        << "location /who { return 200 \"$connection $server_protocol\"; }\n"
        << "location /slow { root " << directory.string() << "; limit_rate 64k; } } }\n";
    process.emplace(std::vector<std::string>{program, "-p", directory, "-c",
                                             (directory / "nginx.conf").string(), "-e",
                                             (directory / "error.log").string()});
  }
  ~Nginx() {
    process.reset();
    std::error_code ignored;
    fs::remove_all(directory, ignored);
  }
  std::string url(const std::string& path) const {
    return "https://localhost:" + std::to_string(port) + path;
  }
  fs::path directory;
  int port = 0;
  std::optional<test::Process> process;
};

Result<Response> send_until_it_listens(Client& client, const Request& request) {
  Result<Response> answer = client.send(request, {});
  for (int i = 0; i < 100 && !answer; ++i) {
    std::this_thread::sleep_for(20ms);
    answer = client.send(request, {});
  }
  return answer;
}

}  // namespace

TEST_CASE("HTTP/2: many requests at once share one connection, private ones do not use it") {
  const auto program = test::find_program("nginx");
  const Certificates* certificates = Certificates::get();
  if (!program || certificates == nullptr) {
    SLUICE_SKIP("no nginx or openssl program (scripts/deps --tests installs them)");
  }
  const Nginx nginx(*program, *certificates);
  auto tls = std::make_shared<Tls>();
  tls->ca_pem = certificates->text("ca.crt");
  const auto client = make_curl_client();
  Request request;
  request.url = nginx.url("/who");
  request.tls = tls;
  request.timeout = 10s;
  const auto first = send_until_it_listens(*client, request);
  REQUIRE_OK(first);
  CHECK(first->body.ends_with(" HTTP/2.0"));

  std::mutex mutex;
  std::set<std::string> answers;
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 20; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        const auto answer = client->send(request, {});
        if (!answer || answer->status != 200) continue;
        ++good;
        const std::lock_guard lock(mutex);
        answers.insert(answer->body);
      }
    });
  }
  for (auto& thread : threads)
    thread.join();
  CHECK(good == 400);
  CHECK(answers == std::set<std::string>{first->body});

  Request secret = request;
  secret.secret_response = true;
  const auto answer = client->send(secret, {});
  REQUIRE_OK(answer);
  CHECK(answer->secret_body->reveal_text().ends_with(" HTTP/1.1"));
}

TEST_CASE("HTTP/2: streams share a connection of their own and delay nobody") {
  const auto program = test::find_program("nginx");
  const Certificates* certificates = Certificates::get();
  if (!program || certificates == nullptr) {
    SLUICE_SKIP("no nginx or openssl program (scripts/deps --tests installs them)");
  }
  const Nginx nginx(*program, *certificates);
  auto tls = std::make_shared<Tls>();
  tls->ca_pem = certificates->text("ca.crt");
  const auto client = make_curl_client({.max_host_connections = 1});
  Request request;
  request.url = nginx.url("/who");
  request.tls = tls;
  request.timeout = 10s;
  REQUIRE_OK(send_until_it_listens(*client, request));
  CancelSource cancel;
  std::atomic<std::size_t> received{0};
  std::atomic<int> started{0};
  std::vector<std::thread> streams;
  for (int t = 0; t < 10; ++t) {
    streams.emplace_back([&] {
      Request stream = request;
      stream.url = nginx.url("/slow");
      stream.timeout = 0ms;
      bool counted = false;
      stream.on_body = [&](std::string_view bytes) {
        received += bytes.size();
        if (!counted) ++started;
        counted = true;
        return true;
      };
      CHECK(client->send(stream, cancel.token()).error().code() == Code::kCancelled);
    });
  }
  for (int i = 0; i < 200 && started < 10; ++i)
    std::this_thread::sleep_for(10ms);
  CHECK(started == 10);
  const auto before = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i)
    CHECK_OK(client->send(request, {}));
  CHECK(std::chrono::steady_clock::now() - before < 2s);
  cancel.cancel();
  for (auto& stream : streams)
    stream.join();
  CHECK(received > 0);
}

}  // namespace sluice::http
