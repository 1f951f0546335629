// What sluice::apply promises of any API server; see tests/kube/contract_test.cpp. The scenarios
// mirror fluxcd/pkg/ssa manager_apply_test.go, manager_delete_test.go and the texts that
// kustomize-controller was seen to write.
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "sluice/apply/apply.hpp"
#include "sluice/kube/secret_data.hpp"
#include "sluice/yaml/write.hpp"

#include "support/api_server.hpp"

using namespace sluice;
using test::config_map;
using test::document;
using yaml::Node;

namespace {

kustomize::ResourceSet resources(const std::string& text) {
  auto documents = yaml::read_yaml(text, FileId::kNone);
  REQUIRE_OK(documents);
  kustomize::ResourceSet set;
  for (yaml::Document& each : *documents) {
    ObjectId id = kube::object_id(each.root());
    set.resources.push_back({std::move(id), std::move(each)});
  }
  return set;
}

std::string texts(const apply::ChangeSet& changes) {
  std::string out;
  for (const apply::ChangeEntry& change : changes) {
    out += change.text() + "\n";
  }
  return out;
}

std::string cm(const std::string& ns, const std::string& name, const std::string& value,
               const std::string& annotations = "{}") {
  return "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + ", namespace: " + ns +
         ", annotations: " + annotations + "}\ndata: {k: \"" + value + "\"}\n";
}

std::string deployment(const std::string& ns, const std::string& name, const std::string& app) {
  return "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " + name +
         ", namespace: " + ns + "}\nspec:\n  selector: {matchLabels: {app: " + app +
         "}}\n  template:\n    metadata: {labels: {app: " + app +
         "}}\n    spec: {containers: [{name: main, image: \"x:1\", ports: [{containerPort: "
         "80}]}]}\n";
}

/// Opens leaves by selector and counts.
class FakeDecryptor final : public decrypt::LeafDecryptor {
 public:
  std::map<std::string, std::string> values;
  std::atomic<int> opened{0};
  Result<crypto::SecretBytes> open(const yaml::EncryptedLeaf& leaf, const CancelToken&) override {
    ++opened;
    const auto it = values.find(leaf.selector);
    if (it == values.end()) return fail(Code::kDenied, "no key opens it");
    return crypto::SecretBytes::copy_of(std::string_view(it->second));
  }
};

struct Target {
  explicit Target(test::ApiServer& server_in)
      : server(server_in),
        ns(server.new_namespace()),
        cluster{server.client(), server.clock(), nullptr, nullptr} {
    options.owner_name = "app";
    options.owner_namespace = ns;
  }
  Result<apply::ApplyResult> apply(const std::string& text) { return apply_set(resources(text)); }
  Result<apply::ApplyResult> apply_set(const kustomize::ResourceSet& set) {
    auto result = apply::apply_all(set, options, cluster, {}, &partial);
    if (result) options.before = result->inventory;
    return result;
  }
  /// Applies and gives the change lines.
  std::string changes(const std::string& text) {
    const auto result = apply(text);
    REQUIRE_OK(result);
    return texts(result->changes);
  }
  std::uint64_t requests(const std::function<void()>& work) {
    const auto before = server.client().requests();
    work();
    return server.client().requests() - before;
  }
  Node data(const yaml::Document& object) const { return object.root().get("data"); }
  std::vector<std::string> managers(const ObjectId& id) {
    std::vector<std::string> out;
    const yaml::Document live = server.get(id);
    const Node entries = live.root().find("metadata", "managedFields");
    for (std::size_t i = 0; i < entries.size(); ++i) {
      out.push_back(std::string(entries.at(i).get("manager").text()) + " " +
                    std::string(entries.at(i).get("operation").text()));
    }
    return out;
  }

  test::ApiServer& server;
  std::string ns;
  apply::Cluster cluster;
  apply::ApplyOptions options;
  apply::ApplyResult partial;
};

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("contract: objects are created, changed and left alone, in Flux's order and words") {
  SLUICE_API_SERVER(server);
  Target t(*server);
  const std::string first =
      deployment(t.ns, "app", "app") + cm(t.ns, "b", "1") + cm(t.ns, "a", "1");
  CHECK(t.changes(first) == "ConfigMap/" + t.ns + "/a created\nConfigMap/" + t.ns +
                                "/b created\nDeployment/" + t.ns + "/app created\n");
  const auto live = server->get(config_map(t.ns, "a"));
  const Node labels = live.root().find("metadata", "labels");
  CHECK(labels.get("kustomize.toolkit.fluxcd.io/name").text() == "app");
  CHECK(labels.get("kustomize.toolkit.fluxcd.io/namespace").text() == t.ns);
  CHECK(t.managers(config_map(t.ns, "a")) == Lines{"kustomize-controller Apply"});
  REQUIRE(t.options.before.size() == 3);
  CHECK(t.options.before[2].id() == t.ns + "_app_apps_Deployment");
  CHECK(t.options.before[2].object.gvk.version == "v1");

  CHECK(t.changes(first) == "ConfigMap/" + t.ns + "/a unchanged\nConfigMap/" + t.ns +
                                "/b unchanged\nDeployment/" + t.ns + "/app unchanged\n");
  CHECK(t.changes(cm(t.ns, "a", "2") + cm(t.ns, "b", "1")) ==
        "ConfigMap/" + t.ns + "/a configured\nConfigMap/" + t.ns + "/b unchanged\n");
}

TEST_CASE("contract: creating costs two requests an object, checking a kind costs one list") {
  SLUICE_API_SERVER(server);
  Target t(*server);
  REQUIRE_OK(server->client().resolve(Gvk::from("v1", "ConfigMap"), {}));
  std::string text;
  for (int i = 0; i < 10; ++i)
    text += cm(t.ns, "m" + std::to_string(i), "1");
  CHECK(t.requests([&] { t.changes(text); }) == 20);
  CHECK(t.requests([&] { t.changes(text); }) == 1);
  // One changed object: the list, its dry-run, its apply.
  text.replace(text.rfind("\"1\""), 3, "\"2\"");
  CHECK(t.requests([&] { t.changes(text); }) == 3);
}

TEST_CASE("contract: objects of many shapes are seen to be applied without a dry-run") {
  SLUICE_API_SERVER(server);
  Target t(*server);
  const std::string meta = "metadata: {name: x, namespace: " + t.ns + "}\n";
  for (const std::string& text :
       {deployment(t.ns, "app", "app"), cm(t.ns, "a", "1"),
        "apiVersion: v1\nkind: Service\n" + meta +
            "spec: {selector: {a: b}, ports: [{name: a, port: 80}, {name: b, port: 81, targetPort: "
            "http}]}\n",
        "apiVersion: v1\nkind: ServiceAccount\n" + meta,
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\n" + meta +
            "rules: [{apiGroups: [\"\"], resources: [pods], verbs: [get, list]}]\n",
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\n" + meta +
            "spec: {rules: [{host: h, http: {paths: [{path: /, pathType: Prefix, backend: "
            "{service: "
            "{name: s, port: {number: 80}}}}]}}]}\n"}) {
    CAPTURE(text);
    t.options.before.clear();
    t.changes(text);
    CHECK(t.requests([&] { CHECK(t.changes(text).find(" unchanged\n") != std::string::npos); }) ==
          1);
  }
}

TEST_CASE("contract: with the cache, an unchanged set costs no request and opens no leaf") {
  SLUICE_API_SERVER(server);
  Target t(*server);
  std::atomic<int> drifts{0};
  apply::AppliedCache cache(server->client(), server->clock(), t.options.owner_group,
                            [&](const apply::AppliedCache::Drift& drift) {
                              CHECK(drift.owner_name == "app");
                              ++drifts;
                            });
  t.cluster.cache = &cache;
  FakeDecryptor decryptor;
  decryptor.values["data:password"] = "canary";
  t.cluster.decryptor = &decryptor;
  auto set = resources(cm(t.ns, "a", "1") + deployment(t.ns, "app", "app") +
                       "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: " + t.ns +
                       "}\nstringData: {}\n");
  set.resources[2]
      .document.root()
      .get("stringData")
      .put_leaf("password",
                {Digest(), "data:password", yaml::Kind::kString, yaml::LeafEncoding::kNone});
  REQUIRE_OK(t.apply_set(set));
  const auto data = kube::get_secret_data(server->client(), t.ns, "s", {});
  REQUIRE_OK(data);
  CHECK(data->find("password")->second.reveal_text() == "canary");

  // Until the watches are in, the server is asked.
  std::uint64_t cost = 1;
  CHECK(test::eventually([&] {
    decryptor.opened = 0;
    cost = t.requests([&] { REQUIRE_OK(t.apply_set(set)); });
    return cost == 0;
  }));
  CHECK(decryptor.opened == 0);
  CHECK(drifts == 0);

  // Somebody changes one object: it alone is checked and corrected, then it is quiet again.
  server->merge(config_map(t.ns, "a"), "{data: {k: \"9\"}}");
  CHECK(test::eventually([&] { return drifts == 1; }));
  std::string lines;
  CHECK(t.requests([&] {
    const auto result = t.apply_set(set);
    REQUIRE_OK(result);
    lines = texts(result->changes);
  }) <= 4);
  CHECK(lines.find("ConfigMap/" + t.ns + "/a configured\n") != std::string::npos);
  CHECK(test::eventually([&] { return t.requests([&] { REQUIRE_OK(t.apply_set(set)); }) == 0; }));

  // Deleted behind our back: made again.
  REQUIRE_OK(server->client().remove(config_map(t.ns, "a"), {}, {}));
  CHECK(test::eventually([&] { return drifts == 2; }));
  const auto again = t.apply_set(set);
  REQUIRE_OK(again);
  CHECK(again->changes[0].text() == "ConfigMap/" + t.ns + "/a created");
}

TEST_CASE("contract: one refused object in dry-run, and nothing is applied; all are reported") {
  SLUICE_API_SERVER(server);
  Target t(*server);
  const auto service = [&](const std::string& name) {
    return "---\napiVersion: v1\nkind: Service\nmetadata: {name: " + name + ", namespace: " + t.ns +
           "}\nspec: {ports: [{port: 99999}]}\n";
  };
  bool recorded = false;
  t.options.record = [&](const apply::Inventory&) -> Result<void> {
    recorded = true;
    return {};
  };
  const auto result = t.apply(cm(t.ns, "a", "1") + service("s") + service("r"));
  REQUIRE_FALSE(result);
  CHECK(result.error().message().starts_with(
      "Service/" + t.ns + "/r dry-run failed (Invalid): Service \"r\" is invalid"));
  REQUIRE(result.error().also().size() == 1);
  CHECK(result.error().also()[0].message().starts_with("Service/" + t.ns + "/s dry-run failed"));
  CHECK_FALSE(server->exists(config_map(t.ns, "a")));
  CHECK(t.partial.changes.empty());
  CHECK_FALSE(recorded);
}

TEST_CASE("contract: the inventory is recorded before the first change") {
  SLUICE_API_SERVER(server);
  Target t(*server);
  std::vector<Lines> recorded;
  t.options.record = [&](const apply::Inventory& inventory) -> Result<void> {
    Lines ids;
    for (const auto& entry : inventory)
      ids.push_back(entry.id());
    recorded.push_back(ids);
    CHECK_FALSE(server->exists(config_map(t.ns, "c")));
    return {};
  };
  REQUIRE_OK(t.apply(cm(t.ns, "a", "1") + cm(t.ns, "b", "1")));
  REQUIRE(recorded.size() == 1);
  REQUIRE_OK(t.apply(cm(t.ns, "a", "2")));  // nothing new: before holds it
  CHECK(recorded.size() == 1);
  t.options.before.push_back({config_map(t.ns, "b")});
  REQUIRE_OK(t.apply(cm(t.ns, "a", "2") + cm(t.ns, "c", "1")));
  REQUIRE(recorded.size() == 2);
  CHECK(recorded[1] ==
        Lines{t.ns + "_a__ConfigMap", t.ns + "_c__ConfigMap", t.ns + "_b__ConfigMap"});
  t.options.record = [](const apply::Inventory&) -> Result<void> {
    return fail(Code::kUnavailable, "cannot be stored");
  };
  const auto refused = t.apply(cm(t.ns, "d", "1"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message() == "cannot be stored");
  CHECK_FALSE(server->exists(config_map(t.ns, "d")));
}

TEST_CASE("contract: a namespaced object without namespace, or in one that is not there") {
  SLUICE_API_SERVER(server);
  Target t(*server);
  const auto unnamed = t.apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n");
  REQUIRE_FALSE(unnamed);
  CHECK(unnamed.error().message() ==
        "ConfigMap/a namespace not specified: the server could not find the requested resource");
  const auto nowhere = t.apply(cm("no-such-namespace", "a", "1"));
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.error().message() ==
        "ConfigMap/no-such-namespace/a not found: namespaces \"no-such-namespace\" not found");
  const auto unknown = t.apply(
      "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w, namespace: " + t.ns + "}\n");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().message() == "Widget/" + t.ns +
                                         "/w dry-run failed: no matches for kind \"Widget\" in "
                                         "version \"example.com/v1\"");
}

TEST_CASE("contract: definitions, namespaces and what needs them go in one apply") {
  SLUICE_API_SERVER(server);
  Target t(*server);
  const std::string group = t.ns + ".example.com";
  const std::string inner = t.ns + "-inner";
  const std::string text =
      "apiVersion: " + group + "/v1\nkind: Widget\nmetadata: {name: w, namespace: " + inner +
      "}\nspec: {size: 3}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: " + inner +
      ", namespace: ignored}\n---\napiVersion: apiextensions.k8s.io/v1\nkind: "
      "CustomResourceDefinition\nmetadata: {name: widgets." +
      group + "}\nspec:\n  group: " + group +
      "\n  names: {kind: Widget, plural: widgets}\n  scope: Namespaced\n  versions:\n  - name: v1\n"
      "    served: true\n    storage: true\n    schema: {openAPIV3Schema: {type: object, "
      "properties: "
      "{spec: {type: object, properties: {size: {type: integer}}}}}}\n";
  CHECK(t.changes(text) == "CustomResourceDefinition/widgets." + group + " created\nNamespace/" +
                               inner + " created\nWidget/" + inner + "/w created\n");
  CHECK(t.options.before[1].id() == "_" + inner + "__Namespace");
  CHECK(t.changes(text) == "CustomResourceDefinition/widgets." + group + " unchanged\nNamespace/" +
                               inner + " unchanged\nWidget/" + inner + "/w unchanged\n");
  const auto pruned = apply::prune(t.options.before, t.options, t.cluster, {}, nullptr);
  REQUIRE_OK(pruned);
  CHECK(texts(pruned->changes) == "Widget/" + inner + "/w deleted\nNamespace/" + inner +
                                      " deleted\nCustomResourceDefinition/widgets." + group +
                                      " deleted\n");
}

TEST_CASE("contract: what kubectl made is taken over, with its fields and annotation") {
  SLUICE_API_SERVER(server);
  Target t(*server);
  const auto body =
      document("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace: " + t.ns +
               "\n  annotations: {kubectl.kubernetes.io/last-applied-configuration: "
               "\"{}\", fluxcd.io/sync-checksum: x}\ndata: {k: \"0\", old: \"1\"}\n");
  REQUIRE_OK(server->client().create(config_map(t.ns, "a"), body.root(), {},
                                     {.field_manager = "kubectl-client-side-apply"}));
  CHECK(t.changes(cm(t.ns, "a", "1")) == "ConfigMap/" + t.ns + "/a configured\n");
  const auto live = server->get(config_map(t.ns, "a"));
  CHECK(t.data(live).size() == 1);
  CHECK(live.root().find("metadata", "annotations").size() == 0);
  CHECK(t.managers(config_map(t.ns, "a")) == Lines{"kustomize-controller Apply"});
  CHECK(t.changes(cm(t.ns, "a", "1")) == "ConfigMap/" + t.ns + "/a unchanged\n");
}

TEST_CASE("contract: fields of an overridden manager are taken over, others stay") {
  SLUICE_API_SERVER(server);
  Target t(*server);
  t.changes(cm(t.ns, "a", "1"));
  server->merge(config_map(t.ns, "a"), "{data: {mine: x}}", "rogue-controller");
  server->merge(config_map(t.ns, "a"), "{data: {theirs: y}}", "friend");
  CHECK(t.changes(cm(t.ns, "a", "1")) == "ConfigMap/" + t.ns + "/a unchanged\n");
  t.options.override_managers = {"rogue"};
  CHECK(t.changes(cm(t.ns, "a", "1")) == "ConfigMap/" + t.ns + "/a configured\n");
  const auto live = server->get(config_map(t.ns, "a"));
  CHECK_FALSE(t.data(live).get("mine").exists());
  CHECK(t.data(live).get("theirs").text() == "y");
}

TEST_CASE("contract: switches on single objects") {
  SLUICE_API_SERVER(server);
  Target t(*server);
  const auto all = [&](const std::string& value) {
    return cm(t.ns, "disabled", value, "{kustomize.toolkit.fluxcd.io/reconcile: Disabled}") +
           cm(t.ns, "ifnotpresent", value, "{kustomize.toolkit.fluxcd.io/ssa: IfNotPresent}") +
           cm(t.ns, "ignore", value, "{kustomize.toolkit.fluxcd.io/ssa: ignore}") +
           cm(t.ns, "merge", value, "{kustomize.toolkit.fluxcd.io/ssa: Merge}");
  };
  const auto lines = [&](const char* disabled, const char* if_not_present, const char* ignore,
                         const char* merge) {
    const std::string at = "ConfigMap/" + t.ns + "/";
    return at + "disabled " + disabled + "\n" + at + "ifnotpresent " + if_not_present + "\n" + at +
           "ignore " + ignore + "\n" + at + "merge " + merge + "\n";
  };
  CHECK(t.changes(all("1")) == lines("skipped", "created", "skipped", "created"));
  CHECK(t.options.before.size() == 4);
  for (const char* name : {"ifnotpresent", "merge"})
    server->merge(config_map(t.ns, name), "{data: {k: edited, extra: added}}");
  CHECK(t.changes(all("2")) == lines("skipped", "skipped", "skipped", "configured"));
  const auto merged = server->get(config_map(t.ns, "merge"));
  CHECK(t.data(merged).get("k").text() == "2");
  CHECK(t.data(merged).get("extra").text() == "added");
  CHECK(t.data(server->get(config_map(t.ns, "ifnotpresent"))).get("k").text() == "edited");

  // A switch on the live object counts too.
  t.changes(cm(t.ns, "live", "1"));
  server->merge(config_map(t.ns, "live"),
                "{metadata: {annotations: {kustomize.toolkit.fluxcd.io/reconcile: disabled}}}");
  CHECK(t.changes(cm(t.ns, "live", "2")) == "ConfigMap/" + t.ns + "/live skipped\n");
}

TEST_CASE("contract: drift is corrected, and what others added stays") {
  SLUICE_API_SERVER(server);
  Target t(*server);
  t.changes(cm(t.ns, "a", "1"));
  server->merge(config_map(t.ns, "a"), "{data: {k: edited, extra: added}}", "somebody");
  CHECK(t.changes(cm(t.ns, "a", "1")) == "ConfigMap/" + t.ns + "/a configured\n");
  const auto live = server->get(config_map(t.ns, "a"));
  CHECK(t.data(live).get("k").text() == "1");
  CHECK(t.data(live).get("extra").text() == "added");
}

TEST_CASE("contract: an immutable change is refused, and with force recreated") {
  SLUICE_API_SERVER(server);
  Target t(*server);
  const ObjectId id{Gvk::from("apps/v1", "Deployment"), t.ns, "app"};
  t.changes(deployment(t.ns, "app", "one"));
  const auto uid = [&] {
    return std::string(server->get(id).root().find("metadata", "uid").text());
  };
  const std::string before = uid();
  const auto refused = t.apply(deployment(t.ns, "app", "two"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message() ==
        "Deployment/" + t.ns +
            "/app dry-run failed (Invalid): Deployment.apps \"app\" is invalid: spec.selector: "
            "Invalid value: {\"matchLabels\":{\"app\":\"two\"}}: field is immutable");
  CHECK(uid() == before);
  t.options.force = true;
  // Another object of the set is refused: nothing may be deleted.
  REQUIRE_FALSE(t.apply(deployment(t.ns, "app", "two") +
                        "---\napiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: " +
                        t.ns + "}\nspec: {ports: [{port: 99999}]}\n"));
  CHECK(uid() == before);
  CHECK(t.changes(deployment(t.ns, "app", "two")) == "Deployment/" + t.ns + "/app created\n");
  CHECK(uid() != before);
  CHECK(server->get(id).root().find("spec", "selector", "matchLabels", "app").text() == "two");
}

TEST_CASE("contract: force never deletes for a change that would be refused anyway") {
  SLUICE_API_SERVER(server);
  Target t(*server);
  t.options.force = true;
  const ObjectId id{Gvk::from("apps/v1", "Deployment"), t.ns, "app"};
  t.changes(deployment(t.ns, "app", "one"));
  const std::string before(server->get(id).root().find("metadata", "uid").text());
  std::string broken = deployment(t.ns, "app", "two");
  broken.replace(broken.find("\"x:1\""), 5, "\"\"");
  REQUIRE_FALSE(t.apply(broken));
  std::string invalid = deployment(t.ns, "app", "one");
  invalid.replace(invalid.find("containerPort: 80"), 17, "containerPort: 99999");
  REQUIRE_FALSE(t.apply(invalid));
  CHECK(server->get(id).root().find("metadata", "uid").text() == before);
}

TEST_CASE("contract: force on one object by its annotation") {
  SLUICE_API_SERVER(server);
  Target t(*server);
  t.changes("apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: " + t.ns +
            "}\nimmutable: true\nstringData: {a: \"1\"}\n");
  const std::string changed =
      "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: " + t.ns +
      ", annotations: {kustomize.toolkit.fluxcd.io/force: enabled}}\n"
      "immutable: true\nstringData: {a: \"2\"}\n";
  CHECK(t.changes(changed) == "Secret/" + t.ns + "/s created\n");
}

TEST_CASE("contract: a key that leaves stringData leaves the Secret") {
  SLUICE_API_SERVER(server);
  Target t(*server);
  const auto secret = [&](const std::string& strings) {
    return "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: " + t.ns +
           "}\ndata: {z: eg==}\nstringData: " + strings + "\n";
  };
  t.changes(secret("{a: one, b: two}"));
  CHECK(t.changes(secret("{a: one}")) == "Secret/" + t.ns + "/s configured\n");
  const auto data = kube::get_secret_data(server->client(), t.ns, "s", {});
  REQUIRE_OK(data);
  CHECK(data->size() == 2);
  CHECK(t.changes(secret("{a: one}")) == "Secret/" + t.ns + "/s unchanged\n");
}

TEST_CASE("contract: fields and nulls that the schema does not have are dropped, as Flux does") {
  SLUICE_API_SERVER(server);
  Target t(*server);
  std::string text = deployment(t.ns, "app", "app");
  text.replace(text.find("image:"), 6, "imaginary: {a: [1]}, image:");
  text.replace(text.find("\nspec:\n"), 7, "\nspec:\n  replica: 3\n  replicas: null\n");
  const auto result = t.apply(text);
  REQUIRE_OK(result);
  CHECK(texts(result->changes) == "Deployment/" + t.ns + "/app created\n");
  CHECK(t.changes(text) == "Deployment/" + t.ns + "/app unchanged\n");
}

TEST_CASE("contract: ignored fields are left to others") {
  SLUICE_API_SERVER(server);
  Target t(*server);
  const ObjectId id{Gvk::from("apps/v1", "Deployment"), t.ns, "app"};
  t.options.ignore = {{.paths = {"/spec/replicas"}, .kind = "Deployment"}};
  const auto with_replicas = [&](const std::string& count, const std::string& image = "x:1") {
    std::string text = deployment(t.ns, "app", "app");
    text.replace(text.find("\nspec:\n"), 7, "\nspec:\n  replicas: " + count + "\n");
    text.replace(text.find("x:1"), 3, image);
    return text;
  };
  t.changes(with_replicas("1"));
  server->merge(id, "{spec: {replicas: 5}}", "autoscaler");
  CHECK(t.changes(with_replicas("1")) == "Deployment/" + t.ns + "/app unchanged\n");
  CHECK(t.changes(with_replicas("1", "x:2")) == "Deployment/" + t.ns + "/app configured\n");
  const auto live = server->get(id);
  CHECK(live.root().find("spec", "replicas").text() == "5");
}

TEST_CASE("contract: common metadata is on everything") {
  SLUICE_API_SERVER(server);
  Target t(*server);
  t.options.common_labels = {{"team", "blue"}};
  t.options.common_annotations = {{"note", "hello"}};
  t.changes(cm(t.ns, "a", "1"));
  const auto live = server->get(config_map(t.ns, "a"));
  CHECK(live.root().find("metadata", "labels", "team").text() == "blue");
  CHECK(live.root().find("metadata", "annotations", "note").text() == "hello");
}

TEST_CASE("contract: prune deletes what is ours, in reverse order, and nothing else") {
  SLUICE_API_SERVER(server);
  Target t(*server);
  t.changes(cm(t.ns, "a", "1") + cm(t.ns, "b", "1") +
            cm(t.ns, "keep", "1", "{kustomize.toolkit.fluxcd.io/prune: disabled}") +
            cm(t.ns, "theirs", "1") + deployment(t.ns, "app", "app"));
  server->merge(config_map(t.ns, "theirs"),
                "{metadata: {labels: {kustomize.toolkit.fluxcd.io/name: other}}}");
  apply::Inventory stale = t.options.before;
  stale.push_back({config_map(t.ns, "gone")});
  stale.push_back({ObjectId{Gvk::from("example.com/v1", "Widget"), t.ns, "w"}});
  const auto pruned = apply::prune(stale, t.options, t.cluster, {}, nullptr);
  REQUIRE_OK(pruned);
  const std::string at = "ConfigMap/" + t.ns + "/";
  CHECK(texts(pruned->changes) == "Widget/" + t.ns + "/w deleted\nDeployment/" + t.ns +
                                      "/app deleted\n" + at + "theirs skipped\n" + at +
                                      "keep skipped\n" + at + "gone deleted\n" + at +
                                      "b deleted\n" + at + "a deleted\n");
  CHECK(pruned->remaining.empty());
  CHECK_FALSE(server->exists(config_map(t.ns, "a")));
  CHECK(server->exists(config_map(t.ns, "keep")));
  CHECK(server->exists(config_map(t.ns, "theirs")));
}

TEST_CASE("contract: what may not be deleted remains in the inventory") {
  SLUICE_API_SERVER(server);
  if (!server->is_real()) SLUICE_SKIP("the sandbox has no authorization");
  Target t(*server);
  t.changes(cm(t.ns, "a", "1"));
  const auto nobody = server->client().impersonate("system:serviceaccount:" + t.ns + ":nobody");
  apply::Cluster cluster{*nobody, server->clock(), nullptr, nullptr};
  apply::PruneResult partial;
  const auto pruned = apply::prune(t.options.before, t.options, cluster, {}, &partial);
  REQUIRE_FALSE(pruned);
  CHECK(pruned.error().code() == Code::kDenied);
  CHECK(pruned.error().message().starts_with("delete failed, errors: ConfigMap/" + t.ns +
                                             "/a query failed: "));
  CHECK(partial.remaining == t.options.before);
  CHECK(server->exists(config_map(t.ns, "a")));
}

TEST_CASE("contract: leaves in any kind are opened into the request, and drift is still seen") {
  SLUICE_API_SERVER(server);
  Target t(*server);
  FakeDecryptor decryptor;
  decryptor.values["a"] = "canary";
  t.cluster.decryptor = &decryptor;
  auto set = resources(cm(t.ns, "a", "1"));
  set.resources[0].document.root().get("data").put_leaf(
      "secret", {Digest(), "a", yaml::Kind::kString, yaml::LeafEncoding::kNone});
  REQUIRE_OK(t.apply_set(set));
  CHECK(t.data(server->get(config_map(t.ns, "a"))).get("secret").text() == "canary");
  auto again = t.apply_set(set);
  REQUIRE_OK(again);
  CHECK(texts(again->changes) == "ConfigMap/" + t.ns + "/a unchanged\n");
  server->merge(config_map(t.ns, "a"), "{data: {secret: other}}", "somebody");
  again = t.apply_set(set);
  REQUIRE_OK(again);
  CHECK(texts(again->changes) == "ConfigMap/" + t.ns + "/a configured\n");

  decryptor.values.clear();
  const auto refused = t.apply_set(set);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message() ==
        "decryption failed for 'ConfigMap.v1.[noGrp]/a': no key opens it");
  CHECK(refused.error().reason() == apply::kReasonDecryption);
}

TEST_CASE("contract: ciphertext is never applied") {
  SLUICE_API_SERVER(server);
  Target t(*server);
  const std::string meta = "metadata: {name: s, namespace: " + t.ns + "}\n";
  const std::string secret = "apiVersion: v1\nkind: Secret\n" + meta;
  for (const std::string& text :
       {secret + "stringData: {a: \"ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]\"}\n",
        secret + "sops: {mac: x}\n"}) {
    std::uint64_t cost = 0;
    cost = t.requests([&] {
      const auto refused = t.apply(text);
      REQUIRE_FALSE(refused);
      CHECK(refused.error().code() == Code::kInvalid);
      CHECK(refused.error().message() ==
            "Secret/" + t.ns +
                "/s is SOPS encrypted, configuring decryption is required for this secret to be "
                "reconciled");
    });
    CHECK(cost == 0);
  }
}

TEST_CASE("contract: a cancelled apply changes nothing and says so") {
  SLUICE_API_SERVER(server);
  Target t(*server);
  CancelSource cancelled;
  cancelled.cancel();
  const auto result = apply::apply_all(resources(cm(t.ns, "a", "1")), t.options, t.cluster,
                                       cancelled.token(), &t.partial);
  REQUIRE_FALSE(result);
  CHECK(result.error().code() == Code::kCancelled);
  CHECK_FALSE(server->exists(config_map(t.ns, "a")));
}
