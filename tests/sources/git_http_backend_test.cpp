// The same pulls from git http-backend behind nginx and fcgiwrap: what a self-hosted server runs.
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdlib.h>
#include <thread>
#include <unistd.h>

#include "sluice/http/curl_client.hpp"
#include "sluice/sources/source_store.hpp"

#include "support/certificates.hpp"
#include "support/git_repository.hpp"
#include "support/process.hpp"
#include "support/test.hpp"

namespace fs = std::filesystem;

namespace sluice::sources {

TEST_CASE("git http-backend over TLS and HTTP/2: first pull, unchanged, one new commit") {
  const auto nginx = test::find_program("nginx");
  const auto fcgiwrap = test::find_program("fcgiwrap");
  const std::string backend = "/usr/lib/git-core/git-http-backend";
  const test::Certificates* certificates = test::Certificates::get();
  if (!nginx || !fcgiwrap || !test::have_git() || !fs::exists(backend) || !certificates) {
    SLUICE_SKIP("no nginx, fcgiwrap, git-http-backend or openssl (scripts/deps --tests)");
  }
  test::GitRepository repository;
  std::map<std::string, std::string> files;
  for (int i = 0; i < 300; ++i)
    files["d" + std::to_string(i % 10) + "/f" + std::to_string(i)] = std::to_string(i);
  repository.commit(files);
  const fs::path at = repository.root().parent_path();
  const int port = test::free_port();
  const std::string socket = "unix:" + (at / "fcgi.sock").string();
  std::ofstream(at / "nginx.conf")
      << "daemon off; master_process off; pid " << at.string() << "/pid;\nevents {}\n"
      << "http { access_log off; client_body_temp_path " << at.string() << "/body; proxy_temp_path "
      << at.string() << "/p; fastcgi_temp_path " << at.string() << "/f; uwsgi_temp_path "
      << at.string() << "/u; scgi_temp_path " << at.string() << "/s;\n"
      << "server { listen 127.0.0.1:" << port << " ssl http2; ssl_certificate "
      << certificates->path("server.crt") << "; ssl_certificate_key "
      << certificates->path("server.key") << "; location / {\n"
      << "fastcgi_pass " << socket << "; fastcgi_param SCRIPT_FILENAME " << backend << ";\n"
      << "fastcgi_param GIT_HTTP_EXPORT_ALL 1; fastcgi_param GIT_PROJECT_ROOT "
      << repository.root().string() << "; fastcgi_param GIT_PROTOCOL $http_git_protocol;\n"
      << "fastcgi_param GIT_CONFIG_COUNT 1; fastcgi_param GIT_CONFIG_KEY_0 safe.directory;\n"
      << "fastcgi_param GIT_CONFIG_VALUE_0 *; fastcgi_param PATH_INFO $uri;\n"
      << "fastcgi_param QUERY_STRING $query_string; fastcgi_param REQUEST_METHOD "
         "$request_method;\n"
      << "fastcgi_param CONTENT_TYPE $content_type; fastcgi_param CONTENT_LENGTH "
         "$content_length; } } }\n";
  const test::Process wrap({*fcgiwrap, "-s", socket});
  const test::Process server({*nginx, "-p", at, "-c", at / "nginx.conf", "-e", at / "error.log"});
  const auto http = http::make_curl_client();
  const auto store = make_source_store(at / "store", *http);
  const GitSpec spec{.id = "x",
                     .url = "https://localhost:" + std::to_string(port) + "/fleet.git",
                     .ref = {.branch = "main"}};
  const Credentials credentials{.ca_pem = certificates->text("ca.crt")};
  PullStats stats;
  auto artifact = store->pull(spec, credentials, {}, &stats);
  for (int i = 0; i < 100 && !artifact; ++i) {  // until both listen
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    artifact = store->pull(spec, credentials, {}, &stats);
  }
  REQUIRE_OK(artifact);
  CHECK(stats.objects == 1 + 1 + 10 + 300);
  REQUIRE_OK(store->pull(spec, credentials, {}, &stats));
  CHECK(stats.requests == 1);
  CHECK(stats.unchanged);
  const std::string second = repository.commit({{"d1/f1", "changed"}});
  const auto after = store->pull(spec, credentials, {}, &stats);
  REQUIRE_OK(after);
  CHECK(after->commit == second);
  CHECK(stats.requests == 2);
  CHECK(stats.objects == 4);
  GitSpec missing = spec;
  missing.url = "https://localhost:" + std::to_string(port) + "/none.git";
  CHECK(store->pull(missing, credentials, {}).error().code() == Code::kNotFound);
  CHECK(store->pull(spec, {}, {}).error().code() == Code::kIntegrity);  // untrusted
}

}  // namespace sluice::sources
