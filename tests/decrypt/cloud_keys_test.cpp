// GCP KMS, Azure Key Vault and Huawei Cloud KMS as key services (SOPS gcpkms, azkv, hckms), and the
// ways to their credentials.
#include "sluice/base/encoding.hpp"
#include "sluice/crypto/hash.hpp"
#include "sluice/crypto/signing.hpp"
#include "sluice/decrypt/encryptor.hpp"
#include "sluice/decrypt/master_keys.hpp"

#include "remote.hpp"
#include "support/process.hpp"

using namespace sluice;
using namespace sluice::decrypt;
using namespace sluice::test;
using namespace std::chrono_literals;

namespace {

constexpr char kResource[] = "projects/example.com:p/locations/global/keyRings/r_1/cryptoKeys/k-1";

MasterKey gcp(std::string id = kResource) {
  MasterKey key;
  key.type = "gcp_kms";
  key.fields = {{"resource_id", id}, {"created_at", "2026-01-01T00:00:00Z"}};
  key.id = std::move(id);
  key.wrapped_key = "CiQA";
  return key;
}

MasterKey azure(std::string vault = "https://sops.vault.azure.net") {
  MasterKey key;
  key.type = "azure_kv";
  key.fields = {{"vault_url", vault},
                {"name", "sops-key"},
                {"version", "0a1b2c"},
                {"created_at", "2026-01-01T00:00:00Z"}};
  key.id = vault + "/keys/sops-key/0a1b2c";
  key.wrapped_key = "ab-_";
  return key;
}

std::string gcp_answer() {
  return R"({"plaintext":")" + std::string(kDataKeyBase64) + R"(","usedPrimary":true})";
}
std::string azure_answer() {
  return R"({"kid":"https://sops.vault.azure.net/keys/sops-key/0a1b2c","value":)"
         R"("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlBQkNERUY"})";
}
constexpr char kToken[] = R"({"access_token":"ya29.one","expires_in":3600,"token_type":"Bearer"})";

/// A fresh RSA key and certificate in PEM; "" without an openssl program.
struct Pair {
  std::string key, certificate, pkcs12;
};
const Pair& rsa_pair() {
  static const Pair made = [] {
    Pair out;
    const auto done = run(
        {"sh", "-c",
         "cd \"$(mktemp -d)\" && openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=sluice -days "
         "2 "
         "-keyout k.pem -out c.pem 2>/dev/null && openssl pkcs12 -export -inkey k.pem -in c.pem "
         "-passout pass:pw -out c.p12 && cat k.pem && echo ==== && cat c.pem && echo ==== && "
         "base64 "
         "-w0 c.p12; rm -r \"$PWD\""});
    if (done.status != 0) return out;
    const std::size_t first = done.output.find("====\n");
    const std::size_t second = done.output.find("====\n", first + 5);
    if (second == std::string::npos) return out;
    out.key = done.output.substr(0, first);
    out.certificate = done.output.substr(first + 5, second - first - 5);
    out.pkcs12 = *base64_decode(done.output.substr(second + 5));
    return out;
  }();
  return made;
}

std::string json_escaped(std::string text) {
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2)
    text.replace(at, 1, "\\n");
  return text;
}

std::string from_base64url(std::string text) {
  for (char& c : text)
    c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (text.size() % 4 != 0)
    text += '=';
  return base64_decode(text).value_or("");
}

/// The parts of a JWT in a form body.
std::vector<std::string> jwt_parts(const std::string& body, const std::string& parameter) {
  std::vector<std::string> parts;
  std::string rest = body.substr(body.find(parameter + "=") + parameter.size() + 1);
  while (true) {
    const std::size_t dot = rest.find('.');
    parts.push_back(rest.substr(0, dot));
    if (dot == std::string::npos) return parts;
    rest.erase(0, dot + 1);
  }
}

}  // namespace

TEST_CASE("GCP KMS: the REST call with the metadata server's token, which is kept") {
  RemoteWorld world;
  const auto service = make_gcp_key_service(world.context());
  CHECK(world.surroundings->asked().empty());
  world.http.answer(200, kToken, {{"metadata-flavor", "Google"}});
  world.http.answer(200, gcp_answer());
  world.http.answer(200, R"({"ciphertext":"CiQB"})");
  const auto opened = service->unwrap(gcp(), {});
  REQUIRE_OK(opened);
  CHECK(opened->reveal_text() == kDataKey);
  const auto enc = service->wrap(gcp(), crypto::SecretBytes::copy_of(kDataKey), {});
  REQUIRE_OK(enc);
  CHECK(*enc == "CiQB");
  const auto sent = world.http.sent();
  REQUIRE(sent.size() == 3);
  CHECK(
      sent[0].url.starts_with("http://169.254.169.254/computeMetadata/v1/instance/"
                              "service-accounts/default/token?scopes="));
  CHECK(sent[0].header("Metadata-Flavor") == "Google");
  CHECK(sent[1].url == "https://cloudkms.googleapis.com/v1/" + std::string(kResource) + ":decrypt");
  CHECK(sent[1].secret_header == "Authorization: Bearer ya29.one");
  CHECK(sent[1].body == R"({"ciphertext":"CiQA","ciphertextCrc32c":"643517804"})");
  CHECK(sent[2].url.ends_with(":encrypt"));
  CHECK(sent[2].body.starts_with(R"({"plaintext":")" + std::string(kDataKeyBase64)));
}

TEST_CASE("GCP KMS: a resource id is four plain names, and the operator alone moves the server") {
  RemoteWorld world;
  auto& variables = world.surroundings->variables;
  variables["GOOGLE_OAUTH_ACCESS_TOKEN"] = "ya29.env";
  const auto service = make_gcp_key_service(world.context());
  for (const char* bad : {"", "projects/p", "projects/p/locations/l/keyRings/r/cryptoKeys/",
                          "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1",
                          "projects/../locations/l/keyRings/r/cryptoKeys/k",
                          "projects/p/locations/l/keyRings/r/cryptoKeys/k:destroy?x",
                          "projects/p@x/locations/l/keyRings/r/cryptoKeys/k",
                          "projects/p/locations//keyRings/r/cryptoKeys/k"}) {
    CAPTURE(bad);
    const auto opened = service->unwrap(gcp(bad), {});
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().code() == Code::kInvalid);
    CHECK(opened.error().message().starts_with("no valid resource ID found in"));
  }
  CHECK(world.http.count() == 0);
  variables["SOPS_GCP_KMS_UNIVERSE_DOMAIN"] = "s3nsapis.fr";
  world.http.answer(200, gcp_answer());
  REQUIRE_OK(service->unwrap(gcp(), {}));
  CHECK(world.http.sent()[0].url.starts_with("https://cloudkms.s3nsapis.fr/v1/projects/"));
  CHECK(world.http.sent()[0].secret_header == "Authorization: Bearer ya29.env");
  variables["SOPS_GCP_KMS_ENDPOINT"] = "kms.example:8443";
  world.http.answer(200, gcp_answer());
  REQUIRE_OK(make_gcp_key_service(world.context())->unwrap(gcp(), {}));
  CHECK(world.http.sent()[1].url.starts_with("https://kms.example:8443/v1/projects/"));
}

TEST_CASE("GCP KMS: refusals, damage on the way, and a token that ended") {
  RemoteWorld world;
  world.surroundings->variables["GOOGLE_OAUTH_ACCESS_TOKEN"] = "ya29.env";
  const auto service = make_gcp_key_service(world.context());
  world.http.answer(
      403, R"({"error":{"code":403,"status":"PERMISSION_DENIED","message":"no ya29.env"}})");
  const auto denied = service->unwrap(gcp(), {});
  REQUIRE_FALSE(denied.has_value());
  CHECK(denied.error().code() == Code::kDenied);
  CHECK(denied.error().message() ==
        "failed to decrypt sops data key with GCP KMS key: 403 PERMISSION_DENIED: no ***");
  world.http.answer(
      200, R"({"plaintext":")" + std::string(kDataKeyBase64) + R"(","plaintextCrc32c":"1"})");
  CHECK(service->unwrap(gcp(), {}).error().code() == Code::kUnavailable);
  for (const char* lie : {"{}", R"({"plaintext":""})", R"({"plaintext":"*"})", "<html>"}) {
    world.http.answer(200, lie);
    CHECK(service->unwrap(gcp(), {}).error().code() == Code::kInvalid);
  }
  world.http.answer(401, "{}");
  world.http.answer(200, gcp_answer());
  REQUIRE_OK(service->unwrap(gcp(), {}));
}

TEST_CASE("GCP: a service account signs its assertion, a user refreshes, a federation exchanges") {
  if (rsa_pair().key.empty()) SLUICE_SKIP("no openssl program (scripts/deps installs it)");
  RemoteWorld world;
  world.http.on_request([](const ScriptedHttp::Sent& sent) -> Result<http::Response> {
    http::Response response;
    response.status = 200;
    response.body = sent.url.find("cloudkms") != std::string::npos ? gcp_answer() : kToken;
    if (sent.url.ends_with(":generateAccessToken")) {
      response.body = R"({"accessToken":"ya29.impersonated","expireTime":"2099-01-01T00:00:00Z"})";
    }
    return response;
  });
  SUBCASE("service account, from GOOGLE_CREDENTIALS") {
    world.surroundings->variables["GOOGLE_CREDENTIALS"] =
        R"({"type":"service_account","client_email":"s@p.iam","private_key_id":"k1","private_key":")" +
        json_escaped(rsa_pair().key) + R"(","token_uri":"https://oauth2.googleapis.com/token"})";
    REQUIRE_OK(make_gcp_key_service(world.context())->unwrap(gcp(), {}));
    const auto sent = world.http.sent()[0];
    CHECK(sent.url == "https://oauth2.googleapis.com/token");
    CHECK(sent.body.starts_with(
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="));
    const auto parts = jwt_parts(sent.body, "assertion");
    REQUIRE(parts.size() == 3);
    CHECK(from_base64url(parts[0]) == R"({"alg":"RS256","typ":"JWT","kid":"k1"})");
    CHECK(
        from_base64url(parts[1]) ==
        R"({"iss":"s@p.iam","scope":"https://www.googleapis.com/auth/cloud-platform https://www.googleapis.com/auth/cloudkms","aud":"https://oauth2.googleapis.com/token","iat":1764000000,"exp":1764003600})");
    // The same key gives the same signature (PKCS#1 v1.5 has no randomness).
    const auto key =
        crypto::read_private_key(crypto::SecretBytes::copy_of(std::string_view(rsa_pair().key)));
    REQUIRE_OK(key);
    CHECK(from_base64url(parts[2]) ==
          *crypto::sign_rsa_sha256(*key, crypto::RsaSignature::kPkcs1, parts[0] + "." + parts[1]));
  }
  SUBCASE("user, from gcloud's file") {
    world.surroundings->files["/home/me/.config/gcloud/application_default_credentials.json"] =
        R"({"type":"authorized_user","client_id":"id","client_secret":"s&c","refresh_token":"1//r"})";
    REQUIRE_OK(make_gcp_key_service(world.context())->unwrap(gcp(), {}));
    CHECK(world.http.sent()[0].body ==
          "grant_type=refresh_token&client_id=id&client_secret=s%26c&refresh_token=1%2F%2Fr");
  }
  SUBCASE("workload identity federation with impersonation") {
    world.surroundings->variables["GOOGLE_APPLICATION_CREDENTIALS"] = "/etc/wif.json";
    world.surroundings->files["/etc/wif.json"] =
        R"({"type":"external_account","audience":"//iam/x","subject_token_type":"urn:ietf:params:oauth:token-type:jwt",)"
        R"("token_url":"https://sts.googleapis.com/v1/token","credential_source":{"file":"/token","format":{"type":"json","subject_token_field_name":"t"}},)"
        R"("service_account_impersonation_url":"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/s@p.iam:generateAccessToken"})";
    world.surroundings->files["/token"] = R"({"t":"eyJ.k8s.sig"})";
    REQUIRE_OK(make_gcp_key_service(world.context())->unwrap(gcp(), {}));
    const auto sent = world.http.sent();
    REQUIRE(sent.size() == 3);
    CHECK(sent[0].url == "https://sts.googleapis.com/v1/token");
    CHECK(sent[0].body.ends_with("&subject_token=eyJ.k8s.sig"));
    CHECK(sent[1].secret_header == "Authorization: Bearer ya29.one");
    CHECK(sent[2].secret_header == "Authorization: Bearer ya29.impersonated");
  }
}

TEST_CASE("GCP: credentials that a tenant gave name no file and no server but Google's") {
  RemoteWorld world;
  const auto refused = [&world](std::string_view json) {
    const auto opened = make_gcp_key_service(world.context(),
                                             {secret(json), "Secret a/keys entry \"sops.gcp-kms\""})
                            ->unwrap(gcp(), {});
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().message().find("Secret a/keys") != std::string::npos);
    return opened.error().code();
  };
  CHECK(refused(R"({"type":"external_account","credential_source":{"file":"/var/run/token"}})") ==
        Code::kUnsupported);
  CHECK(
      refused(
          R"({"type":"authorized_user","client_secret":"a","refresh_token":"b","token_uri":"https://evil.example/t"})") ==
      Code::kDenied);
  CHECK(refused(R"({"type":"executable"})") == Code::kUnsupported);
  CHECK(refused("not json") == Code::kInvalid);
  CHECK(world.http.count() == 0);
  CHECK_FALSE(world.surroundings->asked().contains("/var/run/token"));
}

TEST_CASE("Azure: a client's secret gives a token for the vault's own domain") {
  RemoteWorld world;
  auto& variables = world.surroundings->variables;
  variables = {
      {"AZURE_TENANT_ID", "11-22"}, {"AZURE_CLIENT_ID", "33-44"}, {"AZURE_CLIENT_SECRET", "s~e/c"}};
  world.http.answer(200, kToken);
  world.http.answer(200, azure_answer());
  world.http.answer(200, azure_answer());
  const auto service = make_azure_key_service(world.context());
  const auto opened = service->unwrap(azure(), {});
  REQUIRE_OK(opened);
  CHECK(opened->reveal_text() == kDataKey);
  const auto enc = service->wrap(azure(), crypto::SecretBytes::copy_of(kDataKey), {});
  REQUIRE_OK(enc);
  CHECK(*enc == "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlBQkNERUY");
  const auto sent = world.http.sent();
  CHECK(sent[0].url == "https://login.microsoftonline.com/11-22/oauth2/v2.0/token");
  CHECK(sent[0].body ==
        "grant_type=client_credentials&client_id=33-44&scope=https%3A%2F%2Fvault."
        "azure.net%2F.default&client_secret=s~e%2Fc");
  CHECK(sent[1].url == "https://sops.vault.azure.net/keys/sops-key/0a1b2c/decrypt?api-version=7.4");
  CHECK(sent[1].secret_header == "Authorization: Bearer ya29.one");
  CHECK(sent[1].body == R"({"alg":"RSA-OAEP-256","value":"ab-_"})");
  CHECK(sent[2].url.find("/encrypt?") != std::string::npos);
}

TEST_CASE("Azure: a key without its version gets the latest that the vault names, once") {
  RemoteWorld world;
  world.surroundings->variables = {
      {"AZURE_TENANT_ID", "t"}, {"AZURE_CLIENT_ID", "c"}, {"AZURE_CLIENT_SECRET", "s"}};
  auto keys = parse_master_keys("azure_kv", "https://sops.vault.azure.net/keys/sops-key");
  REQUIRE_OK(keys);
  CHECK(keys->front().fields.at("version").empty());
  world.http.answer(200, kToken);
  world.http.answer(200, R"({"key":{"kid":"https://sops.vault.azure.net/keys/sops-key/0a1b2c"}})");
  const KeyServices services = {make_azure_key_service(world.context())};
  REQUIRE_OK(complete_keys(*keys, services, {}));
  CHECK(keys->front().id == "https://sops.vault.azure.net/keys/sops-key/0a1b2c");
  CHECK(world.http.sent()[1].method == "GET");
  CHECK(world.http.sent()[1].url == "https://sops.vault.azure.net/keys/sops-key?api-version=7.4");
  REQUIRE_OK(complete_keys(*keys, services, {}));
  CHECK(world.http.count() == 2);
  keys = parse_master_keys("azure_kv", "https://sops.vault.azure.net/keys/sops-key");
  world.http.answer(200, R"({"key":{"kid":"https://evil.example/keys/other/0a1b2c"}})");
  CHECK_FALSE(complete_keys(*keys, services, {}).has_value());
}

TEST_CASE(
    "Azure: a vault that is not Azure's gets a token only when it is trusted, for its own domain") {
  RemoteWorld world;
  world.surroundings->variables = {
      {"AZURE_TENANT_ID", "t"}, {"AZURE_CLIENT_ID", "c"}, {"AZURE_CLIENT_SECRET", "s"}};
  for (const char* vault :
       {"https://sops.vault.azure.net.evil.example", "http://sops.vault.azure.net",
        "https://vault.azure.net", "https://evilvault.azure.net", "https://x@sops.vault.azure.net",
        "https://sops.vault.azure.net:8443", "https://sops.vault.azure.net/x"}) {
    CAPTURE(vault);
    CHECK_FALSE(make_azure_key_service(world.context())->unwrap(azure(vault), {}).has_value());
  }
  CHECK(world.http.count() == 0);
  world.trust("https://kv.corp.example");
  const auto service = make_azure_key_service(world.context());
  const auto vault = azure("https://kv.corp.example");
  world.http.answer(
      401, "",
      {{"www-authenticate",
        R"(Bearer authorization="https://login.corp/t", resource="https://vault.azure.net")"}});
  const auto stolen = service->unwrap(vault, {});
  REQUIRE_FALSE(stolen.has_value());
  CHECK(stolen.error().code() == Code::kDenied);
  CHECK(world.http.count() == 1);
  CHECK(world.http.sent()[0].secret_header.empty());
  world.http.answer(
      401, "",
      {{"www-authenticate",
        R"(Bearer authorization="https://login.corp/t", resource="https://corp.example")"}});
  world.http.answer(200, kToken);
  world.http.answer(200, azure_answer());
  REQUIRE_OK(service->unwrap(vault, {}));
  CHECK(world.http.sent()[2].body.find("scope=https%3A%2F%2Fcorp.example%2F.default") !=
        std::string::npos);
}

TEST_CASE("Azure: a client's certificate signs with PS256, from PEM and from PKCS#12") {
  if (rsa_pair().key.empty()) SLUICE_SKIP("no openssl program (scripts/deps installs it)");
  RemoteWorld world;
  auto given = std::make_shared<http::AzureCredentials>();
  given->tenant = "t";
  given->client = "c";
  given->authority_host = "https://login.microsoftonline.us/";
  SUBCASE("PEM") {
    given->certificate =
        crypto::SecretBytes::copy_of(std::string_view(rsa_pair().certificate + rsa_pair().key));
  }
  SUBCASE("PKCS#12") {
    given->certificate = crypto::SecretBytes::copy_of(std::string_view(rsa_pair().pkcs12));
    given->certificate_password = crypto::SecretBytes::copy_of(std::string_view("pw"));
    given->send_chain = true;
  }
  world.http.answer(200, kToken);
  world.http.answer(200, azure_answer());
  const auto opened = make_azure_key_service(world.context(), {given, "Secret a/keys"})
                          ->unwrap(azure("https://sops.vault.usgovcloudapi.net"), {});
  REQUIRE_OK(opened);
  const auto sent = world.http.sent()[0];
  CHECK(sent.url == "https://login.microsoftonline.us/t/oauth2/v2.0/token");
  const auto parts = jwt_parts(sent.body, "client_assertion");
  REQUIRE(parts.size() == 3);
  const std::string header = from_base64url(parts[0]);
  CHECK(header.starts_with(R"({"alg":"PS256","typ":"JWT","x5t#S256":")"));
  CHECK((header.find("\"x5c\"") != std::string::npos) == given->send_chain);
  CHECK(from_base64url(parts[1]).starts_with(
      R"({"aud":"https://login.microsoftonline.us/t/oauth2/v2.0/token","exp":1764000600,"iss":"c","jti":")"));
  CHECK(from_base64url(parts[2]).size() == 256);
}

TEST_CASE(
    "Azure: given credentials go to Azure's authorities only; identities of the machine are "
    "found") {
  RemoteWorld world;
  auto given = std::make_shared<http::AzureCredentials>();
  given->tenant = "t";
  given->client = "c";
  given->secret = crypto::SecretBytes::copy_of(std::string_view("s"));
  given->authority_host = "https://login.evil.example";
  const auto sent_away =
      make_azure_key_service(world.context(), {given, "Secret"})->unwrap(azure(), {});
  REQUIRE_FALSE(sent_away.has_value());
  CHECK(sent_away.error().code() == Code::kDenied);
  CHECK(world.http.count() == 0);

  auto& variables = world.surroundings->variables;
  variables = {
      {"AZURE_TENANT_ID", "t"}, {"AZURE_CLIENT_ID", "c"}, {"AZURE_FEDERATED_TOKEN_FILE", "/f"}};
  world.surroundings->files["/f"] = "eyJ.wi.sig\n";
  world.http.answer(200, kToken);
  world.http.answer(200, azure_answer());
  REQUIRE_OK(make_azure_key_service(world.context())->unwrap(azure(), {}));
  CHECK(world.http.sent()[0].body.ends_with("jwt-bearer&client_assertion=eyJ.wi.sig"));

  variables = {{"AZURE_CLIENT_ID", "c"}};
  world.http.answer(200, kToken);
  world.http.answer(200, azure_answer());
  REQUIRE_OK(make_azure_key_service(world.context())->unwrap(azure(), {}));
  CHECK(world.http.sent()[2].url ==
        "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource="
        "https%3A%2F%2Fvault.azure.net&client_id=c");
  CHECK(world.http.sent()[2].header("Metadata") == "true");

  variables = {};
  world.http.answer(Error(Code::kDenied, "169.254.169.254:80: no route"));
  const auto none = make_azure_key_service(world.context());
  CHECK(none->unwrap(azure(), {}).error().message().ends_with("no Azure credentials were found"));
  CHECK(none->looked_in() ==
        std::vector<std::string>{"AZURE_TENANT_ID and AZURE_CLIENT_ID: not set",
                                 "the managed identity of this machine (http://169.254.169.254): "
                                 "169.254.169.254:80: no route"});
}

TEST_CASE("Huawei KMS: a signed call to the region of the key id") {
  RemoteWorld world;
  world.surroundings->variables = {{"HUAWEICLOUD_SDK_AK", "AKHW"},
                                   {"HUAWEICLOUD_SDK_SK", "skhw"},
                                   {"HUAWEICLOUD_SDK_PROJECT_ID", "0123abc"}};
  MasterKey key;
  key.type = "hckms";
  key.id = "tr-west-1:abc-123";
  key.wrapped_key = "AAAA";
  world.http.answer(200, R"({"plain_text":")" + std::string(kDataKeyBase64) + R"("})");
  const auto service = make_huawei_key_service(world.context());
  const auto opened = service->unwrap(key, {});
  REQUIRE_OK(opened);
  CHECK(opened->reveal_text() == kDataKey);
  const auto sent = world.http.sent()[0];
  CHECK(sent.url == "https://kms.tr-west-1.myhuaweicloud.com/v1.0/0123abc/kms/decrypt-data");
  CHECK(sent.body ==
        R"({"key_id":"abc-123","cipher_text":"AAAA","encryption_algorithm":"SYMMETRIC_DEFAULT"})");
  CHECK(sent.header("X-Sdk-Date") == "20251124T160000Z");
  CHECK(sent.header("Authorization")
            .starts_with(
                "SDK-HMAC-SHA256 Access=AKHW, "
                "SignedHeaders=content-type;host;x-project-id;x-sdk-date, Signature=" +
                std::string("0554e66ada173870c1e3fcd9a2b846e474f1b50c694084a725918bbc7cef6f23")));
  for (const char* bad : {"abc", ":abc", "tr:", "a/b:c", "evil.example#:abc", "tr-west-1:a/b"}) {
    CAPTURE(bad);
    key.id = bad;
    CHECK(service->unwrap(key, {}).error().code() == Code::kInvalid);
  }
  CHECK(world.http.count() == 1);
}
