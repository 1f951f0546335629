// AWS Signature Version 4 against known answers, and the strict readers of URLs and secret JSON.
#include "sluice/http/aws_signature.hpp"
#include "sluice/http/secret_json.hpp"
#include "sluice/http/url.hpp"

#include "support/test.hpp"

namespace sluice::http {
namespace {

using namespace std::chrono;

std::string header(const Request& request, std::string_view name) {
  for (const auto& [key, value] : request.headers) {
    if (key == name) return value;
  }
  return {};
}

AwsCredentials example() {
  AwsCredentials credentials;
  credentials.access_key_id = "AKIDEXAMPLE";
  credentials.secret_access_key =
      crypto::SecretBytes::copy_of(std::string_view("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"));
  return credentials;
}

constexpr std::string_view kBody =
    R"({"CiphertextBlob":"AAAA","KeyId":"arn:aws:kms:us-west-2:111122223333:key/abc"})";

Request decrypt_call() {
  Request request;
  request.method = "POST";
  request.url = "https://kms.us-west-2.amazonaws.com/";
  request.headers = {{"Content-Type", "application/x-amz-json-1.1"},
                     {"X-Amz-Target", "TrentService.Decrypt"}};
  request.secret_body =
      std::make_shared<const crypto::SecretBytes>(crypto::SecretBytes::copy_of(kBody));
  return request;
}

}  // namespace

TEST_CASE("SigV4: a KMS call has the signature that another implementation gave") {
  Request request = decrypt_call();
  REQUIRE_OK(sign_aws(request, example(), "us-west-2", "kms", sys_days(2026y / January / 1)));
  CHECK(header(request, "X-Amz-Date") == "20260101T000000Z");
  CHECK(header(request, "Authorization") ==
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-west-2/kms/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-target, "
        "Signature=8c249c0cbb398988b467b4866c139abddf0cc025ac56558a1bfabf452be654fa");
  CHECK(request.secret_header_name.empty());
}

TEST_CASE("SigV4: a session token is signed and travels as the secret header") {
  AwsCredentials credentials = example();
  credentials.session_token = std::make_shared<const crypto::SecretBytes>(
      crypto::SecretBytes::copy_of(std::string_view("session/token+1==")));
  Request request = decrypt_call();
  REQUIRE_OK(sign_aws(request, credentials, "us-west-2", "kms", sys_days(2026y / January / 1)));
  CHECK(request.secret_header_name == "X-Amz-Security-Token");
  CHECK(request.secret_header_value->reveal_text() == "session/token+1==");
  CHECK(header(request, "X-Amz-Security-Token").empty());
  const std::string authorization = header(request, "Authorization");
  CHECK(authorization.find("x-amz-date;x-amz-security-token;x-amz-target") != std::string::npos);
  // Another token, another signature.
  credentials.session_token = std::make_shared<const crypto::SecretBytes>(
      crypto::SecretBytes::copy_of(std::string_view("session/token+2==")));
  Request other = decrypt_call();
  REQUIRE_OK(sign_aws(other, credentials, "us-west-2", "kms", sys_days(2026y / January / 1)));
  CHECK(header(other, "Authorization") != authorization);
}

TEST_CASE("SigV4: the order of query parameters does not matter, a port is part of the host") {
  Request one;
  one.url = "http://127.0.0.1:5000/?b=2&a=1&c";
  Request two;
  two.url = "http://127.0.0.1:5000/?a=1&c=&b=2";
  Request three;
  three.url = "http://127.0.0.1:5001/?a=1&c=&b=2";
  for (Request* request : {&one, &two, &three}) {
    REQUIRE_OK(sign_aws(*request, example(), "us-east-1", "sts", sys_days(2026y / January / 1)));
  }
  CHECK(header(one, "Authorization") == header(two, "Authorization"));
  CHECK(header(two, "Authorization") != header(three, "Authorization"));
  Request bad;
  bad.url = "kms.us-west-2.amazonaws.com";
  CHECK(sign_aws(bad, example(), "us-east-1", "sts", {}).error().code() == Code::kInvalid);
}

TEST_CASE("a URL is read strictly: what could hide another host is refused") {
  const auto url = parse_url("HTTPS://Vault.Example.com:8200/a/b?x=1");
  REQUIRE(url);
  CHECK(url->origin() == "https://vault.example.com:8200");
  CHECK(url->path == "/a/b");
  CHECK(url->query == "x=1");
  CHECK(parse_url("https://a.example:443")->origin() == "https://a.example");
  CHECK(parse_url("http://a.example:443/")->origin() == "http://a.example:443");
  CHECK(parse_url("http://[::1]:8200/")->host == "[::1]");
  for (const char* bad : {"",
                          "vault.example.com",
                          "//a",
                          "ftp://a",
                          "https://",
                          "https:///x",
                          "https://u@a",
                          "https://u:p@a",
                          "https://a#b",
                          "https://a\\b",
                          "https://a b",
                          "https://a:x",
                          "https://a:",
                          "https://a:123456",
                          "https://.a",
                          "https://a..b",
                          "https://[::1",
                          "https://[x]",
                          "https://\xc3\xa4.example",
                          "https://a\n.b",
                          "https://a%2eb"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_url(bad));
  }
}

TEST_CASE("secret JSON: values are found by path and unescaped, broken text gives nothing") {
  constexpr std::string_view kText =
      R"({"a": [1, {"b": "no"}], "auth": {"x": null, "client_token": "s.\u0041\/\"\\\n\ud83d\ude00"}, "n": 3600})";
  const auto token = secret_json_string(kText, {"auth", "client_token"});
  REQUIRE(token);
  CHECK(token->reveal_text() == "s.A/\"\\\n\xf0\x9f\x98\x80");
  CHECK(json_text(kText, {"n"}) == "3600");
  CHECK(json_text(kText, {"auth", "x"}).empty());
  CHECK(json_text(kText, {"a"}).empty());
  CHECK_FALSE(secret_json_string(kText, {"n"}));
  CHECK_FALSE(secret_json_string(kText, {"b"}));
  for (const char* bad :
       {"", "{", "[]", "\"x\"", R"({"k")", R"({"k":)", R"({"k":"v")", R"({"k":"v)", R"({"k":"\q"})",
        R"({"k":"\u12"})", R"({k:"v"})", R"({"k" "v"})"}) {
    CAPTURE(bad);
    CHECK_FALSE(secret_json_string(bad, {"k"}));
  }
  crypto::SecretBuffer out;
  append_json_string(out, "a\"b\\c\nd");
  CHECK(std::move(out).take().reveal_text() == R"("a\u0022b\u005cc\u000ad")");
  CHECK(percent_encoded("a b/c~-._%") == "a%20b%2Fc~-._%25");
}

}  // namespace sluice::http
