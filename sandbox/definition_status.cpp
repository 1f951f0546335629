#include "sandbox/definition_status.hpp"

namespace sluice::sandbox {
namespace {

void put_condition(yaml::Ref conditions, const char* type, const char* reason, const char* message,
                   const std::string& now) {
  const yaml::Ref condition = conditions.append_mapping();
  condition.put_string("lastTransitionTime", now);
  condition.put_string("message", message);
  condition.put_string("reason", reason);
  condition.put_string("status", "True");
  condition.put_string("type", type);
}

}  // namespace

void set_definition_status(yaml::Ref definition, const std::string& now) {
  const yaml::Node spec = definition.get("spec");
  const yaml::Ref status = definition.put_mapping("status");
  status.put("acceptedNames", spec.get("names"));
  if (status.get("conditions").size() == 0) {
    const yaml::Ref conditions = status.put_sequence("conditions");
    put_condition(conditions, "NamesAccepted", "NoConflicts", "no conflicts found", now);
    put_condition(conditions, "Established", "InitialNamesAccepted",
                  "the initial names have been accepted", now);
  }
  const yaml::Ref stored = status.put_sequence("storedVersions");
  const yaml::Node versions = spec.get("versions");
  for (std::size_t i = 0; i < versions.size(); ++i) {
    if (versions.at(i).get("storage").text() != "true") continue;
    const std::string name(versions.at(i).get("name").text());
    bool known = false;
    for (std::size_t j = 0; j < stored.size(); ++j)
      known = known || stored.at(j).text() == name;
    if (!known) stored.append_string(name);
  }
}

}  // namespace sluice::sandbox
