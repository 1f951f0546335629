#include "plugin_io.hpp"

#include <memory>
#include <optional>
#include <unordered_set>
#include <utility>

#include "sluice/base/encoding.hpp"
#include "sluice/base/go_bool.hpp"
#include "sluice/yaml/write.hpp"

#include "build_annotations.hpp"

namespace sluice::kustomize {

namespace {

constexpr std::string_view kIdKey = "kustomize.config.k8s.io/id";
constexpr std::string_view kHashKey = "kustomize.config.k8s.io/needs-hash";
constexpr std::string_view kBehaviorKey = "kustomize.config.k8s.io/behavior";

// SetAnnotations: every value is a string afterwards.
void make_strings(yaml::Ref annotations) {
  for (std::size_t i = 0; i < annotations.size(); ++i) {
    const yaml::Ref value = annotations.value(i);
    if (!value.is_string()) value.set_string(std::string(value.text()));
  }
}

/// Those fields that are not empty.
yaml::Document mapping_of(
    std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
  yaml::Document document;
  document.root().set_mapping();
  for (const auto& [key, text] : fields) {
    if (!text.empty()) document.root().put_string(key, text);
  }
  return document;
}

std::string id_yaml(const ObjectId& id) {
  const yaml::Document document = mapping_of({{"group", id.gvk.group},
                                              {"kind", id.gvk.kind},
                                              {"name", id.name},
                                              {"namespace", id.ns},
                                              {"version", id.gvk.version}});
  std::string out;
  if (!yaml::write_yaml(document.root(), out)) return {};
  return out;
}

std::string id_json(const ObjectId& id) {
  const yaml::Document document = mapping_of({{"group", id.gvk.group},
                                              {"version", id.gvk.version},
                                              {"kind", id.gvk.kind},
                                              {"name", id.name},
                                              {"namespace", id.ns}});
  std::string out;
  yaml::JsonOptions options;
  options.sort_keys = false;
  if (!yaml::write_go_json(document.root(), out, options)) return {};
  return out;
}

Result<void> refuse_encrypted(const BuildResource& resource, const BuildContext& context) {
  if (resource.doc.leaves().empty()) return {};
  std::optional<yaml::Node> found;
  yaml::walk(resource.root(), [&](yaml::Node node) {
    if (!found && node.is_encrypted()) found = node;
  });
  if (!found) return {};
  return fail(Error(Code::kUnsupported,
                    "the encrypted value \"" + found->leaf().selector + "\" of " +
                        id_text(resource.id) + " would be handed to a program",
                    context.where(*found),
                    "run the plugin in a base that holds no encrypted resource"));
}

Result<std::string> text_of(const BuildResource& resource, bool with_id,
                            const BuildContext& context) {
  SLUICE_CHECK(refuse_encrypted(resource, context));
  yaml::Document copy = resource.doc;
  if (with_id || resource.has_build_annotations()) {
    const yaml::Ref annotations = copy.root().put_mapping("metadata").put_mapping("annotations");
    put_build_annotations(annotations, resource);
    // kyaml keeps both spellings of a path; the reader took the other one out.
    const yaml::Node path = annotations.get("config.kubernetes.io/path");
    if (path.exists()) annotations.put_string("internal.config.kubernetes.io/path", path.text());
    if (with_id) annotations.put_string(kIdKey, id_yaml(resource.id));
    make_strings(annotations);
    if (annotations.size() == 0) copy.root().get("metadata").erase("annotations");
  }
  std::string out;
  SLUICE_CHECK(yaml::write_yaml(std::as_const(copy).root(), out));
  return out;
}

Result<Resources> read(std::string output, BuildContext& context) {
  return read_resources(std::make_shared<const std::string>(std::move(output)), FileId::kNone, {},
                        context);
}

void erase_annotation(BuildResource& resource, std::string_view key) {
  const yaml::Ref metadata = resource.root().get("metadata");
  const yaml::Ref annotations = metadata.get("annotations");
  if (annotations.erase(key) && annotations.size() == 0) metadata.erase("annotations");
}

// One string for ids that kustomize takes for the same.
std::string identity(const BuildResource& resource) {
  return gvk_text(resource.id.gvk) + '/' + resource.id.name + '/' + std::string(resource.ns());
}

}  // namespace

Result<std::string> text_for_plugin(const BuildResource& resource, const BuildContext& context) {
  return text_of(resource, false, context);
}

Result<std::string> text_for_plugin(const ResMap& resources, const BuildContext& context) {
  std::string all;
  for (const auto& resource : resources.items()) {
    SLUICE_TRY(const std::string text, text_of(*resource, true, context));
    if (!all.empty()) all += "---\n";
    all += text;
  }
  return all;
}

Result<Resources> read_generated(std::string output, BuildContext& context) {
  SLUICE_TRY(Resources made, read(std::move(output), context));
  SLUICE_CHECK(take_generator_annotations(made));
  return made;
}

Result<void> take_generator_annotations(Resources& resources) {
  for (const auto& resource : resources) {
    const yaml::Node annotations =
        std::as_const(*resource).root().get("metadata").get("annotations");
    const std::string_view behavior = annotations.get(kBehaviorKey).text();
    resource->behavior = parse_behavior(behavior);
    resource->generated = true;
    resource->had_build_annotation = true;
    if (const yaml::Node wish = annotations.get(kHashKey); wish.exists()) {
      const auto needs = parse_go_bool(wish.text());
      if (!needs) {
        return fail(Code::kInvalid, "the annotation " + go_quote(kHashKey) +
                                        " contains an invalid value (" + go_quote(wish.text()) +
                                        ")");
      }
      if (*needs) resource->needs_hash = true;
    }
    erase_annotation(*resource, kHashKey);
    erase_annotation(*resource, kBehaviorKey);
  }
  return {};
}

Result<void> take_transformed(std::string output, ResMap& resources, std::string_view name,
                              BuildContext& context) {
  SLUICE_TRY(Resources made, read(std::move(output), context));
  std::unordered_set<std::string> kept;
  for (auto& resource : made) {
    erase_annotation(*resource, kIdKey);
    if (!kept.insert(identity(*resource)).second) {
      return fail(Code::kInvalid, "plugin " + std::string(name) +
                                      " generated duplicate resource: " + id_json(resource->id));
    }
    const auto old = resources.by_current_id(resource->id);
    if (old.size() > 1) {
      return fail(Code::kInvalid, "id matched " + std::to_string(old.size()) + " resources");
    }
    if (old.empty()) {
      SLUICE_CHECK(resources.append(std::move(resource)));
      continue;
    }
    resource->ref_vars = old.front()->ref_vars;
    resource->origin = old.front()->origin;
    resources.replace(*old.front(), std::move(resource));
  }
  resources.drop_if(
      [&](const BuildResource& resource) { return kept.count(identity(resource)) == 0; });
  return {};
}

}  // namespace sluice::kustomize
