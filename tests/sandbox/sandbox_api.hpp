#pragma once
/// A sandbox with a plain HTTP client in front of it: requests as kubectl sends them.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/http/curl_client.hpp"
#include "sluice/sandbox/sandbox.hpp"
#include "sluice/yaml/read.hpp"
#include "sluice/yaml/write.hpp"

#include "support/test.hpp"

namespace sluice::test {

inline constexpr const char* kJson = "application/json";
inline constexpr const char* kJsonPatch = "application/json-patch+json";
inline constexpr const char* kMergePatch = "application/merge-patch+json";
inline constexpr const char* kStrategicPatch = "application/strategic-merge-patch+json";
inline constexpr const char* kApplyPatch = "application/apply-patch+yaml";
inline constexpr const char* kTable = "application/json;as=Table;v=v1;g=meta.k8s.io";

struct Reply {
  int status = 0;
  std::string text;
  std::string warning;
  yaml::Document document;  ///< null when the answer is no JSON

  /// The JSON of the value under a path of mapping keys and list indices; "" when absent.
  template <class... Steps>
  std::string at(Steps... steps) const {
    yaml::Node node = document.root();
    ((node = step(node, steps)), ...);
    if (!node.exists()) return {};
    std::string out;
    REQUIRE_OK(yaml::write_go_json(node, out));
    return out;
  }

 private:
  static yaml::Node step(yaml::Node node, const char* name) { return node.get(name); }
  static yaml::Node step(yaml::Node node, int index) {
    return node.at(static_cast<std::size_t>(index));
  }
};

class SandboxApi {
 public:
  explicit SandboxApi(const sandbox::SandboxOptions& options = {})
      : http_(http::make_curl_client()) {
    auto started = sandbox::Sandbox::start(options);
    REQUIRE_OK(started);
    sandbox_ = *std::move(started);
  }

  sandbox::Sandbox& sandbox() { return *sandbox_; }
  http::Client& http() { return *http_; }
  /// Ends the sandbox, not this object.
  void end() { sandbox_.reset(); }

  Reply send(const char* method, const std::string& path, const std::string& body = {},
             const std::string& content = kJson, const std::string& accept = kJson) {
    http::Request request;
    request.method = method;
    request.url = sandbox_->url() + path;
    request.headers = {{"Accept", accept}, {"User-Agent", "test/1"}};
    if (!body.empty()) request.headers.emplace_back("Content-Type", content);
    request.body = body;
    auto answer = http_->send(request, {});
    REQUIRE_OK(answer);
    Reply reply;
    reply.status = answer->status;
    reply.text = answer->body;
    reply.warning = answer->header("warning");
    if (auto document = yaml::read_json(answer->body)) reply.document = *std::move(document);
    return reply;
  }
  Reply get(const std::string& path) { return send("GET", path); }
  Reply apply(const std::string& path, const std::string& body, const std::string& manager = "one",
              bool force = false) {
    return send("PATCH", path + "?fieldManager=" + manager + (force ? "&force=true" : ""), body,
                kApplyPatch);
  }

  /// The events of a watch until it ends, one JSON line each.
  std::vector<std::string> watch(const std::string& path) {
    http::Request request;
    request.url = sandbox_->url() + path;
    request.headers = {{"Accept", kJson}};
    auto answer = http_->send(request, {});
    REQUIRE_OK(answer);
    std::vector<std::string> lines;
    std::string_view rest = answer->body;
    while (!rest.empty()) {
      const std::size_t end = rest.find('\n');
      lines.emplace_back(rest.substr(0, end));
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    return lines;
  }

 private:
  std::unique_ptr<http::CurlClient> http_;
  std::unique_ptr<sandbox::Sandbox> sandbox_;
};

inline bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

inline const std::string kMaps = "/api/v1/namespaces/default/configmaps";
inline const std::string kMap = kMaps + "/c";
inline std::string config_map_json(const std::string& data, const std::string& name = "c") {
  return R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")" + name + R"("},"data":)" +
         data + "}";
}
inline const std::string kDeployments = "/apis/apps/v1/namespaces/default/deployments";
inline std::string deployment_json(
    const std::string& containers = R"([{"name":"a","image":"x:1"}])",
    const std::string& more = "") {
  return R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{)" + more +
         R"("selector":{"matchLabels":{"app":"d"}},"template":{"metadata":{"labels":{"app":"d"}},)" +
         R"("spec":{"containers":)" + containers + "}}}}";
}

}  // namespace sluice::test
