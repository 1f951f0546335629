#include "accumulator.hpp"

#include <utility>

#include "sluice/base/encoding.hpp"

#include "field_spec.hpp"
#include "gvk.hpp"
#include "origin.hpp"

namespace sluice::kustomize {

namespace {

std::string var_text(const VarEntry& var) {
  return "{" + var.name + " " + gvk_text(var.object.gvk) + " {" + var.field_path + "}}";
}

// types.Target.GVK: apiVersion wins.
ObjectId target_of(const VarEntry& var) {
  ObjectId id = var.object;
  if (!var.api_version.empty()) {
    const Gvk gvk = Gvk::from(var.api_version, id.gvk.kind);
    if (!gvk.group.empty()) id.gvk.group = gvk.group;
    id.gvk.version = gvk.version;
  }
  return id;
}

VarEntry with_defaults(VarEntry var) {
  if (var.field_path.empty()) var.field_path = "metadata.name";
  var.object = target_of(var);
  return var;
}

// Go's %#v of a resid.ResId, which kustomize prints in two messages.
std::string go_id(const BuildResource& resource) {
  const ObjectId& id = resource.id;
  return "resid.ResId{Gvk:resid.Gvk{Group:" + go_quote(id.gvk.group) +
         ", Version:" + go_quote(id.gvk.version) + ", Kind:" + go_quote(id.gvk.kind) +
         ", isClusterScoped:" + (resource.cluster_scoped ? "true" : "false") +
         "}, Name:" + go_quote(id.name) + ", Namespace:" + go_quote(id.ns) + "}";
}

// The mapping under metadata as strings, with those of `old` first; what `fresh` has wins.
void merge_metadata(yaml::Ref fresh_root, yaml::Node old_root, std::string_view field_name) {
  const yaml::Node old_map = old_root.get("metadata").get(field_name);
  if (!old_map.is_mapping() || old_map.size() == 0) return;
  const yaml::Ref fresh = fresh_root.put_mapping("metadata").put_mapping(field_name);
  for (std::size_t i = 0; i < old_map.size(); ++i) {
    const std::string_view key = old_map.key(i).text();
    if (field(fresh, key).exists()) continue;
    if (old_map.value(i).is_encrypted()) {
      fresh.put(key, old_map.value(i));
    } else {
      fresh.put_string(key, old_map.value(i).text());
    }
  }
  remake_keys(fresh);
}

// RNode.SetName: a plain scalar whose text decides its type, so that "0x1" becomes a number.
Result<void> put_text(yaml::Ref map, std::string_view key, const std::string& text) {
  const yaml::Ref known = map.get(key);
  return set_scalar_text(known.exists() ? known : map.put_string(key, ""), text);
}

// Resource.CopyMergeMetaDataFieldsFrom: name and namespace of the old one, labels and annotations
// of both; of kustomize's own notes, those of the old one.
Result<void> copy_metadata(BuildResource& fresh, const BuildResource& old) {
  const yaml::Ref root = fresh.root();
  merge_metadata(root, old.root(), "labels");
  merge_metadata(root, old.root(), "annotations");
  const yaml::Ref metadata = root.put_mapping("metadata");
  SLUICE_CHECK(put_text(metadata, "name", old.id.name));
  if (old.id.ns.empty()) {
    metadata.erase("namespace");
  } else {
    SLUICE_CHECK(put_text(metadata, "namespace", old.id.ns));
  }
  fresh.needs_hash = fresh.needs_hash && old.needs_hash;
  fresh.behavior = old.behavior;
  fresh.generated = old.generated;
  fresh.previous = old.previous;
  fresh.prefixes = old.prefixes;
  fresh.suffixes = old.suffixes;
  fresh.allow_name_change = old.allow_name_change;
  fresh.allow_kind_change = old.allow_kind_change;
  fresh.helm_generated = old.helm_generated;
  fresh.had_build_annotation = old.had_build_annotation;
  fresh.ref_vars = old.ref_vars;
  fresh.trace = old.trace;
  return {};
}

// GetDataMap and SetDataMap: every value becomes a string; text that is not UTF-8 cannot occur.
void merge_data(yaml::Ref fresh_root, yaml::Node old_root, std::string_view field_name) {
  const yaml::Node old_map = old_root.get(field_name);
  const yaml::Ref fresh = fresh_root.get(field_name);
  const bool has_old = old_map.is_mapping() && old_map.size() > 0;
  if (!has_old) {
    if (fresh.exists() && fresh.size() == 0) fresh_root.erase(field_name);
    return;
  }
  const yaml::Ref map = fresh_root.put_mapping(field_name);
  for (std::size_t i = 0; i < old_map.size(); ++i) {
    const std::string_view key = old_map.key(i).text();
    if (field(map, key).exists()) continue;
    const yaml::Node value = old_map.value(i);
    if (value.is_encrypted()) {
      map.put(key, value);
    } else {
      map.put_string(key, value.is_null() ? std::string_view() : value.text());
    }
  }
  remake_keys(map);
}

// What becomes of kustomize's tables when they are merged into empty ones, as every build does.
const std::shared_ptr<const TransformerConfig>& merged_default() {
  static const std::shared_ptr<const TransformerConfig> kMerged = [] {
    auto merged = std::make_shared<TransformerConfig>();
    if (!merged->merge(*default_transformer_config())) return default_transformer_config();
    return std::shared_ptr<const TransformerConfig>(std::move(merged));
  }();
  return kMerged;
}

}  // namespace

const TransformerConfig& SharedConfig::get() const {
  static const TransformerConfig kEmpty;
  return config_ ? *config_ : kEmpty;
}

Result<void> SharedConfig::merge(const std::shared_ptr<const TransformerConfig>& other) {
  if (!other || other == neutral_) return {};
  const bool is_default = other == default_transformer_config() || other == merged_default();
  if (is_default && (!config_ || config_ == merged_default())) {
    config_ = merged_default();
    return {};
  }
  // Merging into nothing matters, too: an entry for all kinds drops out behind one for a single
  // kind with the same path. And the defaults may contradict what was merged into them before: an
  // entry for a kind comes first then.
  auto merged = config_ ? std::make_shared<TransformerConfig>(*config_)
                        : std::make_shared<TransformerConfig>();
  SLUICE_CHECK(merged->merge(*other));
  if (config_ && *merged == *config_) {
    neutral_ = other;
  } else {
    config_ = std::move(merged);
    neutral_ = nullptr;
  }
  return {};
}

Result<void> Accumulator::merge(Accumulator&& other) {
  SLUICE_CHECK(resources.append_all(std::move(other.resources)));
  SLUICE_CHECK(config.merge(other.config));
  for (auto& [name, var] : other.vars) {
    if (!vars.emplace(name, std::move(var)).second) {
      return fail(Code::kInvalid, "var '" + name + "' already encountered");
    }
  }
  return {};
}

Result<void> Accumulator::merge_vars(const std::vector<VarEntry>& incoming) {
  for (const VarEntry& var : incoming) {
    const ObjectId target = target_of(var);
    const bool any_namespace =
        target.ns.empty() && !is_cluster_scoped(resources.schema(), target.gvk);
    const auto matched = any_namespace ? resources.by_any_gvk_name(target.gvk, target.name)
                                       : resources.by_any_id(target);
    if (matched.size() > 1) {
      VarEntry shown = var;
      shown.object = target;
      return fail(Code::kInvalid, "found " + std::to_string(matched.size()) +
                                      " resId matches for var " + var_text(shown) +
                                      " (unable to disambiguate)");
    }
    if (matched.size() == 1) matched.front()->ref_vars.push_back(var.name);
  }
  for (const VarEntry& var : incoming) {
    if (!vars.emplace(var.name, with_defaults(var)).second) {
      return fail(Code::kInvalid, "var '" + var.name + "' already encountered");
    }
  }
  return {};
}

Result<void> absorb(ResMap& resources, std::unique_ptr<BuildResource> generated) {
  const auto matches = resources.by_any_id(generated->id);
  const Behavior behavior = generated->behavior;
  const bool changes = behavior == Behavior::kMerge || behavior == Behavior::kReplace;
  if (matches.empty()) {
    if (!changes) return resources.append(std::move(generated));
    return fail(Code::kInvalid,
                "id " + go_id(*generated) + " does not exist; cannot merge or replace");
  }
  if (matches.size() > 1) {
    std::string shown;
    for (const BuildResource* match : matches) {
      if (!shown.empty()) shown += ' ';
      shown += id_text(match->id);
    }
    return fail(Code::kInvalid, "found multiple objects [" + shown +
                                    "] that could accept merge of " + id_text(generated->id));
  }
  BuildResource& old = *matches.front();
  if (!changes) {
    return fail(Code::kInvalid, "id " + go_id(*generated) + " exists; can not use behavior: '" +
                                    std::string(behavior_name(behavior)) +
                                    "', behavior must be merge or replace");
  }
  SLUICE_CHECK(copy_metadata(*generated, old));
  if (behavior == Behavior::kMerge) {
    merge_data(generated->root(), std::as_const(old).root(), "data");
    merge_data(generated->root(), std::as_const(old).root(), "binaryData");
    // What was merged into keeps its origin.
    const yaml::Node origin =
        std::as_const(old).root().get("metadata").get("annotations").get(kOriginKey);
    if (origin.exists()) {
      generated->root().put_mapping("metadata").put_mapping("annotations").put(kOriginKey, origin);
      generated->origin = old.origin;
    }
  }
  read_id(*generated, resources.schema());
  if (resources.by_current_id(generated->id) != std::vector<BuildResource*>{&old}) {
    return fail(Code::kInvalid,
                "cannot find resource with id " + id_text(generated->id) + " to replace");
  }
  resources.replace(old, std::move(generated));
  return {};
}

std::string vars_text(const std::vector<VarEntry>& vars) {
  std::string text = "[";
  for (const VarEntry& var : vars) {
    if (text.size() > 1) text += ' ';
    text += var_text(var);
  }
  return text + "]";
}

}  // namespace sluice::kustomize
