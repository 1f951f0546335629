#include "kustomize/transformers.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "sluice/base/encoding.hpp"
#include "sluice/yaml/write.hpp"

#include "kustomize/build_annotations.hpp"
#include "kustomize/gvk.hpp"
#include "kustomize/path_getter.hpp"

namespace sluice::kustomize {
namespace {

constexpr std::string_view kNamespacePath = "metadata/namespace";
constexpr std::string_view kNamePath = "metadata/name";
constexpr std::string_view kSubjectsPath = "subjects/namespace";

bool is_role_binding(std::string_view kind) {
  return kind == "RoleBinding" || kind == "ClusterRoleBinding";
}

std::string quoted(std::string_view text) {
  return go_quote(text);
}

// --- namespace -----------------------------------------------------------------------------------

FieldSpecs::Setter namespace_setter(const NamespaceArgs& args) {
  return [&args](yaml::Ref node) -> Result<void> {
    const bool has_value =
        node.is_encrypted() || (is_leaf(node) && !node.is_null() && !node.text().empty());
    if (args.unset_only && has_value) return {};
    return set_scalar_string(node, args.ns);
  };
}

Result<void> set_subject_namespace(yaml::Ref subject, const NamespaceArgs& args,
                                   const FieldSpecs::Setter& set) {
  const bool by_kind = args.subjects == NamespaceArgs::Subjects::kAllServiceAccounts;
  const std::string_view key = by_kind ? "kind" : "name";
  if (subject.is_null()) return {};
  const auto looking_up = [&](Error error) {
    return fail(std::move(error).prefix("looking up " + std::string(key) +
                                        " on (cluster)role binding subject: "));
  };
  if (!subject.is_mapping()) return looking_up(wrong_kind("MappingNode", subject));
  const yaml::Node value = field(yaml::Node(subject), key);
  if (!value.exists() || value.is_null()) return {};
  if (!is_leaf(value)) return looking_up(wrong_kind("ScalarNode", value));
  if (value.text() != (by_kind ? "ServiceAccount" : "default")) return {};
  yaml::Ref ns = field(subject, "namespace");
  if (!ns.exists()) ns = subject.put_string("namespace", "");
  return set(ns);
}

Result<void> set_role_binding_subjects(yaml::Ref root, const NamespaceArgs& args,
                                       const FieldSpecs::Setter& set) {
  if (args.subjects == NamespaceArgs::Subjects::kNone) return {};
  const yaml::Ref subjects = field(root, "subjects");
  if (!subjects.exists() || subjects.is_null()) return {};
  const auto in_subjects = [](Error error) {
    return fail(std::move(error).prefix("setting namespace on (cluster)role binding subjects: "));
  };
  if (!subjects.is_sequence()) return in_subjects(wrong_kind("SequenceNode", subjects));
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    auto done = set_subject_namespace(subjects.at(i), args, set);
    if (!done) return in_subjects(std::move(done).error());
  }
  return {};
}

/// The specs that the transformer does not handle itself, compiled once for each case.
struct NamespaceSpecs {
  static std::vector<FieldSpec> without(std::span<const FieldSpec> specs, bool names,
                                        bool subjects) {
    std::vector<FieldSpec> kept;
    for (const FieldSpec& spec : specs) {
      if (spec.path == kNamespacePath) continue;
      if (!names && spec.path == kNamePath) continue;
      if (!subjects && is_role_binding(spec.gvk.kind) && spec.path == kSubjectsPath) continue;
      kept.push_back(spec);
    }
    return kept;
  }

  explicit NamespaceSpecs(std::span<const FieldSpec> specs)
      : core_list(without(specs, true, true)),
        other_list(without(specs, false, true)),
        binding_list(without(specs, false, false)),
        core(core_list),
        other(other_list),
        binding(binding_list),
        own(own_list) {}
  NamespaceSpecs(const NamespaceSpecs&) = delete;

  std::vector<FieldSpec> core_list, other_list, binding_list;
  std::vector<FieldSpec> own_list{{{}, std::string(kNamespacePath), true}};
  FieldSpecs core, other, binding, own;
};

Result<void> set_namespace_of(BuildResource& resource, const NamespaceArgs& args,
                              NamespaceSpecs& specs) {
  const yaml::Ref root = resource.root();
  const Gvk gvk = gvk_of(root);
  const FieldSpecs::Setter set = namespace_setter(args);
  std::optional<BuildAnnotationsShown> shown;
  if (specs.core.sees_annotations(Creates::kString)) shown.emplace(resource);
  if (!resource.cluster_scoped)
    SLUICE_CHECK(specs.own.apply_one(0, root, gvk, Creates::kString, set));
  const bool binding = is_role_binding(gvk.kind);
  if (binding) SLUICE_CHECK(set_role_binding_subjects(root, args, set));

  FieldSpecs& rest = binding                                    ? specs.binding
                     : gvk.group.empty() && gvk.version == "v1" ? specs.core
                                                                : specs.other;
  auto done = rest.apply(root, gvk, Creates::kString, set);
  if (done) return {};
  const bool collection = done.error().reason() == kWrongKindOfCollection;
  return fail(
      std::move(done).error().prefix(collection ? "namespace field specs must target scalar nodes: "
                                                : "namespace transformation failed: "));
}

/// A resource as kustomize prints it in messages: JSON with its own annotations.
std::string resource_json(const BuildResource& resource) {
  const yaml::Document copy = with_build_annotations(resource);
  std::string text;
  if (auto done = yaml::write_go_json(copy.root(), text); !done) {
    return "<" + done.error().message() + ">";
  }
  return text;
}

}  // namespace

Result<NamespaceArgs::Subjects> parse_subjects(std::string_view word) {
  if (word.empty() || word == "defaultOnly") return NamespaceArgs::Subjects::kDefaultOnly;
  if (word == "allServiceAccounts") return NamespaceArgs::Subjects::kAllServiceAccounts;
  if (word == "none") return NamespaceArgs::Subjects::kNone;
  return fail(Code::kInvalid, "invalid value " + quoted(word) +
                                  " for setRoleBindingSubjects: must be one of \"defaultOnly\", "
                                  "\"none\" or \"allServiceAccounts\"");
}

Result<void> set_namespace(BuildResource& resource, const NamespaceArgs& args,
                           std::span<const FieldSpec> specs) {
  NamespaceSpecs compiled(specs);
  return set_namespace_of(resource, args, compiled);
}

Result<void> set_namespace(ResMap& resources, const NamespaceArgs& args,
                           std::span<const FieldSpec> specs) {
  if (args.ns.empty()) return {};
  NamespaceSpecs compiled(specs);
  for (const auto& item : resources.items()) {
    BuildResource& resource = *item;
    if (resource.is_empty() || resource.helm_generated) continue;
    resource.store_previous_id();
    SLUICE_CHECK(set_namespace_of(resource, args, compiled));
    resources.changed(resource);
    const auto same = resources.by_current_id(resource.id);
    if (same.size() == 1) continue;
    std::string list;
    for (const BuildResource* one : same)
      list += (list.empty() ? "" : " ") + resource_json(*one);
    return fail(Code::kInvalid, "namespace transformation produces ID conflict: [" + list + "]");
  }
  return {};
}

// --- prefix and suffix ---------------------------------------------------------------------------

namespace {

/// Kinds whose names are fixed by what they name.
bool keeps_name(const Gvk& gvk) {
  return gvk.kind == "CustomResourceDefinition" || gvk.kind == "Namespace" ||
         (gvk.kind == "APIService" && gvk.group == "apiregistration.k8s.io");
}

Result<void> affix(ResMap& resources, std::string_view prefix, std::string_view suffix,
                   std::span<const FieldSpec> specs) {
  FieldSpecs compiled(specs);
  const FieldSpecs::Setter set = [&](yaml::Ref node) -> Result<void> {
    if (!is_leaf(node)) return fail(wrong_kind("ScalarNode", node));
    std::string text(prefix);
    text += node.text();
    text += suffix;
    return set_scalar_text(node, text);
  };
  for (const auto& item : resources.items()) {
    BuildResource& resource = *item;
    const Gvk original = resource.original_gvk();
    if (keeps_name(original)) continue;
    for (std::size_t i = 0; i < specs.size(); ++i) {
      if (!compiled.selects(i, original)) continue;
      std::optional<BuildAnnotationsShown> shown;
      if (compiled.sees_annotations(Creates::kString)) shown.emplace(resource);
      if (specs[i].path == kNamePath) {
        if (!prefix.empty()) resource.prefixes.emplace_back(prefix);
        if (!suffix.empty()) resource.suffixes.emplace_back(suffix);
        if (!prefix.empty() || !suffix.empty()) resource.store_previous_id();
      }
      SLUICE_CHECK(compiled.apply_one(i, resource.root(), resource.id.gvk, Creates::kString, set));
    }
    resources.changed(resource);
  }
  return {};
}

}  // namespace

Result<void> add_prefix(ResMap& resources, std::string_view prefix,
                        std::span<const FieldSpec> specs) {
  return affix(resources, prefix, {}, specs);
}
Result<void> add_suffix(ResMap& resources, std::string_view suffix,
                        std::span<const FieldSpec> specs) {
  return affix(resources, {}, suffix, specs);
}

// --- labels and annotations ----------------------------------------------------------------------

namespace {

/// kustomize makes one YAML node for an entry and hangs it into every field of a resource that does
/// not have the entry yet. Whatever changes one of them later changes all: a label that an overlay
/// sets on metadata alone changes the selector, too, if a base put it into both.
class EntrySetter {
 public:
  explicit EntrySetter(const StringMap& entries) : entries_(entries), made_(entries.size()) {}

  void start(BuildResource& resource) {
    resource_ = &resource;
    std::fill(made_.begin(), made_.end(), std::nullopt);
  }

  Result<void> set(yaml::Ref node) {
    std::size_t index = 0;
    for (const auto& [name, value] : entries_) {
      std::optional<yaml::NodeId>& made = made_[index++];
      const bool is_new = node.is_mapping() && !field(yaml::Node(node), name).exists();
      if (is_new && made) {
        yaml::Document& document = node.document();
        document.append_entry(node.id(), new_key(document, name), *made);
        resource_->shares_nodes = true;
        continue;
      }
      SLUICE_CHECK(set_entry_string(node, name, value));
      if (is_new) made = field(yaml::Node(node), name).id();
    }
    return {};
  }

 private:
  const StringMap& entries_;
  std::vector<std::optional<yaml::NodeId>> made_;
  BuildResource* resource_ = nullptr;
};

Result<void> set_entries(ResMap& resources, const StringMap& entries,
                         std::span<const FieldSpec> specs) {
  if (entries.empty()) return {};
  FieldSpecs compiled(specs);
  EntrySetter setter(entries);
  const FieldSpecs::Setter set = [&](yaml::Ref node) { return setter.set(node); };
  for (const auto& item : resources.items()) {
    if (item->is_empty()) continue;
    setter.start(*item);
    std::optional<BuildAnnotationsShown> shown;
    if (compiled.sees_annotations(Creates::kMapping)) shown.emplace(*item);
    SLUICE_CHECK(compiled.apply(item->root(), item->id.gvk, Creates::kMapping, set));
  }
  return {};
}

}  // namespace

Result<void> set_labels(ResMap& resources, const StringMap& labels,
                        std::span<const FieldSpec> specs) {
  return set_entries(resources, labels, specs);
}
Result<void> set_annotations(ResMap& resources, const StringMap& annotations,
                             std::span<const FieldSpec> specs) {
  return set_entries(resources, annotations, specs);
}

// --- replicas ------------------------------------------------------------------------------------

Result<void> set_replicas(ResMap& resources, const ReplicaRule& rule,
                          std::span<const FieldSpec> specs) {
  FieldSpecs compiled(specs);
  const std::string count = std::to_string(rule.count);
  const FieldSpecs::Setter set = [&](yaml::Ref node) -> Result<void> {
    if (!is_leaf(node)) return fail(wrong_kind("ScalarNode", node));
    // A quoted count stays a string, as in kustomize.
    const bool plain = node.style() == yaml::Style::kPlain || node.is_encrypted();
    node.set_scalar(plain ? yaml::Kind::kInt : yaml::Kind::kString, count, node.style());
    return {};
  };
  const std::vector<BuildResource*> named = resources.by_any_name(rule.name);
  bool found = false;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    for (BuildResource* resource : named) {
      if (resource->is_empty()) continue;
      const Gvk& gvk = resource->id.gvk;
      const bool chosen =
          (resource->id.name == rule.name && compiled.selects(i, gvk)) ||
          std::any_of(resource->previous.begin(), resource->previous.end(),
                      [&](const PreviousId& id) {
                        return id.name == rule.name &&
                               compiled.selects(i, {gvk.group, gvk.version, id.kind});
                      });
      if (!chosen) continue;
      found = true;
      std::optional<BuildAnnotationsShown> shown;
      if (compiled.sees_annotations(Creates::kInt)) shown.emplace(*resource);
      SLUICE_CHECK(compiled.apply_one(i, resource->root(), gvk, Creates::kInt, set));
      shown.reset();
      resources.changed(*resource);  // a spec may name the name
    }
  }
  if (found) return {};
  std::string kinds;
  for (const FieldSpec& spec : specs)
    kinds += (kinds.empty() ? "" : " ") + gvk_text(spec.gvk);
  return fail(Code::kInvalid, "resource with name " + rule.name +
                                  " does not match a config with the following GVK [" + kinds +
                                  "]");
}

// --- ValueAdd ------------------------------------------------------------------------------------

namespace {

/// kyaml/filesys PathSplit: "" stands for the root of an absolute path.
std::vector<std::string> split_file_path(std::string_view path) {
  std::vector<std::string> parts;
  if (path.empty()) return parts;
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return {std::string(path)};
  const std::string_view directory = path.substr(0, slash);
  const std::string_view name = path.substr(slash + 1);
  if (directory.empty()) {
    parts.emplace_back();
    if (!name.empty()) parts.emplace_back(name);
    return parts;
  }
  parts = split_file_path(directory);
  parts.emplace_back(name);
  return parts;
}

/// kyaml/filesys InsertPathPart.
std::string insert_path_part(std::string_view path, std::int64_t at, std::string_view part) {
  if (part.empty()) return std::string(path);
  std::vector<std::string> parts = split_file_path(path);
  const auto size = static_cast<std::int64_t>(parts.size());
  at = std::clamp<std::int64_t>(at, 0, size);
  const bool absolute = !parts.empty() && parts.front().empty();
  if (absolute && at < size) ++at;
  parts.insert(parts.begin() + at, std::string(part));
  std::string joined = absolute ? "/" : "";
  bool first = true;
  for (std::size_t i = absolute ? 1 : 0; i < parts.size(); ++i) {
    if (parts[i].empty()) continue;
    joined += (first ? "" : "/") + parts[i];
    first = false;
  }
  return joined;
}

Result<void> add_value_to(BuildResource& resource, std::string_view value,
                          const ValueAddTarget& target) {
  const std::vector<std::string> parts = split_path(target.field_path, '/');
  SLUICE_TRY(const yaml::Ref node, get_path(resource.root(), parts, Create::kScalar));
  if (!node.exists()) return {};
  if (!is_leaf(node)) return fail(wrong_kind("ScalarNode", node));
  std::string text(value);
  if (target.file_path_position > 0) {
    if (node.is_encrypted()) return set_scalar_text(node, text);  // refused there
    text = insert_path_part(node.text(), target.file_path_position - 1, value);
  } else if (node.is_encrypted()) {
    node.set_string(text);
    return {};
  }
  return text.empty() ? Result<void>() : set_scalar_text(node, text);
}

}  // namespace

Result<void> add_value(ResMap& resources, std::string_view value,
                       std::span<const ValueAddTarget> targets) {
  for (const ValueAddTarget& target : targets) {
    std::vector<BuildResource*> chosen;
    if (target.selector) {
      SLUICE_TRY(chosen, select(resources, *target.selector));
    } else {
      for (const auto& item : resources.items())
        chosen.push_back(item.get());
    }
    const NamespaceArgs args{std::string(value), false, NamespaceArgs::Subjects::kDefaultOnly};
    for (BuildResource* resource : chosen) {
      if (target.field_path == kNamespacePath) {
        SLUICE_CHECK(set_namespace(*resource, args, {}));
      } else {
        SLUICE_CHECK(add_value_to(*resource, value, target));
      }
      resources.changed(*resource);
    }
  }
  return {};
}

// --- IAMPolicyGenerator --------------------------------------------------------------------------

Result<yaml::Document> generate_iam_policy(const IamPolicyArgs& args) {
  if (args.cloud != "gke") {
    return fail(Code::kInvalid, "cloud provider " + args.cloud + " not supported yet");
  }
  yaml::Document document;
  const yaml::Ref root = document.root();
  root.set_mapping();
  root.put_string("apiVersion", "v1");
  root.put_string("kind", "ServiceAccount");
  const yaml::Ref metadata = root.put_mapping("metadata");
  metadata.put_mapping("annotations")
      .put_string("iam.gke.io/gcp-service-account",
                  args.service_account_name + "@" + args.project_id + ".iam.gserviceaccount.com");
  // Plain scalars in kustomize's template: typed from their text.
  SLUICE_CHECK(set_scalar_text(metadata.put_string("name", ""), args.kubernetes_service_name));
  if (!args.ns.empty())
    SLUICE_CHECK(set_scalar_text(metadata.put_string("namespace", ""), args.ns));
  return document;
}

// --- select --------------------------------------------------------------------------------------

Result<std::vector<BuildResource*>> select(const ResMap& resources, const Selector& selector) {
  SLUICE_TRY(const CompiledSelector compiled, CompiledSelector::compile(selector));
  std::vector<BuildResource*> candidates;
  if (!compiled.only_name().empty()) {
    candidates = resources.by_any_name(compiled.only_name());
  } else if (!compiled.only_kind().empty()) {
    candidates = resources.by_kind(compiled.only_kind());
  } else {
    for (const auto& item : resources.items())
      candidates.push_back(item.get());
  }
  std::vector<BuildResource*> chosen;
  for (BuildResource* resource : candidates) {
    if (!compiled.matches_namespace(resource->original_ns()) &&
        !compiled.matches_namespace(resource->ns())) {
      continue;
    }
    if (!compiled.matches_name(resource->original_name()) &&
        !compiled.matches_name(resource->id.name)) {
      continue;
    }
    if (!compiled.matches_gvk(resource->id.gvk)) continue;
    SLUICE_TRY(const bool labelled, compiled.matches_labels(resource->root()));
    if (labelled) chosen.push_back(resource);
  }
  return chosen;
}

}  // namespace sluice::kustomize
