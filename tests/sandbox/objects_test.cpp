// Reading and writing objects as the Kubernetes API conventions have it (api-conventions.md);
// compare_with_real.py holds the same against a real kube-apiserver.
#include "sandbox_api.hpp"

namespace sluice::test {

TEST_CASE("an object is created, read, replaced and deleted") {
  SandboxApi api;
  CHECK(api.get(kMap).status == 404);
  const Reply made = api.send("POST", kMaps, config_map_json(R"({"a":"1"})"));
  CHECK(made.status == 201);
  CHECK(made.at("metadata", "namespace") == R"("default")");
  CHECK(made.at("metadata", "uid").size() == 38);
  CHECK(made.at("metadata", "managedFields", 0, "manager") == R"("test")");
  const Reply again = api.send("POST", kMaps, config_map_json("{}"));
  CHECK(again.status == 409);
  CHECK(again.at("reason") == R"("AlreadyExists")");
  CHECK(again.at("message") == R"("configmaps \"c\" already exists")");
  const Reply put = api.send("PUT", kMap, config_map_json(R"({"b":"2"})"));
  CHECK(put.status == 200);
  CHECK(put.at("data") == R"({"b":"2"})");
  CHECK(put.at("metadata", "uid") == made.at("metadata", "uid"));
  CHECK(put.at("metadata", "resourceVersion") != made.at("metadata", "resourceVersion"));
  const Reply gone = api.send("DELETE", kMap);
  CHECK(gone.status == 200);
  CHECK(gone.at("status") == R"("Success")");
  CHECK(api.get(kMap).status == 404);
}

TEST_CASE("a write that changes nothing keeps the resource version") {
  SandboxApi api;
  const Reply made = api.send("POST", kMaps, config_map_json(R"({"a":"1"})"));
  const Reply same = api.send("PUT", kMap, made.text);
  CHECK(same.status == 200);
  CHECK(same.at("metadata", "resourceVersion") == made.at("metadata", "resourceVersion"));
}

TEST_CASE("a write with an old resource version is a conflict") {
  SandboxApi api;
  const Reply old = api.send("POST", kMaps, config_map_json(R"({"a":"1"})"));
  REQUIRE(api.send("PATCH", kMap, R"({"data":{"a":"2"}})", kMergePatch).status == 200);
  const Reply put = api.send("PUT", kMap, old.text);
  CHECK(put.status == 409);
  CHECK(put.at("reason") == R"("Conflict")");
  CHECK(has(put.text, "the object has been modified"));
  CHECK(api.send("PATCH", kMap, R"({"metadata":{"resourceVersion":"1"},"data":{"a":"3"}})",
                 kMergePatch)
            .status == 409);
  CHECK(api.get(kMap).at("data", "a") == R"("2")");
}

TEST_CASE("a delete with a precondition that does not hold deletes nothing") {
  SandboxApi api;
  const Reply made = api.send("POST", kMaps, config_map_json("{}"));
  CHECK(api.send("DELETE", kMap, R"({"preconditions":{"uid":"other"}})").status == 409);
  CHECK(api.send("DELETE", kMap, R"({"preconditions":{"resourceVersion":"1"}})").status == 409);
  CHECK(api.get(kMap).status == 200);
  CHECK(api.send("DELETE", kMap, R"({"preconditions":{"uid":)" + made.at("metadata", "uid") + "}}")
            .status == 200);
}

TEST_CASE("an object with a finalizer waits for it and takes no new one") {
  SandboxApi api;
  api.send("POST", kMaps, config_map_json("{}"));
  REQUIRE(
      api.send("PATCH", kMap, R"({"metadata":{"finalizers":["x.io/f"]}})", kMergePatch).status ==
      200);
  const Reply asked = api.send("DELETE", kMap);
  CHECK(asked.status == 200);
  CHECK(asked.at("kind") == R"("ConfigMap")");
  CHECK(asked.at("metadata", "deletionTimestamp") != "");
  CHECK(api.get(kMap).status == 200);
  CHECK(api.send("PATCH", kMap, R"({"metadata":{"finalizers":["x.io/f","x.io/g"]}})", kMergePatch)
            .status == 422);
  CHECK(api.send("PATCH", kMap, R"({"metadata":{"finalizers":null}})", kMergePatch).status == 200);
  CHECK(api.get(kMap).status == 404);
}

TEST_CASE("a finalizer of a built-in kind needs a domain") {
  SandboxApi api;
  api.send("POST", kMaps, config_map_json("{}"));
  CHECK(api.send("PATCH", kMap, R"({"metadata":{"finalizers":["plain"]}})", kMergePatch).status ==
        422);
}

TEST_CASE("dryRun=All answers as if and writes nothing") {
  SandboxApi api;
  CHECK(api.send("POST", kMaps + "?dryRun=All", config_map_json("{}")).status == 201);
  CHECK(api.get(kMap).status == 404);
  api.send("POST", kMaps, config_map_json(R"({"a":"1"})"));
  const Reply patched =
      api.send("PATCH", kMap + "?dryRun=All", R"({"data":{"a":"2"}})", kMergePatch);
  CHECK(patched.at("data", "a") == R"("2")");
  CHECK(api.get(kMap).at("data", "a") == R"("1")");
  CHECK(api.send("DELETE", kMap + "?dryRun=All").status == 200);
  CHECK(api.get(kMap).status == 200);
  CHECK(api.send("POST", kMaps + "?dryRun=Some", config_map_json("{}", "e")).status == 422);
}

TEST_CASE("immutable fields stay") {
  SandboxApi api;
  api.send(
      "POST", kMaps,
      R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"immutable":true,"data":{"a":"1"}})");
  const Reply data = api.send("PATCH", kMap, R"({"data":{"a":"2"}})", kMergePatch);
  CHECK(data.status == 422);
  CHECK(has(data.text, "field is immutable when `immutable` is set"));
  CHECK(api.send("PATCH", kMap, R"({"immutable":null})", kMergePatch).status == 422);
  CHECK(api.send("PATCH", kMap, R"({"metadata":{"labels":{"a":"b"}}})", kMergePatch).status == 200);

  api.send("POST", kDeployments, deployment_json());
  const Reply selector =
      api.send("PATCH", kDeployments + "/d", R"({"spec":{"selector":{"matchLabels":{"app":"e"}}}})",
               kMergePatch);
  CHECK(selector.status == 422);
  CHECK(has(selector.text, "field is immutable"));

  const std::string secrets = "/api/v1/namespaces/default/secrets";
  api.send("POST", secrets,
           R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"stringData":{"a":"b"}})");
  CHECK(api.get(secrets + "/s").at("data") == R"({"a":"Yg=="})");
  CHECK(api.send("PATCH", secrets + "/s", R"({"type":"other"})", kMergePatch).status == 422);
}

TEST_CASE("the generation counts changes of the specification only") {
  SandboxApi api;
  CHECK(api.send("POST", kDeployments, deployment_json()).at("metadata", "generation") == "1");
  const std::string one = kDeployments + "/d";
  CHECK(api.send("PATCH", one, R"({"metadata":{"labels":{"a":"b"}}})", kMergePatch)
            .at("metadata", "generation") == "1");
  CHECK(api.send("PATCH", one, R"({"spec":{"paused":true}})", kMergePatch)
            .at("metadata", "generation") == "2");
  CHECK(api.send("PATCH", one + "/status", R"({"status":{"replicas":3}})", kMergePatch)
            .at("metadata", "generation") == "2");
}

TEST_CASE("status and specification are written through their own paths") {
  SandboxApi api;
  api.send("POST", kDeployments, deployment_json());
  const std::string one = kDeployments + "/d";
  CHECK(api.send("PATCH", one, R"({"status":{"replicas":3}})", kMergePatch).at("status") == "{}");
  const Reply status = api.send("PATCH", one + "/status",
                                R"({"status":{"replicas":3},"spec":{"paused":true}})", kMergePatch);
  CHECK(status.at("status", "replicas") == "3");
  CHECK(status.at("spec", "paused") == "");
  const Reply scale = api.send("PATCH", one + "/scale", R"({"spec":{"replicas":5}})", kMergePatch);
  CHECK(scale.at("kind") == R"("Scale")");
  CHECK(api.get(one).at("spec", "replicas") == "5");
}

TEST_CASE("defaults are filled in as kube-apiserver does") {
  SandboxApi api;
  const Reply made = api.send("POST", kDeployments, deployment_json());
  CHECK(made.at("spec", "replicas") == "1");
  CHECK(made.at("spec", "strategy") ==
        R"({"rollingUpdate":{"maxSurge":"25%","maxUnavailable":"25%"},"type":"RollingUpdate"})");
  CHECK(made.at("spec", "template", "spec", "containers", 0, "imagePullPolicy") ==
        R"("IfNotPresent")");
}

TEST_CASE("fields that are not known are dropped, warned about or refused") {
  SandboxApi api;
  const std::string body =
      R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"dta":{}})";
  CHECK(api.send("POST", kMaps + "?fieldValidation=Strict", body).status == 400);
  const Reply warned = api.send("POST", kMaps, body);
  CHECK(warned.status == 201);
  CHECK(has(warned.warning, "unknown field \\\"dta\\\""));
  CHECK(warned.at("dta") == "");
  CHECK(api.send("PUT", kMap + "?fieldValidation=Ignore", body).warning == "");
}

TEST_CASE("what does not fit its type is refused and named") {
  SandboxApi api;
  const Reply number = api.send("POST", kMaps, config_map_json(R"({"a":1})"));
  CHECK(number.status == 400);
  CHECK(has(number.text, "cannot unmarshal number into Go struct field ConfigMap.data of type"));
  CHECK(api.send("POST", kMaps, "{").status == 400);
  CHECK(api.send("POST", kMaps, "[]").status == 400);
  CHECK(api.send("POST", kMaps, config_map_json("{}", "Bad_Name")).status == 422);
  CHECK(api.send("POST", kDeployments, deployment_json("[]")).status == 422);
  CHECK(api.send("POST", kMaps, R"({"kind":"Secret","apiVersion":"v1","metadata":{"name":"c"}})")
            .status == 400);
  CHECK(api.send("POST", kMaps, config_map_json("{}"), "text/plain").status == 415);
}

TEST_CASE("a namespace takes its objects along, and waits for their finalizers") {
  SandboxApi api;
  REQUIRE(api.send("POST", "/api/v1/namespaces",
                   R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"n"}})")
              .status == 201);
  const std::string maps = "/api/v1/namespaces/n/configmaps";
  api.send("POST", maps, config_map_json("{}", "free"));
  api.send(
      "POST", maps,
      R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"held","finalizers":["x.io/f"]}})");
  CHECK(api.send("DELETE", "/api/v1/namespaces/n").at("status", "phase") == R"("Terminating")");
  CHECK(api.get(maps + "/free").status == 404);
  CHECK(api.get(maps + "/held").status == 200);
  const Reply late = api.send("POST", maps, config_map_json("{}"));
  CHECK(late.status == 403);
  CHECK(has(late.text, "being terminated"));
  api.send("PATCH", maps + "/held", R"({"metadata":{"finalizers":null}})", kMergePatch);
  CHECK(api.get("/api/v1/namespaces/n").status == 404);
  CHECK(api.send("POST", maps, config_map_json("{}")).status == 404);
  CHECK(api.send("DELETE", "/api/v1/namespaces/default").status == 403);
  CHECK(api.send("DELETE", "/api/v1/namespaces").status == 405);
}

TEST_CASE("generateName makes a name") {
  SandboxApi api;
  const Reply made = api.send(
      "POST", kMaps, R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"generateName":"g-"}})");
  CHECK(made.status == 201);
  CHECK(made.at("metadata", "name").size() == 9);  // "g-xxxxx"
}

TEST_CASE("quantities take their canonical form") {
  SandboxApi api;
  const std::string quotas = "/api/v1/namespaces/default/resourcequotas";
  const Reply made = api.send(
      "POST", quotas,
      R"({"apiVersion":"v1","kind":"ResourceQuota","metadata":{"name":"q"},"spec":{"hard":{)"
      R"("a":"1000m","b":1000,"c":"1024Mi","d":"0.5","e":"1500Ki","f":"1e3","g":"0","h":"100Mi"}}})");
  CHECK(made.at("spec", "hard") ==
        R"({"a":"1","b":"1k","c":"1Gi","d":"500m","e":"1500Ki","f":"1e3","g":"0","h":"100Mi"})");
}

TEST_CASE("a body over the limit is refused, one at the limit is not") {
  sandbox::SandboxOptions options;
  options.max_body_bytes = 1000;
  SandboxApi api(options);
  const std::string bare = config_map_json(R"({"a":""})");
  const std::string fits =
      config_map_json(R"({"a":")" + std::string(1000 - bare.size(), 'x') + R"("})");
  CHECK(api.send("POST", kMaps, fits).status == 201);
  const std::string over =
      config_map_json(R"({"a":")" + std::string(1001 - bare.size(), 'x') + R"("})", "o");
  const Reply refused = api.send("POST", kMaps, over);
  CHECK(refused.status == 413);
  CHECK(refused.at("reason") == R"("RequestEntityTooLarge")");
}

TEST_CASE("annotations of 256 KiB fit, one byte more does not") {
  SandboxApi api;
  const auto body = [](std::size_t bytes, const char* name) {
    return R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")" + std::string(name) +
           R"(","annotations":{"a":")" + std::string(bytes - 1, 'x') + R"("}}})";
  };
  CHECK(api.send("POST", kMaps, body(256 * 1024, "fits")).status == 201);
  const Reply refused = api.send("POST", kMaps, body(256 * 1024 + 1, "over"));
  CHECK(refused.status == 422);
  CHECK(has(refused.text, "may not be more than 262144 bytes"));
}

}  // namespace sluice::test
