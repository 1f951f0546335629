#pragma once
/// The API server that a contract test talks to: a real one when SLUICE_TEST_KUBECONFIG names a
/// kubeconfig, else the sandbox. Each test case gets a namespace of its own.

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <unistd.h>
#include <utility>

#include "sluice/base/clock.hpp"
#include "sluice/http/curl_client.hpp"
#include "sluice/kube/client.hpp"
#include "sluice/yaml/read.hpp"
#if __has_include("sluice/sandbox/sandbox.hpp")
#include "sluice/sandbox/sandbox.hpp"
#define SLUICE_HAS_SANDBOX 1
#endif

#include "support/test.hpp"

namespace sluice::test {

/// One document of YAML.
inline yaml::Document document(std::string_view text) {
  auto documents = yaml::read_yaml(text, FileId::kNone);
  REQUIRE_OK(documents);
  REQUIRE(documents->size() == 1);
  return std::move(documents->front());
}

class ApiServer {
 public:
  /// null, with the reason in `why`, when there is neither.
  static std::unique_ptr<ApiServer> get([[maybe_unused]] std::string& why) {
    auto server = std::unique_ptr<ApiServer>(new ApiServer);
    if (const char* path = std::getenv("SLUICE_TEST_KUBECONFIG"); path != nullptr && *path != 0) {
      auto config = kube::load_kubeconfig(path);
      REQUIRE_OK(config);
      server->is_real_ = true;
      server->start(*std::move(config));
      return server;
    }
#ifdef SLUICE_HAS_SANDBOX
    auto sandbox = sandbox::Sandbox::start();
    REQUIRE_OK(sandbox);
    server->sandbox_ = *std::move(sandbox);
    auto config = kube::parse_kubeconfig(server->sandbox_->kubeconfig(), "sandbox");
    REQUIRE_OK(config);
    server->start(*std::move(config));
    return server;
#else
    why = "no sandbox in this build and SLUICE_TEST_KUBECONFIG is not set";
    return nullptr;
#endif
  }

  kube::Client& client() {
    return *client_;
  }
  Clock& clock() {
    return clock_;
  }
  bool is_real() const {
    return is_real_;
  }

  /// A new namespace, made without sluice's apply.
  std::string new_namespace() {
    static std::atomic<int> count{0};
    const std::string name = "test-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
    create("apiVersion: v1\nkind: Namespace\nmetadata: {name: " + name + "}\n");
    return name;
  }
  yaml::Document create(const std::string& text) {
    const yaml::Document body = document(text);
    auto created =
        client_->create(kube::object_id(body.root()), body.root(), {}, {.field_manager = "test"});
    REQUIRE_OK(created);
    return *std::move(created);
  }
  /// As `kubectl patch --type=merge` does.
  void merge(const ObjectId& id, const std::string& text,
             const std::string& manager = "kubectl-patch") {
    const yaml::Document body = document(text);
    REQUIRE_OK(client_->patch(id, kube::PatchType::kMerge, body.root(), "", manager, {}));
  }
  yaml::Document get(const ObjectId& id) {
    auto live = client_->get(id, {});
    REQUIRE_OK(live);
    return *std::move(live);
  }
  bool exists(const ObjectId& id) {
    return client_->get(id, {}).has_value();
  }

 private:
  ApiServer() = default;
  void start(kube::Config config) {
    http_ = http::make_curl_client();
    client_ = std::make_unique<kube::Client>(std::move(config), *http_, clock_);
  }

  SystemClock clock_;
#ifdef SLUICE_HAS_SANDBOX
  std::unique_ptr<sandbox::Sandbox> sandbox_;
#endif
  std::unique_ptr<http::CurlClient> http_;
  std::unique_ptr<kube::Client> client_;
  bool is_real_ = false;
};

inline ObjectId config_map(const std::string& ns, const std::string& name) {
  return {Gvk::from("v1", "ConfigMap"), ns, name};
}

/// Waits up to ten seconds for `condition`.
template <class Condition>
bool eventually(const Condition& condition) {
  SystemClock clock;
  for (int i = 0; i < 500; ++i) {
    if (condition()) return true;
    (void)sleep_for(clock, std::chrono::milliseconds(20), {});
  }
  return condition();
}

}  // namespace sluice::test

/// SLUICE_API_SERVER(server); binds an ApiServer or skips the test case.
#define SLUICE_API_SERVER(name)                                    \
  std::string name##_absent;                                       \
  const auto name = ::sluice::test::ApiServer::get(name##_absent); \
  if (!name) SLUICE_SKIP(name##_absent)
