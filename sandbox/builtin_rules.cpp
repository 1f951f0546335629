#include "sandbox/builtin_rules.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "sluice/base/ascii.hpp"
#include "sluice/base/encoding.hpp"
#include "sluice/yaml/scalar.hpp"

#include "sandbox/json_text.hpp"
#include "sandbox/patterns.hpp"

namespace sluice::sandbox {
namespace {

bool is(const Resource& resource, std::string_view group, std::string_view kind) {
  return resource.group == group && resource.kind == kind;
}

/// Where a kind keeps its pod template: the path of the PodTemplateSpec ("" for a Pod itself).
std::optional<std::vector<const char*>> template_path(const Resource& resource) {
  using Path = std::vector<const char*>;
  if (is(resource, "", "Pod")) return Path{};
  if (is(resource, "", "PodTemplate")) return Path{"template"};
  if (is(resource, "batch", "CronJob")) return Path{"spec", "jobTemplate", "spec", "template"};
  if (resource.group == "apps" || is(resource, "batch", "Job") ||
      is(resource, "", "ReplicationController")) {
    if (resource.kind == "ControllerRevision") return {};
    return Path{"spec", "template"};
  }
  return {};
}

template <class N>
N at_path(N node, const std::vector<const char*>& path) {
  for (const char* step : path)
    node = node.get(step);
  return node;
}

std::string dotted(const std::vector<const char*>& path, const char* last) {
  std::string out;
  for (const char* step : path)
    out += std::string(step) + ".";
  return out + last;
}

void put_if_absent(yaml::Ref object, const char* name, std::string_view text) {
  if (object && !object.get(name)) object.put_string(name, text);
}
void put_if_absent(yaml::Ref object, const char* name, std::int64_t number) {
  if (object && !object.get(name)) object.put_int(name, number);
}

/// `pod`: of a Pod itself, where requests default to the limits; not of a template.
void default_containers(yaml::Ref list, bool pod) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    const yaml::Ref container = list.at(i);
    const std::string_view image = container.get("image").string_or("");
    const std::size_t colon = image.rfind(':');
    const bool tagged =
        colon != std::string_view::npos && image.find('/', colon) == std::string_view::npos;
    const bool latest = !tagged || image.substr(colon + 1) == "latest";
    if (!image.empty() && container.is_mapping()) {
      put_if_absent(
          container, "imagePullPolicy",
          latest && image.find('@') == std::string_view::npos ? "Always" : "IfNotPresent");
    }
    const yaml::Ref resources = pod ? container.get("resources") : yaml::Ref();
    if (const yaml::Node limits = resources.get("limits")) {
      const yaml::Ref requests = resources.put_mapping("requests");
      for (std::size_t j = 0; j < limits.size(); ++j) {
        const std::string name(limits.key(j).text());
        if (!requests.get(name)) requests.put(name, limits.value(j));
      }
    }
  }
}

void fold_string_data(yaml::Ref secret) {
  const yaml::Ref plain = secret.get("stringData");
  if (!plain) return;
  if (plain.size() != 0) {
    const yaml::Ref data = secret.put_mapping("data");
    for (std::size_t i = 0; i < plain.size(); ++i) {
      data.put_string(plain.key(i).text(), base64_encode(plain.value(i).text()));
    }
  }
  secret.erase("stringData");
}

void default_service(yaml::Ref spec) {
  for (std::size_t i = 0; i < spec.get("ports").size(); ++i) {
    const yaml::Ref port = spec.get("ports").at(i);
    if (port.is_mapping() && !port.get("targetPort") && port.get("port")) {
      port.put("targetPort", port.get("port"));
    }
  }
  const std::string_view type = spec.get("type").string_or("");
  if (type == "NodePort" || type == "LoadBalancer")
    put_if_absent(spec, "externalTrafficPolicy", "Cluster");
  if (type == "LoadBalancer" && !spec.get("allocateLoadBalancerNodePorts")) {
    spec.put_bool("allocateLoadBalancerNodePorts", true);
  }
  if (type != "ExternalName") put_if_absent(spec, "internalTrafficPolicy", "Cluster");
}

void default_job(yaml::Ref spec) {
  if (!spec || !spec.is_mapping()) return;
  if (!spec.get("completions") && !spec.get("parallelism")) spec.put_int("completions", 1);
  put_if_absent(spec, "parallelism", 1);
  put_if_absent(spec, "backoffLimit", 6);
  put_if_absent(spec, "completionMode", "NonIndexed");
  if (!spec.get("suspend")) spec.put_bool("suspend", false);
  if (!spec.get("manualSelector")) spec.put_bool("manualSelector", false);
  put_if_absent(spec, "podReplacementPolicy",
                spec.get("podFailurePolicy") ? "Failed" : "TerminatingOrFailed");
}

void default_rollout(const Resource& resource, yaml::Ref spec) {
  if (resource.kind == "Deployment") {
    const yaml::Ref strategy = spec.get("strategy");
    if (strategy.get("type").string_or("") == "RollingUpdate") {
      const yaml::Ref rolling = strategy.put_mapping("rollingUpdate");
      put_if_absent(rolling, "maxUnavailable", "25%");
      put_if_absent(rolling, "maxSurge", "25%");
    }
  } else if (resource.kind == "DaemonSet") {
    const yaml::Ref strategy = spec.get("updateStrategy");
    if (strategy.get("type").string_or("") == "RollingUpdate") {
      const yaml::Ref rolling = strategy.put_mapping("rollingUpdate");
      put_if_absent(rolling, "maxUnavailable", 1);
      put_if_absent(rolling, "maxSurge", std::int64_t{0});
    }
  } else if (resource.kind == "StatefulSet") {
    const yaml::Ref strategy = spec.get("updateStrategy");
    if (strategy.get("type").string_or("") == "RollingUpdate") {
      put_if_absent(strategy.put_mapping("rollingUpdate"), "partition", std::int64_t{0});
    }
    for (std::size_t i = 0; i < spec.get("volumeClaimTemplates").size(); ++i) {
      const yaml::Ref claim = spec.get("volumeClaimTemplates").at(i);
      put_if_absent(claim, "apiVersion", "v1");
      put_if_absent(claim, "kind", "PersistentVolumeClaim");
      put_if_absent(claim.put_mapping("status"), "phase", "Pending");
    }
  }
}

void default_definition(yaml::Ref spec) {
  const yaml::Ref names = spec.get("names");
  if (!names.is_mapping()) return;
  const std::string kind(names.get("kind").string_or(""));
  put_if_absent(names, "listKind", kind + "List");
  put_if_absent(names, "singular", to_lower(kind));
  put_if_absent(spec.put_mapping("conversion"), "strategy", "None");
}

}  // namespace

void set_builtin_defaults(const Resource& resource, yaml::Ref object) {
  const yaml::Ref spec = object.get("spec");
  if (const auto path = template_path(resource)) {
    const yaml::Ref pod = at_path(object, *path).get("spec");
    for (const char* list : {"initContainers", "containers"})
      default_containers(pod.get(list), path->empty());
    if (pod && resource.kind == "Pod" && !pod.get("enableServiceLinks")) {
      pod.put_bool("enableServiceLinks", true);
    }
    if (const yaml::Node account = pod.get("serviceAccountName"); account.is_string()) {
      put_if_absent(pod, "serviceAccount", std::string(account.text()));
    }
  }
  if (is(resource, "", "Secret")) {
    fold_string_data(object);
  } else if (is(resource, "", "Service") && spec) {
    default_service(spec);
  } else if (is(resource, "", "Namespace")) {
    object.put_mapping("metadata")
        .put_mapping("labels")
        .put_string("kubernetes.io/metadata.name",
                    std::string(object.find("metadata", "name").text()));
  } else if (is(resource, "batch", "Job")) {
    default_job(spec);
  } else if (resource.group == "apps" && spec) {
    default_rollout(resource, spec);
    if (resource.kind == "DaemonSet" || resource.kind == "Deployment") return;
  } else if (is(resource, "autoscaling", "HorizontalPodAutoscaler") && spec) {
    put_if_absent(spec, "minReplicas", 1);
  } else if (is(resource, "networking.k8s.io", "NetworkPolicy") && spec &&
             !spec.get("policyTypes")) {
    const yaml::Ref types = spec.put_sequence("policyTypes");
    types.append_string("Ingress");
    if (spec.get("egress")) types.append_string("Egress");
  } else if (is(resource, "apiextensions.k8s.io", "CustomResourceDefinition") && spec) {
    default_definition(spec);
  } else if (resource.group == "rbac.authorization.k8s.io") {
    if (object.get("roleRef").is_mapping()) {
      put_if_absent(object.get("roleRef"), "apiGroup", "rbac.authorization.k8s.io");
    }
    for (std::size_t i = 0; i < object.get("subjects").size(); ++i) {
      const yaml::Ref subject = object.get("subjects").at(i);
      const std::string_view kind = subject.get("kind").string_or("");
      if (kind == "User" || kind == "Group") {
        put_if_absent(subject, "apiGroup", "rbac.authorization.k8s.io");
      }
    }
  }
}

void allocate_builtin(const Resource& resource, yaml::Ref object, std::uint64_t serial) {
  const auto phase = [&](const char* word) {
    object.put_mapping("status").put_string("phase", word);
  };
  if (is(resource, "", "Namespace")) {
    const yaml::Ref spec = object.put_mapping("spec");
    if (!spec.get("finalizers")) spec.put_sequence("finalizers").append_string("kubernetes");
    phase("Active");
  } else if (is(resource, "", "Pod")) {
    phase("Pending");
    put_if_absent(object.get("status"), "qosClass", "BestEffort");
    put_if_absent(object.put_mapping("spec"), "priority", std::int64_t{0});
    put_if_absent(object.get("spec"), "preemptionPolicy", "PreemptLowerPriority");
  } else if (is(resource, "", "PersistentVolumeClaim")) {
    phase("Pending");
  } else if (is(resource, "", "PersistentVolume")) {
    phase("Pending");
  } else if (is(resource, "", "Service")) {
    const yaml::Ref spec = object.put_mapping("spec");
    if (spec.get("type").string_or("") == "ExternalName") return;
    put_if_absent(
        spec, "clusterIP",
        "10.96." + std::to_string(serial / 250 % 256) + "." + std::to_string(serial % 250 + 2));
    if (!spec.get("clusterIPs")) {
      spec.put_sequence("clusterIPs").append_string(std::string(spec.get("clusterIP").text()));
    }
    if (!spec.get("ipFamilies")) spec.put_sequence("ipFamilies").append_string("IPv4");
    put_if_absent(spec, "ipFamilyPolicy", "SingleStack");
  } else if (is(resource, "batch", "Job")) {
    const yaml::Ref spec = object.get("spec");
    if (spec.get("manualSelector").text() == "true" || spec.get("selector")) return;
    const std::string uid(object.find("metadata", "uid").text());
    const std::string name(object.find("metadata", "name").text());
    spec.put_mapping("selector")
        .put_mapping("matchLabels")
        .put_string("batch.kubernetes.io/controller-uid", uid);
    const std::array<yaml::Ref, 2> places = {object.get("metadata"),
                                             spec.get("template").put_mapping("metadata")};
    for (const yaml::Ref& metadata : places) {
      const yaml::Ref labels = metadata.put_mapping("labels");
      labels.put_string("batch.kubernetes.io/controller-uid", uid);
      labels.put_string("batch.kubernetes.io/job-name", name);
      labels.put_string("controller-uid", uid);
      labels.put_string("job-name", name);
    }
  }
}

void keep_allocated(const Resource& resource, yaml::Node before, yaml::Ref after) {
  const auto keep = [&](const char* field) {
    const yaml::Node old = before.find("spec", field);
    if (old && !after.find("spec", field)) after.put_mapping("spec").put(field, old);
  };
  if (is(resource, "", "Service")) {
    if (after.find("spec", "type").string_or("") == "ExternalName") return;
    for (const char* field : {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"})
      keep(field);
  } else if (is(resource, "batch", "Job")) {
    keep("selector");
    const yaml::Node labels = before.find("spec", "template", "metadata", "labels");
    const yaml::Ref pod = after.find("spec", "template");
    for (std::size_t i = 0; pod && i < labels.size(); ++i) {
      const std::string name(labels.key(i).text());
      if (name.find("controller-uid") == std::string::npos &&
          name.find("job-name") == std::string::npos)
        continue;
      const yaml::Ref mine = pod.put_mapping("metadata").put_mapping("labels");
      if (!mine.get(name)) mine.put(name, labels.value(i));
    }
  } else if (is(resource, "", "Namespace")) {
    keep("finalizers");
  } else if (is(resource, "", "Pod")) {
    for (const char* field : {"priority", "preemptionPolicy", "nodeName", "tolerations"})
      keep(field);
  }
}

// ---------------------------------------------------------------------------------------- checking

void check_metadata(const Resource& resource, yaml::Node object, FieldErrors& errors) {
  const yaml::Node metadata = object.get("metadata");
  const std::string name(metadata.get("name").string_or(""));
  std::string bad;
  if (name.empty()) {
    errors.required("metadata.name", "name or generateName is required");
  } else if (resource.group == "rbac.authorization.k8s.io") {
    bad = bad_path_segment(name);
  } else if (is(resource, "", "Namespace") || is(resource, "", "Service")) {
    bad = bad_dns_label(name);
  } else {
    bad = bad_dns_subdomain(name);
  }
  if (!bad.empty()) errors.invalid("metadata.name", quoted(name), bad);
  const yaml::Node labels = metadata.get("labels");
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::string_view key = labels.key(i).text();
    if (const std::string why = bad_qualified_name(key); !why.empty()) {
      errors.invalid("metadata.labels", quoted(key), why);
    }
    if (const std::string why = bad_label_value(labels.value(i).text()); !why.empty()) {
      errors.invalid("metadata.labels", quoted(labels.value(i).text()), why);
    }
  }
  const yaml::Node annotations = metadata.get("annotations");
  std::size_t total = 0;
  for (std::size_t i = 0; i < annotations.size(); ++i) {
    const std::string_view key = annotations.key(i).text();
    total += key.size() + annotations.value(i).text().size();
    if (const std::string why = bad_qualified_name(to_lower(key)); !why.empty()) {
      errors.invalid("metadata.annotations", quoted(key), why);
    }
  }
  static constexpr std::size_t kMaxAnnotations =
      256 * 1024;  // apimachinery: TotalAnnotationSizeLimitB
  if (total > kMaxAnnotations) {
    errors.too_long("metadata.annotations", "may not be more than 262144 bytes");
  }
  const yaml::Node finalizers = metadata.get("finalizers");
  for (std::size_t i = 0; i < finalizers.size(); ++i) {
    const std::string_view one = finalizers.at(i).text();
    const std::string path = "metadata.finalizers[" + std::to_string(i) + "]";
    if (const std::string why = bad_qualified_name(one); !why.empty()) {
      errors.invalid("metadata.finalizers", quoted(one), why);
    } else if (!resource.custom && one.find('/') == std::string_view::npos && one != "orphan" &&
               one != "foregroundDeletion" && one != "kubernetes") {
      errors.invalid("metadata.finalizers", quoted(one),
                     "name is neither a standard finalizer name nor is it fully qualified");
    }
  }
}

namespace {

/// Words of an enumeration, in all fields of a kind.
void check_words(const Type& type, yaml::Node value, const std::string& path, FieldErrors& errors) {
  if (type.constraints && value.is_string() && !value.text().empty()) {
    const std::vector<std::string>& words = type.constraints->enum_json;
    const std::string json = quoted(value.text());
    if (std::find(words.begin(), words.end(), json) == words.end()) {
      errors.not_supported(path, json, words);
    }
  } else if (value.is_mapping()) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      const std::string name(value.key(i).text());
      check_words(type.at(name), value.value(i), path.empty() ? name : path + "." + name, errors);
    }
  } else if (value.is_sequence() && type.element != nullptr) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      check_words(*type.element, value.at(i), path + "[" + std::to_string(i) + "]", errors);
    }
  }
}

void check_port(yaml::Node port, const std::string& path, FieldErrors& errors) {
  const auto value = yaml::int64_value(port.text()).value_or(0);
  if (value < 1 || value > 65535) {
    errors.invalid(path, std::to_string(value), "must be between 1 and 65535, inclusive");
  }
}

void check_containers(yaml::Node pod, const std::string& path, FieldErrors& errors) {
  if (pod.get("containers").size() == 0) errors.required(path + ".containers");
  std::set<std::string> names;
  for (const char* list : {"initContainers", "containers"}) {
    const yaml::Node containers = pod.get(list);
    for (std::size_t i = 0; i < containers.size(); ++i) {
      const std::string at = path + "." + list + "[" + std::to_string(i) + "]";
      const std::string name(containers.at(i).get("name").string_or(""));
      if (name.empty())
        errors.required(at + ".name");
      else if (const std::string bad = bad_dns_label(name); !bad.empty()) {
        errors.invalid(at + ".name", quoted(name), bad);
      } else if (!names.insert(name).second) {
        errors.duplicate(at + ".name", quoted(name));
      }
      if (containers.at(i).get("image").string_or("").empty()) errors.required(at + ".image");
      const yaml::Node ports = containers.at(i).get("ports");
      for (std::size_t j = 0; j < ports.size(); ++j) {
        check_port(ports.at(j).get("containerPort"),
                   at + ".ports[" + std::to_string(j) + "].containerPort", errors);
      }
    }
  }
}

void check_selector(const Resource& resource, yaml::Node object, FieldErrors& errors) {
  const yaml::Node selector = object.find("spec", "selector");
  const yaml::Node wanted = selector.get("matchLabels");
  if (!selector || selector.is_null()) {
    errors.required("spec.selector");
    errors.invalid("spec.template.metadata.labels", "null",
                   "`selector` does not match template `labels`");
    return;
  }
  if (wanted.size() == 0 && selector.get("matchExpressions").size() == 0) {
    errors.invalid("spec.selector", json_of(selector),
                   "empty selector is invalid for " +
                       std::string(resource.kind == "Deployment"    ? "deployment"
                                   : resource.kind == "StatefulSet" ? "statefulset"
                                   : resource.kind == "DaemonSet"   ? "daemonset"
                                                                    : "replicaset"));
    return;
  }
  const yaml::Node labels = object.find("spec", "template", "metadata", "labels");
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const yaml::Node label = labels.get(wanted.key(i).text());
    if (label && label.text() == wanted.value(i).text()) continue;
    errors.invalid("spec.template.metadata.labels", labels ? json_of(labels) : "null",
                   "`selector` does not match template `labels`");
    return;
  }
}

void check_data_keys(yaml::Node object, FieldErrors& errors) {
  std::size_t total = 0;
  for (const char* name : {"data", "binaryData"}) {
    const yaml::Node data = object.get(name);
    for (std::size_t i = 0; i < data.size(); ++i) {
      const std::string_view key = data.key(i).text();
      total += data.value(i).text().size();
      if (const std::string bad = bad_config_map_key(key); !bad.empty()) {
        errors.invalid(std::string(name) + "[" + std::string(key) + "]", quoted(key), bad);
      }
    }
  }
  static constexpr std::size_t kMaxData = 1024 * 1024;  // core validation: MaxSecretSize
  if (total > kMaxData + kMaxData / 2) {
    errors.too_long("", "may not be more than 1048576 bytes");
  }
}

}  // namespace

void check_builtin(const Resource& resource, yaml::Node object, FieldErrors& errors) {
  for (std::size_t i = 0; i < object.size(); ++i) {
    const std::string name(object.key(i).text());
    if (name != "status") check_words(resource.type->at(name), object.value(i), name, errors);
  }
  if (resource.group == "apps" && resource.kind != "ControllerRevision") {
    check_selector(resource, object, errors);
  }
  if (const auto path = template_path(resource)) {
    check_containers(at_path(object, *path).get("spec"), dotted(*path, "spec"), errors);
    const std::string_view policy =
        at_path(object, *path).find("spec", "restartPolicy").string_or("");
    if (resource.group == "batch" && policy == "Always") {
      errors.not_supported(dotted(*path, "spec.restartPolicy"), "\"Always\"",
                           {"\"OnFailure\"", "\"Never\""});
    }
  }
  if (is(resource, "", "ConfigMap") || is(resource, "", "Secret")) check_data_keys(object, errors);
  if (is(resource, "", "Service")) {
    const yaml::Node ports = object.find("spec", "ports");
    const std::string_view type = object.find("spec", "type").string_or("");
    if (ports.size() == 0 && type != "ExternalName" &&
        object.find("spec", "clusterIP").string_or("") != "None") {
      errors.required("spec.ports");
    }
    for (std::size_t i = 0; i < ports.size(); ++i) {
      const std::string at = "spec.ports[" + std::to_string(i) + "]";
      if (ports.size() > 1 && ports.at(i).get("name").string_or("").empty())
        errors.required(at + ".name");
      check_port(ports.at(i).get("port"), at + ".port", errors);
    }
  }
  if (is(resource, "apps", "Deployment") || is(resource, "apps", "ReplicaSet") ||
      is(resource, "apps", "StatefulSet")) {
    const auto replicas = yaml::int64_value(object.find("spec", "replicas").text()).value_or(0);
    if (replicas < 0) {
      errors.invalid("spec.replicas", std::to_string(replicas),
                     "must be greater than or equal to 0");
    }
  }
  if (is(resource, "rbac.authorization.k8s.io", "RoleBinding") ||
      is(resource, "rbac.authorization.k8s.io", "ClusterRoleBinding")) {
    if (object.find("roleRef", "name").string_or("").empty()) errors.required("roleRef.name");
    const std::string_view kind = object.find("roleRef", "kind").string_or("");
    if (kind != "Role" && kind != "ClusterRole") {
      errors.not_supported("roleRef.kind", quoted(kind), {"\"Role\"", "\"ClusterRole\""});
    }
  }
  if (is(resource, "storage.k8s.io", "StorageClass") &&
      object.get("provisioner").string_or("").empty()) {
    errors.required("provisioner");
  }
  if (is(resource, "apiextensions.k8s.io", "CustomResourceDefinition")) {
    check_definition(object, errors);
  }
}

void check_builtin_update(const Resource& resource, yaml::Node before, yaml::Node after,
                          FieldErrors& errors) {
  const auto fixed = [&](std::initializer_list<const char*> path,
                         const char* why = "field is immutable") {
    yaml::Node old = before, now = after;
    std::string name;
    for (const char* step : path) {
      old = old.get(step);
      now = now.get(step);
      name += (name.empty() ? "" : ".") + std::string(step);
    }
    if (!yaml::equal(old, now)) errors.invalid(name, json_of(now), why);
  };
  if (is(resource, "", "ConfigMap") || is(resource, "", "Secret")) {
    if (before.get("immutable").text() == "true") {
      if (after.get("immutable").text() != "true") {
        errors.forbidden("immutable", "field is immutable when `immutable` is set");
      }
      for (const char* data : {"data", "binaryData"}) {
        if (!yaml::equal(before.get(data), after.get(data))) {
          errors.forbidden(data, "field is immutable when `immutable` is set");
        }
      }
    }
    if (resource.kind == "Secret") fixed({"type"});
  } else if (is(resource, "apps", "Deployment") || is(resource, "apps", "ReplicaSet") ||
             is(resource, "apps", "DaemonSet")) {
    fixed({"spec", "selector"});
  } else if (is(resource, "apps", "StatefulSet")) {
    static const std::set<std::string_view> kFree = {"replicas",
                                                     "ordinals",
                                                     "template",
                                                     "updateStrategy",
                                                     "revisionHistoryLimit",
                                                     "persistentVolumeClaimRetentionPolicy",
                                                     "minReadySeconds"};
    const yaml::Node old = before.get("spec"), now = after.get("spec");
    bool changed = false;
    for (std::size_t i = 0; i < old.size(); ++i) {
      const std::string_view name = old.key(i).text();
      if (!kFree.contains(name) && !yaml::equal(old.value(i), now.get(name))) changed = true;
    }
    for (std::size_t i = 0; i < now.size(); ++i) {
      const std::string_view name = now.key(i).text();
      if (!kFree.contains(name) && !old.get(name)) changed = true;
    }
    if (changed) {
      errors.forbidden(
          "spec",
          "updates to statefulset spec for fields other than 'replicas', 'ordinals', "
          "'template', 'updateStrategy', 'revisionHistoryLimit', "
          "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden");
    }
  } else if (is(resource, "batch", "Job")) {
    fixed({"spec", "completions"});
    fixed({"spec", "selector"});
    fixed({"spec", "template"});
    fixed({"spec", "completionMode"});
  } else if (resource.group == "rbac.authorization.k8s.io") {
    fixed({"roleRef"}, "cannot change roleRef");
  } else if (is(resource, "storage.k8s.io", "StorageClass")) {
    if (!yaml::equal(before.get("parameters"), after.get("parameters"))) {
      errors.forbidden("parameters", "updates to parameters are forbidden.");
    }
    if (!yaml::equal(before.get("provisioner"), after.get("provisioner"))) {
      errors.forbidden("provisioner", "updates to provisioner are forbidden.");
    }
    fixed({"reclaimPolicy"});
    fixed({"volumeBindingMode"});
  } else if (is(resource, "", "Service")) {
    const std::string_view old = before.find("spec", "clusterIP").string_or("");
    if (!old.empty() && after.find("spec", "type").string_or("") != "ExternalName" &&
        before.find("spec", "type").string_or("") != "ExternalName" &&
        after.find("spec", "clusterIP").string_or("") != old) {
      const std::string now = json_of(after.find("spec", "clusterIPs"));
      errors.invalid("spec.clusterIPs[0]", now, "may not change once set");
    }
  } else if (is(resource, "", "PersistentVolumeClaim")) {
    yaml::Document old, now;
    old.set_root(old.import(before.get("spec")));
    now.set_root(now.import(after.get("spec")));
    for (yaml::Document* one : {&old, &now}) {
      one->root().erase("resources");
      one->root().erase("volumeAttributesClassName");
      if (before.find("spec", "volumeName").string_or("").empty()) one->root().erase("volumeName");
    }
    if (!yaml::equal(root_of(old), root_of(now))) {
      errors.forbidden("spec",
                       "spec is immutable after creation except resources.requests and "
                       "volumeAttributesClassName for bound claims");
    }
  } else if (is(resource, "", "Pod")) {
    yaml::Document old, now;
    old.set_root(old.import(before.get("spec")));
    now.set_root(now.import(after.get("spec")));
    for (yaml::Document* one : {&old, &now}) {
      const yaml::Ref spec = one->root();
      for (const char* list : {"containers", "initContainers"}) {
        for (std::size_t i = 0; i < spec.get(list).size(); ++i)
          spec.get(list).at(i).erase("image");
      }
      for (const char* field :
           {"activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds"}) {
        spec.erase(field);
      }
    }
    if (!yaml::equal(root_of(old), root_of(now))) {
      errors.forbidden(
          "spec",
          "pod updates may not change fields other than `spec.containers[*].image`,"
          "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
          "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be "
          "set to 1 if it was previously negative)\n");
    }
  } else if (is(resource, "apiextensions.k8s.io", "CustomResourceDefinition")) {
    fixed({"spec", "group"});
    fixed({"spec", "scope"});
    fixed({"spec", "names", "plural"});
    fixed({"spec", "names", "kind"});
  }
}

}  // namespace sluice::sandbox
