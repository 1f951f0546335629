// The whole loop against an API server (the sandbox, and a real one when SLUICE_TEST_KUBECONFIG
// names it), with sources from memory: every pass is the real one, only Git is not there.
#include "sluice/reconciler/controller.hpp"

#include <atomic>
#include <fstream>
#include <mutex>
#include <sstream>

#include "sluice/crypto/hash.hpp"
#include "sluice/reconciler/spec.hpp"
#include "sluice/sources/mem_tree.hpp"
#include "sluice/yaml/read.hpp"

#include "support/api_server.hpp"
#include "support/test.hpp"

using namespace sluice;
using namespace sluice::reconciler;
using test::document;

namespace {

/// Gives trees from memory, and counts.
class MemoryStore final : public sources::SourceStore {
 public:
  Result<sources::Artifact> pull(const sources::GitSpec& spec, const sources::Credentials&,
                                 const CancelToken&, sources::PullStats*) override {
    const std::lock_guard lock(mutex_);
    ++pulls_;
    if (!files_) return fail(Code::kUnavailable, "nobody answers at " + spec.url);
    std::string all;
    for (const auto& [path, text] : *files_)
      all += path + text;
    const Digest id = crypto::git_blob_id(all);
    return sources::Artifact{"main@" + id.text(), id, id.hex(), "subject",
                             std::make_shared<const sources::MemTree>(*files_)};
  }
  void forget(const std::string&) override {}
  void set(std::map<std::string, std::string> files) {
    const std::lock_guard lock(mutex_);
    files_ = std::move(files);
  }
  int pulls() const { return pulls_; }

 private:
  std::mutex mutex_;  // guards files_
  std::optional<std::map<std::string, std::string>> files_;
  std::atomic<int> pulls_{0};
};

#define WITH_SERVER()                            \
  std::string why;                               \
  const auto server = test::ApiServer::get(why); \
  if (!server) SLUICE_SKIP(why)

/// One API server with Flux's definitions, a namespace of its own, a controller that can be run.
struct World {
  explicit World(test::ApiServer& server_in, std::string ns_in)
      : server(server_in), client(server.client()), ns(std::move(ns_in)) {
    for (const char* name : {"kustomize.toolkit.fluxcd.io_kustomizations",
                             "source.toolkit.fluxcd.io_gitrepositories"}) {
      std::ifstream file(std::string(SLUICE_SOURCE_DIR) + "/deploy/crds/" + name + ".yaml");
      std::stringstream text;
      text << file.rdbuf();
      put(text.str());
    }
    put("{apiVersion: v1, kind: Namespace, metadata: {name: " + ns + "}}");
    const auto ready = [&](const Gvk& gvk) {
      client.forget_discovery();
      const auto type = client.resolve(gvk, {});
      return type && client.list(*type, {.ns = ns}, {});
    };
    for (int i = 0; i < 200 && !(ready(kustomization_gvk()) && ready(git_repository_gvk())); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    put("{apiVersion: source.toolkit.fluxcd.io/v1, kind: GitRepository, metadata: {name: src, "
        "namespace: " +
        ns + "}, spec: {interval: 1h, url: 'http://git.example.com/x'}}");
  }
  ~World() {
    for (const char* kind : {"Kustomization", "GitRepository"}) {
      const Gvk gvk =
          std::string_view(kind) == "Kustomization" ? kustomization_gvk() : git_repository_gvk();
      const auto type = client.resolve(gvk, {});
      if (!type) continue;
      const auto all = client.list(*type, {.ns = ns}, {});
      if (!all) continue;
      for (const auto& one : all->items) {
        const ObjectId id{gvk, ns, std::string(one.root().find("metadata", "name").text())};
        const auto bare = document("{metadata: {finalizers: []}}");
        (void)client.patch(id, kube::PatchType::kMerge, bare.root(), "", "test", {});
        (void)client.remove(id, {}, {});
      }
    }
    (void)client.remove({{"", "v1", "Namespace"}, "", ns}, {}, {});
  }

  void put(const std::string& text) {
    const auto object = document(text);
    const ObjectId id = kube::object_id(object.root());
    const auto applied = client.apply(id, object.root(), nullptr, {.field_manager = "test"}, {});
    INFO(id.text());
    REQUIRE_OK(applied);
  }
  void kustomization(const std::string& name, const std::string& more = "") {
    put("{apiVersion: kustomize.toolkit.fluxcd.io/v1, kind: Kustomization, metadata: {name: " +
        name + ", namespace: " + ns + "}, spec: {interval: 1h, targetNamespace: " + ns +
        ", path: ./" + name + (more.find("prune:") == std::string::npos ? ", prune: true" : "") +
        ", sourceRef: {kind: GitRepository, name: src}" + (more.empty() ? "" : ", " + more) + "}}");
  }
  RunSummary once() {
    Log log(LogLevel::kOff, clock);
    ControllerOptions options;
    options.once = true;
    options.builds = &builds;
    Controller controller(options, client, store, clock, log);
    CancelSource stop;
    auto summary = controller.run(stop.token());
    REQUIRE_OK(summary);
    for (const auto& failure : summary->failures) {
      MESSAGE(failure.object << ": " << failure.reason << ": " << failure.message);
    }
    return *std::move(summary);
  }
  yaml::Document get(const Gvk& gvk, const std::string& name) {
    auto object = client.get({gvk, ns, name}, {});
    return object ? *std::move(object) : yaml::Document();
  }
  bool exists(const std::string& config_map) {
    return get({"", "v1", "ConfigMap"}, config_map).root().is_mapping();
  }
  /// "True ReconciliationSucceeded" of condition Ready.
  std::string ready(const std::string& name) {
    const auto object = get(kustomization_gvk(), name);
    const auto conditions = object.root().find("status", "conditions");
    for (std::size_t i = 0; i < conditions.size(); ++i) {
      if (conditions.at(i).get("type").text() != "Ready") continue;
      message = conditions.at(i).get("message").text();
      return std::string(conditions.at(i).get("status").text()) + " " +
             std::string(conditions.at(i).get("reason").text());
    }
    return "";
  }

  test::ApiServer& server;
  kube::Client& client;
  std::string ns, message;
  SystemClock clock;
  MemoryStore store;
  kustomize::BuildCache builds;
};

std::string config_map(const std::string& name, const std::string& value) {
  return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + name + "\ndata:\n  k: '" + value +
         "'\n";
}

}  // namespace

TEST_CASE(
    "run --once: dependencies in order, all Ready, and an unchanged second run writes nothing") {
  WITH_SERVER();
  World world(*server, "ctl-order");
  world.store.set({{"a/kustomization.yaml", "resources: [a.yaml]"},
                   {"a/a.yaml", config_map("a", "1")},
                   {"b/kustomization.yaml", "resources: [b.yaml]"},
                   {"b/b.yaml", config_map("b", "1")}});
  world.kustomization("b", "dependsOn: [{name: a}]");
  world.kustomization("a");
  const auto summary = world.once();
  CHECK(summary.ready == 3);
  CHECK(summary.failures.empty());
  CHECK(world.ready("b") == "True ReconciliationSucceeded");
  CHECK(world.exists("a"));
  CHECK(world.exists("b"));
  const auto before = world.get(kustomization_gvk(), "b");
  CHECK(world.once().ready == 3);
  const auto after = world.get(kustomization_gvk(), "b");
  CHECK(before.root().find("metadata", "resourceVersion").text() ==
        after.root().find("metadata", "resourceVersion").text());
}

TEST_CASE("run --once: a commit builds the Kustomizations that read what it changed, no others") {
  WITH_SERVER();
  World world(*server, "ctl-builds");
  std::map<std::string, std::string> files;
  for (const std::string name : {"a", "b", "c"}) {
    files[name + "/kustomization.yaml"] = "resources: [x.yaml]";
    files[name + "/x.yaml"] = config_map(name, "1");
    world.kustomization(name);
  }
  world.store.set(files);
  CHECK(world.once().failures.empty());
  CHECK(world.builds.counts().builds == 3);
  CHECK(world.builds.counts().documents_parsed == 6);
  files["README.md"] = "a commit that touches nothing they read";
  world.store.set(files);
  CHECK(world.once().failures.empty());
  CHECK(world.builds.counts().builds == 3);
  CHECK(world.builds.counts().hits == 3);
  files["b/x.yaml"] = config_map("b", "2");
  world.store.set(files);
  CHECK(world.once().failures.empty());
  CHECK(world.builds.counts().builds == 4);
  CHECK(world.builds.counts().documents_parsed == 8);
  CHECK(world.get({"", "v1", "ConfigMap"}, "b").root().find("data", "k").text() == "2");
}

TEST_CASE(
    "contract: run --once: a cycle is named, those outside of it go on, and mending it heals") {
  WITH_SERVER();
  World world(*server, "ctl-cycle");
  std::map<std::string, std::string> files;
  for (const std::string name : {"a", "b", "c"}) {
    files[name + "/kustomization.yaml"] = "resources: [x.yaml]";
    files[name + "/x.yaml"] = config_map(name, "1");
  }
  world.store.set(files);
  world.kustomization("a", "dependsOn: [{name: b}]");
  world.kustomization("b", "dependsOn: [{name: a}]");
  world.kustomization("c");
  const auto summary = world.once();
  CHECK(summary.ready == 2);
  CHECK(summary.failures.size() == 2);
  CHECK(world.ready("a") == "False DependencyCycle");
  CHECK(world.message == "dependency cycle: ctl-cycle/a -> ctl-cycle/b -> ctl-cycle/a");
  CHECK(world.ready("c") == "True ReconciliationSucceeded");
  world.kustomization("b", "dependsOn: []");
  CHECK(world.once().failures.empty());
  CHECK(world.ready("a") == "True ReconciliationSucceeded");
}

TEST_CASE("contract: run --once: what leaves the source is pruned, and prune: false lets it go") {
  WITH_SERVER();
  World world(*server, "ctl-prune");
  const auto with = [](bool old) {
    std::map<std::string, std::string> files;
    for (const std::string name : {"a", "b"}) {
      files[name + "/kustomization.yaml"] =
          old ? "resources: [x.yaml, y.yaml]" : "resources: [x.yaml]";
      files[name + "/x.yaml"] = config_map(name + "-x", "1");
      if (old) files[name + "/y.yaml"] = config_map(name + "-y", "1");
    }
    return files;
  };
  world.store.set(with(true));
  world.kustomization("a");
  world.kustomization("b", "prune: false");
  CHECK(world.once().failures.empty());
  REQUIRE(world.exists("a-y"));
  world.store.set(with(false));
  CHECK(world.once().failures.empty());
  CHECK_FALSE(world.exists("a-y"));
  CHECK(world.exists("b-y"));
  CHECK(world.exists("a-x"));
  CHECK(world.get(kustomization_gvk(), "a").root().find("status", "inventory", "entries").size() ==
        1);
}

TEST_CASE(
    "contract: run --once: deleting a Kustomization deletes what it applied, then the object "
    "goes") {
  WITH_SERVER();
  World world(*server, "ctl-delete");
  world.store.set(
      {{"a/kustomization.yaml", "resources: [x.yaml]"}, {"a/x.yaml", config_map("x", "1")}});
  world.kustomization("a");
  CHECK(world.once().failures.empty());
  REQUIRE_OK(world.client.remove({kustomization_gvk(), world.ns, "a"}, {}, {}));
  CHECK(world.get(kustomization_gvk(), "a").root().is_mapping());  // the finalizer holds it
  world.once();
  CHECK_FALSE(world.get(kustomization_gvk(), "a").root().is_mapping());
  CHECK_FALSE(world.exists("x"));
}

TEST_CASE(
    "contract: run --once: failures are in status and summary, with what was applied left alone") {
  WITH_SERVER();
  World world(*server, "ctl-fail");
  world.kustomization("a");
  auto summary = world.once();  // no source answers
  CHECK(summary.ready == 0);
  CHECK(world.ready("a") == "False ArtifactFailed");
  world.store.set(
      {{"a/kustomization.yaml", "resources: [x.yaml]"}, {"a/x.yaml", config_map("x", "1")}});
  CHECK(world.once().failures.empty());
  world.store.set({{"a/kustomization.yaml", "resources: [gone.yaml]"}});
  summary = world.once();
  REQUIRE(summary.failures.size() == 1);
  CHECK(summary.failures[0].object == "Kustomization/ctl-fail/a");
  CHECK(summary.failures[0].reason == "BuildFailed");
  CHECK(exit_code(summary.failures[0].code) == 1);
  CHECK(summary.failures[0].message.find("a/kustomization.yaml:1:13") != std::string::npos);
  CHECK(world.exists("x"));
  world.kustomization("a", "postBuild: {substitute: {x: y}}");
  world.once();
  CHECK(world.ready("a") == "False InvalidSpec");
  CHECK(world.message.find("spec.postBuild") != std::string::npos);
}

TEST_CASE(
    "run: a request is answered in lastHandledReconcileAt, and a suspended object is left alone") {
  WITH_SERVER();
  World world(*server, "ctl-handshake");
  world.store.set(
      {{"a/kustomization.yaml", "resources: [x.yaml]"}, {"a/x.yaml", config_map("x", "1")}});
  world.kustomization("a");
  CHECK(world.once().failures.empty());
  const ObjectId id{kustomization_gvk(), world.ns, "a"};
  const auto request =
      document("{metadata: {annotations: {reconcile.fluxcd.io/requestedAt: now}}}");
  REQUIRE_OK(world.client.patch(id, kube::PatchType::kMerge, request.root(), "", "test", {}));
  world.once();
  CHECK(
      world.get(kustomization_gvk(), "a").root().find("status", "lastHandledReconcileAt").text() ==
      "now");
  world.kustomization("a", "suspend: true");
  world.store.set(
      {{"a/kustomization.yaml", "resources: [x.yaml]"}, {"a/x.yaml", config_map("x", "2")}});
  world.once();
  CHECK(world.get({"", "v1", "ConfigMap"}, "x").root().find("data", "k").text() == "1");
}
