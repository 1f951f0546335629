// What is left behind when the server fails midway, against scripted answers.
#include <mutex>
#include <string>
#include <vector>

#include "sluice/apply/apply.hpp"
#include "sluice/yaml/read.hpp"
#include "sluice/yaml/write.hpp"

#include "apply/stage_wait.hpp"
#include "support/scripted_http.hpp"
#include "support/test.hpp"

using namespace sluice;
using test::ScriptedHttp;

namespace {

/// Serves ConfigMaps and Secrets of one namespace that are never there before they are applied.
struct Server {
  Server() {
    config.server = "https://api";
    http.on_request([this](const ScriptedHttp::Sent& sent) { return answer(sent); });
    options.owner_name = "app";
    options.owner_namespace = "flux";
    options.concurrency = 1;
  }

  Result<http::Response> answer(const ScriptedHttp::Sent& sent) {
    const std::string path = sent.url.substr(config.server.size());
    http::Response response;
    response.status = 200;
    if (path == "/api") {
      response.body =
          R"({"kind":"APIGroupDiscoveryList","items":[{"metadata":{"name":""},"versions":[{"version":"v1","resources":[{"resource":"configmaps","scope":"Namespaced","responseKind":{"kind":"ConfigMap"}},{"resource":"secrets","scope":"Namespaced","responseKind":{"kind":"Secret"}}]}]}]})";
      return response;
    }
    if (path == "/apis") {
      response.body = R"({"kind":"APIGroupDiscoveryList","items":[]})";
      return response;
    }
    const std::lock_guard lock(mutex);
    const bool is_dry_run = path.find("dryRun=All") != std::string::npos;
    const std::string name =
        path.substr(0, path.find('?')).substr(path.rfind('/', path.find('?')) + 1);
    log.push_back((is_dry_run ? "try " : sent.method + " ") + name);
    if (!is_dry_run && name == failing) {
      response.status = status;
      response.body = body;
      return response;
    }
    if (sent.method == "GET") {
      response.status = 404;
      response.body = R"({"kind":"Status","message":"not found","reason":"NotFound","code":404})";
    } else {
      response.body = R"({"metadata":{"name":")" + name + "\"" +
                      (is_dry_run ? "" : R"(,"resourceVersion":"1")") + "}}";
    }
    return response;
  }

  Result<apply::ApplyResult> apply(const std::string& text) {
    auto documents = yaml::read_yaml(text, FileId::kNone);
    REQUIRE_OK(documents);
    kustomize::ResourceSet set;
    for (yaml::Document& each : *documents) {
      ObjectId id = kube::object_id(each.root());
      set.resources.push_back({std::move(id), std::move(each)});
    }
    kube::Client client(config, http, clock);
    apply::Cluster cluster{client, clock, nullptr, nullptr};
    return apply::apply_all(set, options, cluster, {}, &partial);
  }

  kube::Config config;
  SystemClock clock;
  ScriptedHttp http;
  apply::ApplyOptions options;
  apply::ApplyResult partial;
  std::mutex mutex;  // guards log
  std::vector<std::string> log;
  std::string failing, body;
  int status = 500;
};

std::string cm(const std::string& name) {
  return "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + ", namespace: n}\n";
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE(
    "failure: when applying fails midway, what was applied is told and the rest is not sent") {
  Server server;
  server.failing = "b";
  server.body = R"({"kind":"Status","message":"etcd is away","reason":"InternalError","code":500})";
  Lines recorded;
  server.options.record = [&](const apply::Inventory& inventory) -> Result<void> {
    for (const auto& entry : inventory)
      recorded.push_back(entry.id());
    return {};
  };
  const auto result = server.apply(cm("c") + cm("b") + cm("a"));
  REQUIRE_FALSE(result);
  CHECK(result.error().message() == "ConfigMap/n/b apply failed: etcd is away");
  CHECK(result.error().code() == Code::kUnavailable);
  REQUIRE(server.partial.changes.size() == 1);
  CHECK(server.partial.changes[0].text() == "ConfigMap/n/a created");
  REQUIRE(server.partial.inventory.size() == 1);
  CHECK(server.partial.inventory[0].id() == "n_a__ConfigMap");
  CHECK(recorded == Lines{"n_a__ConfigMap", "n_b__ConfigMap", "n_c__ConfigMap"});
  CHECK(server.log == Lines{"try a", "try b", "try c", "PATCH a", "PATCH b"});
}

TEST_CASE("failure: no value of a Secret is in an error, whatever the server quotes") {
  Server server;
  server.failing = "s";
  server.status = 422;
  for (const char* message : {R"(Secret \"s\" is invalid: data[k]: Invalid value: \"canary\": no)",
                              R"(admission webhook \"w\" denied the request: canary is too weak)",
                              R"(expected map, got &value.valueUnstructured{Value:canary})"}) {
    server.body =
        R"({"kind":"Status","message":")" + std::string(message) +
        R"(","reason":"Invalid","code":422,"details":{"causes":[{"message":"Invalid value: \"canary\"","field":"data[k]"}]}})";
    const auto result = server.apply(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: n}\nstringData: {k: "
        "canary}\n");
    REQUIRE_FALSE(result);
    CHECK(result.error().message().starts_with("Secret/n/s apply failed: "));
    CHECK(result.error().text().find("canary") == std::string::npos);
  }
}

TEST_CASE("stage wait: the texts of Flux") {
  Server server;
  kube::Client client(server.config, server.http, server.clock);
  apply::Cluster cluster{client, server.clock, nullptr, nullptr};
  const ObjectId id{Gvk::from("apiextensions.k8s.io/v1", "CustomResourceDefinition"), "", "w.x"};
  const auto wait = [&](const char* status) {
    auto documents = yaml::read_yaml(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nstatus: " +
            std::string(status) + "\n",
        FileId::kNone);
    REQUIRE_OK(documents);
    std::vector<apply::Awaited> awaited;
    awaited.push_back({id, std::move(documents->front())});
    return apply::wait_established(std::move(awaited), std::chrono::seconds(0), cluster, {});
  };
  CHECK_OK(wait("{conditions: [{type: Established, status: \"True\"}]}"));
  const auto slow = wait("{}");
  REQUIRE_FALSE(slow);
  CHECK(slow.error().message() ==
        "timeout waiting for: [CustomResourceDefinition/w.x status: 'InProgress']");
  CHECK(slow.error().code() == Code::kUnavailable);
  const auto broken = wait("{conditions: [{type: NamesAccepted, status: \"False\"}]}");
  REQUIRE_FALSE(broken);
  CHECK(broken.error().message() ==
        "failed early due to stalled resources: [CustomResourceDefinition/w.x status: 'Failed']");
  CHECK(broken.error().code() == Code::kInvalid);
}

TEST_CASE("health with pods: a StatefulSet in progress fails with its crashing Pods") {
  ScriptedHttp http;
  SystemClock clock;
  kube::Config config;
  config.server = "https://api";
  kube::Client client(config, http, clock);
  const auto judge = [&](const char* kind) {
    auto documents = yaml::read_yaml(
        "{apiVersion: apps/v1, kind: " + std::string(kind) +
            ", metadata: {namespace: n}, spec: {selector: {matchLabels: {a: b}, matchExpressions: "
            "[{key: c, operator: In, values: [d, e]}, {key: f, operator: DoesNotExist}]}}}",
        FileId::kNone);
    REQUIRE_OK(documents);
    return apply::health_with_pods(documents->front().root(), client, clock.wall(), {});
  };
  const std::string crashing =
      R"("status":{"phase":"Running","containerStatuses":[{"name":"m","state":{"waiting":{"reason":"CrashLoopBackOff"}}}]})";
  http.answer(200, R"({"metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"a"},)" +
                       crashing + R"(},{"metadata":{"name":"b","deletionTimestamp":"x"},)" +
                       crashing + R"(},{"metadata":{"name":"c"},"status":{"phase":"Pending"}}]})");
  const auto failed = judge("StatefulSet");
  CHECK(failed.status == apply::HealthStatus::kFailed);
  CHECK(failed.message == "1 pods have failed");
  CHECK(http.sent()[0].url.find("labelSelector=a%3Db%2Cc%20in%20%28d%2Ce%29%2C%21f") !=
        std::string::npos);
  http.answer(200, R"({"metadata":{"resourceVersion":"1"},"items":[]})");
  CHECK(judge("ReplicaSet").status == apply::HealthStatus::kInProgress);
  http.answer(403, R"({"kind":"Status","message":"no","reason":"Forbidden","code":403})");
  CHECK(judge("ReplicaSet").status == apply::HealthStatus::kUnknown);
  CHECK(judge("Deployment").status == apply::HealthStatus::kInProgress);  // never asks
  CHECK(http.count() == 3);
}
