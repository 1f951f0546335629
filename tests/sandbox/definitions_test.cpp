// CustomResourceDefinitions and their objects: apiextensions.k8s.io/v1, structural schemas.
#include "sandbox_api.hpp"

namespace sluice::test {
namespace {

const std::string kDefinitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const std::string kWidgets = "/apis/x.io/v1/namespaces/default/widgets";

std::string definition(const std::string& version_more = R"(,"subresources":{"status":{}})",
                       const std::string& name = "widgets.x.io") {
  return R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":")" +
         name +
         R"("},"spec":{"group":"x.io","scope":"Namespaced",
    "names":{"plural":"widgets","kind":"Widget","shortNames":["wd"]},
    "versions":[{"name":"v1","served":true,"storage":true,
      "additionalPrinterColumns":[{"name":"Color","type":"string","jsonPath":".spec.color"},
        {"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}],
      "schema":{"openAPIV3Schema":{"type":"object","required":["spec"],"properties":{
        "spec":{"type":"object","required":["size"],"properties":{
          "size":{"type":"integer","minimum":1,"maximum":9},
          "color":{"type":"string","enum":["red","blue"],"default":"red"},
          "name":{"type":"string","maxLength":5,"pattern":"^[a-z]+$"},
          "tags":{"type":"array","maxItems":2,"items":{"type":"string"},"x-kubernetes-list-type":"set"},
          "ports":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["port"],
            "items":{"type":"object","required":["port"],"properties":{
              "port":{"type":"integer"},"note":{"type":"string","default":"none"}}}},
          "free":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}},
        "status":{"type":"object","properties":{"ready":{"type":"boolean"},
          "conditions":{"type":"array","items":{"type":"object","properties":{
            "type":{"type":"string"},"status":{"type":"string"}}}}}}}}})" +
         version_more + "}]}}";
}

std::string widget(const std::string& spec, const std::string& more = "") {
  return R"({"apiVersion":"x.io/v1","kind":"Widget","metadata":{"name":"w"},"spec":)" + spec +
         more + "}";
}

}  // namespace

TEST_CASE("a definition is served as soon as it is established") {
  SandboxApi api;
  CHECK(api.get(kWidgets).status == 404);
  const Reply made = api.send("POST", kDefinitions, definition());
  REQUIRE(made.status == 201);
  CHECK(made.at("status", "conditions", 1, "type") == R"("Established")");
  CHECK(made.at("spec", "versions", 0, "subresources") == R"({"status":{}})");
  CHECK(api.get(kWidgets).at("kind") == R"("WidgetList")");
  const Reply resources = api.get("/apis/x.io/v1");
  CHECK(resources.at("resources", 0, "shortNames") == R"(["wd"])");
  CHECK(resources.at("resources", 1, "name") == R"("widgets/status")");
  CHECK(has(api.get("/openapi/v3/apis/x.io/v1").text, "x-kubernetes-list-map-keys"));
}

TEST_CASE("an object is held against the schema") {
  SandboxApi api;
  api.send("POST", kDefinitions, definition());
  const auto refused = [&](const std::string& spec, const char* words) {
    const Reply reply = api.send("POST", kWidgets, widget(spec));
    INFO(reply.text);
    return reply.status == 422 && has(reply.text, words);
  };
  CHECK(refused("{}", "spec.size: Required value"));
  CHECK(refused(R"({"size":0})", "should be greater than or equal to 1"));
  CHECK(refused(R"({"size":10})", "should be less than or equal to 9"));
  CHECK(refused(R"({"size":"1"})", "must be of type integer"));
  CHECK(refused(R"({"size":1,"color":"green"})", R"(supported values: \"red\", \"blue\")"));
  CHECK(refused(R"({"size":1,"name":"toolong"})", "may not be more than 5 bytes"));
  CHECK(refused(R"({"size":1,"name":"A"})", "should match"));
  CHECK(refused(R"({"size":1,"tags":["a","b","c"]})", "must have at most 2 items"));
  CHECK(refused(R"({"size":1,"tags":["a","a"]})", "Duplicate value"));
  CHECK(
      api.send("POST", kWidgets, widget(R"({"size":1,"name":"abcde","tags":["a","b"]})")).status ==
      201);
  CHECK(api.send("POST", kWidgets,
                 R"({"apiVersion":"x.io/v1","kind":"Widget","metadata":{"name":"x"}})")
            .status == 422);
}

TEST_CASE("defaults are filled in and unknown fields pruned") {
  SandboxApi api;
  api.send("POST", kDefinitions, definition());
  const Reply made =
      api.send("POST", kWidgets,
               widget(R"({"size":1,"nope":1,"ports":[{"port":1}],"free":{"any":{"thing":[1]}}})"));
  CHECK(
      made.at("spec") ==
      R"({"color":"red","free":{"any":{"thing":[1]}},"ports":[{"note":"none","port":1}],"size":1})");
  CHECK(has(made.warning, "unknown field"));
  CHECK(api.send("POST", kWidgets + "?fieldValidation=Strict", widget(R"({"size":1,"nope":1})"))
            .status == 400);
}

TEST_CASE("status has a path of its own only where the definition says so") {
  SandboxApi api;
  api.send("POST", kDefinitions, definition());
  const Reply made =
      api.send("POST", kWidgets, widget(R"({"size":1})", R"(,"status":{"ready":true})"));
  CHECK(made.at("status") == "");
  CHECK(made.at("metadata", "generation") == "1");
  const std::string one = kWidgets + "/w";
  const Reply status = api.send("PATCH", one + "/status",
                                R"({"status":{"ready":true},"spec":{"size":5}})", kMergePatch);
  CHECK(status.status == 200);
  CHECK(status.at("status") == R"({"ready":true})");
  CHECK(status.at("spec", "size") == "1");
  CHECK(status.at("metadata", "generation") == "1");
  CHECK(api.send("PATCH", one + "/status", R"({"status":{"ready":"x"}})", kMergePatch).status ==
        422);
  CHECK(
      api.send("PATCH", one, R"({"status":{"ready":false}})", kMergePatch).at("status", "ready") ==
      "true");

  SandboxApi plain;
  plain.send("POST", kDefinitions, definition(""));
  plain.send("POST", kWidgets, widget(R"({"size":1})", R"(,"status":{"ready":true})"));
  CHECK(plain.get(one).at("status", "ready") == "true");
  CHECK(plain.get(one + "/status").status == 404);
}

TEST_CASE("a custom object merges by the schema's list types, not strategically") {
  SandboxApi api;
  api.send("POST", kDefinitions, definition());
  const std::string one = kWidgets + "/w";
  CHECK(api.apply(one, widget(R"({"size":1,"ports":[{"port":1}]})")).status == 201);
  const Reply both = api.apply(one, widget(R"({"size":1,"ports":[{"port":2}]})"), "two");
  CHECK(both.at("spec", "ports") == R"([{"note":"none","port":1},{"note":"none","port":2}])");
  const Reply less = api.apply(one, widget(R"({"size":1})"));
  CHECK(less.at("spec", "ports") == R"([{"note":"none","port":2}])");
  CHECK(api.send("PATCH", one, R"({"spec":{}})", kStrategicPatch).status == 415);
}

TEST_CASE("a custom object is replaced only with its resource version, its finalizers are free") {
  SandboxApi api;
  api.send("POST", kDefinitions, definition());
  api.send("POST", kWidgets, widget(R"({"size":1})"));
  CHECK(api.send("PUT", kWidgets + "/w", widget(R"({"size":2})")).status == 422);
  CHECK(api.send("PATCH", kWidgets + "/w", R"({"metadata":{"finalizers":["plain"]}})", kMergePatch)
            .status == 200);
}

TEST_CASE("printer columns make the table") {
  SandboxApi api;
  api.send("POST", kDefinitions, definition());
  api.send("POST", kWidgets, widget(R"({"size":1})"));
  api.send(
      "PATCH", kWidgets + "/w/status",
      R"({"status":{"conditions":[{"type":"A","status":"x"},{"type":"Ready","status":"True"}]}})",
      kMergePatch);
  const Reply table = api.send("GET", kWidgets, "", kJson, kTable);
  CHECK(table.at("columnDefinitions", 2, "name") == R"("Ready")");
  CHECK(table.at("rows", 0, "cells") == R"(["w","red","True"])");
}

TEST_CASE("a definition that breaks the rules is refused") {
  SandboxApi api;
  CHECK(api.send("POST", kDefinitions, definition("", "wrong.x.io")).status == 422);
  CHECK(api.send("POST", kDefinitions, definition(R"(,"storage":false)")).status == 422);
  const Reply untyped = api.send(
      "POST", kDefinitions,
      R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"a.x.io"},
      "spec":{"group":"x.io","scope":"Cluster","names":{"plural":"a","kind":"A"},"versions":[{"name":"v1",
      "served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","properties":{"b":{}}}}}]}})");
  CHECK(untyped.status == 422);
  CHECK(has(untyped.text, "properties[b].type: Required value"));
}

TEST_CASE("a definition takes its objects along") {
  SandboxApi api;
  api.send("POST", kDefinitions, definition());
  api.send(
      "POST", kWidgets,
      R"({"apiVersion":"x.io/v1","kind":"Widget","metadata":{"name":"w","finalizers":["f.io/f"]},"spec":{"size":1}})");
  api.send("DELETE", kDefinitions + "/widgets.x.io");
  CHECK(api.get(kDefinitions + "/widgets.x.io").status == 200);
  CHECK(api.get(kWidgets + "/w").at("metadata", "deletionTimestamp") != "");
  api.send("PATCH", kWidgets + "/w", R"({"metadata":{"finalizers":null}})", kMergePatch);
  CHECK(api.get(kDefinitions + "/widgets.x.io").status == 404);
  CHECK(api.get(kWidgets).status == 404);
}

}  // namespace sluice::test
