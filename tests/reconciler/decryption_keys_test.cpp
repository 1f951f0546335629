// The keys of a Kustomization's decryption Secret (kustomize-controller internal/decryptor,
// ImportKeys and SetAuthOptions).
#include "reconciler/decryption_keys.hpp"

#include <fstream>
#include <sstream>

#include "sluice/base/encoding.hpp"

#include "support/manual_clock.hpp"
#include "support/scripted_http.hpp"
#include "support/surroundings.hpp"
#include "support/test.hpp"

using namespace sluice;
using namespace sluice::test;
using reconciler::KeyRing;

namespace {

constexpr char kAgeKey[] =
    "AGE-SECRET-KEY-1SZ5L4KY3C65AFC705JHXAUSUXD6ZUWAEM2W52EKP9CQTTCU4E70QW5AAWJ";

/// An API server that has Secrets and ServiceAccounts, and a cloud that writes down what it is
/// asked.
struct World {
  std::map<std::string, std::map<std::string, std::string>> secrets;   // by "ns/name"
  std::map<std::string, std::map<std::string, std::string>> accounts;  // annotations, the same
  std::vector<std::string> token_requests;                             // bodies
  std::string version = "1";
  ManualClock clock;
  ScriptedHttp api{[this](const ScriptedHttp::Sent& sent) -> Result<http::Response> {
    http::Response response;
    response.status = 404;
    response.body = R"({"kind":"Status","status":"Failure","reason":"NotFound","code":404})";
    for (const auto& [name, data] : secrets) {
      const std::size_t slash = name.find('/');
      if (!sent.url.ends_with("/api/v1/namespaces/" + name.substr(0, slash) + "/secrets/" +
                              name.substr(slash + 1))) {
        continue;
      }
      response.status = 200;
      response.body =
          R"({"kind":"Secret","metadata":{"resourceVersion":")" + version + R"("},"data":{)";
      bool first = true;
      for (const auto& [entry, value] : data) {
        response.body +=
            std::string(first ? "" : ",") + "\"" + entry + "\":\"" + base64_encode(value) + "\"";
        first = false;
      }
      response.body += "}}";
    }
    if (sent.url.ends_with("/api/v1")) {
      response.status = 200;
      response.body =
          R"({"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"serviceaccounts",)"
          R"("namespaced":true,"kind":"ServiceAccount","verbs":["get"]}]})";
    }
    for (const auto& [name, annotations] : accounts) {
      const std::size_t slash = name.find('/');
      const std::string path = "/api/v1/namespaces/" + name.substr(0, slash) + "/serviceaccounts/" +
                               name.substr(slash + 1);
      if (sent.url.ends_with(path + "/token")) {
        token_requests.push_back(sent.body);
        response.status = 201;
        response.body = R"({"kind":"TokenRequest","status":{"token":"jwt.of.account"}})";
      } else if (sent.url.ends_with(path)) {
        response.status = 200;
        response.body = R"({"kind":"ServiceAccount","metadata":{"resourceVersion":")" + version +
                        R"(","annotations":{)";
        for (const auto& [key, value] : annotations) {
          if (response.body.back() != '{') response.body += ",";
          response.body += "\"" + key + "\":\"" + value + "\"";
        }
        response.body += "}}}";
      }
    }
    return response;
  }};
  ScriptedHttp cloud;
  std::shared_ptr<TestSurroundings> surroundings = std::make_shared<TestSurroundings>();
  kube::Client client{[] {
                        kube::Config config;
                        config.server = "http://127.0.0.1:1";
                        return config;
                      }(),
                      api, clock};
  reconciler::DecryptionOptions options = [this] {
    reconciler::DecryptionOptions made;
    decrypt::RemoteKeyOptions remote;
    remote.surroundings = surroundings;
    remote.client = [this]() -> http::Client& { return cloud; };
    remote.clock = &clock;
    remote.retry.attempts = 1;
    made.remote = decrypt::make_remote_context(std::move(remote));
    return made;
  }();
};

decrypt::KeyService& of_type(const decrypt::KeyServices& services, std::string_view type) {
  for (const auto& service : services) {
    if (service->type() == type) return *service;
  }
  FAIL("no key service of type " << type);
  return *services.front();
}

decrypt::MasterKey vault_key(const std::string& address) {
  decrypt::MasterKey key;
  key.type = "hc_vault";
  key.id = address + "/v1/sops/keys/k";
  key.fields = {{"vault_address", address}, {"engine_path", "sops"}, {"key_name", "k"}};
  key.wrapped_key = "vault:v1:x";
  return key;
}

}  // namespace

TEST_CASE("decryption Secret: each entry becomes the service that Flux makes of it") {
  World world;
  world.secrets["a/keys"] = {
      {"k.agekey", kAgeKey},
      {"sops.vault-token", "hvs.tenant\n"},
      {"sops.vault-addresses", "https://vault.a.example"},
      {"sops.aws-kms", "aws_access_key_id: AKIDTENANT\naws_secret_access_key: s\n"},
      {"sops.azure-kv", "tenantId: t\nclientId: c\nclientSecret: s\n"},
      {"sops.gcp-kms",
       R"({"type":"authorized_user","client_id":"i","client_secret":"s","refresh_token":"r"})"},
      {"other", "x"}};
  // What the controller has itself must not be used for a tenant that gives its own.
  world.surroundings->variables = {{"VAULT_TOKEN", "hvs.controller"},
                                   {"AWS_ACCESS_KEY_ID", "AKIDCONTROLLER"},
                                   {"AWS_SECRET_ACCESS_KEY", "s"}};
  KeyRing ring(world.client, world.options);
  const auto services = ring.keys("a", "keys", "", {});
  REQUIRE_OK(services);
  CHECK(services->size() == 7);  // and OpenPGP, and Huawei's, of the controller
  CHECK(world.cloud.count() == 0);

  world.cloud.answer(403, "{}");
  CHECK_FALSE(
      of_type(*services, "hc_vault").unwrap(vault_key("https://vault.a.example"), {}).has_value());
  CHECK(world.cloud.sent()[0].secret_header == "X-Vault-Token: hvs.tenant");
  CHECK_FALSE(
      of_type(*services, "hc_vault").unwrap(vault_key("https://vault.b.example"), {}).has_value());
  CHECK(world.cloud.count() == 1);

  decrypt::MasterKey kms;
  kms.type = "kms";
  kms.id = "arn:aws:kms:eu-west-1:1:key/k";
  kms.wrapped_key = "AAAA";
  kms.fields = {{"aws_profile", "of-the-file"}};
  world.cloud.answer(400, R"({"__type":"AccessDeniedException"})");
  CHECK_FALSE(of_type(*services, "kms").unwrap(kms, {}).has_value());
  CHECK(world.cloud.sent()[1].header("Authorization").find("Credential=AKIDTENANT/") !=
        std::string::npos);
  CHECK_FALSE(world.surroundings->asked().contains("AWS_SECRET_ACCESS_KEY"));
}

TEST_CASE(
    "decryption Secret: without an entry for a cloud, the controller's own credentials are used") {
  World world;
  world.secrets["a/keys"] = {{"k.agekey", kAgeKey}};
  world.surroundings->variables = {{"AWS_ACCESS_KEY_ID", "AKIDCONTROLLER"},
                                   {"AWS_SECRET_ACCESS_KEY", "s"}};
  KeyRing ring(world.client, world.options);
  for (const char* name : {"keys", ""}) {
    const auto services = ring.keys("a", name, "", {});
    REQUIRE_OK(services);
    decrypt::MasterKey kms;
    kms.type = "kms";
    kms.id = "arn:aws:kms:eu-west-1:1:key/k";
    kms.wrapped_key = "AAAA";
    world.cloud.answer(400, R"({"__type":"AccessDeniedException"})");
    CHECK_FALSE(of_type(*services, "kms").unwrap(kms, {}).has_value());
    CHECK(world.cloud.sent().back().header("Authorization").find("AKIDCONTROLLER") !=
          std::string::npos);
  }
}

TEST_CASE(
    "decryption Secret: services live as long as the Secret is unchanged, and are never shared") {
  World world;
  world.secrets["a/keys"] = {{"k.agekey", kAgeKey}};
  world.secrets["b/keys"] = {{"k.agekey", kAgeKey}};
  KeyRing ring(world.client, world.options);
  const auto first = ring.keys("a", "keys", "", {});
  const auto again = ring.keys("a", "keys", "", {});
  const auto other = ring.keys("b", "keys", "", {});
  REQUIRE_OK(first);
  REQUIRE_OK(again);
  REQUIRE_OK(other);
  CHECK(first->front() == again->front());
  CHECK(first->front() != other->front());
  world.version = "2";
  const auto changed = ring.keys("a", "keys", "", {});
  REQUIRE_OK(changed);
  CHECK(first->front() != changed->front());
}

TEST_CASE(
    "decryption Secret: default age keys serve Kustomizations without one, and nothing else of "
    "it") {
  World world;
  world.secrets["flux-system/sops-age"] = {{"k.agekey", kAgeKey}, {"sops.vault-token", "hvs.x"}};
  world.options.age_secret_namespace = "flux-system";
  world.options.age_secret = "sops-age";
  KeyRing ring(world.client, world.options);
  const auto services = ring.keys("a", "", "", {});
  REQUIRE_OK(services);
  CHECK(of_type(*services, "age").looked_in()[0].find("flux-system/sops-age") != std::string::npos);
  CHECK_FALSE(
      of_type(*services, "hc_vault").unwrap(vault_key("https://v.example"), {}).has_value());
  CHECK(world.cloud.count() == 0);
}

TEST_CASE(
    "Vault: the servers of the ConfigMap are logged in to with the controller's service account") {
  World world;
  int tokens = 0;
  world.api.on_request([&](const ScriptedHttp::Sent& sent) -> Result<http::Response> {
    http::Response response;
    response.status = 200;
    if (sent.url.ends_with("/api/v1")) {
      response.body =
          R"({"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"configmaps","singularName":"configmap","namespaced":true,"kind":"ConfigMap","verbs":["get"]}]})";
    } else if (sent.url.ends_with("/namespaces/flux-system/configmaps/vault")) {
      response.body =
          R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"vault"},"data":{"config.yaml":"instances:\n- address: https://vault.a.example/\n  loginPath: auth/kubernetes/login\n"}})";
    } else if (sent.url.ends_with("/serviceaccounts/kc/token")) {
      ++tokens;
      CHECK(sent.method == "POST");
      CHECK(sent.body.find(R"("audiences":["https://vault.a.example"])") != std::string::npos);
      response.body = R"({"kind":"TokenRequest","status":{"token":"ey.sa.token"}})";
    } else {
      response.status = 404;
      response.body = R"({"kind":"Status","reason":"NotFound"})";
    }
    return response;
  });
  world.options.vault_config_namespace = "flux-system";
  world.options.vault_config = "vault";
  world.options.service_account_namespace = "flux-system";
  world.options.service_account = "kc";
  world.cloud.on_request([](const ScriptedHttp::Sent& sent) -> Result<http::Response> {
    http::Response response;
    response.status = 200;
    if (sent.url == "https://vault.a.example/v1/auth/kubernetes/login") {
      CHECK(sent.body == R"({"role":"flux-system_kc","jwt":"ey.sa.token"})");
      response.body = R"({"auth":{"client_token":"hvs.kc","lease_duration":600}})";
    } else {
      CHECK(sent.secret_header == "X-Vault-Token: hvs.kc");
      response.body = R"({"data":{"plaintext":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlBQkNERUY="}})";
    }
    return response;
  });
  KeyRing ring(world.client, world.options);
  const auto services = ring.keys("a", "", "", {});
  REQUIRE_OK(services);
  auto& vault = of_type(*services, "hc_vault");
  for (int i = 0; i < 3; ++i) {
    auto key = vault_key("https://vault.a.example");
    key.wrapped_key += std::to_string(i);
    REQUIRE_OK(vault.unwrap(key, {}));
  }
  CHECK(tokens == 1);
  CHECK(world.cloud.count() == 4);
  CHECK_FALSE(vault.unwrap(vault_key("https://vault.b.example"), {}).has_value());
  CHECK(world.cloud.count() == 4);
  // {"sub":"system:serviceaccount:flux-system:kc"}
  const auto account = reconciler::service_account_of(crypto::SecretBytes::copy_of(
      std::string_view("e30.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQ6Zmx1eC1zeXN0ZW06a2MifQ.c2ln")));
  REQUIRE_OK(account);
  CHECK(account->first == "flux-system");
  CHECK(account->second == "kc");
  for (const char* bad : {"", "a.b", "e30.e30.x", "x.!.y"}) {
    CHECK_FALSE(reconciler::service_account_of(crypto::SecretBytes::copy_of(std::string_view(bad)))
                    .has_value());
  }
}

TEST_CASE("decryption Secret: a broken entry is named, its content is not") {
  World world;
  for (const auto& [entry, value] : {std::pair{"sops.aws-kms", "aws_access_key_id: CANARY\n"},
                                     {"sops.azure-kv", "tenantId: CANARY\n"},
                                     {"sops.aws-kms", "just CANARY"}}) {
    world.secrets["a/keys"] = {{entry, value}};
    KeyRing ring(world.client, world.options);
    const auto services = ring.keys("a", "keys", "", {});
    REQUIRE_FALSE(services.has_value());
    CHECK(services.error().code() == Code::kInvalid);
    CHECK(services.error().message().find(std::string("failed to import '") + entry +
                                          "' data from sops "
                                          "decryption Secret 'a/keys'") != std::string::npos);
    CHECK(services.error().text().find("CANARY") == std::string::npos);
  }
  KeyRing ring(world.client, world.options);
  CHECK(ring.keys("a", "none", "", {}).error().message() == "secrets \"none\" not found");
}

TEST_CASE("decryption Secret: an *.asc entry is an OpenPGP key, and an error where it is none") {
  const auto fixture = [](const std::string& name) {
    std::ifstream file(std::string(SLUICE_SOURCE_DIR) + "/fixtures/sops/pgp/" + name);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  };
  World world;
  world.secrets["a/keys"] = {{"any.asc", fixture("plain.key.asc")},
                             {"other.asc", fixture("protected.key.asc")}};
  world.secrets["a/wrong"] = {{"wrong.asc", "AGE-SECRET-KEY-1"}};
  KeyRing ring(world.client, world.options);
  const auto wrong = ring.keys("a", "wrong", "", {});
  REQUIRE_FALSE(wrong.has_value());
  CHECK(wrong.error().message() == "Secret a/wrong entry \"wrong.asc\": no OpenPGP key in it");
  const auto services = ring.keys("a", "keys", "", {});
  REQUIRE_OK(services);
  auto& pgp = of_type(*services, "pgp");
  const auto opened = pgp.unwrap({"pgp", "", fixture("plain.asc"), {}}, {});
  if (!opened && opened.error().code() == Code::kUnsupported) {
    SLUICE_SKIP("librnp0 is not installed (scripts/deps installs it)");
  }
  CHECK_OK(opened);
  // A key behind a passphrase: nobody is there to ask.
  const auto locked = pgp.unwrap({"pgp", "", fixture("protected.asc"), {}}, {});
  REQUIRE_FALSE(locked.has_value());
  CHECK(locked.error().message().find("passphrase") != std::string::npos);
}

namespace {

/// Answers of clouds to a workload identity, the same data key each.
Result<http::Response> cloud_answer(const ScriptedHttp::Sent& sent) {
  constexpr char kKey[] = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlBQkNERUY=";
  http::Response response;
  response.status = 200;
  const auto asked = [&sent](std::string_view part) {
    return sent.url.find(part) != std::string::npos;
  };
  if (asked("sts.") && asked("amazonaws")) {
    response.body =
        "<R><Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
        "<SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
        "</R>";
  } else if (asked("generateAccessToken")) {
    response.body = R"({"accessToken":"impersonated","expireTime":"2099-01-01T00:00:00Z"})";
  } else if (asked("token")) {
    response.body = R"({"access_token":"exchanged","expires_in":3600,"token_type":"Bearer"})";
  } else if (asked("auth/kubernetes/login")) {
    response.body = R"({"auth":{"client_token":"hvs.account","lease_duration":3600}})";
  } else if (asked("azure")) {
    response.body = R"({"value":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlBQkNERUY"})";
  } else if (asked("vault.")) {
    response.body = std::string(R"({"data":{"plaintext":")") + kKey + "\"}}";
  } else {
    response.body = std::string(R"({"Plaintext":")") + kKey + R"(","plaintext":")" + kKey + "\"}";
  }
  return response;
}

}  // namespace

TEST_CASE("decryption service account: each cloud gets a token of it, exchanged as in Flux") {
  World world;
  world.accounts["a/reader"] = {
      {"eks.amazonaws.com/role-arn", "arn:aws:iam::123456789012:role/reader"},
      {"azure.workload.identity/tenant-id", "tenant-1"},
      {"azure.workload.identity/client-id", "client-1"},
      {"gcp.auth.fluxcd.io/workload-identity-provider",
       "projects/12/locations/global/workloadIdentityPools/pool/providers/cluster"},
      {"iam.gke.io/gcp-service-account", "reader@project.iam.gserviceaccount.com"}};
  // What the controller has itself must not be used.
  world.surroundings->variables = {{"VAULT_TOKEN", "hvs.controller"},
                                   {"AWS_ACCESS_KEY_ID", "AKIDCONTROLLER"},
                                   {"AWS_SECRET_ACCESS_KEY", "s"},
                                   {"GOOGLE_OAUTH_ACCESS_TOKEN", "controller"},
                                   {"AZURE_CLIENT_SECRET", "controller"}};
  world.cloud.on_request(cloud_answer);
  KeyRing ring(world.client, world.options);
  const auto services = ring.keys("a", "", "reader", {});
  REQUIRE_OK(services);
  const auto opens = [&services](decrypt::MasterKey key) {
    key.wrapped_key = "AAAA";
    const auto opened = of_type(*services, key.type).unwrap(key, {});
    REQUIRE_OK(opened);
    CHECK(opened->reveal_text() == "0123456789abcdef0123456789ABCDEF");
  };
  const auto sent_with = [&world](std::string_view part) {
    for (const auto& sent : world.cloud.sent()) {
      if (sent.url.find(part) != std::string::npos) return sent;
    }
    FAIL("no request with " << part);
    return ScriptedHttp::Sent();
  };

  decrypt::MasterKey kms{"kms", "arn:aws:kms:eu-west-1:1:key/one", "", {}};
  kms.fields["arn"] = kms.id;
  opens(kms);
  const auto sts = sent_with("sts.eu-west-1.amazonaws.com");
  CHECK(sts.body.find("Action=AssumeRoleWithWebIdentity") != std::string::npos);
  CHECK(sts.body.find("role%2Freader") != std::string::npos);
  CHECK(sts.body.find("WebIdentityToken=jwt.of.account") != std::string::npos);
  CHECK(sts.body.find("RoleSessionName=reader.a.fluxcd.io") != std::string::npos);

  decrypt::MasterKey azure{"azure_kv", "https://v.vault.azure.net/keys/k/1", "", {}};
  azure.fields = {{"vault_url", "https://v.vault.azure.net"}, {"name", "k"}, {"version", "1"}};
  opens(azure);
  const auto login = sent_with("login.microsoftonline.com/tenant-1");
  CHECK(login.body.find("client_id=client-1") != std::string::npos);
  CHECK(login.body.find("client_assertion=jwt.of.account") != std::string::npos);

  decrypt::MasterKey gcp{"gcp_kms", "projects/p/locations/l/keyRings/r/cryptoKeys/k", "", {}};
  gcp.fields["resource_id"] = gcp.id;
  opens(gcp);
  const auto exchange = sent_with("sts.googleapis.com");
  CHECK(exchange.body.find("subject_token=jwt.of.account") != std::string::npos);
  CHECK(exchange.body.find("workloadIdentityPools%2Fpool%2Fproviders%2Fcluster") !=
        std::string::npos);
  CHECK(sent_with("serviceAccounts/reader@project").secret_header ==
        "Authorization: Bearer exchanged");

  REQUIRE(world.token_requests.size() == 3);
  CHECK(world.token_requests[0].find(R"("audiences":["sts.amazonaws.com"])") != std::string::npos);
  CHECK(world.token_requests[1].find(R"("audiences":["api://AzureADTokenExchange"])") !=
        std::string::npos);
  CHECK(world.token_requests[2].find(R"(["//iam.googleapis.com/projects/12/)") !=
        std::string::npos);
  for (const auto& sent : world.cloud.sent()) {
    CHECK(sent.secret_header.find("controller") == std::string::npos);
    CHECK(sent.header("Authorization").find("AKIDCONTROLLER") == std::string::npos);
  }
  const auto again = ring.keys("a", "", "reader", {});
  REQUIRE_OK(again);
  CHECK(&of_type(*again, "kms") == &of_type(*services, "kms"));
  world.version = "2";
  const auto changed = ring.keys("a", "", "reader", {});
  REQUIRE_OK(changed);
  CHECK(&of_type(*changed, "kms") != &of_type(*services, "kms"));
}

TEST_CASE("decryption service account: what is not set up is named when a key of it is met") {
  World world;
  world.accounts["a/plain"] = {{"eks.amazonaws.com/role-arn", "role/reader"}};
  KeyRing ring(world.client, world.options);
  const auto services = ring.keys("a", "", "plain", {});
  REQUIRE_OK(services);
  const auto refused = [&services](const char* type) {
    const auto opened = of_type(*services, type).unwrap({type, "x", "AAAA", {}}, {});
    REQUIRE_FALSE(opened.has_value());
    return opened.error().message();
  };
  CHECK(refused("kms") ==
        "ServiceAccount a/plain has an annotation eks.amazonaws.com/role-arn \"role/reader\" that "
        "is not of its form");
  CHECK(refused("azure_kv") ==
        "ServiceAccount a/plain has no annotation azure.workload.identity/tenant-id");
  CHECK(refused("gcp_kms") ==
        "ServiceAccount a/plain has no annotation gcp.auth.fluxcd.io/workload-identity-provider");
  CHECK(world.cloud.count() == 0);
  CHECK(ring.keys("a", "", "none", {})
            .error()
            .message()
            .starts_with("failed to get service account 'a/none': "));
}
