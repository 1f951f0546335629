#include "sandbox/discovery.hpp"

#include "sandbox/json_text.hpp"

namespace sluice::sandbox {
namespace {

constexpr const char* kVerbs =
    R"(["create","delete","deletecollection","get","list","patch","update","watch"])";
constexpr const char* kNamespaceVerbs =
    R"(["create","delete","get","list","patch","update","watch"])";
constexpr const char* kSubresourceVerbs = R"(["get","patch","update"])";

constexpr const char* kCustomVerbs =
    R"(["delete","deletecollection","get","list","patch","create","update","watch"])";

const char* verbs_of(const Resource& resource) {
  if (resource.custom) return kCustomVerbs;
  return resource.group.empty() && resource.kind == "Namespace" ? kNamespaceVerbs : kVerbs;
}

std::string strings_json(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts) {
    if (out.size() > 1) out += ',';
    append_quoted(out, text);
  }
  return out + "]";
}

std::string api_version(const std::string& group, const std::string& version) {
  return group.empty() ? version : group + "/" + version;
}

std::string group_body(const Catalog& catalog, const std::string& group) {
  std::string versions, preferred;
  for (const std::string& version : catalog.versions(group)) {
    const std::string one = R"({"groupVersion":)" + quoted(api_version(group, version)) +
                            R"(,"version":)" + quoted(version) + "}";
    if (preferred.empty())
      preferred = one;
    else
      versions += ',';
    versions += one;
  }
  return R"("name":)" + quoted(group) + R"(,"versions":[)" + versions + R"(],"preferredVersion":)" +
         preferred;
}

}  // namespace

std::string version_json() {
  return R"({"major":"1","minor":"34","gitVersion":"v1.34.0+sluice-sandbox","gitCommit":"",)"
         R"("gitTreeState":"","buildDate":"1970-01-01T00:00:00Z","goVersion":"none","compiler":"none",)"
         R"("platform":"sluice sandbox )" SLUICE_VERSION
         R"(: an in-memory stand-in, not a cluster"})";
}

std::string core_versions_json() {
  return R"({"kind":"APIVersions","versions":["v1"],"serverAddressByClientCIDRs":[]})";
}

std::string groups_json(const Catalog& catalog) {
  std::string out = R"({"kind":"APIGroupList","apiVersion":"v1","groups":[)";
  bool first = true;
  for (const std::string& group : catalog.groups()) {
    if (group.empty()) continue;
    if (!first) out += ',';
    first = false;
    out += "{" + group_body(catalog, group) + "}";
  }
  return out + "]}";
}

std::string group_json(const Catalog& catalog, const std::string& group) {
  if (catalog.versions(group).empty()) return {};
  return R"({"kind":"APIGroup","apiVersion":"v1",)" + group_body(catalog, group) + "}";
}

std::string resources_json(const Catalog& catalog, const std::string& group,
                           const std::string& version) {
  if (!catalog.serves(group, version)) return {};
  std::string out = R"({"kind":"APIResourceList","apiVersion":"v1","groupVersion":)" +
                    quoted(api_version(group, version)) + R"(,"resources":[)";
  bool first = true;
  for (const ResourcePtr& one : catalog.resources) {
    if (one->group != group || one->version != version) continue;
    if (!first) out += ',';
    first = false;
    out += '{';
    JsonFields fields(out);
    fields.text("name", one->plural);
    fields.text("singularName", one->singular);
    fields.boolean("namespaced", one->namespaced);
    fields.text("kind", one->kind);
    fields.raw("verbs", verbs_of(*one));
    if (!one->short_names.empty()) fields.raw("shortNames", strings_json(one->short_names));
    if (!one->categories.empty()) fields.raw("categories", strings_json(one->categories));
    out += '}';
    const auto subresource = [&](const char* name, const std::string& kind, const char* scale) {
      out += R"(,{"name":)" + quoted(one->plural + "/" + name) +
             R"(,"singularName":"","namespaced":)" + (one->namespaced ? "true" : "false") + scale +
             R"(,"kind":)" + quoted(kind) + R"(,"verbs":)" + kSubresourceVerbs + "}";
    };
    if (one->has_scale) subresource("scale", "Scale", R"(,"group":"autoscaling","version":"v1")");
    if (one->has_status) subresource("status", one->kind, "");
  }
  return out + "]}";
}

std::string aggregated_json(const Catalog& catalog, bool core) {
  std::string out =
      R"({"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","metadata":{},"items":[)";
  bool first_group = true;
  for (const std::string& group : catalog.groups()) {
    if (group.empty() != core) continue;
    if (!first_group) out += ',';
    first_group = false;
    out += core ? R"({"metadata":{},"versions":[)"
                : R"({"metadata":{"name":)" + quoted(group) + R"(},"versions":[)";
    bool first_version = true;
    for (const std::string& version : catalog.versions(group)) {
      if (!first_version) out += ',';
      first_version = false;
      out += R"({"version":)" + quoted(version) + R"(,"resources":[)";
      bool first = true;
      for (const ResourcePtr& one : catalog.resources) {
        if (one->group != group || one->version != version) continue;
        if (!first) out += ',';
        first = false;
        const auto kind = [&](const std::string& g, const std::string& v, const std::string& k) {
          return R"({"group":)" + quoted(g) + R"(,"version":)" + quoted(v) + R"(,"kind":)" +
                 quoted(k) + "}";
        };
        out += '{';
        JsonFields fields(out);
        fields.text("resource", one->plural);
        fields.raw("responseKind", kind(group, version, one->kind));
        fields.text("scope", one->namespaced ? "Namespaced" : "Cluster");
        fields.text("singularResource", one->singular);
        fields.raw("verbs", verbs_of(*one));
        if (!one->short_names.empty()) fields.raw("shortNames", strings_json(one->short_names));
        if (!one->categories.empty()) fields.raw("categories", strings_json(one->categories));
        std::string subresources;
        const auto add = [&](const char* name, const std::string& response) {
          subresources += subresources.empty() ? "" : ",";
          subresources += R"({"subresource":")" + std::string(name) + R"(","responseKind":)" +
                          response + R"(,"verbs":)" + kSubresourceVerbs + "}";
        };
        if (one->has_scale) add("scale", kind("autoscaling", "v1", "Scale"));
        if (one->has_status) add("status", kind(group, version, one->kind));
        if (!subresources.empty()) fields.raw("subresources", "[" + subresources + "]");
        out += '}';
      }
      out += R"(],"freshness":"Current"})";
    }
    out += "]}";
  }
  return out + "]}";
}

}  // namespace sluice::sandbox
