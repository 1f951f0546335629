#include "sandbox/builtin_types.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "sluice/yaml/read.hpp"

namespace sluice::sandbox {
namespace {

constexpr std::string_view kTypes[] = {
#include "sandbox/builtin_types.inc"
    ,
};

// What kube-apiserver fills in, as FIELD=JSON by definition; conditional defaults are in
// defaults.cpp.
constexpr std::string_view kDefaults = R"(
apps.v1.DaemonSetSpec revisionHistoryLimit=10
apps.v1.DaemonSetUpdateStrategy type="RollingUpdate"
apps.v1.DeploymentSpec replicas=1 revisionHistoryLimit=10 progressDeadlineSeconds=600
apps.v1.DeploymentStrategy type="RollingUpdate"
apps.v1.ReplicaSetSpec replicas=1
apps.v1.StatefulSetSpec replicas=1 revisionHistoryLimit=10 podManagementPolicy="OrderedReady" persistentVolumeClaimRetentionPolicy={"whenDeleted":"Retain","whenScaled":"Retain"}
apps.v1.StatefulSetUpdateStrategy type="RollingUpdate"
batch.v1.CronJobSpec concurrencyPolicy="Allow" suspend=false successfulJobsHistoryLimit=3 failedJobsHistoryLimit=1
core.v1.Container terminationMessagePath="/dev/termination-log" terminationMessagePolicy="File"
core.v1.ContainerPort protocol="TCP"
core.v1.ConfigMapVolumeSource defaultMode=420
core.v1.DownwardAPIVolumeSource defaultMode=420
core.v1.HTTPGetAction scheme="HTTP"
core.v1.HostPathVolumeSource type=""
core.v1.ObjectFieldSelector apiVersion="v1"
core.v1.PersistentVolumeClaimSpec volumeMode="Filesystem"
core.v1.PersistentVolumeSpec persistentVolumeReclaimPolicy="Retain" volumeMode="Filesystem"
core.v1.PodSpec restartPolicy="Always" dnsPolicy="ClusterFirst" schedulerName="default-scheduler" terminationGracePeriodSeconds=30 securityContext={}
core.v1.Probe timeoutSeconds=1 periodSeconds=10 successThreshold=1 failureThreshold=3
core.v1.ProjectedVolumeSource defaultMode=420
core.v1.ReplicationControllerSpec replicas=1
core.v1.Secret type="Opaque"
core.v1.SecretVolumeSource defaultMode=420
core.v1.ServiceAccountTokenProjection expirationSeconds=3600
core.v1.ServicePort protocol="TCP"
core.v1.ServiceSpec type="ClusterIP" sessionAffinity="None"
networking.v1.NetworkPolicyPort protocol="TCP"
scheduling.v1.PriorityClass preemptionPolicy="PreemptLowerPriority"
storage.v1.StorageClass reclaimPolicy="Delete" volumeBindingMode="Immediate"
admissionregistration.v1.MutatingWebhook failurePolicy="Fail" matchPolicy="Equivalent" namespaceSelector={} objectSelector={} reinvocationPolicy="Never" timeoutSeconds=10
admissionregistration.v1.ValidatingWebhook failurePolicy="Fail" matchPolicy="Equivalent" namespaceSelector={} objectSelector={} timeoutSeconds=10
admissionregistration.v1.RuleWithOperations scope="*"
admissionregistration.v1.ServiceReference port=443
)";

class Builtins {
 public:
  Builtins() {
    std::vector<std::string> types, definitions;
    for (const std::string_view part : kTypes) {
      for (std::string& line : split(part, '\n')) {
        if (line.starts_with("type "))
          types.push_back(std::move(line));
        else if (line.starts_with("def "))
          definitions.push_back(std::move(line));
      }
    }
    for (const std::string& line : definitions)
      define(line);
    for (const std::string& line : split(kDefaults, '\n'))
      set_defaults(line);
    // Go's zero value stands for a key that an item leaves out.
    for (Type* list : keyed_lists_) {
      for (ListKey& key : list->keys) {
        if (!key.default_json.empty()) continue;
        const Shape shape = list->element->at(key.name).shape;
        key.default_json = shape == Shape::kInt32 || shape == Shape::kInt64 ? "0" : "\"\"";
      }
    }
    for (const std::string& line : types)
      add_resource(line);
  }

  const std::vector<BuiltinResource>& resources() const { return resources_; }
  const std::map<std::string, Type*, std::less<>>& named() const { return named_; }

 private:
  Type& named_type(std::string_view name) {
    const auto found = named_.find(name);
    if (found != named_.end()) return *found->second;
    Type& type = arena_.add();
    type.shape = Shape::kMap;
    type.name = name;
    named_.emplace(name, &type);
    return type;
  }

  const Type& parse_type(std::string_view text) {
    const auto cached = by_text_.find(std::string(text));
    if (cached != by_text_.end()) return *cached->second;
    const Type& type = parse_new_type(text);
    by_text_.emplace(text, &type);
    return type;
  }

  const Type& parse_new_type(std::string_view text) {
    static constexpr std::pair<std::string_view, Shape> kScalars[] = {
        {"s", Shape::kString}, {"y", Shape::kBytes},       {"t", Shape::kTime},
        {"b", Shape::kBool},   {"i", Shape::kInt32},       {"l", Shape::kInt64},
        {"n", Shape::kNumber}, {"x", Shape::kIntOrString}, {"q", Shape::kQuantity},
    };
    if (text == "any") return any_type();
    for (const auto& [letter, shape] : kScalars) {
      if (text == letter) {
        Type& type = arena_.add();
        type.shape = shape;
        return type;
      }
    }
    if (text.starts_with("s(")) {
      Type& type = arena_.add();
      type.shape = Shape::kString;
      type.constraints = std::make_unique<Constraints>();
      for (const std::string& word : split(text.substr(2, text.size() - 3), '|')) {
        type.constraints->enum_json.push_back('"' + word + '"');
      }
      return type;
    }
    if (text.front() == '[' || text.front() == '{') {
      Type& type = arena_.add();
      type.shape = text.front() == '[' ? Shape::kList : Shape::kMap;
      std::string_view inner = text.substr(1, text.size() - 2);
      if (inner.starts_with("atomic_")) {
        type.atomic = true;
        inner.remove_prefix(7);
      } else if (inner.starts_with("set_")) {
        type.list_kind = ListKind::kSet;
        inner.remove_prefix(4);
      } else if (inner.starts_with("map_")) {
        type.list_kind = ListKind::kMap;
        inner.remove_prefix(4);
        const std::size_t end = inner.find('_');
        for (const std::string& key : split(inner.substr(0, end), ',')) {
          const std::size_t equals = key.find('=');
          type.keys.push_back({key.substr(0, equals), ""});
          if (equals != std::string::npos) {
            type.keys.back().default_json = '"' + key.substr(equals + 1) + '"';
          }
        }
        keyed_lists_.push_back(&type);
        inner.remove_prefix(end + 1);
      }
      type.element = &parse_type(inner);
      return type;
    }
    return named_type(text);
  }

  void define(const std::string& line) {
    const std::vector<std::string> words = split(line, ' ');
    std::string name = words[1];
    const bool atomic = name.back() == '*';
    if (atomic) name.pop_back();
    Type& type = named_type(name);
    type.atomic = atomic;
    for (std::size_t i = 2; i < words.size(); ++i) {
      const std::size_t colon = words[i].find(':');
      Field field;
      std::string_view head = std::string_view(words[i]).substr(0, colon);
      const std::size_t at = head.find('@');
      field.name = head.substr(0, at);
      const std::size_t end = std::min(head.find_first_not_of("0123456789.", at + 1), head.size());
      field.wire = head.substr(at + 1, end - at - 1);
      head.remove_prefix(end);
      const auto take = [&head](char mark) {
        const bool found = head.starts_with(mark);
        if (found) head.remove_prefix(1);
        return found;
      };
      field.required = take('!');
      field.printed = take('+');
      if (take('*')) field.printed = field.pointer = true;
      field.drop_zero = take('-');
      if (head.ends_with('^')) field.retain_keys = true, head.remove_suffix(1);
      if (head.starts_with('~')) {
        field.merge = true;
        field.merge_key = head.substr(1);
      }
      field.type = &parse_type(std::string_view(words[i]).substr(colon + 1));
      type.fields.push_back(std::move(field));
    }
    std::sort(type.fields.begin(), type.fields.end(),
              [](const Field& a, const Field& b) { return a.name < b.name; });
  }

  void set_defaults(const std::string& line) {
    const std::vector<std::string> words = split(line, ' ');
    if (words.size() < 2) return;
    Type& type = named_type(words[0]);
    for (std::size_t i = 1; i < words.size(); ++i) {
      const std::size_t equals = words[i].find('=');
      for (Field& field : type.fields) {
        if (field.name != std::string_view(words[i]).substr(0, equals)) continue;
        auto value = yaml::read_json(std::string_view(words[i]).substr(equals + 1));
        if (value) field.default_value = std::make_shared<const yaml::Document>(*std::move(value));
      }
    }
  }

  void add_resource(const std::string& line) {
    const std::vector<std::string> words = split(line, ' ');
    const auto list = [](const std::string& text) {
      return text == "-" ? std::vector<std::string>() : split(text, ',');
    };
    BuiltinResource one;
    const std::size_t slash = words[1].find('/');
    if (slash != std::string::npos) one.group = words[1].substr(0, slash);
    one.version = slash == std::string::npos ? words[1] : words[1].substr(slash + 1);
    one.kind = words[2];
    one.plural = words[3];
    one.singular = words[4];
    one.namespaced = words[5] == "namespaced";
    one.short_names = list(words[6]);
    one.categories = list(words[7]);
    for (const std::string& sub : list(words[8])) {
      if (sub == "status") one.has_status = true;
      if (sub == "scale") one.has_scale = true;
    }
    one.type = &named_type(words[9]);
    resources_.push_back(std::move(one));
  }

  TypeArena arena_;
  std::map<std::string, Type*, std::less<>> named_;
  std::unordered_map<std::string, const Type*> by_text_;
  std::vector<Type*> keyed_lists_;
  std::vector<BuiltinResource> resources_;
};

const Builtins& builtins() {
  static const Builtins all;
  return all;
}

}  // namespace

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0;;) {
    const std::size_t end = text.find(separator, begin);
    parts.emplace_back(text.substr(begin, end - begin));
    if (end == std::string_view::npos) return parts;
    begin = end + 1;
  }
}

const std::vector<BuiltinResource>& builtin_resources() {
  return builtins().resources();
}

const Type* builtin_type(std::string_view name) {
  const auto found = builtins().named().find(name);
  return found == builtins().named().end() ? nullptr : found->second;
}

std::vector<std::string_view> builtin_type_names() {
  std::vector<std::string_view> names;
  for (const auto& [name, type] : builtins().named())
    names.push_back(name);
  return names;
}

}  // namespace sluice::sandbox
