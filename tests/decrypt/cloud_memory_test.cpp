// Key services of clouds: after everything is gone, no writable page holds the data key that came
// over the network, nor a credential that was sent.
#include "remote.hpp"
#include "support/memory_scan.hpp"

using namespace sluice;
using namespace sluice::decrypt;
using namespace sluice::test;

namespace {

// Before main(): OpenSSL must get its allocator before it allocates.
const crypto::HardenReport hardened = crypto::harden_process();

/// Each stands for text, see disguise(). The data key has 32 bytes.
const std::string kHiddenKey = "9;4;(#w83+/>w1?#w7f3a91-32-bytes";
const std::string kHiddenSecret = "9;4;(#w83+/>w)?9(?.w7f3a91";

crypto::SecretBytes revealed(const std::string& hidden) {
  std::string text = disguise(hidden);
  auto secret = crypto::SecretBytes::copy_of(text);
  crypto::wipe(text);
  return secret;
}

/// The data key in base64, disguised.
std::string hidden_base64() {
  const auto encoded = crypto::base64_encode_secret(revealed(kHiddenKey).reveal());
  std::string text;
  for (const char c : encoded.reveal_text())
    text += static_cast<char>(c ^ 0x5a);
  return text;
}

/// Answers like each of the clouds, and keeps nothing.
class QuietCloud final : public http::Client {
 public:
  Result<http::Response> send(const http::Request& request, const CancelToken&) override {
    crypto::SecretBuffer body;
    const bool is_token = request.url.find("/token") != std::string::npos;
    const std::string_view name = request.url.find("huawei") != std::string::npos  ? "plain_text"
                                  : request.url.find("azure") != std::string::npos ? "value"
                                  : request.url.find("amazonaws") != std::string::npos
                                      ? "Plaintext"
                                      : "plaintext";
    body.append(
        "{\"kid\":\"k\",\"KeyId\":\"arn:aws:kms:eu-west-1:1:key/one\",\"expires_in\":3600,");
    body.append(is_token ? "\"access_token\":\"" : name == "plaintext" ? "\"data\":{\"x\":1," : "");
    if (is_token) {
      body.append(revealed(kHiddenSecret).reveal_text());
      body.append("\"}");
    } else {
      const std::string quoted = "\"" + std::string(name) + "\":\"";
      append_key(body, quoted);
      if (name == "plaintext") {  // Vault's is in "data", Google's at the top
        body.append("},");
        append_key(body, quoted);
      }
      body.append("}");
    }
    http::Response response;
    response.status = 200;
    response.secret_body = std::make_shared<const crypto::SecretBytes>(std::move(body).take());
    ++calls;
    return response;
  }
  int calls = 0;

 private:
  static void append_key(crypto::SecretBuffer& body, std::string_view quoted) {
    body.append(quoted);
    const auto encoded = crypto::base64_encode_secret(revealed(kHiddenKey).reveal());
    body.append(encoded.reveal_text());
    body.append("\"");
  }
};

class QuietSurroundings final : public http::Surroundings {
 public:
  std::string variable(const std::string& name) override {
    const std::map<std::string, std::string> plain = {{"VAULT_ADDR", "https://vault.example"},
                                                      {"AWS_ACCESS_KEY_ID", "AKID"},
                                                      {"AWS_REGION", "eu-west-1"},
                                                      {"AZURE_TENANT_ID", "t"},
                                                      {"AZURE_CLIENT_ID", "c"},
                                                      {"HUAWEICLOUD_SDK_AK", "AK"},
                                                      {"HUAWEICLOUD_SDK_PROJECT_ID", "0123abc"},
                                                      {"AWS_EC2_METADATA_DISABLED", "true"}};
    const auto found = plain.find(name);
    return found == plain.end() ? std::string() : found->second;
  }
  crypto::SecretBytes secret_variable(const std::string& name) override {
    for (const char* known : {"VAULT_TOKEN", "AWS_SECRET_ACCESS_KEY", "GOOGLE_OAUTH_ACCESS_TOKEN",
                              "AZURE_CLIENT_SECRET", "HUAWEICLOUD_SDK_SK"}) {
      if (name == known) return revealed(kHiddenSecret);
    }
    return {};
  }
  Result<crypto::SecretBytes> file(const std::string& path) override {
    return fail(Code::kNotFound, path + ": No such file or directory");
  }
  std::string host_name() override { return "h"; }
  std::string home() override { return "/home/me"; }
};

std::vector<MasterKey> keys() {
  std::vector<MasterKey> all(5);
  all[0] = {"hc_vault", "https://vault.example/v1/sops/keys/k", "vault:v1:AAAA", {}};
  all[0].fields = {
      {"vault_address", "https://vault.example"}, {"engine_path", "sops"}, {"key_name", "k"}};
  all[1] = {"kms", "arn:aws:kms:eu-west-1:1:key/one", "AAAA", {}};
  all[2] = {"gcp_kms", "projects/p/locations/l/keyRings/r/cryptoKeys/one", "AAAA", {}};
  all[3] = {"azure_kv", "https://sops.vault.azure.net/keys/one/v1", "AAAA", {}};
  all[3].fields = {
      {"vault_url", "https://sops.vault.azure.net"}, {"name", "one"}, {"version", "v1"}};
  all[4] = {"hckms", "tr-west-1:0a1b2c3d-0000-0000-0000-000000000000", "AAAA", {}};
  return all;
}

__attribute__((noinline)) void open_and_wrap() {
  QuietCloud cloud;
  ManualClock clock;
  RemoteKeyOptions options;
  options.surroundings = std::make_shared<QuietSurroundings>();
  options.client = [&cloud]() -> http::Client& { return cloud; };
  options.clock = &clock;
  options.retry.attempts = 1;
  const auto context = make_remote_context(std::move(options));
  const KeyServices services = {make_vault_key_service(context), make_aws_key_service(context),
                                make_gcp_key_service(context), make_azure_key_service(context),
                                make_huawei_key_service(context)};
  const auto all = keys();
  for (std::size_t i = 0; i < all.size(); ++i) {
    CAPTURE(all[i].type);
    const auto opened = services[i]->unwrap(all[i], {});
    REQUIRE_OK(opened);
    CHECK(opened->size() == 32);
    (void)services[i]->wrap(all[i], *opened, {});  // the body of the request has the data key
  }
  CHECK(cloud.calls >= 10);
}

}  // namespace

TEST_CASE("cloud memory: nothing is left of data keys and credentials of five key services") {
  if (!hardened.library_memory_wiped) SLUICE_SKIP("OpenSSL was in use before main()");
  const std::string canaries[] = {kHiddenKey, hidden_base64(), kHiddenSecret};
  REQUIRE(canaries[0].size() == 32);
  {
    const auto planted = revealed(canaries[1]);
    CHECK(count_in_memory(canaries[1]) >= 1);  // the search finds what is there
  }
  std::vector<std::size_t> before;
  for (const std::string& canary : canaries)
    before.push_back(count_in_memory(canary));
  open_and_wrap();
  for (std::size_t i = 0; i < before.size(); ++i) {
    CAPTURE(i);
    CHECK(count_in_memory(canaries[i]) <= before[i]);
  }
}
