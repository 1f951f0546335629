// The wire format of protobuf.dev/programming-guides/encoding in Kubernetes' envelope
// (apimachinery runtime/serializer/protobuf).
#include "sandbox/protobuf.hpp"

#include "sandbox/builtin_types.hpp"
#include "sandbox_api.hpp"

namespace sluice::test {
namespace {

const std::string kMagic("k8s\0", 4);

std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7)
    out += static_cast<char>((value & 0x7F) | 0x80);
  return out + static_cast<char>(value);
}
std::string number(std::uint64_t field, std::uint64_t value) {
  return varint(field << 3) + varint(value);
}
std::string bytes(std::uint64_t field, const std::string& value) {
  return varint(field << 3 | 2) + varint(value.size()) + value;
}
std::string envelope(const std::string& version, const std::string& kind,
                     const std::string& object) {
  return kMagic + bytes(1, bytes(1, version) + bytes(2, kind)) + bytes(2, object);
}

std::string read(const std::string& definition, const std::string& body) {
  const auto read = sandbox::read_protobuf(body, *sandbox::builtin_type(definition));
  if (!read) return std::to_string(read.error()->code) + " " + read.error()->message;
  std::string out;
  REQUIRE_OK(yaml::write_go_json(read->root(), out));
  return out;
}

}  // namespace

TEST_CASE("protobuf: strings, maps, bytes and times") {
  CHECK(
      read("core.v1.ConfigMap",
           envelope("v1", "ConfigMap",
                    bytes(1, bytes(1, "c") + bytes(8, number(1, 1'700'000'000))) +
                        bytes(2, bytes(1, "k") + bytes(2, "v")) + bytes(2, bytes(1, "empty")) +
                        bytes(3, bytes(1, "b") + bytes(2, "\xff")))) ==
      R"({"apiVersion":"v1","binaryData":{"b":"/w=="},"data":{"empty":"","k":"v"},"kind":"ConfigMap",)"
      R"("metadata":{"creationTimestamp":"2023-11-14T22:13:20Z","name":"c"}})");
}

TEST_CASE("protobuf: numbers, lists, quantities, int-or-string and inlined messages") {
  // PodSpec{1: volumes{1: name, 2: source{6: secret{1: secretName}}}}; Container{8: resources{1:
  // limits}}
  const std::string volume = bytes(1, bytes(1, "v") + bytes(2, bytes(6, bytes(1, "s"))));
  CHECK(read("core.v1.PodSpec", envelope("", "", volume)) ==
        R"({"apiVersion":"","kind":"","volumes":[{"name":"v","secret":{"secretName":"s"}}]})");
  CHECK(read("core.v1.ResourceRequirements",
             envelope("", "", bytes(1, bytes(1, "cpu") + bytes(2, bytes(1, "500m"))))) ==
        R"({"apiVersion":"","kind":"","limits":{"cpu":"500m"}})");
  CHECK(read("core.v1.ServicePort",
             envelope("", "", number(3, 80) + bytes(4, number(1, 1) + bytes(3, "web")))) ==
        R"({"apiVersion":"","kind":"","port":80,"targetPort":"web"})");
  CHECK(read("core.v1.ServicePort", envelope("", "", bytes(4, number(1, 0) + number(2, 8080)))) ==
        R"({"apiVersion":"","kind":"","targetPort":8080})");
  // A negative int32 is ten bytes long.
  CHECK(read("core.v1.ServicePort",
             envelope("", "", number(3, static_cast<std::uint64_t>(std::int64_t{-1})))) ==
        R"({"apiVersion":"","kind":"","port":-1})");
}

TEST_CASE("protobuf: unknown fields are dropped, what is malformed is refused") {
  CHECK(read("core.v1.ServicePort", envelope("", "", number(99, 1) + bytes(98, "x"))) ==
        R"({"apiVersion":"","kind":""})");
  CHECK(read("core.v1.ServicePort", "{}").starts_with("400 provided data"));
  CHECK(read("core.v1.ServicePort", kMagic).starts_with("400 "));
  CHECK(read("core.v1.ServicePort", envelope("", "", bytes(3, "x")))
            .starts_with("400 "));  // wire type
  CHECK(read("core.v1.ServicePort", envelope("", "", bytes(1, "\xff")))
            .starts_with("400 "));                                                        // UTF-8
  CHECK(read("core.v1.ServicePort", envelope("", "", "\x0a\x05x")).starts_with("400 "));  // cut off
  CHECK(read("core.v1.ServicePort", envelope("", "", std::string(11, '\xff'))).starts_with("400 "));
  CHECK(read("core.v1.ServicePort", envelope("", "", std::string(1, '\x07'))).starts_with("400 "));
}

TEST_CASE("protobuf: built-in kinds are created and deleted with it, custom resources are not") {
  SandboxApi api;
  const std::string type = "application/vnd.kubernetes.protobuf";
  const std::string body = envelope(
      "v1", "ConfigMap", bytes(1, bytes(1, "c")) + bytes(2, bytes(1, "a") + bytes(2, "1")));
  const Reply made = api.send("POST", kMaps, body, type, type + ",application/json");
  CHECK(made.status == 201);
  CHECK(made.at("data") == R"({"a":"1"})");
  // DeleteOptions{2: Preconditions{1: uid}}
  CHECK(api.send("DELETE", kMap, envelope("v1", "DeleteOptions", bytes(2, bytes(1, "other"))), type)
            .status == 409);
  CHECK(api.send("DELETE", kMap, envelope("v1", "DeleteOptions", ""), type).status == 200);
  CHECK(api.send("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", body, type)
            .status == 415);
}

}  // namespace sluice::test
