#include "kube/discovery.hpp"

#include <chrono>
#include <utility>

#include "sluice/base/encoding.hpp"
#include "sluice/yaml/read.hpp"

#include "kube/status_error.hpp"

namespace sluice::kube {
namespace {

using yaml::Node;

constexpr std::chrono::seconds kAskAgainAfter{1};
constexpr const char* kAccept =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,"
    "application/json";

}  // namespace

const ResourceType* Discovery::find(const Gvk& gvk) const {
  for (const Endpoint* endpoint : {&core_, &groups_, &classic_}) {
    if (const auto it = endpoint->types.find(gvk); it != endpoint->types.end()) return &it->second;
  }
  return nullptr;
}

Result<bool> Discovery::load_aggregated(const char* path, Endpoint& endpoint,
                                        const std::string& user, const CancelToken& cancel) {
  http::Request request;
  request.url = path;
  request.headers = {{"Accept", kAccept}};
  if (!endpoint.etag.empty()) request.headers.emplace_back("If-None-Match", endpoint.etag);
  SLUICE_TRY(const http::Response response, transport_.send(std::move(request), user, cancel));
  if (response.status == 304) return true;
  if (response.status == 404 || response.status == 406) return false;
  if (response.status != 200) return fail(status_error(response, {"GET", path, false, {}}));
  SLUICE_TRY(const yaml::Document document, yaml::read_json(response.body));
  const Node root = document.root();
  if (root.get("kind").text() != "APIGroupDiscoveryList") return false;
  endpoint.types.clear();
  endpoint.etag = response.header("etag");
  const Node items = root.get("items");
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::string group(items.at(i).find("metadata", "name").text());
    const Node versions = items.at(i).get("versions");
    for (std::size_t j = 0; j < versions.size(); ++j) {
      const std::string version(versions.at(j).get("version").text());
      // "Stale": the aggregated server did not answer; its own endpoint is asked when needed.
      if (versions.at(j).get("freshness").text() == "Stale") continue;
      const Node resources = versions.at(j).get("resources");
      for (std::size_t k = 0; k < resources.size(); ++k) {
        const Node resource = resources.at(k);
        const Node kind = resource.get("responseKind");
        if (kind.get("kind").text().empty()) continue;
        ResourceType type;
        type.gvk = {group, version, std::string(kind.get("kind").text())};
        type.plural = resource.get("resource").text();
        type.namespaced = resource.get("scope").text() == "Namespaced";
        Gvk key = type.gvk;
        endpoint.types.emplace(std::move(key), std::move(type));
      }
    }
  }
  return true;
}

Result<void> Discovery::load_group_version(const Gvk& gvk, const std::string& user,
                                           const CancelToken& cancel) {
  http::Request request;
  request.url = (gvk.group.empty() ? "/api/" : "/apis/") + gvk.api_version();
  request.headers = {{"Accept", "application/json"}};
  const std::string path = request.url;
  SLUICE_TRY(const http::Response response, transport_.send(std::move(request), user, cancel));
  if (response.status == 404) return {};  // find() will not find it
  if (response.status != 200) return fail(status_error(response, {"GET", path, false, {}}));
  SLUICE_TRY(const yaml::Document document, yaml::read_json(response.body));
  const Node resources = document.root().get("resources");
  for (std::size_t i = 0; i < resources.size(); ++i) {
    const Node resource = resources.at(i);
    const std::string_view name = resource.get("name").text();
    if (name.find('/') != std::string_view::npos) continue;  // a subresource
    ResourceType type;
    type.gvk = {gvk.group, gvk.version, std::string(resource.get("kind").text())};
    type.plural = name;
    type.namespaced = resource.get("namespaced").text() == "true";
    Gvk key = type.gvk;
    classic_.types.insert_or_assign(std::move(key), std::move(type));
  }
  return {};
}

Result<void> Discovery::load(const Gvk& gvk, const std::string& user, const CancelToken& cancel) {
  const SteadyTime now = transport_.clock().steady();
  const auto asked_lately = [&](const std::string& what) {
    const auto it = asked_at_.find(what);
    return it != asked_at_.end() && !is_stale_ && now - it->second < kAskAgainAfter;
  };
  if (!asked_lately("")) {
    SLUICE_TRY(const bool core, load_aggregated("/api", core_, user, cancel));
    if (core) SLUICE_CHECK(load_aggregated("/apis", groups_, user, cancel));
    if (is_stale_) classic_.types.clear();
    is_stale_ = false;
    asked_at_[""] = now;
    if (find(gvk) != nullptr) return {};
  }
  // Not in the aggregated answer, or there was none.
  if (asked_lately(gvk.api_version())) return {};
  SLUICE_CHECK(load_group_version(gvk, user, cancel));
  asked_at_[gvk.api_version()] = now;
  return {};
}

Result<ResourceType> Discovery::resolve(const Gvk& gvk, const std::string& user,
                                        const CancelToken& cancel) {
  const std::lock_guard lock(mutex_);
  if (!is_stale_) {
    if (const ResourceType* type = find(gvk)) return *type;
  }
  SLUICE_CHECK(load(gvk, user, cancel));
  if (const ResourceType* type = find(gvk)) return *type;
  return fail(Error(Code::kNotFound, "no matches for kind " + go_quote(gvk.kind) + " in version " +
                                         go_quote(gvk.api_version()))
                  .reason(std::string(kReasonNoMatch))
                  .hint("apply its CustomResourceDefinition first, or check apiVersion and kind"));
}

void Discovery::forget() {
  const std::lock_guard lock(mutex_);
  is_stale_ = true;
  asked_at_.clear();
}

}  // namespace sluice::kube
