// RFC 6902, RFC 7386 and strategic merge (apimachinery strategicpatch).
#include "sandbox_api.hpp"

namespace sluice::test {

TEST_CASE("JSON patch: each operation, and a test that fails changes nothing") {
  SandboxApi api;
  api.send("POST", kMaps, config_map_json(R"({"a":"1","b":"2"})"));
  const auto patch = [&](const std::string& text) {
    return api.send("PATCH", kMap, text, kJsonPatch);
  };
  CHECK(patch(R"([{"op":"test","path":"/data/a","value":"1"},
                  {"op":"add","path":"/data/c~1d","value":"3"},
                  {"op":"remove","path":"/data/b"},
                  {"op":"copy","from":"/data/a","path":"/data/e"},
                  {"op":"move","from":"/data/a","path":"/data/f"},
                  {"op":"replace","path":"/data/e","value":"9"}])")
            .status == 422);  // "c/d" is no key of a ConfigMap
  const Reply done = patch(R"([{"op":"test","path":"/data/a","value":"1"},
                               {"op":"add","path":"/data/c~0d","value":"3"}])");
  CHECK(done.status == 422);
  const Reply good = patch(R"([{"op":"remove","path":"/data/b"},
                               {"op":"copy","from":"/data/a","path":"/data/e"},
                               {"op":"move","from":"/data/a","path":"/data/f"},
                               {"op":"replace","path":"/data/e","value":"9"}])");
  CHECK(good.at("data") == R"({"e":"9","f":"1"})");
  CHECK(patch(R"([{"op":"replace","path":"/data/e","value":"0"},
                  {"op":"test","path":"/data/f","value":"other"}])")
            .status == 422);
  CHECK(patch(R"([{"op":"remove","path":"/data/none"}])").status == 422);
  CHECK(patch(R"({"op":"remove"})").status == 400);
  CHECK(api.get(kMap).at("data") == R"({"e":"9","f":"1"})");
}

TEST_CASE("merge patch: null removes, lists are replaced") {
  SandboxApi api;
  api.send("POST", kDeployments, deployment_json());
  const Reply patched = api.send(
      "PATCH", kDeployments + "/d",
      R"({"spec":{"revisionHistoryLimit":null,"template":{"spec":{"containers":[{"name":"b","image":"y"}]}}}})",
      kMergePatch);
  CHECK(patched.at("spec", "revisionHistoryLimit") == "10");  // the default comes back
  CHECK(patched.at("spec", "template", "spec", "containers", 0, "name") == R"("b")");
  CHECK(patched.at("spec", "template", "spec", "containers", 1) == "");
}

TEST_CASE("strategic merge: lists merge by key, directives delete, order and replace") {
  SandboxApi api;
  api.send("POST", kDeployments,
           deployment_json(R"([{"name":"a","image":"x:1"},{"name":"b","image":"y:1"}])"));
  const auto names = [&](const std::string& containers) {
    const Reply reply =
        api.send("PATCH", kDeployments + "/d",
                 R"({"spec":{"template":{"spec":{)" + containers + "}}}}", kStrategicPatch);
    std::string out = std::to_string(reply.status);
    for (int i = 0; i < 5; ++i) {
      out += reply.at("spec", "template", "spec", "containers", i, "name");
    }
    return out;
  };
  CHECK(names(R"("containers":[{"name":"c","image":"z"}])") == R"(200"c""a""b")");
  CHECK(names(R"("$setElementOrder/containers":[{"name":"a"},{"name":"b"},{"name":"c"}])") ==
        R"(200"a""b""c")");
  CHECK(names(R"("containers":[{"name":"b","$patch":"delete"}])") == R"(200"a""c")");
  CHECK(names(R"("containers":[{"$patch":"replace"},{"name":"d","image":"d"}])") == R"(200"d")");
  CHECK(names(R"("containers":[{"image":"keyless"}])").substr(0, 3) == "400");
}

TEST_CASE("a patch whose outcome cannot be decoded is refused with 422") {
  SandboxApi api;
  api.send("POST", kDeployments, deployment_json());
  CHECK(
      api.send("PATCH", kDeployments + "/d", R"({"spec":{"replicas":"x"}})", kMergePatch).status ==
      422);
  CHECK(api.send("PATCH", kDeployments + "/d", "{}", "text/plain").status == 415);
}

}  // namespace sluice::test
