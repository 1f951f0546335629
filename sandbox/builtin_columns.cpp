#include <map>

#include "sluice/base/ascii.hpp"

#include "sandbox/columns.hpp"
#include "sandbox/json_text.hpp"

namespace sluice::sandbox {

Column name_column(int priority) {
  return {"Name", "string", text_at(".metadata.name"), priority, "name"};
}

namespace {

/// By storage key.
using Tables = std::map<std::string, std::vector<Column>>;

Column text(const char* name, Cell cell) {
  return {name, "string", std::move(cell)};
}
Column integer(const char* name, Cell cell) {
  return {name, "integer", std::move(cell)};
}
Column wide(const char* name, Cell cell) {
  return {name, "string", std::move(cell), 1};
}
Column age() {
  return text("Age", time_since(".metadata.creationTimestamp"));
}
Column created() {
  return {"Created At", "date", text_at(".metadata.creationTimestamp")};
}
Column containers() {
  return wide("Containers", each_at(".spec.template.spec.containers", "name"));
}
Column images() {
  return wide("Images", each_at(".spec.template.spec.containers", "image"));
}
Column selector() {
  return wide("Selector", pairs_at(".spec.selector.matchLabels"));
}
Cell quoted_number(const char* path) {
  return [number = number_at(path)](yaml::Node object) { return quoted(number(object)); };
}
Column always(const char* name, const char* json) {
  return text(name, [json](yaml::Node) { return std::string(json); });
}

// --- cells of one kind ---------------------------------------------------------------------------

std::string config_map_keys(yaml::Node map) {
  return std::to_string(map.get("data").size() + map.get("binaryData").size());
}

std::string service_ports(yaml::Node service) {
  const yaml::Node ports = service.find("spec", "ports");
  std::string out;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    out += (i == 0 ? "" : ",") + std::string(ports.at(i).get("port").text()) + "/" +
           std::string(ports.at(i).get("protocol").string_or("TCP"));
  }
  return quoted(out.empty() ? "<none>" : out);
}

std::string ready_containers(yaml::Node pod) {
  const yaml::Node statuses = pod.find("status", "containerStatuses");
  std::size_t ready = 0;
  for (std::size_t i = 0; i < statuses.size(); ++i)
    ready += statuses.at(i).get("ready").text() == "true";
  return quoted(std::to_string(ready) + "/" +
                std::to_string(pod.find("spec", "containers").size()));
}

std::string pod_status(yaml::Node pod) {
  if (pod.find("metadata", "deletionTimestamp")) return quoted("Terminating");
  return quoted(pod.find("status", "phase").text());
}

std::string event_object(yaml::Node event) {
  return quoted(to_lower(event.find("involvedObject", "kind").text()) + "/" +
                std::string(event.find("involvedObject", "name").text()));
}

std::string job_status(yaml::Node job) {
  const yaml::Node conditions = job.find("status", "conditions");
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    if (conditions.at(i).get("status").text() == "True")
      return quoted(conditions.at(i).get("type").text());
  }
  return quoted(job.find("spec", "suspend").text() == "true" ? "Suspended" : "Running");
}

std::string is_suspended(yaml::Node job) {
  return quoted(job.find("spec", "suspend").text() == "true" ? "True" : "False");
}

std::string ingress_hosts(yaml::Node ingress) {
  const yaml::Node rules = ingress.find("spec", "rules");
  std::string out;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (rules.at(i).get("host"))
      out += (out.empty() ? "" : ",") + std::string(rules.at(i).get("host").text());
  }
  return quoted(out.empty() ? "*" : out);
}

std::string role_of_binding(yaml::Node binding) {
  return quoted(std::string(binding.find("roleRef", "kind").text()) + "/" +
                std::string(binding.find("roleRef", "name").text()));
}

// --- the tables ----------------------------------------------------------------------------------

void add_core(Tables& tables) {
  tables["/configmaps"] = {name_column(), text("Data", config_map_keys), age()};
  tables["/secrets"] = {name_column(), text("Type", text_at(".type")),
                        text("Data", count_at(".data")), age()};
  tables["/namespaces"] = {name_column(), text("Status", text_at(".status.phase")), age()};
  tables["/serviceaccounts"] = {name_column(), text("Secrets", count_at(".secrets")), age()};
  tables["/services"] = {name_column(),
                         text("Type", text_at(".spec.type")),
                         text("Cluster-IP", text_or_none(".spec.clusterIP")),
                         text("External-IP", text_or_none(".spec.externalName")),
                         text("Port(s)", service_ports),
                         age(),
                         wide("Selector", pairs_at(".spec.selector"))};
  tables["/pods"] = {name_column(),
                     text("Ready", ready_containers),
                     text("Status", pod_status),
                     always("Restarts", R"("0")"),
                     age(),
                     wide("IP", text_or_none(".status.podIP")),
                     wide("Node", text_or_none(".spec.nodeName"))};
  tables["/events"] = {text("Last Seen", time_since(".lastTimestamp")),
                       text("Type", text_at(".type")),
                       text("Reason", text_at(".reason")),
                       text("Object", event_object),
                       text("Message", text_at(".message")),
                       name_column(/*priority=*/1)};
  tables["/persistentvolumeclaims"] = {name_column(), text("Status", text_at(".status.phase")),
                                       text("Volume", text_at(".spec.volumeName")),
                                       text("StorageClass", text_at(".spec.storageClassName")),
                                       age()};
}

void add_workloads(Tables& tables) {
  tables["apps/deployments"] = {name_column(),
                                text("Ready", ratio(".status.readyReplicas", ".spec.replicas")),
                                text("Up-to-date", quoted_number(".status.updatedReplicas")),
                                text("Available", quoted_number(".status.availableReplicas")),
                                age(),
                                containers(),
                                images(),
                                selector()};
  tables["apps/statefulsets"] = {name_column(),
                                 text("Ready", ratio(".status.readyReplicas", ".spec.replicas")),
                                 age(), containers(), images()};
  tables["apps/daemonsets"] = {name_column(),
                               integer("Desired", number_at(".status.desiredNumberScheduled")),
                               integer("Current", number_at(".status.currentNumberScheduled")),
                               integer("Ready", number_at(".status.numberReady")),
                               integer("Up-to-date", number_at(".status.updatedNumberScheduled")),
                               integer("Available", number_at(".status.numberAvailable")),
                               text("Node Selector", pairs_at(".spec.template.spec.nodeSelector")),
                               age(),
                               containers(),
                               images(),
                               selector()};
  tables["apps/replicasets"] = {name_column(),
                                integer("Desired", number_at(".spec.replicas")),
                                integer("Current", number_at(".status.replicas")),
                                integer("Ready", number_at(".status.readyReplicas")),
                                age(),
                                containers(),
                                images(),
                                selector()};
  tables["batch/jobs"] = {name_column(),
                          text("Status", job_status),
                          text("Completions", ratio(".status.succeeded", ".spec.completions")),
                          age(),
                          containers(),
                          images(),
                          selector()};
  tables["batch/cronjobs"] = {name_column(),
                              text("Schedule", text_at(".spec.schedule")),
                              text("Timezone", text_or_none(".spec.timeZone")),
                              {"Suspend", "boolean", is_suspended},
                              integer("Active", count_at(".status.active")),
                              age()};
}

void add_others(Tables& tables) {
  tables["networking.k8s.io/ingresses"] = {
      name_column(), text("Class", text_or_none(".spec.ingressClassName")),
      text("Hosts", ingress_hosts), always("Address", R"("")"), age()};
  tables["networking.k8s.io/networkpolicies"] = {
      name_column(), text("Pod-Selector", pairs_at(".spec.podSelector.matchLabels")), age()};
  for (const char* const key :
       {"rbac.authorization.k8s.io/roles", "rbac.authorization.k8s.io/clusterroles",
        "apiextensions.k8s.io/customresourcedefinitions"}) {
    tables[key] = {name_column(), created()};
  }
  for (const char* const key : {"rbac.authorization.k8s.io/rolebindings",
                                "rbac.authorization.k8s.io/clusterrolebindings"}) {
    tables[key] = {name_column(), text("Role", role_of_binding), age()};
  }
  tables["coordination.k8s.io/leases"] = {name_column(),
                                          text("Holder", text_at(".spec.holderIdentity")), age()};
}

}  // namespace

std::vector<Column> builtin_columns(const Resource& resource) {
  static const Tables kTables = [] {
    Tables tables;
    add_core(tables);
    add_workloads(tables);
    add_others(tables);
    return tables;
  }();
  const auto found = kTables.find(resource.storage_key());
  return found == kTables.end() ? std::vector<Column>{name_column(), age()} : found->second;
}

}  // namespace sluice::sandbox
