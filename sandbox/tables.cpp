#include "sandbox/tables.hpp"

#include <chrono>
#include <cstdio>
#include <ctime>

#include "sluice/yaml/scalar.hpp"

#include "sandbox/builtin_types.hpp"
#include "sandbox/json_text.hpp"
#include "sandbox/objects.hpp"

namespace sluice::sandbox {
namespace {

struct Column {
  const char* name;
  const char* type;
  int priority;
  std::string (*cell)(yaml::Node object);  ///< JSON
};

std::int64_t number(yaml::Node node) {
  return yaml::int64_value(node.text()).value_or(0);
}
std::string text_or_none(yaml::Node node) {
  return node.exists() && !node.text().empty() ? quoted(node.text()) : "\"<none>\"";
}
std::string count_of(yaml::Node node) {
  return std::to_string(node.size());
}

/// Go's duration.HumanDuration, shortened: 45s, 5m30s, 3h, 2d.
std::string human(std::int64_t seconds) {
  if (seconds < 0) return "<invalid>";
  if (seconds < 120) return std::to_string(seconds) + "s";
  const std::int64_t minutes = seconds / 60;
  if (minutes < 10) {
    return std::to_string(minutes) + "m" +
           (seconds % 60 == 0 ? "" : std::to_string(seconds % 60) + "s");
  }
  if (minutes < 180) return std::to_string(minutes) + "m";
  const std::int64_t hours = minutes / 60;
  if (hours < 8) {
    return std::to_string(hours) + "h" +
           (minutes % 60 == 0 ? "" : std::to_string(minutes % 60) + "m");
  }
  if (hours < 48) return std::to_string(hours) + "h";
  if (hours < 192) {
    return std::to_string(hours / 24) + "d" +
           (hours % 24 == 0 ? "" : std::to_string(hours % 24) + "h");
  }
  return std::to_string(hours / 24) + "d";
}

std::string since(std::string_view rfc3339) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (std::sscanf(std::string(rfc3339).c_str(), "%d-%d-%dT%d:%d:%d", &year, &month, &day, &hour,
                  &minute, &second) != 6) {
    return "<unknown>";
  }
  using namespace std::chrono;
  const sys_days date = std::chrono::year(year) / std::chrono::month(static_cast<unsigned>(month)) /
                        std::chrono::day(static_cast<unsigned>(day));
  const auto then = date + hours(hour) + minutes(minute) + seconds(second);
  return human(duration_cast<seconds>(system_clock::now() - then).count());
}

std::string name_cell(yaml::Node object) {
  return quoted(object.find("metadata", "name").text());
}
std::string age_cell(yaml::Node object) {
  return quoted(since(object.find("metadata", "creationTimestamp").text()));
}
std::string created_cell(yaml::Node object) {
  return quoted(object.find("metadata", "creationTimestamp").text());
}

std::string each_container(yaml::Node object, const char* field) {
  std::string out;
  const yaml::Node containers = object.find("spec", "template", "spec", "containers");
  for (std::size_t i = 0; i < containers.size(); ++i) {
    out += (i == 0 ? "" : ",") + std::string(containers.at(i).get(field).text());
  }
  return quoted(out);
}
std::string containers_cell(yaml::Node object) {
  return each_container(object, "name");
}
std::string images_cell(yaml::Node object) {
  return each_container(object, "image");
}
std::string pairs(yaml::Node map) {
  std::string out;
  for (std::size_t i = 0; i < map.size(); ++i) {
    out += (i == 0 ? "" : ",") + std::string(map.key(i).text()) + "=" +
           std::string(map.value(i).text());
  }
  return quoted(out.empty() ? "<none>" : out);
}
std::string selector_cell(yaml::Node object) {
  return pairs(object.find("spec", "selector", "matchLabels"));
}

const std::vector<Column>& columns_of(const Resource& resource) {
  static const Column kName = {"Name", "string", 0, name_cell};
  static const Column kAge = {"Age", "string", 0, age_cell};
  static const Column kRole = {"Role", "string", 0, [](yaml::Node o) {
                                 return quoted(std::string(o.find("roleRef", "kind").text()) + "/" +
                                               std::string(o.find("roleRef", "name").text()));
                               }};
  static const Column kContainers = {"Containers", "string", 1, containers_cell};
  static const Column kImages = {"Images", "string", 1, images_cell};
  static const Column kSelector = {"Selector", "string", 1, selector_cell};
  static const std::map<std::string, std::vector<Column>> kTables = {
      {"/configmaps",
       {kName,
        {"Data", "string", 0,
         [](yaml::Node o) {
           return std::to_string(o.get("data").size() + o.get("binaryData").size());
         }},
        kAge}},
      {"/secrets",
       {kName,
        {"Type", "string", 0, [](yaml::Node o) { return quoted(o.get("type").text()); }},
        {"Data", "string", 0, [](yaml::Node o) { return count_of(o.get("data")); }},
        kAge}},
      {"/namespaces",
       {kName,
        {"Status", "string", 0,
         [](yaml::Node o) { return quoted(o.find("status", "phase").text()); }},
        kAge}},
      {"/serviceaccounts",
       {kName,
        {"Secrets", "string", 0, [](yaml::Node o) { return count_of(o.get("secrets")); }},
        kAge}},
      {"/services",
       {kName,
        {"Type", "string", 0, [](yaml::Node o) { return quoted(o.find("spec", "type").text()); }},
        {"Cluster-IP", "string", 0,
         [](yaml::Node o) { return text_or_none(o.find("spec", "clusterIP")); }},
        {"External-IP", "string", 0,
         [](yaml::Node o) { return text_or_none(o.find("spec", "externalName")); }},
        {"Port(s)", "string", 0,
         [](yaml::Node o) {
           std::string out;
           const yaml::Node ports = o.find("spec", "ports");
           for (std::size_t i = 0; i < ports.size(); ++i) {
             out += (i == 0 ? "" : ",") + std::string(ports.at(i).get("port").text()) + "/" +
                    std::string(ports.at(i).get("protocol").string_or("TCP"));
           }
           return quoted(out.empty() ? "<none>" : out);
         }},
        kAge,
        {"Selector", "string", 1, [](yaml::Node o) { return pairs(o.find("spec", "selector")); }}}},
      {"/pods",
       {kName,
        {"Ready", "string", 0,
         [](yaml::Node o) {
           std::size_t ready = 0;
           const yaml::Node statuses = o.find("status", "containerStatuses");
           for (std::size_t i = 0; i < statuses.size(); ++i)
             ready += statuses.at(i).get("ready").text() == "true";
           return quoted(std::to_string(ready) + "/" +
                         std::to_string(o.find("spec", "containers").size()));
         }},
        {"Status", "string", 0,
         [](yaml::Node o) {
           if (o.find("metadata", "deletionTimestamp")) return std::string("\"Terminating\"");
           return quoted(o.find("status", "phase").text());
         }},
        {"Restarts", "string", 0, [](yaml::Node) { return std::string("\"0\""); }},
        kAge,
        {"IP", "string", 1, [](yaml::Node o) { return text_or_none(o.find("status", "podIP")); }},
        {"Node", "string", 1,
         [](yaml::Node o) { return text_or_none(o.find("spec", "nodeName")); }}}},
      {"/events",
       {{"Last Seen", "string", 0,
         [](yaml::Node o) { return quoted(since(o.get("lastTimestamp").text())); }},
        {"Type", "string", 0, [](yaml::Node o) { return quoted(o.get("type").text()); }},
        {"Reason", "string", 0, [](yaml::Node o) { return quoted(o.get("reason").text()); }},
        {"Object", "string", 0,
         [](yaml::Node o) {
           std::string kind(o.find("involvedObject", "kind").text());
           for (char& c : kind)
             c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
           return quoted(kind + "/" + std::string(o.find("involvedObject", "name").text()));
         }},
        {"Message", "string", 0, [](yaml::Node o) { return quoted(o.get("message").text()); }},
        {"Name", "string", 1, name_cell}}},
      {"/persistentvolumeclaims",
       {kName,
        {"Status", "string", 0,
         [](yaml::Node o) { return quoted(o.find("status", "phase").text()); }},
        {"Volume", "string", 0,
         [](yaml::Node o) { return quoted(o.find("spec", "volumeName").text()); }},
        {"StorageClass", "string", 0,
         [](yaml::Node o) { return quoted(o.find("spec", "storageClassName").text()); }},
        kAge}},
      {"apps/deployments",
       {kName,
        {"Ready", "string", 0,
         [](yaml::Node o) {
           return quoted(std::to_string(number(o.find("status", "readyReplicas"))) + "/" +
                         std::to_string(number(o.find("spec", "replicas"))));
         }},
        {"Up-to-date", "string", 0,
         [](yaml::Node o) {
           return quoted(std::to_string(number(o.find("status", "updatedReplicas"))));
         }},
        {"Available", "string", 0,
         [](yaml::Node o) {
           return quoted(std::to_string(number(o.find("status", "availableReplicas"))));
         }},
        kAge,
        kContainers,
        kImages,
        kSelector}},
      {"apps/statefulsets",
       {kName,
        {"Ready", "string", 0,
         [](yaml::Node o) {
           return quoted(std::to_string(number(o.find("status", "readyReplicas"))) + "/" +
                         std::to_string(number(o.find("spec", "replicas"))));
         }},
        kAge,
        kContainers,
        kImages}},
      {"apps/daemonsets",
       {kName,
        {"Desired", "integer", 0,
         [](yaml::Node o) {
           return std::to_string(number(o.find("status", "desiredNumberScheduled")));
         }},
        {"Current", "integer", 0,
         [](yaml::Node o) {
           return std::to_string(number(o.find("status", "currentNumberScheduled")));
         }},
        {"Ready", "integer", 0,
         [](yaml::Node o) { return std::to_string(number(o.find("status", "numberReady"))); }},
        {"Up-to-date", "integer", 0,
         [](yaml::Node o) {
           return std::to_string(number(o.find("status", "updatedNumberScheduled")));
         }},
        {"Available", "integer", 0,
         [](yaml::Node o) { return std::to_string(number(o.find("status", "numberAvailable"))); }},
        {"Node Selector", "string", 0,
         [](yaml::Node o) { return pairs(o.find("spec", "template", "spec", "nodeSelector")); }},
        kAge,
        kContainers,
        kImages,
        kSelector}},
      {"apps/replicasets",
       {kName,
        {"Desired", "integer", 0,
         [](yaml::Node o) { return std::to_string(number(o.find("spec", "replicas"))); }},
        {"Current", "integer", 0,
         [](yaml::Node o) { return std::to_string(number(o.find("status", "replicas"))); }},
        {"Ready", "integer", 0,
         [](yaml::Node o) { return std::to_string(number(o.find("status", "readyReplicas"))); }},
        kAge,
        kContainers,
        kImages,
        kSelector}},
      {"batch/jobs",
       {kName,
        {"Status", "string", 0,
         [](yaml::Node o) {
           const yaml::Node conditions = o.find("status", "conditions");
           for (std::size_t i = 0; i < conditions.size(); ++i) {
             if (conditions.at(i).get("status").text() == "True")
               return quoted(conditions.at(i).get("type").text());
           }
           return std::string(o.find("spec", "suspend").text() == "true" ? "\"Suspended\""
                                                                         : "\"Running\"");
         }},
        {"Completions", "string", 0,
         [](yaml::Node o) {
           return quoted(std::to_string(number(o.find("status", "succeeded"))) + "/" +
                         std::to_string(number(o.find("spec", "completions"))));
         }},
        kAge,
        kContainers,
        kImages,
        kSelector}},
      {"batch/cronjobs",
       {kName,
        {"Schedule", "string", 0,
         [](yaml::Node o) { return quoted(o.find("spec", "schedule").text()); }},
        {"Timezone", "string", 0,
         [](yaml::Node o) { return text_or_none(o.find("spec", "timeZone")); }},
        {"Suspend", "boolean", 0,
         [](yaml::Node o) {
           return quoted(o.find("spec", "suspend").text() == "true" ? "True" : "False");
         }},
        {"Active", "integer", 0,
         [](yaml::Node o) { return std::to_string(o.find("status", "active").size()); }},
        kAge}},
      {"networking.k8s.io/ingresses",
       {kName,
        {"Class", "string", 0,
         [](yaml::Node o) { return text_or_none(o.find("spec", "ingressClassName")); }},
        {"Hosts", "string", 0,
         [](yaml::Node o) {
           std::string out;
           const yaml::Node rules = o.find("spec", "rules");
           for (std::size_t i = 0; i < rules.size(); ++i) {
             if (rules.at(i).get("host"))
               out += (out.empty() ? "" : ",") + std::string(rules.at(i).get("host").text());
           }
           return quoted(out.empty() ? "*" : out);
         }},
        {"Address", "string", 0, [](yaml::Node) { return std::string("\"\""); }},
        kAge}},
      {"networking.k8s.io/networkpolicies",
       {kName,
        {"Pod-Selector", "string", 0,
         [](yaml::Node o) { return pairs(o.find("spec", "podSelector", "matchLabels")); }},
        kAge}},
      {"rbac.authorization.k8s.io/roles", {kName, {"Created At", "date", 0, created_cell}}},
      {"rbac.authorization.k8s.io/clusterroles", {kName, {"Created At", "date", 0, created_cell}}},
      {"rbac.authorization.k8s.io/rolebindings", {kName, kRole, kAge}},
      {"rbac.authorization.k8s.io/clusterrolebindings", {kName, kRole, kAge}},
      {"coordination.k8s.io/leases",
       {kName,
        {"Holder", "string", 0,
         [](yaml::Node o) { return quoted(o.find("spec", "holderIdentity").text()); }},
        kAge}},
      {"apiextensions.k8s.io/customresourcedefinitions",
       {kName, {"Created At", "date", 0, created_cell}}},
  };
  static const std::vector<Column> kOthers = {kName, kAge};
  const auto found = kTables.find(resource.storage_key());
  return found == kTables.end() ? kOthers : found->second;
}

// ------------------------------------------------------------------------------ printer columns

/// The first value that a column's JSONPath selects: `.a.b`, `.a[0]`, `.a[?(@.type=="Ready")].b`,
/// `.a['b']`, `.a\.b`. Missing when there is none, or for a path beyond these.
yaml::Node select(yaml::Node at, std::string_view path) {
  while (!path.empty() && at) {
    if (path.front() == '.') {
      std::string name;
      std::size_t i = 1;
      for (; i < path.size() && path[i] != '.' && path[i] != '['; ++i) {
        if (path[i] == '\\' && i + 1 < path.size()) ++i;
        name += path[i];
      }
      path.remove_prefix(i);
      if (!name.empty()) at = at.get(name);
    } else if (path.starts_with("[?(@.")) {
      const std::size_t equals = path.find("==");
      const std::size_t end = path.find(")]");
      if (equals == std::string_view::npos || end == std::string_view::npos || equals > end)
        return {};
      std::string_view key = path.substr(5, equals - 5),
                       value = path.substr(equals + 2, end - equals - 2);
      const auto trimmed = [](std::string_view text) {
        const std::size_t begin = text.find_first_not_of(" '\"");
        const std::size_t last = text.find_last_not_of(" '\"");
        return begin == std::string_view::npos ? std::string_view()
                                               : text.substr(begin, last - begin + 1);
      };
      key = trimmed(key);
      value = trimmed(value);
      yaml::Node found;
      for (std::size_t i = 0; i < at.size() && !found; ++i) {
        if (at.at(i).get(key).text() == value) found = at.at(i);
      }
      at = found;
      path.remove_prefix(end + 2);
    } else if (path.front() == '[') {
      const std::size_t end = path.find(']');
      if (end == std::string_view::npos) return {};
      std::string_view inner = path.substr(1, end - 1);
      path.remove_prefix(end + 1);
      if (inner == "*")
        at = at.at(0);
      else if (!inner.empty() && inner.front() == '\'')
        at = at.get(inner.substr(1, inner.size() - 2));
      else
        at = at.at(static_cast<std::size_t>(yaml::int64_value(inner).value_or(0)));
    } else {
      return {};
    }
  }
  return at;
}

std::string custom_cell(const PrinterColumn& column, yaml::Node object) {
  const yaml::Node value = select(object, column.json_path);
  if (!value || value.is_null()) return column.type == "date" ? "\"<unknown>\"" : "null";
  if (column.type == "date") return quoted(since(value.text()));
  if (column.type == "string")
    return value.is_scalar() ? quoted(value.text()) : quoted(json_of(value));
  return json_of(value);
}

void append_definition(std::string& out, const std::string& name, const std::string& type,
                       const std::string& format, int priority) {
  out += '{';
  JsonFields fields(out);
  fields.text("name", name);
  fields.text("type", type);
  fields.text("format", format);
  fields.text("description", "");
  fields.number("priority", priority);
  out += '}';
}

}  // namespace

std::string metadata_only_json(const Object& object) {
  return R"({"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":)" +
         json_of(object.document.root().get("metadata")) + "}";
}

std::string table_json(const Resource& resource, const std::vector<ObjectPtr>& objects,
                       const std::string& list_metadata, IncludeObject include) {
  std::string out = R"({"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":)" + list_metadata +
                    R"(,"columnDefinitions":[)";
  static const std::vector<Column> kNone;
  const std::vector<Column>& fixed = resource.custom ? kNone : columns_of(resource);
  if (resource.custom) {
    append_definition(out, "Name", "string", "name", 0);
    for (const PrinterColumn& column : resource.columns) {
      out += ',';
      append_definition(out, column.name, column.type, column.format, column.priority);
    }
    if (resource.columns.empty()) {
      out += ',';
      append_definition(out, "Age", "date", "", 0);
    }
  }
  for (const Column& column : fixed) {
    if (&column != &fixed.front()) out += ',';
    append_definition(out, column.name, column.type,
                      std::string_view(column.name) == "Name" ? "name" : "", column.priority);
  }
  out += R"(],"rows":[)";
  bool first = true;
  for (const ObjectPtr& object : objects) {
    if (!first) out += ',';
    first = false;
    const yaml::Node root = object->document.root();
    out += R"({"cells":[)";
    if (resource.custom) {
      out += name_cell(root);
      for (const PrinterColumn& column : resource.columns)
        out += "," + custom_cell(column, root);
      if (resource.columns.empty()) out += "," + age_cell(root);
    }
    for (const Column& column : fixed) {
      if (&column != &fixed.front()) out += ',';
      out += column.cell(root);
    }
    out += ']';
    if (include == IncludeObject::kMetadata) out += R"(,"object":)" + metadata_only_json(*object);
    if (include == IncludeObject::kObject) {
      out += R"(,"object":)";
      append_json(out, root_of(in_version(resource, *object)));
    }
    out += '}';
  }
  return out + "]}";
}

}  // namespace sluice::sandbox
