// apimachinery metav1.Status, and what of it may be shown.
#include "kube/status_error.hpp"

#include "sluice/kube/client.hpp"

#include "kube/masked_json.hpp"
#include "support/test.hpp"

using namespace sluice;
using kube::redact_status;
using kube::says_immutable;

TEST_CASE("redact_status: values go, names and field paths stay") {
  struct Case {
    const char *message, *shown;
  };
  const Case cases[] = {
      {R"(Secret "db" is invalid: data[a b]: Invalid value: "a b": a valid key must consist of)",
       R"(Secret "db" is invalid: data[a b]: Invalid value: (redacted): a valid key must consist of)"},
      {R"(Secret "db" is invalid: type: Invalid value: "canary\"x": field is immutable)",
       R"(Secret "db" is invalid: type: Invalid value: (redacted): field is immutable)"},
      {R"(x: Invalid value: {"a":"canary: }","b":[1]}: field is immutable)",
       R"(x: Invalid value: (redacted): field is immutable)"},
      {R"([a: Unsupported value: "canary": supported values: "x", "y", b: Invalid value: 12345: too big])",
       R"([a: Unsupported value: (redacted): supported values: (redacted), (redacted), b: Invalid value: (redacted): too big])"},
      {R"(expected string, got &value.valueUnstructured{Value:4711})",
       R"(expected string, got &value.valueUnstructured{Value:(redacted)})"},
      {R"(secrets "db" is forbidden: User "system:x" cannot patch resource "secrets" in API group "" in the namespace "ns")",
       R"(secrets "db" is forbidden: User "system:x" cannot patch resource "secrets" in API group "" in the namespace "ns")"},
      {R"(admission webhook "w.example.com" denied the request: bad password canary)",
       R"(admission webhook "w.example.com" denied the request (its words are withheld: they may quote the object))"},
      {R"(admission webhook "w" denied the request: canary: field is immutable)",
       R"(admission webhook "w" denied the request (its words are withheld: they may quote the object): field is immutable)"},
      {R"(unterminated "canary)", R"(unterminated (redacted))"},
      {"", ""},
  };
  for (const Case& each : cases) {
    CHECK(redact_status(each.message, {"db"}) == each.shown);
  }
}

TEST_CASE("says_immutable: the words of built-in validation, and no others") {
  for (const char* yes :
       {"field is immutable", "spec is immutable after creation except resources.requests",
        "updates to statefulset spec for fields other than 'replicas' are forbidden",
        "updates to parameters are forbidden.", "cannot change roleRef", "may not change once set",
        "may not be changed in an update.",
        "pod updates may not change fields other than `image`"}) {
    CAPTURE(yes);
    CHECK(says_immutable(yes));
  }
  for (const char* no : {"must be between 1 and 65535, inclusive", "Required value",
                         "is forbidden: no", "may not be more than 63 bytes"}) {
    CAPTURE(no);
    CHECK_FALSE(says_immutable(no));
  }
}

TEST_CASE("status_error: codes, reasons and texts") {
  const auto error = [](int status, const std::string& body) {
    http::Response response;
    response.status = status;
    response.body = body;
    return kube::status_error(response, {"GET", "/x", false, {}});
  };
  const Error invalid = error(
      422, R"({"kind":"Status","message":"m","reason":"Invalid","code":422,"details":{"causes":[
        {"reason":"FieldValueInvalid","message":"Invalid value: 1: field is immutable","field":"a"},
        {"reason":"FieldValueRequired","message":"Required value","field":"b"}]}})");
  CHECK(invalid.code() == Code::kInvalid);
  CHECK(invalid.reason() == "Invalid");
  CHECK(invalid.message() == "m");
  CHECK(error(422, R"({"kind":"Status","message":"m","reason":"Invalid","code":422,"details":{
        "causes":[{"message":"field is immutable"}]}})")
            .reason() == kube::kReasonImmutable);
  CHECK(error(403, R"({"kind":"Status","message":"denied the request: field is immutable",
        "reason":"Forbidden","code":403})")
            .reason() == kube::kReasonImmutable);
  CHECK(error(409, R"({"kind":"Status","message":"m","reason":"Conflict","code":409,"details":{
        "causes":[{"reason":"FieldManagerConflict"}]}})")
            .reason() == kube::kReasonConflict);
  CHECK(error(410, R"({"kind":"Status","message":"m","reason":"Gone","code":410})").reason() ==
        "Expired");
  CHECK(error(404, "404 page not found").message() ==
        "the server could not find the requested resource");
  CHECK(error(502, "<html>").message() == "the server answered 502 to GET /x");
  CHECK(error(502, "<html>").code() == Code::kUnavailable);
  CHECK(error(401, "").code() == Code::kDenied);
  CHECK(error(429, "").code() == Code::kUnavailable);
}

TEST_CASE("mask_object: every value outside of metadata and status becomes a digest") {
  const auto masked = kube::mask_object(R"({"kind":"Secret","apiVersion":"v1",
    "metadata":{"name":"n","annotations":{"kubectl.kubernetes.io/last-applied-configuration":"canary"},
    "managedFields":[{"fieldsV1":{"f:data":{}}}]},
    "data":{"a":"canary","b":"canary","n":1,"t":true,"z":null},"deep":[{"x":["canary",[]]},{}],
    "type":"Opaque","status":{"phase":"Active"}})");
  REQUIRE_OK(masked);
  CHECK(masked->find("canary") == std::string::npos);
  CHECK(masked->find("Opaque") == std::string::npos);
  CHECK(masked->find(R"("name":"n")") != std::string::npos);
  CHECK(masked->find(R"("phase":"Active")") != std::string::npos);
  CHECK(masked->find(R"("fieldsV1":{"f:data":{}})") != std::string::npos);
  CHECK(masked->find(R"("z":null)") != std::string::npos);
  CHECK(*kube::mask_object(R"({"data":{"a":"x"}})") == *kube::mask_object(R"({"data":{"a":"x"}})"));
  CHECK(*kube::mask_object(R"({"data":{"a":"x"}})") != *kube::mask_object(R"({"data":{"a":"y"}})"));
  for (const char* bad :
       {"", "{", R"({"a")", R"({"a":})", R"({"a":1)", R"({"a":"x)", "{} x", "[1"}) {
    CAPTURE(bad);
    CHECK(kube::mask_object(bad).error().code() == Code::kUnavailable);
  }
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  CHECK(kube::mask_object(nested(500)).has_value());
  CHECK_FALSE(kube::mask_object(nested(502)).has_value());
}

TEST_CASE("mask_list and mask_status keep what is needed") {
  const auto list = kube::mask_list(
      R"({"kind":"SecretList","metadata":{"continue":"c"},"items":[{"metadata":{"name":"n"},"data":{"a":"canary"}}]})");
  REQUIRE_OK(list);
  CHECK(list->find(R"("continue":"c")") != std::string::npos);
  CHECK(list->find(R"("name":"n")") != std::string::npos);
  CHECK(list->find("canary") == std::string::npos);
  const auto status = kube::mask_status(
      R"({"kind":"Status","message":"Secret \"s\" is invalid: Invalid value: \"canary\\nx\": no","details":{"causes":[{"message":"Invalid value: \"canary\": no","field":"data[k]"}]}})",
      {"s"});
  REQUIRE_OK(status);
  CHECK(status->find("canary") == std::string::npos);
  CHECK(status->find(R"(Secret \"s\" is invalid)") != std::string::npos);
  CHECK(status->find("data[k]") != std::string::npos);
}
