#include "validation.hpp"

#include <string_view>

#include "sluice/yaml/write.hpp"

#include "gvk.hpp"

namespace sluice::kustomize {

namespace {

// Whether kustomize set the same scalars, given two equal nodes.
bool set_alike(yaml::Node a, yaml::Node b) {
  if (is_untyped(a) != is_untyped(b)) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a.is_sequence() && !set_alike(a.at(i), b.at(i))) return false;
    if (a.is_mapping() && !set_alike(a.value(i), b.get(a.key(i).text()))) return false;
  }
  return true;
}

// `after` is what a validator made of `before`: it may leave a label, and what comes back from a
// program has a path, and is written another way.
bool is_unchanged(const yaml::Document& before, yaml::Document after) {
  const yaml::Ref metadata = after.root().get("metadata");
  const yaml::Ref labels = metadata.get("labels");
  if (labels.erase("validated-by") && labels.size() == 0) metadata.erase("labels");
  if (yaml::equal(before.root(), std::as_const(after).root())) {
    return set_alike(before.root(), std::as_const(after).root());
  }
  constexpr std::string_view kPath = "config.kubernetes.io/path";
  if (!before.root().get("metadata").get("annotations").get(kPath).exists()) {
    const yaml::Ref annotations = metadata.get("annotations");
    if (annotations.erase(kPath) && annotations.size() == 0) metadata.erase("annotations");
  }
  std::string text_before, text_after;
  return yaml::write_yaml(before.root(), text_before) &&
         yaml::write_yaml(std::as_const(after).root(), text_after) && text_before == text_after;
}

}  // namespace

BeforeValidation::BeforeValidation(const ResMap& resources) {
  resources_.reserve(resources.size());
  for (const auto& resource : resources.items())
    resources_.emplace_back(resource->id, resource->doc);
}

std::string BeforeValidation::change_in(const ResMap& after) const {
  if (resources_.size() != after.size()) {
    return "lists have different number of entries: " + std::to_string(resources_.size()) +
           " doesn't equal " + std::to_string(after.size());
  }
  for (std::size_t i = 0; i < resources_.size(); ++i) {
    const auto& [id, document] = resources_[i];
    if (!(id == after[i].id)) return "id in self missing from other; id: " + id_text(id);
    if (const auto same = after.by_current_id(id); same.size() > 1) {
      return "id in self matches " + std::to_string(same.size()) + " in other; id: " + id_text(id);
    }
    if (!is_unchanged(document, after[i].doc)) return "nodes unequal: " + id_text(id);
  }
  return {};
}

}  // namespace sluice::kustomize
