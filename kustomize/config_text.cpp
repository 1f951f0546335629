#include "config_text.hpp"

#include "sluice/yaml/write.hpp"

namespace sluice::kustomize {

void ConfigText::put(yaml::Ref map, std::string_view key, const std::string& text) {
  if (!text.empty()) map.put_string(key, text);
}

void ConfigText::put(const std::optional<Selector>& target) {
  if (!target) return;
  const yaml::Ref map = root().put_mapping("target");
  put(map, "group", target->gvk.group);
  put(map, "version", target->gvk.version);
  put(map, "kind", target->gvk.kind);
  put(map, "name", target->name);
  put(map, "namespace", target->ns);
  put(map, "annotationSelector", target->annotation_selector);
  put(map, "labelSelector", target->label_selector);
}

void ConfigText::put(const std::optional<PatchOptions>& options) {
  if (!options) return;
  const yaml::Ref map = root().put_mapping("options");
  if (options->allow_name_change) map.put_bool("allowNameChange", true);
  if (options->allow_kind_change) map.put_bool("allowKindChange", true);
}

std::string ConfigText::text() const {
  std::string out;
  if (!yaml::write_yaml(doc_.root(), out)) return {};
  return out;
}

std::string patch_config(const PatchEntry& entry) {
  ConfigText config;
  config.put("path", entry.path);
  config.put("patch", entry.patch);
  config.put(entry.target);
  config.put(entry.options);
  return config.text();
}

}  // namespace sluice::kustomize
