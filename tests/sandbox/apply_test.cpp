// Server-side apply: KEP-555, structured-merge-diff's merge tests.
#include "sandbox_api.hpp"

namespace sluice::test {

TEST_CASE("apply creates, and applying the same again changes nothing") {
  SandboxApi api;
  const Reply made = api.apply(kMap, config_map_json(R"({"a":"1"})"));
  CHECK(made.status == 201);
  CHECK(made.at("metadata", "managedFields", 0, "operation") == R"("Apply")");
  CHECK(made.at("metadata", "managedFields", 0, "fieldsV1") == R"({"f:data":{"f:a":{}}})");
  const Reply same = api.apply(kMap, config_map_json(R"({"a":"1"})"));
  CHECK(same.status == 200);
  CHECK(same.at("metadata", "resourceVersion") == made.at("metadata", "resourceVersion"));
  CHECK(same.at("metadata", "managedFields") == made.at("metadata", "managedFields"));
}

TEST_CASE("apply takes YAML and wants a field manager") {
  SandboxApi api;
  const std::string text =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  a: '1'\n";
  CHECK(api.send("PATCH", kMap, text, kApplyPatch).status == 422);
  CHECK(api.apply(kMap, text).at("data", "a") == R"("1")");
  CHECK(api.apply(kMap, text, std::string(128, 'm'), true).status == 200);
  CHECK(api.apply(kMap, text, std::string(129, 'm'), true).status == 422);
}

TEST_CASE("a field that another manager owns conflicts unless forced") {
  SandboxApi api;
  api.apply(kMap, config_map_json(R"({"a":"1"})"));
  const Reply conflict = api.apply(kMap, config_map_json(R"({"a":"2"})"), "two");
  CHECK(conflict.status == 409);
  CHECK(conflict.at("message") ==
        R"("Apply failed with 1 conflict: conflict with \"one\": .data.a")");
  CHECK(conflict.at("details", "causes", 0, "reason") == R"("FieldManagerConflict")");
  CHECK(api.apply(kMap, config_map_json(R"({"a":"1"})"), "two").status ==
        200);  // shared: no conflict
  const Reply forced = api.apply(kMap, config_map_json(R"({"a":"2"})"), "two", true);
  CHECK(forced.status == 200);
  CHECK(forced.at("data", "a") == R"("2")");
  CHECK(forced.at("metadata", "managedFields", 0, "manager") == R"("two")");
  CHECK(forced.at("metadata", "managedFields", 1) == "");
}

TEST_CASE("a field that nobody applies any more goes; one that another owns stays") {
  SandboxApi api;
  api.apply(kMap, config_map_json(R"({"a":"1","b":"2","c":"3"})"));
  api.apply(kMap, config_map_json(R"({"b":"2"})"), "two");
  api.send("PATCH", kMap + "?fieldManager=editor", R"({"data":{"d":"4"}})", kMergePatch);
  const Reply less = api.apply(kMap, config_map_json(R"({"a":"1"})"));
  CHECK(less.at("data") == R"({"a":"1","b":"2","d":"4"})");
}

TEST_CASE("an update takes fields over and an apply sees it") {
  SandboxApi api;
  api.apply(kMap, config_map_json(R"({"a":"1"})"));
  api.send("PATCH", kMap + "?fieldManager=editor", R"({"data":{"a":"9"}})", kMergePatch);
  const Reply conflict = api.apply(kMap, config_map_json(R"({"a":"1"})"));
  CHECK(conflict.status == 409);
  CHECK(has(conflict.text, "editor"));
  CHECK(has(conflict.text, "using v1"));
}

TEST_CASE("lists merge by their keys") {
  SandboxApi api;
  const std::string one = kDeployments + "/d";
  api.apply(one, deployment_json(R"([{"name":"a","image":"x:1"}])"));
  const Reply both = api.apply(one, deployment_json(R"([{"name":"b","image":"y:1"}])"), "two");
  CHECK(both.at("spec", "template", "spec", "containers", 0, "name") == R"("a")");
  CHECK(both.at("spec", "template", "spec", "containers", 1, "name") == R"("b")");
  const Reply back = api.apply(one, deployment_json(R"([{"name":"c","image":"z:1"}])"), "two");
  CHECK(back.at("spec", "template", "spec", "containers", 0, "name") == R"("a")");
  CHECK(back.at("spec", "template", "spec", "containers", 1, "name") == R"("c")");
  CHECK(back.at("spec", "template", "spec", "containers", 2) == "");
  const Reply twice = api.apply(
      one, deployment_json(R"([{"name":"a","image":"x:1"},{"name":"a","image":"x:2"}])"), "two");
  CHECK(twice.status == 500);
  CHECK(has(twice.text, "duplicate entries for key"));
}

TEST_CASE("apply refuses what the schema does not have") {
  SandboxApi api;
  const Reply unknown =
      api.apply(kMap, R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"foo":1})");
  CHECK(unknown.status == 500);
  CHECK(has(unknown.text, ".foo: field not declared in schema"));
  CHECK(api.apply(kMap, config_map_json("{}", "other")).status == 400);
  CHECK(api.apply(kMap, R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"c"}})").status ==
        400);
}

TEST_CASE("managedFields: [{}] forgets who owned what") {
  SandboxApi api;
  api.apply(kMap, config_map_json(R"({"a":"1"})"));
  const Reply reset =
      api.send("PATCH", kMap, R"({"metadata":{"managedFields":[{}]}})", kMergePatch);
  CHECK(reset.status == 200);
  CHECK(reset.at("metadata", "managedFields") == "");
  const Reply applied = api.apply(kMap, config_map_json(R"({"a":"2"})"), "two", true);
  CHECK(applied.at("metadata", "managedFields", 1, "manager") == R"("before-first-apply")");
}

TEST_CASE("the eleventh updater makes the oldest ancient-changes") {
  SandboxApi api;
  api.send("POST", kMaps + "?fieldManager=m00", config_map_json("{}"));
  for (int i = 0; i < 11; ++i) {
    const std::string name = "k" + std::to_string(i);
    api.send("PATCH", kMap + "?fieldManager=" + name, R"({"data":{")" + name + R"(":"v"}})",
             kMergePatch);
  }
  const Reply found = api.get(kMap);
  CHECK(has(found.text, "ancient-changes"));
  CHECK(found.at("metadata", "managedFields", 9) != "");
  CHECK(found.at("metadata", "managedFields", 10) == "");
}

TEST_CASE("the status subresource is applied by itself") {
  SandboxApi api;
  const std::string one = kDeployments + "/d";
  api.apply(one, deployment_json());
  const Reply status = api.apply(
      one + "/status",
      R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"status":{"replicas":2}})",
      "controller");
  CHECK(status.status == 200);
  CHECK(status.at("status", "replicas") == "2");
  CHECK(status.at("metadata", "managedFields", 0, "subresource") == R"("status")");
  CHECK(api.apply(one, deployment_json()).at("status", "replicas") == "2");
}

}  // namespace sluice::test
