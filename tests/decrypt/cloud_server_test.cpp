// The key services with the real HTTP client, against loopback servers that check each request and
// signature (tests/support/cloud_server.py): wrap, unwrap, wrong key, throttling, expiry, slow
// servers, lying answers; and how many calls a set of files costs.
#include "sluice/http/curl_client.hpp"

#include "remote.hpp"
#include "support/process.hpp"

using namespace sluice;
using namespace sluice::decrypt;
using namespace sluice::test;
using namespace std::chrono_literals;

namespace {

struct Cloud {
  Process process{{"python3", SLUICE_SOURCE_DIR "/tests/support/cloud_server.py"}};
  std::string url = "http://127.0.0.1:" + process.read_line();
  std::unique_ptr<http::CurlClient> client = http::make_curl_client();
  SystemClock clock;
  std::shared_ptr<TestSurroundings> surroundings = std::make_shared<TestSurroundings>();
  RemoteKeyOptions options = [this] {
    RemoteKeyOptions made;
    made.surroundings = surroundings;
    made.client = [this]() -> http::Client& { return *client; };
    made.clock = &clock;
    made.retry = {.attempts = 3, .base = 5ms};
    auto trusted = TrustedHosts::parse(url);
    REQUIRE_OK(trusted);
    made.trusted = *std::move(trusted);
    return made;
  }();

  Cloud() {
    surroundings->variables = {
        {"AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"},
        {"AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"},
        {"AWS_ENDPOINT_URL", url},
        {"VAULT_TOKEN", "hvs.good"},
        {"GCE_METADATA_HOST", url.substr(7)},
        {"SOPS_GCP_KMS_ENDPOINT", url},
        {"AZURE_TENANT_ID", "tenant"},
        {"AZURE_CLIENT_ID", "client"},
        {"AZURE_CLIENT_SECRET", "az-secret"},
        {"AZURE_AUTHORITY_HOST", url}};
  }

  KeyServices services() const {
    const auto context = make_remote_context(options);
    return {make_aws_key_service(context), make_vault_key_service(context),
            make_gcp_key_service(context), make_azure_key_service(context)};
  }
  std::vector<MasterKey> keys() const {
    std::vector<MasterKey> out(4);
    out[0].type = "kms";
    out[0].id = "arn:aws:kms:eu-west-1:1:key/one";
    out[0].fields["context.app"] = "shop";
    out[1].type = "hc_vault";
    out[1].id = url + "/v1/transit/keys/one";
    out[1].fields = {{"vault_address", url}, {"engine_path", "transit"}, {"key_name", "one"}};
    out[2].type = "gcp_kms";
    out[2].id = "projects/p/locations/l/keyRings/r/cryptoKeys/one";
    out[3].type = "azure_kv";
    out[3].id = url + "/keys/one/v1";
    out[3].fields = {{"vault_url", url}, {"name", "one"}, {"version", "v1"}};
    return out;
  }
  /// The same key by another name.
  static MasterKey other(MasterKey key) {
    const auto rename = [](std::string& text) {
      if (const auto at = text.rfind("one"); at != std::string::npos) text.replace(at, 3, "two");
    };
    rename(key.id);
    for (auto& [name, value] : key.fields)
      rename(value);
    return key;
  }

  void fault(const std::string& kind, int times) {
    http::Request request;
    request.method = "PUT";
    request.url = url + "/control";
    request.body = R"({"fault":")" + kind + R"(","times":)" + std::to_string(times) + "}";
    REQUIRE_OK(client->send(request, {}));
  }
  int calls() {
    http::Request request;
    request.url = url + "/control";
    const auto answer = client->send(request, {});
    REQUIRE_OK(answer);
    const std::size_t at = answer->body.find("\"calls\": ");
    return std::atoi(answer->body.c_str() + at + 9);
  }
};

}  // namespace

TEST_CASE("clouds: what a service wraps it unwraps; another key or context does not") {
  Cloud cloud;
  const auto services = cloud.services();
  auto keys = cloud.keys();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    CAPTURE(keys[i].type);
    auto enc = services[i]->wrap(keys[i], crypto::SecretBytes::copy_of(kDataKey), {});
    REQUIRE_OK(enc);
    keys[i].wrapped_key = *enc;
    const auto opened = services[i]->unwrap(keys[i], {});
    REQUIRE_OK(opened);
    CHECK(opened->reveal_text() == kDataKey);
    const auto wrong = services[i]->unwrap(Cloud::other(keys[i]), {});
    REQUIRE_FALSE(wrong.has_value());
    CHECK(wrong.error().code() == Code::kInvalid);
  }
  keys[0].fields["context.app"] = "another";
  CHECK(services[0]->unwrap(keys[0], {}).error().message().ends_with("InvalidCiphertextException"));
}

TEST_CASE(
    "clouds: throttling passes, expiry is healed once, a lie is no 32-byte key, slow ends in "
    "time") {
  Cloud cloud;
  cloud.options.timeout = 300ms;
  cloud.options.remember = 0s;
  const auto services = cloud.services();
  auto keys = cloud.keys();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    CAPTURE(keys[i].type);
    cloud.fault("", 0);
    const auto enc = services[i]->wrap(keys[i], crypto::SecretBytes::copy_of(kDataKey), {});
    REQUIRE_OK(enc);
    keys[i].wrapped_key = *enc;
    cloud.fault("throttle", 2);
    CHECK_OK(services[i]->unwrap(keys[i], {}));
    CHECK(cloud.calls() == 3);
    cloud.fault("throttle", 9);
    const auto throttled = services[i]->unwrap(keys[i], {});
    REQUIRE_FALSE(throttled.has_value());
    CHECK(throttled.error().code() == Code::kUnavailable);
    CHECK(cloud.calls() == 3);
    if (keys[i].type != "hc_vault") {
      cloud.fault("expire", 1);
      CHECK_OK(services[i]->unwrap(keys[i], {}));
      cloud.fault("expire", 9);
      CHECK_FALSE(services[i]->unwrap(keys[i], {}).has_value());
      CHECK(cloud.calls() == 2);
    }
    cloud.fault("lie", 1);
    const auto lie = services[i]->unwrap(keys[i], {});
    REQUIRE_OK(lie);  // the frame cannot know; the file's length check and its MAC do
    CHECK(lie->size() != kDataKey.size());
    cloud.fault("slow", 9);
    const auto start = std::chrono::steady_clock::now();
    const auto slow = services[i]->unwrap(keys[i], {});
    REQUIRE_FALSE(slow.has_value());
    CHECK(slow.error().code() == Code::kUnavailable);
    CHECK(std::chrono::steady_clock::now() - start < 5s);
  }
}

TEST_CASE("clouds: a role is assumed, a node's role is found, both signed right") {
  Cloud cloud;
  const auto context = make_remote_context(cloud.options);
  MasterKey key = cloud.keys()[0];
  const auto enc =
      make_aws_key_service(context)->wrap(key, crypto::SecretBytes::copy_of(kDataKey), {});
  REQUIRE_OK(enc);
  key.wrapped_key = *enc;
  MasterKey by_role = key;
  by_role.fields["role"] = "arn:aws:iam::1:role/sops";
  CHECK_OK(make_aws_key_service(context)->unwrap(by_role, {}));
  auto& variables = cloud.surroundings->variables;
  variables.erase("AWS_ACCESS_KEY_ID");
  variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = cloud.url + "/";
  CHECK_OK(make_aws_key_service(context)->unwrap(key, {}));
  variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/token";
  variables["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/irsa";
  cloud.surroundings->files["/token"] = "good.jwt\n";
  CHECK_OK(make_aws_key_service(context)->unwrap(key, {}));
  variables["AWS_ACCESS_KEY_ID"] = "AKIDEXAMPLE";
  variables["AWS_SECRET_ACCESS_KEY"] = "wrong";
  const auto refused = make_aws_key_service(context)->unwrap(key, {});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message().find("SignatureDoesNotMatch") != std::string::npos);
}

TEST_CASE(
    "clouds: 500 files under one KMS key cost at most 500 calls, and none when rendered again") {
  Cloud cloud;
  const auto services = cloud.services();
  const MasterKey key = cloud.keys()[0];
  const auto enc = services[0]->wrap(key, crypto::SecretBytes::copy_of(kDataKey), {});
  REQUIRE_OK(enc);
  cloud.fault("", 0);
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 500; ++i) {
      MasterKey one = key;
      one.wrapped_key = *enc;
      one.fields["context.app"] = "shop";
      if (i > 0)
        one.wrapped_key += std::string(static_cast<std::size_t>(i), '\n');  // another file's
      const auto opened = services[0]->unwrap(one, {});
      REQUIRE_OK(opened);
    }
    CHECK(cloud.calls() == 500);
  }
}
