#include "kustomize/build_annotations.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kustomize/field_spec.hpp"
#include "kustomize/gvk.hpp"
#include "kustomize/odd_keys.hpp"

namespace sluice::kustomize {
namespace {

constexpr std::string_view kDomain = "internal.config.kubernetes.io/";
constexpr std::string_view kNames[] = {"previousNames",     "previousNamespaces", "previousKinds",
                                       "prefixes",          "suffixes",           "needsHashSuffix",
                                       "generatorBehavior", "allowNameChange",    "allowKindChange",
                                       "helm-generated"};

void put(yaml::Ref annotations, std::string_view name, std::string_view text) {
  annotations.put_string(std::string(kDomain) += name, text);
}

void put_ids(yaml::Ref annotations, std::string_view name, std::string PreviousId::*part,
             const std::vector<PreviousId>& ids) {
  std::string list;
  for (const PreviousId& id : ids) {
    if ((id.*part).empty()) continue;  // appendCsvAnnotation
    if (!list.empty()) list += ',';
    list += id.*part;
  }
  if (!list.empty()) put(annotations, name, list);
}

void put_words(yaml::Ref annotations, std::string_view name,
               const std::vector<std::string>& words) {
  std::string list;
  for (const std::string& word : words)
    list += (list.empty() ? "" : ",") + word;
  if (!words.empty()) put(annotations, name, list);
}

/// Of a list of keys and values.
Result<void> make_mapping(yaml::Ref list, std::string_view name) {
  if (list.size() % 2 != 0) {
    return fail(Code::kInvalid, "metadata." + std::string(name) + " is a list, not a mapping");
  }
  yaml::Document pairs;
  const yaml::Ref map = pairs.root();
  map.set_mapping();
  for (std::size_t i = 0; i < list.size(); i += 2) {
    const std::string_view key = list.at(i).text();
    if (const yaml::Ref known = field(map, key)) {
      known.set_string(list.at(i + 1).text());
    } else {
      pairs.append_entry(map.id(), new_key(pairs, key),
                         pairs.new_scalar(yaml::Kind::kString, list.at(i + 1).text()));
    }
  }
  list.assign(map);
  return {};
}

bool has_empty_key(yaml::Node map) {
  for (std::size_t i = 0; i < map.size(); ++i) {
    if (map.key(i).text().empty()) return true;
  }
  return false;
}

}  // namespace

Result<bool> rewrite_metadata(yaml::Ref metadata, std::string_view name, bool in_new_nodes) {
  const yaml::Ref map = field(metadata, name);
  if (!map.exists()) return true;
  if (map.is_sequence()) SLUICE_CHECK(make_mapping(map, name));
  if (has_empty_key(map)) {
    map.set_mapping();
    return false;
  }
  if (map.document().has_odd_keys() && map.is_mapping()) keep_last_keys(map);
  if (map.size() == 0) metadata.erase(name);
  remake_keys(map);
  std::vector<std::pair<yaml::NodeId, yaml::NodeId>> entries;
  for (std::size_t i = 0; i < map.size(); ++i) {
    const yaml::Ref value = map.value(i);
    entries.emplace_back(map.key(i).id(), value.id());
    if (value.is_encrypted()) continue;
    const yaml::Style style = string_style(value.text());
    if (in_new_nodes) {
      entries.back().second = map.document().new_scalar(yaml::Kind::kString, value.text(), style,
                                                        value.file(), value.position());
    } else if (value.is_string()) {
      value.set_style(style);
    } else {
      value.set_scalar(yaml::Kind::kString, std::string(value.text()), style);
    }
  }
  if (in_new_nodes) map.set_entries(entries);
  return true;
}

void put_build_annotations(yaml::Ref annotations, const BuildResource& resource) {
  put_ids(annotations, "previousNames", &PreviousId::name, resource.previous);
  put_ids(annotations, "previousNamespaces", &PreviousId::ns, resource.previous);
  put_ids(annotations, "previousKinds", &PreviousId::kind, resource.previous);
  put_words(annotations, "prefixes", resource.prefixes);
  put_words(annotations, "suffixes", resource.suffixes);
  if (resource.needs_hash) put(annotations, "needsHashSuffix", "enabled");
  if (resource.generated || resource.behavior != Behavior::kUnspecified) {
    put(annotations, "generatorBehavior", behavior_name(resource.behavior));
  }
  if (resource.allow_name_change) put(annotations, "allowNameChange", "enabled");
  if (resource.allow_kind_change) put(annotations, "allowKindChange", "enabled");
  if (resource.helm_generated) put(annotations, "helm-generated", "true");
}

yaml::Document with_build_annotations(const BuildResource& resource) {
  yaml::Document copy = resource.doc;
  if (resource.has_build_annotations() && copy.root().is_mapping()) {
    put_build_annotations(copy.root().put_mapping("metadata").put_mapping("annotations"), resource);
  }
  return copy;
}

BuildAnnotationsShown::BuildAnnotationsShown(BuildResource& resource)
    : resource_(resource.has_build_annotations() && resource.root().is_mapping() ? &resource
                                                                                 : nullptr) {
  if (resource_ == nullptr) return;
  const yaml::Ref metadata = resource.root().put_mapping("metadata");
  const yaml::Ref known = field(metadata, "annotations");
  put_build_annotations(known.is_mapping() ? known : metadata.put_mapping("annotations"), resource);
}

BuildAnnotationsShown::~BuildAnnotationsShown() {
  if (resource_ == nullptr) return;
  const yaml::Ref metadata = field(resource_->root(), "metadata");
  const yaml::Ref annotations = field(metadata, "annotations");
  if (!annotations.is_mapping()) return;
  for (const std::string_view name : kNames)
    annotations.erase(std::string(kDomain) += name);
  if (annotations.size() != 0) return;
  metadata.erase("annotations");
  if (metadata.size() == 0) resource_->root().erase("metadata");
}

}  // namespace sluice::kustomize
