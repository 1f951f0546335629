// What sluice::kube promises of any API server: the same cases run against the sandbox and, when
// SLUICE_TEST_KUBECONFIG names one, a real kube-apiserver (tests/e2e/cluster).
#include <mutex>
#include <vector>

#include "sluice/kube/client.hpp"
#include "sluice/kube/secret_data.hpp"
#include "sluice/kube/watch_cache.hpp"
#include "sluice/yaml/write.hpp"

#include "support/api_server.hpp"

using namespace sluice;
using test::config_map;
using test::document;
using yaml::Node;

namespace {

yaml::Document config_map_body(const std::string& ns, const std::string& name,
                               const std::string& value) {
  return document("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name +
                  ", namespace: " + ns + ", labels: {test: t}}\ndata: {k: \"" + value + "\"}\n");
}

std::string print(const yaml::Document& object) {
  std::string text;
  REQUIRE_OK(yaml::write_go_json(object.root(), text));
  return text;
}

/// Opens every leaf as the same text.
class OneValue final : public yaml::LeafReader {
 public:
  explicit OneValue(std::string text) : text_(std::move(text)) {}
  Result<Value> read(const yaml::EncryptedLeaf&) override {
    return Value{yaml::Kind::kString, text_};
  }

 private:
  std::string text_;
};

}  // namespace

TEST_CASE("contract: discovery knows built-in kinds, and says what it does not know") {
  SLUICE_API_SERVER(server);
  const auto deployment = server->client().resolve(Gvk::from("apps/v1", "Deployment"), {});
  REQUIRE_OK(deployment);
  CHECK(deployment->plural == "deployments");
  CHECK(deployment->namespaced);
  const auto role =
      server->client().resolve(Gvk::from("rbac.authorization.k8s.io/v1", "ClusterRole"), {});
  REQUIRE_OK(role);
  CHECK_FALSE(role->namespaced);
  const auto none = server->client().resolve(Gvk::from("example.com/v1", "Widget"), {});
  REQUIRE_FALSE(none);
  CHECK(none.error().message() == "no matches for kind \"Widget\" in version \"example.com/v1\"");
  CHECK(none.error().reason() == "NoKindMatch");
  CHECK(none.error().code() == Code::kNotFound);
}

TEST_CASE("contract: discovery is asked once") {
  SLUICE_API_SERVER(server);
  REQUIRE_OK(server->client().resolve(Gvk::from("v1", "ConfigMap"), {}));
  const auto before = server->client().requests();
  for (const char* kind : {"Secret", "Service", "Pod"}) {
    REQUIRE_OK(server->client().resolve(Gvk::from("v1", kind), {}));
  }
  CHECK(server->client().requests() == before);
}

TEST_CASE("contract: apply creates, changes and removes fields; dry-run changes nothing") {
  SLUICE_API_SERVER(server);
  kube::Client& client = server->client();
  const std::string ns = server->new_namespace();
  const ObjectId id = config_map(ns, "a");

  auto dry = client.apply(id, config_map_body(ns, "a", "1").root(), nullptr, {.dry_run = true}, {});
  REQUIRE_OK(dry);
  CHECK(dry->root().find("metadata", "resourceVersion").text().empty());
  CHECK(client.get(id, {}).error().code() == Code::kNotFound);

  auto created = client.apply(id, config_map_body(ns, "a", "1").root(), nullptr, {}, {});
  REQUIRE_OK(created);
  const std::string version(created->root().find("metadata", "resourceVersion").text());
  CHECK_FALSE(version.empty());
  CHECK(created->root().find("data", "k").text() == "1");

  dry = client.apply(id, config_map_body(ns, "a", "2").root(), nullptr, {.dry_run = true}, {});
  REQUIRE_OK(dry);
  CHECK(dry->root().find("metadata", "resourceVersion").text() == version);
  CHECK(dry->root().find("data", "k").text() == "2");
  CHECK(server->get(id).root().find("data", "k").text() == "1");

  const auto without =
      document("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: " + ns + "}\n");
  auto emptied = client.apply(id, without.root(), nullptr, {}, {});
  REQUIRE_OK(emptied);
  CHECK_FALSE(emptied->root().find("data", "k").exists());
  CHECK_FALSE(emptied->root().find("metadata", "labels").exists());
}

TEST_CASE("contract: without force, a field of another manager is a conflict") {
  SLUICE_API_SERVER(server);
  kube::Client& client = server->client();
  const std::string ns = server->new_namespace();
  const ObjectId id = config_map(ns, "a");
  REQUIRE_OK(client.apply(id, config_map_body(ns, "a", "1").root(), nullptr, {}, {}));
  const auto refused = client.apply(id, config_map_body(ns, "a", "2").root(), nullptr,
                                    {.field_manager = "other", .force = false}, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Code::kConflict);
  CHECK(refused.error().reason() == "FieldManagerConflict");
}

TEST_CASE("contract: refusals carry the server's words and reason") {
  SLUICE_API_SERVER(server);
  kube::Client& client = server->client();
  const std::string ns = server->new_namespace();
  const auto missing = client.get(config_map(ns, "no"), {});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().message() == "configmaps \"no\" not found");
  CHECK(missing.error().reason() == "NotFound");

  const auto nowhere =
      client.apply(config_map("no-such-namespace", "a"),
                   config_map_body("no-such-namespace", "a", "1").root(), nullptr, {}, {});
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.error().code() == Code::kNotFound);
  CHECK(nowhere.error().message() == "namespaces \"no-such-namespace\" not found");

  const auto unnamed = client.get(config_map("", "a"), {});
  REQUIRE_FALSE(unnamed);
  CHECK(unnamed.error().reason() == "NoNamespace");

  const auto taken = [&] {
    const auto body = config_map_body(ns, "twice", "1");
    REQUIRE_OK(client.create(config_map(ns, "twice"), body.root(), {}));
    return client.create(config_map(ns, "twice"), body.root(), {});
  }();
  REQUIRE_FALSE(taken);
  CHECK(taken.error().code() == Code::kConflict);
  CHECK(taken.error().reason() == "AlreadyExists");
}

TEST_CASE("contract: a validation failure is Invalid, an immutable field is told apart") {
  SLUICE_API_SERVER(server);
  kube::Client& client = server->client();
  const std::string ns = server->new_namespace();
  const ObjectId id{Gvk::from("apps/v1", "Deployment"), ns, "app"};
  const auto body = [&](const std::string& app, const std::string& image) {
    return document("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app, namespace: " +
                    ns + "}\nspec:\n  selector: {matchLabels: {app: " + app +
                    "}}\n  template:\n    metadata: {labels: {app: " + app +
                    "}}\n    spec: {containers: [{name: main, image: \"" + image + "\"}]}\n");
  };
  REQUIRE_OK(client.apply(id, body("a", "x:1").root(), nullptr, {}, {}));
  const auto immutable = client.apply(id, body("b", "x:1").root(), nullptr, {.dry_run = true}, {});
  REQUIRE_FALSE(immutable);
  CHECK(immutable.error().code() == Code::kInvalid);
  CHECK(immutable.error().reason() == kube::kReasonImmutable);
  CHECK(immutable.error().message() ==
        "Deployment.apps \"app\" is invalid: spec.selector: Invalid value: "
        "{\"matchLabels\":{\"app\":\"b\"}}: field is immutable");
  const auto both = client.apply(id, body("b", "").root(), nullptr, {.dry_run = true}, {});
  REQUIRE_FALSE(both);
  CHECK(both.error().reason() == "Invalid");  // an image is missing too: deleting would not help
}

TEST_CASE("contract: values of Secrets are masked in answers, and equal ones stay equal") {
  SLUICE_API_SERVER(server);
  kube::Client& client = server->client();
  const std::string ns = server->new_namespace();
  const ObjectId id{Gvk::from("v1", "Secret"), ns, "db"};
  const auto body = document("apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: " + ns +
                             "}\ndata: {a: Y2FuYXJ5, b: Y2FuYXJ5, c: b3RoZXI=}\n");
  const auto applied = client.apply(id, body.root(), nullptr, {}, {});
  REQUIRE_OK(applied);
  const auto live = client.get(id, {});
  REQUIRE_OK(live);
  for (const yaml::Document* answer : {&*applied, &*live}) {
    CHECK(print(*answer).find("Y2FuYXJ5") == std::string::npos);
    const Node data = answer->root().get("data");
    CHECK(data.get("a").text() == data.get("b").text());
    CHECK(data.get("a").text() != data.get("c").text());
    CHECK(answer->root().find("metadata", "name").text() == "db");
  }
  CHECK(yaml::equal(applied->root().get("data"), live->root().get("data")));
  const auto listed = client.list({id.gvk, "secrets", true}, {.ns = ns}, {});
  REQUIRE_OK(listed);
  REQUIRE(listed->items.size() == 1);
  CHECK(yaml::equal(listed->items[0].root().get("data"), live->root().get("data")));
  const auto data = kube::get_secret_data(client, ns, "db", {});
  REQUIRE_OK(data);
  CHECK(data->find("a")->second.reveal_text() == "canary");
}

TEST_CASE("contract: no opened value is in the error when the server quotes the object") {
  SLUICE_API_SERVER(server);
  kube::Client& client = server->client();
  const std::string ns = server->new_namespace();
  const ObjectId id{Gvk::from("v1", "Service"), ns, "s"};
  auto body = document("apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: " + ns +
                       "}\nspec: {ports: [{port: 80}]}\n");
  body.root().get("spec").put_leaf("sessionAffinity",
                                   {Digest(), "x", yaml::Kind::kString, yaml::LeafEncoding::kNone});
  OneValue leaves("canary-plaintext");
  const auto refused = client.apply(id, body.root(), &leaves, {}, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Code::kInvalid);
  CHECK(refused.error().text().find("canary") == std::string::npos);
  CHECK(refused.error().message().find("sessionAffinity") != std::string::npos);
}

TEST_CASE("contract: remove keeps a UID precondition and tells what was not there") {
  SLUICE_API_SERVER(server);
  kube::Client& client = server->client();
  const std::string ns = server->new_namespace();
  const ObjectId id = config_map(ns, "a");
  REQUIRE_OK(client.apply(id, config_map_body(ns, "a", "1").root(), nullptr, {}, {}));
  const auto other = client.remove(id, {.uid = "00000000-0000-0000-0000-000000000000"}, {});
  REQUIRE_FALSE(other);
  CHECK(other.error().code() == Code::kConflict);
  const std::string uid(server->get(id).root().find("metadata", "uid").text());
  CHECK_OK(client.remove(id, {.uid = uid}, {}));
  CHECK(client.remove(id, {}, {}).error().code() == Code::kNotFound);
}

TEST_CASE("contract: lists come in pages, by label, as metadata, and name their kind") {
  SLUICE_API_SERVER(server);
  kube::Client& client = server->client();
  const std::string ns = server->new_namespace();
  for (int i = 0; i < 7; ++i) {
    const std::string name = "m" + std::to_string(i);
    REQUIRE_OK(
        client.apply(config_map(ns, name), config_map_body(ns, name, "v").root(), nullptr, {}, {}));
  }
  const kube::ResourceType type{Gvk::from("v1", "ConfigMap"), "configmaps", true};
  const auto before = client.requests();
  const auto list = client.list(type, {.ns = ns, .label_selector = "test=t", .page = 3}, {});
  REQUIRE_OK(list);
  CHECK(list->items.size() == 7);
  CHECK(client.requests() == before + 3);
  CHECK_FALSE(list->resource_version.empty());
  CHECK(kube::object_id(list->items[0].root()) == config_map(ns, "m0"));
  const auto metadata =
      client.list(type, {.ns = ns, .label_selector = "test=t", .metadata_only = true}, {});
  REQUIRE_OK(metadata);
  REQUIRE(metadata->items.size() == 7);
  CHECK_FALSE(metadata->items[0].root().get("data").exists());
  CHECK(kube::object_id(metadata->items[0].root()) == config_map(ns, "m0"));
  CHECK(client.list(type, {.ns = ns, .label_selector = "test=no"}, {})->items.empty());
}

TEST_CASE("contract: a watch streams changes from a version on, until it is cancelled") {
  SLUICE_API_SERVER(server);
  kube::Client& client = server->client();
  const std::string ns = server->new_namespace();
  const kube::ResourceType type{Gvk::from("v1", "ConfigMap"), "configmaps", true};
  const auto list = client.list(type, {.ns = ns}, {});
  REQUIRE_OK(list);
  REQUIRE_OK(
      client.apply(config_map(ns, "a"), config_map_body(ns, "a", "1").root(), nullptr, {}, {}));
  REQUIRE_OK(
      client.apply(config_map(ns, "a"), config_map_body(ns, "a", "2").root(), nullptr, {}, {}));
  REQUIRE_OK(client.remove(config_map(ns, "a"), {}, {}));
  std::vector<std::string> seen;
  CancelSource stop;
  const auto result = client.watch(
      type, {.ns = ns, .label_selector = "test"}, list->resource_version,
      [&](kube::WatchEvent event) {
        if (event.kind == kube::WatchKind::kBookmark) return;
        seen.push_back(std::to_string(static_cast<int>(event.kind)) +
                       std::string(event.object.root().find("data", "k").text()));
        if (seen.size() == 3) stop.cancel();
      },
      stop.token());
  CHECK(result.error().code() == Code::kCancelled);
  CHECK(seen == std::vector<std::string>{"01", "12", "22"});
}

TEST_CASE("contract: a watch cache follows the server") {
  SLUICE_API_SERVER(server);
  kube::Client& client = server->client();
  const std::string ns = server->new_namespace();
  const auto put = [&](const char* name, const char* value) {
    REQUIRE_OK(client.apply(config_map(ns, name), config_map_body(ns, name, value).root(), nullptr,
                            {}, {}));
  };
  put("a", "1");
  std::mutex mutex;
  std::vector<std::string> changes;
  kube::WatchCache cache(
      client, Gvk::from("v1", "ConfigMap"), {.ns = ns, .label_selector = "test"}, server->clock(),
      [&](const kube::Change& change) {
        const std::lock_guard lock(mutex);
        changes.push_back(change.id.name + (change.before ? "b" : "") + (change.after ? "a" : ""));
      });
  REQUIRE(cache.wait_synced(std::chrono::seconds(10), {}));
  CHECK(cache.find(ns, "a")->root().find("data", "k").text() == "1");
  put("a", "2");
  put("b", "1");
  REQUIRE_OK(client.remove(config_map(ns, "a"), {}, {}));
  CHECK(test::eventually([&] { return !cache.find(ns, "a") && cache.find(ns, "b"); }));
  CHECK_FALSE(cache.failure());
  const std::lock_guard lock(mutex);
  CHECK(changes == std::vector<std::string>{"aa", "aba", "ba", "ab"});
}

TEST_CASE("contract: an impersonating client is the other user") {
  SLUICE_API_SERVER(server);
  if (!server->is_real()) SLUICE_SKIP("the sandbox has no authorization");
  const std::string ns = server->new_namespace();
  const auto nobody = server->client().impersonate("system:serviceaccount:" + ns + ":nobody");
  const auto refused = nobody->get(config_map(ns, "a"), {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Code::kDenied);
  CHECK(refused.error().message().find("system:serviceaccount:" + ns + ":nobody") !=
        std::string::npos);
  CHECK(nobody->requests() == server->client().requests());
}
