#include "kustomization_fields.hpp"

namespace sluice::kustomize {

namespace {

using generators::GeneratorArgs;
using generators::GeneratorOptions;
using yaml::Node;

template <class T>
struct ClassOf;
template <class Class, class Member>
struct ClassOf<Member Class::*> {
  using type = Class;
};
template <auto kMember>
using OwnerOf = typename ClassOf<decltype(kMember)>::type;

// Readers of plain members, as function pointers.
template <auto kMember>
void text(GoDecoder& decoder, Node node, OwnerOf<kMember>& out) {
  decoder.string(node, out.*kMember);
}
template <auto kMember>
void flag(GoDecoder& decoder, Node node, OwnerOf<kMember>& out) {
  decoder.boolean(node, out.*kMember);
}
template <auto kMember>
void list(GoDecoder& decoder, Node node, OwnerOf<kMember>& out) {
  decoder.strings(node, out.*kMember);
}
template <auto kMember>
void pairs(GoDecoder& decoder, Node node, OwnerOf<kMember>& out) {
  decoder.string_map(node, out.*kMember);
}

constexpr GoField<FieldSpec> kFieldSpec[] = {
    {"group", "Gvk.group", [](GoDecoder& d, Node n, FieldSpec& o) { d.string(n, o.gvk.group); }},
    {"version", "Gvk.version",
     [](GoDecoder& d, Node n, FieldSpec& o) { d.string(n, o.gvk.version); }},
    {"kind", "Gvk.kind", [](GoDecoder& d, Node n, FieldSpec& o) { d.string(n, o.gvk.kind); }},
    {"path", "path", text<&FieldSpec::path>},
    {"create", "create", flag<&FieldSpec::create>},
};

constexpr GoField<Selector> kSelector[] = {
    {"group", "ResId.Gvk.group",
     [](GoDecoder& d, Node n, Selector& o) { d.string(n, o.gvk.group); }},
    {"version", "ResId.Gvk.version",
     [](GoDecoder& d, Node n, Selector& o) { d.string(n, o.gvk.version); }},
    {"kind", "ResId.Gvk.kind", [](GoDecoder& d, Node n, Selector& o) { d.string(n, o.gvk.kind); }},
    {"name", "ResId.name", text<&Selector::name>},
    {"namespace", "ResId.namespace", text<&Selector::ns>},
    {"annotationSelector", "annotationSelector", text<&Selector::annotation_selector>},
    {"labelSelector", "labelSelector", text<&Selector::label_selector>},
};

constexpr GoField<PatchOptions> kPatchOptions[] = {
    {"allowNameChange", "allowNameChange", flag<&PatchOptions::allow_name_change>},
    {"allowKindChange", "allowKindChange", flag<&PatchOptions::allow_kind_change>},
};

constexpr GoField<PatchEntry> kPatch[] = {
    {"path", "path", text<&PatchEntry::path>},
    {"patch", "patch", text<&PatchEntry::patch>},
    {"target", "target",
     [](GoDecoder& d, Node n, PatchEntry& o) {
       d.pointer(n, "types.Selector", selector_fields(), o.target);
     }},
    {"options", "options",
     [](GoDecoder& d, Node n, PatchEntry& o) {
       d.pointer(n, "types.PatchArgs", patch_options_fields(), o.options);
     }},
};

constexpr GoField<ImageRule> kImage[] = {
    {"name", "name", text<&ImageRule::name>},
    {"newName", "newName", text<&ImageRule::new_name>},
    {"tagSuffix", "tagSuffix", text<&ImageRule::tag_suffix>},
    {"newTag", "newTag", text<&ImageRule::new_tag>},
    {"digest", "digest", text<&ImageRule::digest>},
};

constexpr GoField<ReplicaRule> kReplica[] = {
    {"name", "name", text<&ReplicaRule::name>},
    {"count", "count", [](GoDecoder& d, Node n, ReplicaRule& o) { d.integer(n, o.count); }},
};

constexpr GoField<FieldOptions> kFieldOptions[] = {
    {"delimiter", "delimiter", text<&FieldOptions::delimiter>},
    {"index", "index", [](GoDecoder& d, Node n, FieldOptions& o) { d.integer(n, o.index, "int"); }},
    {"encoding", "encoding", text<&FieldOptions::encoding>},
    {"create", "create", flag<&FieldOptions::create>},
};

constexpr GoField<ReplacementSource> kReplacementSource[] = {
    {"group", "ResId.Gvk.group",
     [](GoDecoder& d, Node n, ReplacementSource& o) { d.string(n, o.id.gvk.group); }},
    {"version", "ResId.Gvk.version",
     [](GoDecoder& d, Node n, ReplacementSource& o) { d.string(n, o.id.gvk.version); }},
    {"kind", "ResId.Gvk.kind",
     [](GoDecoder& d, Node n, ReplacementSource& o) { d.string(n, o.id.gvk.kind); }},
    {"name", "ResId.name",
     [](GoDecoder& d, Node n, ReplacementSource& o) { d.string(n, o.id.name); }},
    {"namespace", "ResId.namespace",
     [](GoDecoder& d, Node n, ReplacementSource& o) { d.string(n, o.id.ns); }},
    {"fieldPath", "fieldPath", text<&ReplacementSource::field_path>},
    {"options", "options",
     [](GoDecoder& d, Node n, ReplacementSource& o) {
       d.pointer<FieldOptions>(n, "types.FieldOptions", kFieldOptions, o.options);
     }},
};

constexpr GoField<ReplacementTarget> kReplacementTarget[] = {
    {"select", "select",
     [](GoDecoder& d, Node n, ReplacementTarget& o) {
       d.pointer(n, "types.Selector", selector_fields(), o.select);
     }},
    {"reject", "reject",
     [](GoDecoder& d, Node n, ReplacementTarget& o) {
       d.objects(n, "[]*types.Selector", "types.Selector", selector_fields(), o.reject);
     }},
    {"fieldPaths", "fieldPaths", list<&ReplacementTarget::field_paths>},
    {"options", "options",
     [](GoDecoder& d, Node n, ReplacementTarget& o) {
       d.pointer<FieldOptions>(n, "types.FieldOptions", kFieldOptions, o.options);
     }},
};

void read_source(GoDecoder& d, Node n, Replacement& o) {
  d.pointer<ReplacementSource>(n, "types.SourceSelector", kReplacementSource, o.source);
}
void read_targets(GoDecoder& d, Node n, Replacement& o) {
  if (!n.exists() || n.is_null()) return;
  if (!o.targets) o.targets.emplace();
  d.objects<ReplacementTarget>(n, "[]*types.TargetSelector", "types.TargetSelector",
                               kReplacementTarget, *o.targets);
}

constexpr GoField<Replacement> kPlainReplacement[] = {
    {"source", "source", read_source},
    {"targets", "targets", read_targets},
    {"sourceValue", "sourceValue",
     [](GoDecoder& d, Node n, Replacement& o) { d.string(n, o.source_value); }},
};

constexpr GoField<ReplacementEntry> kReplacement[] = {
    {"path", "path", text<&ReplacementEntry::path>},
    {"source", "Replacement.source",
     [](GoDecoder& d, Node n, ReplacementEntry& o) {
       o.has_source = n.exists() && !n.is_null();
       read_source(d, n, o.inline_replacement);
     }},
    {"targets", "Replacement.targets",
     [](GoDecoder& d, Node n, ReplacementEntry& o) { read_targets(d, n, o.inline_replacement); }},
    {"sourceValue", "Replacement.sourceValue",
     [](GoDecoder& d, Node n, ReplacementEntry& o) {
       d.string(n, o.inline_replacement.source_value);
     }},
};

constexpr GoField<LabelEntry> kLabel[] = {
    {"pairs", "pairs", pairs<&LabelEntry::pairs>},
    {"includeSelectors", "includeSelectors", flag<&LabelEntry::include_selectors>},
    {"includeTemplates", "includeTemplates", flag<&LabelEntry::include_templates>},
    {"includeVolumeClaimTemplates", "includeVolumeClaimTemplates",
     flag<&LabelEntry::include_volume_claim_templates>},
    {"fields", "fields",
     [](GoDecoder& d, Node n, LabelEntry& o) {
       d.objects(n, "[]types.FieldSpec", "types.FieldSpec", field_spec_fields(), o.fields);
     }},
};

constexpr GoField<ObjectId> kVarTarget[] = {
    {"group", "Gvk.group", [](GoDecoder& d, Node n, ObjectId& o) { d.string(n, o.gvk.group); }},
    {"version", "Gvk.version",
     [](GoDecoder& d, Node n, ObjectId& o) { d.string(n, o.gvk.version); }},
    {"kind", "Gvk.kind", [](GoDecoder& d, Node n, ObjectId& o) { d.string(n, o.gvk.kind); }},
    {"name", "name", text<&ObjectId::name>},
    {"namespace", "namespace", text<&ObjectId::ns>},
    {"apiVersion", "apiVersion", [](GoDecoder&, Node, ObjectId&) {}},  // see kVar
};

constexpr GoField<VarEntry> kVarApiVersion[] = {
    {"apiVersion", "apiVersion", text<&VarEntry::api_version>},
};

struct VarField {
  std::string path;
};
constexpr GoField<VarField> kVarField[] = {{"fieldPath", "fieldPath", text<&VarField::path>}};

constexpr GoField<VarEntry> kVar[] = {
    {"name", "name", text<&VarEntry::name>},
    {"objref", "objref",
     [](GoDecoder& d, Node n, VarEntry& o) {
       d.object<ObjectId>(n, "types.Target", kVarTarget, o.object);
       const std::size_t index = n.index_of("apiVersion");
       if (index != Node::npos && !n.value(index).is_null()) {
         d.object_member("Target", kVarApiVersion[0], n.value(index), o);
       }
     }},
    {"fieldref", "fieldref",
     [](GoDecoder& d, Node n, VarEntry& o) {
       VarField field;
       d.object<VarField>(n, "types.FieldSelector", kVarField, field);
       o.field_path = std::move(field.path);
     }},
};

constexpr GoField<LegacySortOptions> kLegacySort[] = {
    {"orderFirst", "orderFirst", list<&LegacySortOptions::order_first>},
    {"orderLast", "orderLast", list<&LegacySortOptions::order_last>},
};
constexpr GoField<SortOptions> kSort[] = {
    {"order", "order", text<&SortOptions::order>},
    {"legacySortOptions", "legacySortOptions",
     [](GoDecoder& d, Node n, SortOptions& o) {
       d.pointer<LegacySortOptions>(n, "types.LegacySortOptions", kLegacySort, o.legacy);
     }},
};

constexpr GoField<GeneratorOptions> kGeneratorOptions[] = {
    {"labels", "labels", pairs<&GeneratorOptions::labels>},
    {"annotations", "annotations", pairs<&GeneratorOptions::annotations>},
    {"disableNameSuffixHash", "disableNameSuffixHash",
     flag<&GeneratorOptions::disable_name_suffix_hash>},
    {"immutable", "immutable", flag<&GeneratorOptions::immutable>},
};

void read_generator_options(GoDecoder& d, Node n, GeneratorArgs& o) {
  d.pointer<GeneratorOptions>(n, "types.GeneratorOptions", kGeneratorOptions, o.options);
}

constexpr GoField<GeneratorArgs> kGenerator[] = {
    {"namespace", "GeneratorArgs.namespace", text<&GeneratorArgs::ns>},
    {"name", "GeneratorArgs.name", text<&GeneratorArgs::name>},
    {"behavior", "GeneratorArgs.behavior", text<&GeneratorArgs::behavior>},
    {"literals", "GeneratorArgs.KvPairSources.literals", list<&GeneratorArgs::literals>},
    {"files", "GeneratorArgs.KvPairSources.files", list<&GeneratorArgs::files>},
    {"envs", "GeneratorArgs.KvPairSources.envs", list<&GeneratorArgs::envs>},
    {"env", "GeneratorArgs.KvPairSources.env", text<&GeneratorArgs::env>},
    {"options", "GeneratorArgs.options", read_generator_options},
    {"type", "type", text<&GeneratorArgs::type>},  // last: only of Secrets
};

constexpr GoField<HelmGlobals> kHelmGlobals[] = {
    {"chartHome", "chartHome", text<&HelmGlobals::chart_home>},
    {"configHome", "configHome", text<&HelmGlobals::config_home>},
};

void read_values(GoDecoder& d, Node n, std::optional<yaml::Document>& out) {
  if (!n.exists() || n.is_null()) return;
  if (!n.is_mapping()) return d.type_mismatch(n, "map[string]interface {}");
  out.emplace();
  out->set_root(out->import(n));
}

constexpr GoField<HelmChart> kHelmChart[] = {
    {"name", "name", text<&HelmChart::name>},
    {"version", "version", text<&HelmChart::version>},
    {"repo", "repo", text<&HelmChart::repo>},
    {"releaseName", "releaseName", text<&HelmChart::release_name>},
    {"namespace", "namespace", text<&HelmChart::ns>},
    {"additionalValuesFiles", "additionalValuesFiles", list<&HelmChart::additional_values_files>},
    {"valuesFile", "valuesFile", text<&HelmChart::values_file>},
    {"valuesInline", "valuesInline",
     [](GoDecoder& d, Node n, HelmChart& o) { read_values(d, n, o.values_inline); }},
    {"valuesMerge", "valuesMerge", text<&HelmChart::values_merge>},
    {"includeCRDs", "includeCRDs", flag<&HelmChart::include_crds>},
    {"skipHooks", "skipHooks", flag<&HelmChart::skip_hooks>},
    {"apiVersions", "apiVersions", list<&HelmChart::api_versions>},
    {"kubeVersion", "kubeVersion", text<&HelmChart::kube_version>},
    {"nameTemplate", "nameTemplate", text<&HelmChart::name_template>},
    {"skipTests", "skipTests", flag<&HelmChart::skip_tests>},
    {"debug", "debug", flag<&HelmChart::debug>},
    {"devel", "devel", flag<&HelmChart::devel>},
};

// The deprecated helmChartInflationGenerator, converted as it is read.
struct OldHelmChart {
  HelmChart chart;
  HelmGlobals globals;
  std::string unused;
  std::vector<std::string> unused_list;
};
#define SLUICE_OLD(member) [](GoDecoder& d, Node n, OldHelmChart& o) { d.string(n, o.member); }
constexpr GoField<OldHelmChart> kOldHelmChart[] = {
    {"chartName", "chartName", SLUICE_OLD(chart.name)},
    {"chartVersion", "chartVersion", SLUICE_OLD(chart.version)},
    {"chartRepoUrl", "chartRepoUrl", SLUICE_OLD(chart.repo)},
    {"chartHome", "chartHome", SLUICE_OLD(globals.chart_home)},
    {"chartRepoName", "chartRepoName", SLUICE_OLD(unused)},
    {"helmBin", "helmBin", SLUICE_OLD(unused)},
    {"helmHome", "helmHome", SLUICE_OLD(globals.config_home)},
    {"values", "values", SLUICE_OLD(chart.values_file)},
    {"valuesLocal", "valuesLocal",
     [](GoDecoder& d, Node n, OldHelmChart& o) { read_values(d, n, o.chart.values_inline); }},
    {"valuesMerge", "valuesMerge", SLUICE_OLD(chart.values_merge)},
    {"releaseName", "releaseName", SLUICE_OLD(chart.release_name)},
    {"releaseNamespace", "releaseNamespace", SLUICE_OLD(unused)},
    {"extraArgs", "extraArgs", list<&OldHelmChart::unused_list>},
};
#undef SLUICE_OLD

struct ObjectMeta {
  std::string name, ns;
  StringMap labels, annotations;
};
constexpr GoField<ObjectMeta> kObjectMeta[] = {
    {"name", "name", text<&ObjectMeta::name>},
    {"namespace", "namespace", text<&ObjectMeta::ns>},
    {"labels", "labels", pairs<&ObjectMeta::labels>},
    {"annotations", "annotations", pairs<&ObjectMeta::annotations>},
};

using File = KustomizationFile;

constexpr GoField<File> kKustomization[] = {
    {"kind", "TypeMeta.kind", text<&File::kind>},
    {"apiVersion", "TypeMeta.apiVersion", text<&File::api_version>},
    {"metadata", "metadata",
     [](GoDecoder& d, Node n, File&) {
       ObjectMeta unused;
       d.object<ObjectMeta>(n, "types.ObjectMeta", kObjectMeta, unused);
     }},
    {"openapi", "openapi",
     [](GoDecoder& d, Node n, File& o) {
       StringMap entries;
       d.string_map(n, entries);
       if (const auto path = entries.find("path"); path != entries.end()) {
         o.openapi_path = path->second;
         o.has_openapi_path = true;
       }
       if (const auto version = entries.find("version"); version != entries.end()) {
         o.openapi_version = version->second;
       }
     }},
    {"namePrefix", "namePrefix", text<&File::name_prefix>},
    {"nameSuffix", "nameSuffix", text<&File::name_suffix>},
    {"namespace", "namespace", text<&File::ns>},
    {"commonLabels", "commonLabels", pairs<&File::common_labels>},
    {"labels", "labels",
     [](GoDecoder& d, Node n, File& o) {
       d.objects<LabelEntry>(n, "[]types.Label", "types.Label", kLabel, o.labels);
     }},
    {"commonAnnotations", "commonAnnotations", pairs<&File::common_annotations>},
    {"patchesStrategicMerge", "patchesStrategicMerge",
     [](GoDecoder& d, Node n, File& o) {
       d.strings(n, o.patches_strategic_merge, "[]types.PatchStrategicMerge");
     }},
    {"patchesJson6902", "patchesJson6902",
     [](GoDecoder& d, Node n, File& o) {
       d.objects<PatchEntry>(n, "[]types.Patch", "types.Patch", kPatch, o.patches_json6902);
     }},
    {"patches", "patches",
     [](GoDecoder& d, Node n, File& o) {
       d.objects<PatchEntry>(n, "[]types.Patch", "types.Patch", kPatch, o.patches);
     }},
    {"images", "images",
     [](GoDecoder& d, Node n, File& o) {
       d.objects<ImageRule>(n, "[]types.Image", "types.Image", kImage, o.images);
     }},
    {"imageTags", "imageTags",
     [](GoDecoder& d, Node n, File& o) {
       d.objects<ImageRule>(n, "[]types.Image", "types.Image", kImage, o.image_tags);
     }},
    {"replacements", "replacements",
     [](GoDecoder& d, Node n, File& o) {
       d.objects<ReplacementEntry>(n, "[]types.ReplacementField", "types.ReplacementField",
                                   kReplacement, o.replacements);
     }},
    {"replicas", "replicas",
     [](GoDecoder& d, Node n, File& o) {
       d.objects<ReplicaRule>(n, "[]types.Replica", "types.Replica", kReplica, o.replicas);
     }},
    {"vars", "vars",
     [](GoDecoder& d, Node n, File& o) {
       d.objects<VarEntry>(n, "[]types.Var", "types.Var", kVar, o.vars);
     }},
    {"sortOptions", "sortOptions",
     [](GoDecoder& d, Node n, File& o) {
       d.pointer<SortOptions>(n, "types.SortOptions", kSort, o.sort_options);
     }},
    {"resources", "resources", list<&File::resources>},
    {"bases", "bases", list<&File::bases>},
    {"components", "components", list<&File::components>},
    {"crds", "crds", list<&File::crds>},
    {"configMapGenerator", "configMapGenerator",
     [](GoDecoder& d, Node n, File& o) {
       d.objects(n, "[]types.ConfigMapArgs", "types.ConfigMapArgs", config_map_fields(),
                 o.config_maps);
     }},
    {"secretGenerator", "secretGenerator",
     [](GoDecoder& d, Node n, File& o) {
       d.objects(n, "[]types.SecretArgs", "types.SecretArgs", secret_fields(), o.secrets);
     }},
    {"helmGlobals", "helmGlobals",
     [](GoDecoder& d, Node n, File& o) {
       if (n.is_mapping()) o.helm_globals.reset();  // what the deprecated field said
       d.pointer(n, "types.HelmGlobals", helm_globals_fields(), o.helm_globals);
     }},
    {"helmCharts", "helmCharts",
     [](GoDecoder& d, Node n, File& o) {
       // Comes before helmChartInflationGenerator in no order that matters: old ones are appended.
       std::vector<HelmChart> charts;
       d.objects(n, "[]types.HelmChart", "types.HelmChart", helm_chart_fields(), charts);
       o.helm_charts.insert(o.helm_charts.begin(), charts.begin(), charts.end());
     }},
    {"helmChartInflationGenerator", "helmChartInflationGenerator",
     [](GoDecoder& d, Node n, File& o) {
       std::vector<OldHelmChart> charts;
       d.objects<OldHelmChart>(n, "[]types.HelmChartArgs", "types.HelmChartArgs", kOldHelmChart,
                               charts);
       HelmGlobals globals;
       for (OldHelmChart& old : charts) {
         if (!old.globals.chart_home.empty()) globals.chart_home = old.globals.chart_home;
         if (!old.globals.config_home.empty()) globals.config_home = old.globals.config_home;
         o.helm_charts.push_back(std::move(old.chart));
       }
       // helmGlobals, which is visited later, wins.
       if (!globals.chart_home.empty() || !globals.config_home.empty()) o.helm_globals = globals;
     }},
    {"generatorOptions", "generatorOptions",
     [](GoDecoder& d, Node n, File& o) {
       d.pointer<GeneratorOptions>(n, "types.GeneratorOptions", kGeneratorOptions,
                                   o.generator_options);
     }},
    {"configurations", "configurations", list<&File::configurations>},
    {"generators", "generators", list<&File::generators>},
    {"transformers", "transformers", list<&File::transformers>},
    {"validators", "validators", list<&File::validators>},
    {"buildMetadata", "buildMetadata", list<&File::build_metadata>},
};

}  // namespace

std::span<const GoField<FieldSpec>> field_spec_fields() {
  return kFieldSpec;
}
std::span<const GoField<Selector>> selector_fields() {
  return kSelector;
}
std::span<const GoField<PatchOptions>> patch_options_fields() {
  return kPatchOptions;
}
std::span<const GoField<PatchEntry>> patch_fields() {
  return kPatch;
}
std::span<const GoField<ImageRule>> image_fields() {
  return kImage;
}
std::span<const GoField<ReplicaRule>> replica_fields() {
  return kReplica;
}
std::span<const GoField<ReplacementEntry>> replacement_fields() {
  return kReplacement;
}
std::span<const GoField<Replacement>> plain_replacement_fields() {
  return kPlainReplacement;
}
std::span<const GoField<HelmChart>> helm_chart_fields() {
  return kHelmChart;
}
std::span<const GoField<HelmGlobals>> helm_globals_fields() {
  return kHelmGlobals;
}
std::span<const GoField<GeneratorArgs>> config_map_fields() {
  return std::span(kGenerator).first(std::size(kGenerator) - 1);
}
std::span<const GoField<GeneratorArgs>> secret_fields() {
  return kGenerator;
}
std::span<const GoField<KustomizationFile>> kustomization_fields() {
  return kKustomization;
}

}  // namespace sluice::kustomize
