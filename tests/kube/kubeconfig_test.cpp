// client-go tools/clientcmd and rest.InClusterConfig.
#include "sluice/base/encoding.hpp"
#include "sluice/kube/config.hpp"

#include "kube/credentials.hpp"
#include "support/files.hpp"
#include "support/manual_clock.hpp"
#include "support/test.hpp"

using namespace sluice;

namespace {

std::string kubeconfig(const std::string& cluster, const std::string& user) {
  return "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts:\n- name: c\n  context: "
         "{cluster: k, user: u, namespace: apps}\n- name: other\n  context: {cluster: k, user: "
         "nobody}\nclusters:\n- name: k\n  cluster: " +
         cluster + "\nusers:\n- name: u\n  user: " + user + "\n";
}

}  // namespace

TEST_CASE("kubeconfig: inline certificates, key, server and namespace") {
  const std::string ca = base64_encode("CA PEM"), cert = base64_encode("CERT PEM"),
                    key = base64_encode("KEY PEM");
  const auto config = kube::parse_kubeconfig(
      kubeconfig("{server: \"https://h:6443/\", tls-server-name: n, proxy-url: \"http://p\", "
                 "certificate-authority-data: " +
                     ca + "}",
                 "{client-certificate-data: " + cert + ", client-key-data: " + key + "}"),
      "config");
  REQUIRE_OK(config);
  CHECK(config->server == "https://h:6443");
  CHECK(config->tls->ca_pem == "CA PEM");
  CHECK(config->tls->client_certificate_pem == "CERT PEM");
  CHECK(config->tls->client_key_pem->reveal_text() == "KEY PEM");
  CHECK(config->tls->server_name == "n");
  CHECK(config->proxy == "http://p");
  CHECK(config->default_namespace == "apps");
}

TEST_CASE("kubeconfig: file names are relative to the kubeconfig") {
  const test::TemporaryFolder scratch;
  scratch.write("ca.pem", "CA");
  scratch.write("token", "t\n");
  const std::string path = scratch.write(
      "config", kubeconfig("{server: h, certificate-authority: ca.pem}", "{tokenFile: token}"));
  const auto config = kube::load_kubeconfig(path);
  REQUIRE_OK(config);
  CHECK(config->server == "https://h");  // a CA was given
  CHECK(config->tls->ca_pem == "CA");
  CHECK(config->bearer_token_file == scratch.path() + "/token");
  const auto missing =
      kube::parse_kubeconfig(kubeconfig("{server: h, certificate-authority: no.pem}", "{}"), path);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code() == Code::kNotFound);
  CHECK(missing.error().where().line == 11);
}

TEST_CASE("kubeconfig: tokens, passwords and impersonation") {
  const auto token = kube::parse_kubeconfig(
      kubeconfig("{server: \"https://h\"}", "{token: abc, as: \"system:admin\"}"), "config");
  REQUIRE_OK(token);
  CHECK(token->bearer_token->reveal_text() == "abc");
  CHECK(token->impersonate_user == "system:admin");
  const auto basic = kube::parse_kubeconfig(
      kubeconfig("{server: \"https://h\"}", "{username: me, password: pw}"), "config");
  REQUIRE_OK(basic);
  CHECK(basic->username == "me");
  CHECK(basic->password->reveal_text() == "pw");
}

TEST_CASE("kubeconfig: what is refused names itself and its place, and no credential") {
  struct Case {
    const char *cluster, *user;
    Code code;
    const char* says;
  };
  const Case cases[] = {
      {"{server: h}", "{exec: {command: aws}}", Code::kUnsupported, "exec"},
      {"{server: h}", "{auth-provider: {name: gcp}}", Code::kUnsupported, "auth-provider"},
      {"{server: h}", "{token: canary, username: x}", Code::kInvalid, "token and a password"},
      {"{server: h}", "{client-certificate-data: Y2FuYXJ5}", Code::kInvalid, "needs both"},
      {"{server: h}", "{client-key-data: canary!, client-certificate-data: YQ==}", Code::kInvalid,
       "not base64"},
      {"{server: h}", "{token: [canary]}", Code::kInvalid, "must be a string"},
      {"{server: h}", "{as-groups: [x]}", Code::kUnsupported, "as-groups"},
      {"{}", "{}", Code::kInvalid, "no \"server\""},
      {"{server: h, insecure-skip-tls-verify: true, certificate-authority-data: YQ==}", "{}",
       Code::kInvalid, "insecure-skip-tls-verify"},
  };
  for (const Case& each : cases) {
    CAPTURE(each.user);
    const auto config = kube::parse_kubeconfig(kubeconfig(each.cluster, each.user), "config");
    REQUIRE_FALSE(config);
    CHECK(config.error().code() == each.code);
    CHECK(config.error().text().find(each.says) != std::string::npos);
    CHECK(config.error().text().find("canary") == std::string::npos);
    CHECK(config.error().where().file == "config");
    CHECK(config.error().where().line > 0);
  }
}

TEST_CASE("kubeconfig: contexts are found by name") {
  const std::string text = kubeconfig("{server: h}", "{token: a}");
  CHECK(kube::parse_kubeconfig(text, "config", "c").has_value());
  const auto none = kube::parse_kubeconfig(text, "config", "x");
  REQUIRE_FALSE(none);
  CHECK(none.error().message() == "kubeconfig: no entry named \"x\" in \"contexts\"");
  const auto user = kube::parse_kubeconfig(text, "config", "other");
  REQUIRE_FALSE(user);
  CHECK(user.error().message() == "kubeconfig: no entry named \"nobody\" in \"users\"");
  for (const char* bad : {"", "[]", "a: b\n---\nc: d\n", "{"}) {
    CAPTURE(bad);
    CHECK_FALSE(kube::parse_kubeconfig(bad, "config").has_value());
  }
}

TEST_CASE("in-cluster: token, CA and namespace of the mounted service account") {
  const test::TemporaryFolder scratch;
  scratch.write("token", "secret-token");
  scratch.write("ca.crt", "CA");
  scratch.write("namespace", "flux-system\n");
  const auto config = kube::in_cluster_config("10.0.0.1", "443", scratch.path());
  REQUIRE_OK(config);
  CHECK(config->server == "https://10.0.0.1:443");
  CHECK(config->tls->ca_pem == "CA");
  CHECK(config->default_namespace == "flux-system");
  CHECK(config->bearer_token_file == scratch.path() + "/token");
  CHECK(kube::in_cluster_config("fd00::1", "443", scratch.path())->server ==
        "https://[fd00::1]:443");
  CHECK(kube::in_cluster_config("", "", scratch.path()).error().code() == Code::kNotFound);
  CHECK(kube::in_cluster_config("h", "1", "/no/such").error().code() == Code::kNotFound);
}

TEST_CASE("credentials: a token file is read again after a minute, and when refused") {
  const test::TemporaryFolder scratch;
  test::ManualClock clock;
  kube::Config config;
  config.bearer_token_file = scratch.write("token", "one\n");
  kube::Credentials credentials(config, clock);
  auto header = credentials.header();
  REQUIRE_OK(header);
  CHECK((*header)->reveal_text() == "Bearer one");
  scratch.write("token", "two");
  CHECK((*credentials.header())->reveal_text() == "Bearer one");
  clock.advance(std::chrono::seconds(61));
  CHECK((*credentials.header())->reveal_text() == "Bearer two");
  scratch.write("token", "three");
  CHECK(credentials.refresh(*credentials.header()));
  CHECK((*credentials.header())->reveal_text() == "Bearer three");
  CHECK_FALSE(credentials.refresh(*credentials.header()));
  std::filesystem::remove(config.bearer_token_file);
  clock.advance(std::chrono::seconds(61));
  CHECK((*credentials.header())->reveal_text() == "Bearer three");  // better than none
}
