#include "sluice/reconciler/spec.hpp"

#include <algorithm>

#include "sluice/base/go_duration.hpp"
#include "sluice/yaml/scalar.hpp"

namespace sluice::reconciler {
namespace {

std::string text_of(yaml::Node node) {
  return std::string(node.string_or(""));
}

bool truth(yaml::Node node) {
  return node.kind() == yaml::Kind::kBool && node.text() == "true";
}

bool is_set(yaml::Node node) {
  if (!node.exists() || node.is_null()) return false;
  return !((node.is_sequence() || node.is_mapping()) && node.size() == 0);
}

Result<Duration> duration(yaml::Node spec, std::string_view field, Duration otherwise) {
  const yaml::Node node = spec.get(field);
  if (!is_set(node)) return otherwise;
  auto value = parse_go_duration(node.text());
  if (!value) return fail(std::move(value.error()).prefix("spec." + std::string(field) + ": "));
  return value;
}

/// Refuses every set field of `spec` that is in `fields`, together.
Result<void> refuse(yaml::Node spec, std::initializer_list<std::string_view> fields) {
  std::string named;
  for (const std::string_view field : fields) {
    yaml::Node node = spec;
    for (std::size_t at = 0; at != std::string_view::npos;) {
      const std::size_t dot = field.find('.', at);
      node = node.get(field.substr(at, dot == std::string_view::npos ? dot : dot - at));
      at = dot == std::string_view::npos ? dot : dot + 1;
    }
    if (!is_set(node)) continue;
    if (!named.empty()) named += ", ";
    named += "spec." + std::string(field);
  }
  if (named.empty()) return {};
  return fail(Code::kUnsupported, "not supported by this version of sluice: " + named, Where{},
              "remove the field, or leave this object to Flux");
}

std::map<std::string, std::string> string_map(yaml::Node node) {
  std::map<std::string, std::string> out;
  for (std::size_t i = 0; i < node.size(); ++i) {
    out[std::string(node.key(i).text())] = std::string(node.value(i).text());
  }
  return out;
}

yaml::Document copy_of(yaml::Node node) {
  yaml::Document document;
  if (is_set(node)) document.root().assign(node);
  return document;
}

std::int64_t integer(yaml::Node node, std::int64_t otherwise) {
  return node.kind() == yaml::Kind::kInt ? yaml::int64_value(node.text()).value_or(otherwise)
                                         : otherwise;
}

Result<void> read_source(yaml::Node source, const Key& self, KustomizationSpec& spec) {
  spec.source_kind = text_of(source.get("kind"));
  spec.source = {std::string(source.get("namespace").string_or(self.ns)),
                 text_of(source.get("name"))};
  if (spec.source_kind == "GitRepository") return {};
  return fail(
      Code::kUnsupported,
      "spec.sourceRef.kind \"" + spec.source_kind + "\" is not supported by this version of sluice",
      Where{}, "use a GitRepository");
}

Result<void> read_dependencies(yaml::Node depends_on, const Key& self, KustomizationSpec& spec) {
  for (std::size_t i = 0; i < depends_on.size(); ++i) {
    const yaml::Node entry = depends_on.at(i);
    if (is_set(entry.get("readyExpr"))) {
      return fail(Code::kUnsupported, "not supported by this version of sluice: spec.dependsOn[" +
                                          std::to_string(i) + "].readyExpr");
    }
    spec.depends_on.push_back(
        {std::string(entry.get("namespace").string_or(self.ns)), text_of(entry.get("name"))});
  }
  return {};
}

Result<void> read_decryption(yaml::Node decryption, KustomizationSpec& spec) {
  if (!is_set(decryption)) return {};
  if (const auto provider = decryption.get("provider").string_or(""); provider != "sops") {
    return fail(Code::kUnsupported,
                "spec.decryption.provider \"" + std::string(provider) + "\" is not supported",
                Where{}, "use sops");
  }
  spec.decrypt = true;
  spec.decryption_secret = text_of(decryption.find("secretRef", "name"));
  spec.decryption_account = text_of(decryption.get("serviceAccountName"));
  return {};
}

kustomize::Overrides overrides_of(yaml::Node node) {
  kustomize::Overrides out;
  out.target_namespace = text_of(node.get("targetNamespace"));
  out.name_prefix = text_of(node.get("namePrefix"));
  out.name_suffix = text_of(node.get("nameSuffix"));
  out.patches = copy_of(node.get("patches"));
  out.images = copy_of(node.get("images"));
  out.components = node.get("components").texts();
  out.ignore_missing_components = truth(node.get("ignoreMissingComponents"));
  out.build_metadata = node.get("buildMetadata").texts();
  out.generate_kustomization = true;
  return out;
}

}  // namespace

Gvk kustomization_gvk() {
  return {std::string(kKustomizeGroup), "v1", "Kustomization"};
}
Gvk git_repository_gvk() {
  return {std::string(kSourceGroup), "v1", "GitRepository"};
}

Key key_of(yaml::Node object) {
  return {text_of(object.find("metadata", "namespace")), text_of(object.find("metadata", "name"))};
}

ObjectState object_state(yaml::Node object) {
  const yaml::Node metadata = object.get("metadata");
  ObjectState state;
  state.key = key_of(object);
  state.uid = text_of(metadata.get("uid"));
  state.resource_version = text_of(metadata.get("resourceVersion"));
  state.generation = integer(metadata.get("generation"), 0);
  state.observed_generation = integer(object.find("status", "observedGeneration"), -1);
  state.deleting = is_set(metadata.get("deletionTimestamp"));
  const yaml::Node finalizers = metadata.get("finalizers");
  for (std::size_t i = 0; i < finalizers.size(); ++i) {
    if (finalizers.at(i).text() == kFinalizer) state.has_finalizer = true;
  }
  state.requested_at = text_of(metadata.find("annotations", kRequestedAt));
  state.last_handled = text_of(object.find("status", "lastHandledReconcileAt"));
  return state;
}

Result<KustomizationSpec> parse_kustomization(yaml::Node object) {
  const yaml::Node node = object.get("spec");
  const Key self = key_of(object);
  SLUICE_CHECK(refuse(
      node, {"postBuild", "serviceAccountName", "kubeConfig", "healthCheckExprs", "ignore"}));
  KustomizationSpec spec;
  SLUICE_TRY(spec.interval, duration(node, "interval", std::chrono::minutes(10)));
  SLUICE_TRY(spec.retry_interval, duration(node, "retryInterval", spec.interval));
  SLUICE_TRY(const Duration timeout,
             duration(node, "timeout", spec.interval - std::chrono::seconds(30)));
  spec.timeout = std::max<Duration>(timeout, std::chrono::seconds(30));
  spec.path = text_of(node.get("path"));
  spec.prune = truth(node.get("prune"));
  spec.deletion_policy = std::string(node.get("deletionPolicy").string_or("MirrorPrune"));
  spec.wait = truth(node.get("wait"));
  spec.force = truth(node.get("force"));
  spec.suspend = truth(node.get("suspend"));
  SLUICE_CHECK(read_source(node.get("sourceRef"), self, spec));
  SLUICE_CHECK(read_dependencies(node.get("dependsOn"), self, spec));
  SLUICE_CHECK(read_decryption(node.get("decryption"), spec));
  spec.overrides = overrides_of(node);
  spec.common_labels = string_map(node.find("commonMetadata", "labels"));
  spec.common_annotations = string_map(node.find("commonMetadata", "annotations"));
  const yaml::Node checks = node.get("healthChecks");
  for (std::size_t i = 0; i < checks.size(); ++i) {
    const yaml::Node check = checks.at(i);
    spec.health_checks.push_back(
        {Gvk::from(check.get("apiVersion").string_or("apps/v1"), check.get("kind").string_or("")),
         text_of(check.get("namespace")), text_of(check.get("name"))});
  }
  return spec;
}

Result<GitRepositorySpec> parse_git_repository(yaml::Node object) {
  const yaml::Node node = object.get("spec");
  const std::string_view provider = node.get("provider").string_or("generic");
  SLUICE_CHECK(refuse(node, {"verify", "include", "sparseCheckout", "recurseSubmodules",
                             "proxySecretRef", "serviceAccountName"}));
  if (provider != "generic") {
    return fail(Code::kUnsupported, "spec.provider \"" + std::string(provider) +
                                        "\" is not supported by this version of sluice");
  }
  GitRepositorySpec spec;
  SLUICE_TRY(spec.interval, duration(node, "interval", std::chrono::minutes(10)));
  spec.suspend = truth(node.get("suspend"));
  SLUICE_TRY(const Duration timeout, duration(node, "timeout", std::chrono::seconds(60)));
  spec.git.timeout = std::chrono::duration_cast<std::chrono::milliseconds>(timeout);
  spec.git.id = key_of(object).text();
  spec.git.url = text_of(node.get("url"));
  const yaml::Node ref = node.get("ref");
  spec.git.ref = {text_of(ref.get("branch")), text_of(ref.get("tag")), text_of(ref.get("semver")),
                  text_of(ref.get("name")), text_of(ref.get("commit"))};
  spec.secret = text_of(node.find("secretRef", "name"));
  if (node.get("ignore").exists() && !node.get("ignore").is_null()) {
    spec.ignore = text_of(node.get("ignore"));
  }
  return spec;
}

}  // namespace sluice::reconciler
