// AWS KMS as a key service (SOPS kms/keysource.go), and the ways to AWS credentials
// (aws-sdk-go-v2 config/resolve_credentials.go).
#include "remote.hpp"

using namespace sluice;
using namespace sluice::decrypt;
using namespace sluice::test;
using namespace std::chrono_literals;

namespace {

constexpr char kArn[] = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd";

MasterKey kms(std::string enc = "AQICAHh=") {
  MasterKey key;
  key.type = "kms";
  key.id = kArn;
  key.fields = {{"arn", kArn}, {"created_at", "2026-01-01T00:00:00Z"}};
  key.wrapped_key = std::move(enc);
  return key;
}

std::string answer_of(std::string_view arn = kArn) {
  return R"({"KeyId":")" + std::string(arn) + R"(","Plaintext":")" + std::string(kDataKeyBase64) +
         R"(","EncryptionAlgorithm":"SYMMETRIC_DEFAULT"})";
}

std::string sts_answer(std::string_view id, std::string_view expiration = "2099-01-01T00:00:00Z") {
  return "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>" + std::string(id) +
         "</AccessKeyId><SecretAccessKey>sts/secret</SecretAccessKey><SessionToken>sts+token"
         "</SessionToken><Expiration>" +
         std::string(expiration) +
         "</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>";
}

void set_keys(RemoteWorld& world) {
  world.surroundings->variables["AWS_ACCESS_KEY_ID"] = "AKIDENV";
  world.surroundings->variables["AWS_SECRET_ACCESS_KEY"] = "env/secret";
}

bool signed_by(const ScriptedHttp::Sent& sent, std::string_view id, std::string_view scope) {
  return sent.header("Authorization")
             .find("Credential=" + std::string(id) + "/20251124/" + std::string(scope) +
                   "/aws4_request") != std::string::npos;
}

}  // namespace

TEST_CASE("AWS KMS: the call of the API reference, to the region of the ARN") {
  RemoteWorld world;
  set_keys(world);
  world.surroundings->variables["AWS_SESSION_TOKEN"] = "env+session";
  MasterKey key = kms();
  key.fields["context.app"] = "shop \"x\"";
  key.fields["context.env"] = "prod";
  world.http.answer(200, answer_of());
  const auto service = make_aws_key_service(world.context());
  CHECK(world.surroundings->asked().empty());
  const auto opened = service->unwrap(key, {});
  REQUIRE_OK(opened);
  CHECK(opened->reveal_text() == kDataKey);
  const auto sent = world.http.sent()[0];
  CHECK(sent.method == "POST");
  CHECK(sent.url == "https://kms.eu-west-1.amazonaws.com/");
  CHECK(sent.header("X-Amz-Target") == "TrentService.Decrypt");
  CHECK(sent.header("Content-Type") == "application/x-amz-json-1.1");
  CHECK(sent.secret_header == "X-Amz-Security-Token: env+session");
  CHECK(signed_by(sent, "AKIDENV", "eu-west-1/kms"));
  CHECK(
      sent.body ==
      R"({"CiphertextBlob":"AQICAHh=","EncryptionContext":{"app":"shop \u0022x\u0022","env":"prod"},"KeyId":"arn:aws:kms:eu-west-1:111122223333:key/1234abcd"})");
}

TEST_CASE("AWS KMS: wrapping gives the blob that is written to the file") {
  RemoteWorld world;
  set_keys(world);
  world.http.answer(200, R"({"CiphertextBlob":"AQIDAHi","KeyId":"x"})");
  const auto enc = make_aws_key_service(world.context())
                       ->wrap(kms(""), crypto::SecretBytes::copy_of(kDataKey), CancelToken());
  REQUIRE_OK(enc);
  CHECK(*enc == "AQIDAHi");
  CHECK(world.http.sent()[0].header("X-Amz-Target") == "TrentService.Encrypt");
  CHECK(world.http.sent()[0].body ==
        R"({"Plaintext":")" + std::string(kDataKeyBase64) + R"(","KeyId":")" + kArn + R"("})");
}

TEST_CASE("AWS KMS: an ARN decides the host only by its region, which is held to its alphabet") {
  RemoteWorld world;
  set_keys(world);
  const auto service = make_aws_key_service(world.context());
  for (const char* bad :
       {"", "arn:aws:kms:evil.example/x:111122223333:key/a", "arn:aws:kms::111122223333:key/a",
        "arn:aws:kms:eu-west-1.evil:1:key/a", "arn:aws:kms:eu-west-1:x:key/a",
        "arn:aws:kms:eu-west-1:1:secret/a", "arn:aws:s3:eu-west-1:1:key/a",
        "arn:aws:kms:EU@x:1:key/a", "arn:aws:kms:a#b:1:key/a", "alias/mine",
        "arn:aws:kms:eu-west-1:1:key/"}) {
    CAPTURE(bad);
    MasterKey key = kms();
    key.id = bad;
    const auto opened = service->unwrap(key, {});
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().code() == Code::kInvalid);
    CHECK(opened.error().message().find("no valid ARN found in '") != std::string::npos);
  }
  CHECK(world.http.count() == 0);
  for (const auto& [region, host] :
       {std::pair{"cn-north-1", "https://kms.cn-north-1.amazonaws.com.cn/"},
        {"us-gov-west-1", "https://kms.us-gov-west-1.amazonaws.com/"},
        {"us-iso-east-1", "https://kms.us-iso-east-1.c2s.ic.gov/"},
        {"us-isob-east-1", "https://kms.us-isob-east-1.sc2s.sgov.gov/"}}) {
    MasterKey key = kms();
    key.id = "arn:aws-x:kms:" + std::string(region) + ":1:alias/mine";
    world.http.answer(200, answer_of());
    REQUIRE_OK(service->unwrap(key, {}));
    CHECK(world.http.sent().back().url == host);
  }
}

TEST_CASE(
    "AWS KMS: the operator's endpoint goes before the region's, and so do FIPS and dual stack") {
  RemoteWorld world;
  set_keys(world);
  auto& variables = world.surroundings->variables;
  const auto url = [&world] {
    world.http.answer(200, answer_of());
    REQUIRE_OK(make_aws_key_service(world.context())->unwrap(kms(), {}));
    return world.http.sent().back().url;
  };
  variables["AWS_USE_FIPS_ENDPOINT"] = "true";
  CHECK(url() == "https://kms-fips.eu-west-1.amazonaws.com/");
  variables["AWS_USE_DUALSTACK_ENDPOINT"] = "true";
  CHECK(url() == "https://kms-fips.eu-west-1.api.aws/");
  world.surroundings->files["/home/me/.aws/config"] =
      "[default]\nendpoint_url = http://p.example\n";
  CHECK(url() == "http://p.example/");
  variables["AWS_ENDPOINT_URL"] = "http://127.0.0.1:4566";
  CHECK(url() == "http://127.0.0.1:4566/");
  variables["AWS_ENDPOINT_URL_KMS"] = "http://127.0.0.1:4567/";
  CHECK(url() == "http://127.0.0.1:4567/");
  variables["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true";
  CHECK(url() == "https://kms-fips.eu-west-1.api.aws/");
}

TEST_CASE("AWS KMS: throttling with status 400 is tried again; a refusal is said in AWS's words") {
  RemoteWorld world;
  set_keys(world);
  const auto service = make_aws_key_service(world.context());
  const std::string slow = R"({"__type":"ThrottlingException","message":"Rate exceeded"})";
  world.http.answer(400, slow);
  world.http.answer(400, slow);
  world.http.answer(200, answer_of());
  REQUIRE_OK(service->unwrap(kms(), {}));
  CHECK(world.http.count() == 3);
  for (int i = 0; i < 3; ++i)
    world.http.answer(400, slow);
  const auto throttled = service->unwrap(kms("AQIB"), {});
  REQUIRE_FALSE(throttled.has_value());
  CHECK(throttled.error().code() == Code::kUnavailable);
  world.http.answer(
      400,
      R"({"__type":"com.amazonaws.kms#AccessDeniedException","Message":"not you, env/secret"})");
  const auto denied = service->unwrap(kms("AQIC"), {});
  REQUIRE_FALSE(denied.has_value());
  CHECK(denied.error().code() == Code::kDenied);
  CHECK(denied.error().message() ==
        "failed to decrypt sops data key with AWS KMS: AccessDeniedException: not you, ***");
  CHECK(world.http.count() == 7);  // a refusal is final
  world.http.answer(400, R"({"__type":"InvalidCiphertextException"})");
  CHECK(service->unwrap(kms("AQID"), {}).error().message().ends_with("InvalidCiphertextException"));
}

TEST_CASE("AWS KMS: an answer that lies is no data key") {
  RemoteWorld world;
  set_keys(world);
  const auto service = make_aws_key_service(world.context());
  for (const std::string& lie :
       {std::string(), std::string("{}"), std::string(R"({"Plaintext":"!!"})"),
        std::string(R"({"Plaintext":""})"), std::string(R"({"Plaintext":{}})"),
        answer_of("arn:aws:kms:eu-west-1:111122223333:key/other")}) {
    CAPTURE(lie);
    world.http.answer(200, lie);
    const auto opened = service->unwrap(kms(), {});
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().code() == Code::kInvalid);
    CHECK(opened.error().text().find(kDataKeyBase64) == std::string::npos);
  }
  CHECK(service->unwrap(kms("not base64!"), {}).error().message() ==
        "error base64-decoding encrypted data key");
}

TEST_CASE(
    "AWS KMS: a role of the file is assumed once through STS of the region, until near its end") {
  RemoteWorld world;
  set_keys(world);
  const auto service = make_aws_key_service(world.context());
  MasterKey key = kms("AQI1");
  key.fields["role"] = "arn:aws:iam::111122223333:role/sops";
  world.http.answer(200, sts_answer("ASIAROLE", "2025-11-24T17:00:00Z"));  // 60 minutes from now
  world.http.answer(200, answer_of());
  REQUIRE_OK(service->unwrap(key, {}));
  auto sent = world.http.sent();
  REQUIRE(sent.size() == 2);
  CHECK(sent[0].url == "https://sts.eu-west-1.amazonaws.com/");
  CHECK(
      sent[0].body ==
      "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fsops"
      "&RoleSessionName=sops%40buildhost_1.example");
  CHECK(signed_by(sent[0], "AKIDENV", "eu-west-1/sts"));
  CHECK(signed_by(sent[1], "ASIAROLE", "eu-west-1/kms"));
  CHECK(sent[1].secret_header == "X-Amz-Security-Token: sts+token");
  key.wrapped_key = "AQI2";
  world.http.answer(200, answer_of());
  REQUIRE_OK(service->unwrap(key, {}));
  CHECK(world.http.count() == 3);
  world.clock.advance(56min);
  key.wrapped_key = "AQI3";
  world.http.answer(200, sts_answer("ASIAROLE2", "2025-11-24T18:00:00Z"));
  world.http.answer(200, answer_of());
  REQUIRE_OK(service->unwrap(key, {}));
  CHECK(world.http.count() == 5);
  key.fields["role"] = "arn:aws:iam::111122223333:role/other";
  world.http.answer(403,
                    "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no sts:AssumeRole"
                    "</Message></Error></ErrorResponse>");
  const auto refused = service->unwrap(key, {});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code() == Code::kDenied);
  CHECK(refused.error().message().ends_with(
      "failed to assume role 'arn:aws:iam::111122223333:role/other': AccessDenied: no "
      "sts:AssumeRole"));
}

TEST_CASE("AWS KMS: credentials that ended early are looked for again, once") {
  RemoteWorld world;
  set_keys(world);
  const auto service = make_aws_key_service(world.context());
  world.http.answer(400, R"({"__type":"ExpiredTokenException","message":"expired"})");
  world.http.answer(200, answer_of());
  REQUIRE_OK(service->unwrap(kms("AQI1"), {}));
  world.http.answer(400, R"({"__type":"ExpiredTokenException","message":"expired"})");
  world.http.answer(400, R"({"__type":"ExpiredTokenException","message":"expired"})");
  const auto refused = service->unwrap(kms("AQI2"), {});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code() == Code::kDenied);
  CHECK(world.http.count() == 4);
}

TEST_CASE(
    "AWS credentials: aws_profile of the file selects a profile, which goes before the "
    "environment") {
  RemoteWorld world;
  set_keys(world);
  world.surroundings->files["/home/me/.aws/config"] =
      "# comment\n[default]\nregion = us-east-1\n[profile "
      "team]\nrole_arn=arn:aws:iam::1:role/team\n"
      "source_profile = base\nexternal_id = x 1 # note\ns3 =\n  role_arn = nested\n"
      "[services team]\naws_access_key_id = WRONG\n";
  world.surroundings->files["/home/me/.aws/credentials"] =
      "[base]\naws_access_key_id = AKIDFILE\naws_secret_access_key = file/secret\n";
  MasterKey key = kms();
  key.fields["aws_profile"] = "team";
  world.http.answer(200, sts_answer("ASIATEAM"));
  world.http.answer(200, answer_of());
  const auto service = make_aws_key_service(world.context());
  REQUIRE_OK(service->unwrap(key, {}));
  const auto sent = world.http.sent();
  REQUIRE(sent.size() == 2);
  CHECK(signed_by(sent[0], "AKIDFILE", "eu-west-1/sts"));
  CHECK(sent[0].body.ends_with("&ExternalId=x%201"));
  CHECK(signed_by(sent[1], "ASIATEAM", "eu-west-1/kms"));
  key.fields["aws_profile"] = "nobody";
  CHECK(service->unwrap(key, {}).error().message().ends_with(
      "failed to get shared config profile, nobody"));
  // Flux leaves the profile of the file out.
  world.http.answer(200, answer_of());
  key.wrapped_key = "AQI9";
  REQUIRE_OK(make_aws_key_service(world.context(), {nullptr, "", false})->unwrap(key, {}));
  CHECK(signed_by(world.http.sent().back(), "AKIDENV", "eu-west-1/kms"));
}

TEST_CASE("AWS credentials: what needs a program, a browser or a code is refused by name") {
  RemoteWorld world;
  world.surroundings->variables["AWS_PROFILE"] = "p";
  for (const auto& [setting, word] :
       {std::pair{"credential_process = /bin/evil", "credential_process"},
        {"sso_session = x", "SSO"},
        {"mfa_serial = arn:aws:iam::1:mfa/me\nrole_arn = r\nsource_profile = p", "mfa_serial"}}) {
    CAPTURE(word);
    world.surroundings->files["/home/me/.aws/config"] =
        "[profile p]\n" + std::string(setting) + "\n";
    const auto opened = make_aws_key_service(world.context())->unwrap(kms(), {});
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().code() == Code::kUnsupported);
    CHECK(opened.error().message().find(word) != std::string::npos);
  }
  CHECK(world.http.count() == 0);
}

TEST_CASE("AWS credentials: web identity is exchanged without a signature") {
  RemoteWorld world;
  auto& variables = world.surroundings->variables;
  variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/var/run/token";
  variables["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/irsa";
  variables["AWS_ROLE_SESSION_NAME"] = "sluice";
  world.surroundings->files["/var/run/token"] = "eyJ.jwt.sig\n";
  world.http.answer(200, sts_answer("ASIAWEB"));
  world.http.answer(200, answer_of());
  REQUIRE_OK(make_aws_key_service(world.context())->unwrap(kms(), {}));
  const auto sent = world.http.sent();
  CHECK(sent[0].header("Authorization").empty());
  CHECK(sent[0].body ==
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%"
        "2Firsa"
        "&RoleSessionName=sluice&WebIdentityToken=eyJ.jwt.sig");
  CHECK(signed_by(sent[1], "ASIAWEB", "eu-west-1/kms"));
}

TEST_CASE(
    "AWS credentials: the instance's role comes over IMDSv2, and nowhere else when it is off") {
  RemoteWorld world;
  world.http.on_request([](const ScriptedHttp::Sent& sent) -> Result<http::Response> {
    http::Response response;
    response.status = 200;
    if (sent.url == "http://169.254.169.254/latest/api/token") {
      CHECK(sent.method == "PUT");
      CHECK(sent.header("X-aws-ec2-metadata-token-ttl-seconds") == "21600");
      response.body = "imds-token";
    } else if (sent.url.starts_with("http://169.254.169.254/")) {
      CHECK(sent.secret_header == "X-aws-ec2-metadata-token: imds-token");
      response.body = sent.url.ends_with("/")
                          ? "node-role"
                          : R"({"Code":"Success","AccessKeyId":"ASIANODE","SecretAccessKey":"s",)"
                            R"("Token":"node+token","Expiration":"2099-01-01T00:00:00Z"})";
    } else {
      response.body = answer_of();
    }
    return response;
  });
  const auto service = make_aws_key_service(world.context());
  REQUIRE_OK(service->unwrap(kms(), {}));
  CHECK(world.http.count() == 4);
  CHECK(signed_by(world.http.sent().back(), "ASIANODE", "eu-west-1/kms"));
  RemoteWorld nowhere;  // off the cloud nobody answers: asked once, not four times
  nowhere.http.on_request([](const ScriptedHttp::Sent&) -> Result<http::Response> {
    return fail(Code::kUnavailable, "169.254.169.254:80: timed out");
  });
  CHECK_FALSE(make_aws_key_service(nowhere.context())->unwrap(kms(), {}).has_value());
  CHECK(nowhere.http.count() == 1);
  RemoteWorld off;
  off.surroundings->variables["AWS_EC2_METADATA_DISABLED"] = "true";
  const auto lonely = make_aws_key_service(off.context());
  const auto opened = lonely->unwrap(kms(), {});
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().message().ends_with("no AWS credentials were found"));
  CHECK(off.http.count() == 0);
  CHECK(
      lonely->looked_in() ==
      std::vector<std::string>{"AWS_ACCESS_KEY_ID: not set", "/home/me/.aws/config: no such file",
                               "/home/me/.aws/credentials: no such file",
                               "the instance's metadata: turned off by AWS_EC2_METADATA_DISABLED"});
}

TEST_CASE("AWS credentials: a container's come from a local address or over TLS only") {
  RemoteWorld world;
  auto& variables = world.surroundings->variables;
  variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://evil.example/creds";
  CHECK_FALSE(make_aws_key_service(world.context())->unwrap(kms(), {}).has_value());
  CHECK(world.http.count() == 0);
  variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://169.254.170.23/v1/credentials";
  variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = "/pod/token";
  world.surroundings->files["/pod/token"] = "pod-token\n";
  world.http.answer(200, R"({"AccessKeyId":"ASIAPOD","SecretAccessKey":"s","Token":"t"})");
  world.http.answer(200, answer_of());
  REQUIRE_OK(make_aws_key_service(world.context())->unwrap(kms(), {}));
  CHECK(world.http.sent()[0].secret_header == "Authorization: pod-token");
  CHECK(signed_by(world.http.sent()[1], "ASIAPOD", "eu-west-1/kms"));
}
