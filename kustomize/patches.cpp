#include "kustomize/patches.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "sluice/base/encoding.hpp"
#include "sluice/yaml/scalar.hpp"

#include "kustomize/build_annotations.hpp"
#include "kustomize/field_spec.hpp"
#include "kustomize/gvk.hpp"
#include "kustomize/odd_keys.hpp"
#include "kustomize/replacements.hpp"
#include "kustomize/strategic_merge.hpp"
#include "kustomize/transformers.hpp"

namespace sluice::kustomize {
namespace {

/// Sets one string field of a mapping as SetMapField does: the old style stays, text decides the
/// type of a plain one. A new field without text is a null.
Result<void> put_text(yaml::Ref mapping, std::string_view name, std::string_view text) {
  const yaml::Ref value = field(mapping, name);
  if (!value.exists() && mapping.is_mapping()) {
    const yaml::Ref made = mapping.put_string(name, "");
    made.set_style(string_style(text));
    return set_scalar_text(made, text);
  }
  if (!value.exists()) return set_entry_string(mapping, name, text);
  if (!is_leaf(value) || value.is_encrypted()) value.set_string("");
  return set_scalar_text(value, text);
}

/// The patch as it is merged into chosen targets: its labels and annotations are strings, nulls
/// included. It gets the apiVersion of each target.
Result<yaml::Document> prepare(const BuildResource& patch) {
  yaml::Document copy = patch.doc;
  const yaml::Ref root = copy.root();
  const yaml::Ref metadata = root.put_mapping("metadata");
  SLUICE_TRY(const bool has_labels, rewrite_metadata(metadata, "labels"));
  if (has_labels) SLUICE_CHECK(rewrite_metadata(metadata, "annotations"));
  return copy;
}

/// True when `patch` leaves nothing of the annotations of its target, kustomize's own included.
bool drops_annotations(yaml::Node patch) {
  const yaml::Node metadata = field(patch, "metadata");
  const yaml::Node annotations = field(metadata, "annotations");
  return (metadata.exists() && metadata.is_null()) ||
         (annotations.exists() && annotations.is_null()) ||
         field(metadata, "$patch").text() == "replace" ||
         field(annotations, "$patch").text() == "replace" ||
         field(annotations, "$patch").text() == "delete";
}

/// What kustomize knows of a resource without them.
void forget_history(BuildResource& resource) {
  resource.previous.clear();
  resource.prefixes.clear();
  resource.suffixes.clear();
  resource.behavior = Behavior::kUnspecified;
  resource.needs_hash = resource.generated = resource.helm_generated = false;
  resource.allow_name_change = resource.allow_kind_change = resource.had_build_annotation = false;
}

/// Resource.ApplySmPatch. Returns whether the id may have changed.
Result<void> merge_into(ResMap& resources, BuildResource& target, const BuildResource& patch,
                        yaml::Node content) {
  const ObjectId before = target.id;
  if (patch.allow_name_change || patch.allow_kind_change) target.store_previous_id();
  SLUICE_TRY(const Merged merged, strategic_merge(target.root(), content, resources.schema()));
  if (drops_annotations(content)) forget_history(target);
  if (merged == Merged::kDeleted) {
    target.doc = yaml::Document();
    resources.emptied();
    return {};
  }
  if (target.is_empty()) {
    resources.emptied();
    return {};
  }
  target.allow_name_change |= patch.allow_name_change;  // annotations of the patch, and so merged
  target.allow_kind_change |= patch.allow_kind_change;
  const yaml::Ref root = target.root();
  if (!patch.allow_kind_change) SLUICE_CHECK(put_text(root, "kind", before.gvk.kind));
  const yaml::Ref metadata = root.put_mapping("metadata");
  if (!patch.allow_name_change) SLUICE_CHECK(put_text(metadata, "name", before.name));
  if (before.ns.empty()) {
    metadata.erase("namespace");
  } else {
    SLUICE_CHECK(put_text(metadata, "namespace", before.ns));
  }
  resources.changed(target);
  return {};
}

/// ResMap.ApplySmPatch on chosen targets.
Result<void> merge_into_all(ResMap& resources, const std::vector<BuildResource*>& targets,
                            const BuildResource& patch) {
  SLUICE_TRY(yaml::Document content, prepare(patch));
  bool deleted = false;
  for (BuildResource* target : targets) {
    if (target->is_empty()) continue;
    const std::string api_version = target->id.gvk.api_version();
    const yaml::Ref known = content.root().get("apiVersion");
    if (!known.exists() || known.text() != api_version) {
      SLUICE_CHECK(put_text(content.root(), "apiVersion", api_version));
    }
    SLUICE_CHECK(merge_into(resources, *target, patch, std::as_const(content).root()));
    deleted = deleted || target->is_empty();
  }
  if (deleted) resources.drop_empty();
  return resources.check_unique();
}

/// ResMap.GetById.
Result<BuildResource*> find_target(const ResMap& resources, const ObjectId& id) {
  std::vector<BuildResource*> found = resources.by_any_id(id);
  found.erase(std::remove_if(found.begin(), found.end(),
                             [](const BuildResource* one) { return one->is_empty(); }),
              found.end());
  if (found.size() == 1) return found.front();
  return fail(Code::kInvalid, std::string(found.empty() ? "no matches" : "multiple matches") +
                                  " for Id " + id_text(id) +
                                  "; failed to find unique target for patch " + id_text(id));
}

Result<void> apply_merges(ResMap& resources, const PatchRule& rule) {
  if (rule.merges.empty()) return {};
  if (rule.target) {
    if (rule.merges.size() > 1) {
      return fail(Code::kInvalid,
                  "Multiple Strategic-Merge Patches in one `patches` entry is not allowed to set "
                  "`patches.target` field: " +
                      rule.source);
    }
    auto chosen = select(resources, *rule.target);
    if (!chosen) {
      return fail(std::move(chosen).error().prefix(
          "unable to find patch target " + go_quote(rule.target->text()) + " in `resources`: "));
    }
    return merge_into_all(resources, *chosen, *rule.merges.front());
  }
  for (const auto& patch : rule.merges) {
    const ObjectId id = patch->original_id();
    auto target = find_target(resources, id);
    if (!target) {
      return fail(std::move(target).error().prefix("no resource matches strategic merge patch " +
                                                   go_quote(id_text(id)) + ": "));
    }
    SLUICE_CHECK(merge_into(resources, **target, *patch, std::as_const(*patch).root()));
  }
  return {};
}

/// False when annotations are lost: see rewrite_metadata().
Result<bool> apply_json(ResMap& resources, BuildResource& target, const JsonPatch& patch,
                        const BuildContext& context) {
  if (target.doc.has_odd_keys()) {
    SLUICE_CHECK(refuse_odd_keys(std::as_const(target).root(), context));
  }
  if (target.shares_nodes) {
    // The trip through JSON gives every field a node of its own.
    target.doc.set_root(target.doc.import(std::as_const(target).root()));
    target.shares_nodes = false;
  }
  const yaml::Ref root = target.root();
  if (target.check_types) SLUICE_CHECK(check_types(root));  // the trip prints the resource
  {
    // To be tested and copied. What is no mapping makes way for one.
    std::optional<BuildAnnotationsShown> shown;
    const yaml::Node metadata = root.get("metadata");
    const yaml::Node known = metadata.get("annotations");
    const bool may_stay = metadata.is_mapping() && (!known.exists() || known.is_mapping());
    if (!may_stay || patch.sees_metadata()) shown.emplace(target);
    SLUICE_CHECK(patch.apply(root));
  }
  // The trip through JSON gives every scalar a type and puts collections into block style.
  yaml::walk(root, [&](yaml::Node node) {
    const yaml::Ref ref(target.doc, node.id());
    if (is_untyped(node)) ref.set_tag(0);
    if (is_leaf(node)) return;
    ref.set_style(node.size() == 0 ? yaml::Style::kFlow : yaml::Style::kBlock);
  });
  const yaml::Ref metadata = root.put_mapping("metadata");
  SLUICE_TRY(const bool has_annotations, rewrite_metadata(metadata, "annotations"));
  if (!has_annotations) forget_history(target);
  resources.changed(target);
  return has_annotations;
}

}  // namespace

std::string patch_source(std::string_view kind, std::string_view text) {
  return "[" + std::string(kind) + ": " + go_quote(text) + "]";
}

Result<PatchRule> read_patch(std::string_view text, std::string source,
                             std::optional<Selector> target, const PatchOptions& options,
                             const ReadResources& read) {
  auto merges = read(text);
  auto json = JsonPatch::parse(text);
  if (merges && json && !merges->empty() && !json->empty()) {
    return fail(Code::kInvalid, "illegally qualifies as both an SM and JSON patch: " + source);
  }
  if (!merges && !json) {
    if (merges.error().code() != Code::kInvalid) return fail(std::move(merges).error());
    // kustomize says no more; the reason stands where the text was read as a resource.
    return fail(Error(Code::kInvalid, "unable to parse SM or JSON patch from " + source,
                      merges.error().where().file.empty() ? Where{} : merges.error().where(),
                      "as a resource: " + merges.error().message()));
  }
  PatchRule rule;
  rule.source = std::move(source);
  rule.target = std::move(target);
  if (merges) {
    rule.merges = std::move(*merges);
    for (const auto& patch : rule.merges) {
      patch->allow_name_change = options.allow_name_change;
      patch->allow_kind_change = options.allow_kind_change;
      // kustomize notes the options in an annotation, which makes strings of all others.
      if ((options.allow_name_change || options.allow_kind_change) && !patch->is_empty()) {
        SLUICE_CHECK(rewrite_metadata(patch->root().put_mapping("metadata"), "annotations"));
      }
    }
  } else {
    rule.json = std::move(*json);
  }
  return rule;
}

Result<void> apply_patch(ResMap& resources, const PatchRule& rule, const BuildContext& context) {
  if (!rule.json) return apply_merges(resources, rule);
  if (!rule.target) {
    return fail(Code::kInvalid, "must specify a target for JSON patch " + rule.source);
  }
  SLUICE_TRY(const std::vector<BuildResource*> chosen, select(resources, *rule.target));
  for (BuildResource* target : chosen) {
    target->store_previous_id();
    SLUICE_CHECK(apply_json(resources, *target, *rule.json, context));
  }
  return {};
}

Result<void> apply_merge_patches(ResMap& resources,
                                 std::span<const std::unique_ptr<BuildResource>> patches) {
  for (const auto& patch : patches) {
    SLUICE_TRY(BuildResource * target, find_target(resources, patch->original_id()));
    SLUICE_CHECK(merge_into_all(resources, {target}, *patch));
  }
  return {};
}

Result<Json6902Rule> read_json6902(std::string_view text, std::string_view path,
                                   const Selector& target) {
  if (target.name.empty()) return fail(Code::kInvalid, "must specify the target name");
  if (text.empty()) {
    if (path.empty()) return fail(Code::kInvalid, "empty file path and empty jsonOp");
    return fail(Code::kInvalid, "patch file '" + std::string(path) + "' empty seems to be empty");
  }
  auto patch = JsonPatch::parse(text);
  if (!patch) {
    return fail(std::move(patch).error().prefix("decoding " + std::string(text) + ": "));
  }
  if (patch->empty()) {
    return fail(Code::kInvalid, "patch appears to be empty; file=" + std::string(path) +
                                    ", JsonOp=" + std::string(text));
  }
  return Json6902Rule{std::move(*patch), target};
}

Result<void> apply_json6902(ResMap& resources, const Json6902Rule& rule,
                            const BuildContext& context) {
  SLUICE_TRY(const std::vector<BuildResource*> chosen, select(resources, rule.target));
  for (BuildResource* target : chosen) {
    SLUICE_TRY(const bool has_annotations, apply_json(resources, *target, rule.patch, context));
    if (has_annotations) continue;
    return fail(Code::kInvalid,
                "wrong node kind: expected ScalarNode but got MappingNode: node contents:\n{}\n");
  }
  return {};
}

}  // namespace sluice::kustomize
