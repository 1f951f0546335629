// The entries of Flux's decryption Secret (kustomize-controller internal/sops/awskms, azkv).
#include "sluice/decrypt/flux_credentials.hpp"

#include "support/test.hpp"

using namespace sluice;
using namespace sluice::decrypt;

namespace {

crypto::SecretBytes bytes(std::string_view text) {
  return crypto::SecretBytes::copy_of(text);
}

std::string utf16(std::string_view ascii, bool little) {
  std::string out = little ? "\xff\xfe" : "\xfe\xff";
  for (const char c : ascii) {
    if (little) out += c;
    out += '\0';
    if (!little) out += c;
  }
  return out;
}

}  // namespace

TEST_CASE("flat secrets: scalars of every style, in YAML and JSON") {
  const auto yaml = read_flat_secrets(
      bytes("---\n# note\nplain: a b # c\n'quoted' : 'it''s'\n\"d\": \"a\\n\\u0041\"\n"
            "pem: |\n  -----BEGIN X-----\n  ab\n\n  cd\n  -----END X-----\nchomped: |-\n    one\n"
            "    two\nfolded: >-\n  one\n  two\nempty:\nnone: null\nnested:\n  plain: no\n- item\n"
            "url: https://a.example/x#y\nlast: z"));
  REQUIRE_OK(yaml);
  const auto text = [&](std::string_view name) { return yaml->find(name)->second.reveal_text(); };
  CHECK(text("plain") == "a b");
  CHECK(text("quoted") == "it's");
  CHECK(text("d") == "a\nA");
  CHECK(text("pem") == "-----BEGIN X-----\nab\n\ncd\n-----END X-----\n");
  CHECK(text("chomped") == "one\ntwo");
  CHECK(text("folded") == "one two");
  CHECK(text("url") == "https://a.example/x#y");
  CHECK(text("last") == "z");
  CHECK(yaml->size() == 8);
  const auto json =
      read_flat_secrets(bytes(R"( {"a": "x\ny", "b": true, "c": {"a": 1}, "d": null})"));
  REQUIRE_OK(json);
  CHECK(json->find("a")->second.reveal_text() == "x\ny");
  CHECK(json->find("b")->second.reveal_text() == "true");
  CHECK(json->size() == 2);
  for (const char* bad : {"just text", "a: 'open", "a: \"open", "a: &x 1", "{\"a\": 1", "{} x"}) {
    CAPTURE(bad);
    const auto broken = read_flat_secrets(bytes(bad));
    REQUIRE_FALSE(broken.has_value());
    CHECK(broken.error().code() == Code::kInvalid);
    CHECK(broken.error().text().find("open") == std::string::npos);
  }
}

TEST_CASE("sops.aws-kms: key, secret and session token") {
  const auto read = read_aws_credentials(
      bytes("aws_access_key_id: AKID\naws_secret_access_key: s/e+c\naws_session_token: t==\n"));
  REQUIRE_OK(read);
  CHECK((*read)->access_key_id == "AKID");
  CHECK((*read)->secret_access_key.reveal_text() == "s/e+c");
  CHECK((*read)->session_token->reveal_text() == "t==");
  CHECK(read_aws_credentials(bytes("aws_access_key_id: AKID\n")).error().code() == Code::kInvalid);
}

TEST_CASE("sops.azure-kv: each combination that Flux takes, in UTF-8 and UTF-16") {
  const std::string principal =
      "tenantId: t\nclientId: c\nclientSecret: s\nauthorityHost: https://h\n";
  for (const std::string& text :
       {principal, "\xef\xbb\xbf" + principal, utf16(principal, true), utf16(principal, false)}) {
    const auto read = read_azure_credentials(bytes(text));
    REQUIRE_OK(read);
    CHECK((*read)->tenant == "t");
    CHECK((*read)->client == "c");
    CHECK((*read)->secret.reveal_text() == "s");
    CHECK((*read)->authority_host == "https://h");
  }
  const auto certificate = read_azure_credentials(
      bytes("tenantId: t\nclientId: c\nclientCertificate: |-\n  -----BEGIN\n  x\n"
            "clientCertificatePassword: p\nclientCertificateSendChain: true\n"));
  REQUIRE_OK(certificate);
  CHECK((*certificate)->certificate.reveal_text() == "-----BEGIN\nx");
  CHECK((*certificate)->certificate_password.reveal_text() == "p");
  CHECK((*certificate)->send_chain);
  const auto az = read_azure_credentials(bytes(R"({"appId":"a","tenant":"t","password":"p"})"));
  REQUIRE_OK(az);
  CHECK((*az)->client == "a");
  CHECK((*az)->tenant == "t");
  const auto managed = read_azure_credentials(bytes("clientId: c\n"));
  REQUIRE_OK(managed);
  CHECK((*managed)->tenant.empty());
  CHECK(read_azure_credentials(bytes("tenantId: t\n")).error().code() == Code::kInvalid);
}
