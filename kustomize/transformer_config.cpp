#include "kustomize/transformer_config.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "kustomize/go_decode.hpp"
#include "kustomize/gvk.hpp"
#include "kustomize/kustomization_fields.hpp"

namespace sluice::kustomize {
namespace {

struct SpecRow {
  std::string_view group, version, kind, path;
  bool create;
};
struct TargetRow {
  std::string_view group, version, kind;
  std::size_t end;
};

#include "kustomize/field_spec_table.inc"

FieldSpec make_spec(const SpecRow& row) {
  return {{std::string(row.group), std::string(row.version), std::string(row.kind)},
          std::string(row.path),
          row.create};
}

template <std::size_t N>
std::vector<FieldSpec> make_specs(const SpecRow (&rows)[N]) {
  std::vector<FieldSpec> specs;
  specs.reserve(N);
  for (const SpecRow& row : rows)
    specs.push_back(make_spec(row));
  return specs;
}

std::shared_ptr<const TransformerConfig> make_default() {
  auto config = std::make_shared<TransformerConfig>();
  config->name_prefix = make_specs(kNamePrefix);
  config->name_suffix = make_specs(kNameSuffix);
  config->name_space = make_specs(kNamespace);
  config->common_labels = make_specs(kCommonLabels);
  config->template_labels = make_specs(kTemplateLabels);
  config->volume_claim_template_labels = make_specs(kVolumeClaimTemplateLabels);
  config->common_annotations = make_specs(kCommonAnnotations);
  config->images = make_specs(kImages);
  config->replicas = make_specs(kReplicas);
  config->var_reference = make_specs(kVarReference);
  std::size_t at = 0;
  for (const TargetRow& row : kTargets) {
    NameReference& reference = config->name_reference.emplace_back();
    reference.target = {std::string(row.group), std::string(row.version), std::string(row.kind)};
    for (; at < row.end; ++at)
      reference.referrers.push_back(make_spec(kReferrers[at]));
  }
  return config;
}

/// Each table of a configuration with its word in messages.
struct Table {
  std::vector<FieldSpec> TransformerConfig::*specs;
  std::string_view word;
};
constexpr Table kTables[] = {
    {&TransformerConfig::name_prefix, "NamePrefix"},
    {&TransformerConfig::name_suffix, "NameSuffix"},
    {&TransformerConfig::name_space, "NameSpace"},
    {&TransformerConfig::common_annotations, "CommonAnnotations"},
    {&TransformerConfig::common_labels, "CommonLabels"},
    {&TransformerConfig::labels, "Labels"},
    {&TransformerConfig::template_labels, "TemplateLabels"},
    {&TransformerConfig::volume_claim_template_labels, "VolumeClaimTemplateLabels"},
    {&TransformerConfig::var_reference, "VarReference"},
    {&TransformerConfig::images, "Images"},
    {&TransformerConfig::replicas, "Replicas"},
};

void sort_specs(std::vector<FieldSpec>& specs) {
  std::stable_sort(specs.begin(), specs.end(),
                   [](const FieldSpec& a, const FieldSpec& b) { return gvk_less(a.gvk, b.gvk); });
}

Result<void> merge_specs(std::vector<FieldSpec>& into, const std::vector<FieldSpec>& specs,
                         std::string_view word) {
  auto merged = merge_field_specs(into, specs);
  if (merged) return {};
  return fail(
      std::move(merged).error().prefix("failed to merge " + std::string(word) + " fieldSpec: "));
}

}  // namespace

std::shared_ptr<const TransformerConfig> default_transformer_config() {
  static const std::shared_ptr<const TransformerConfig> config = make_default();
  return config;
}

Result<void> TransformerConfig::merge(const TransformerConfig& other) {
  for (const Table& table : kTables) {
    SLUICE_CHECK(merge_specs(this->*table.specs, other.*table.specs, table.word));
    sort_specs(this->*table.specs);
  }
  for (const NameReference& incoming : other.name_reference) {
    const auto known = std::find_if(
        name_reference.begin(), name_reference.end(),
        [&](const NameReference& reference) { return reference.target == incoming.target; });
    if (known == name_reference.end()) {
      name_reference.push_back(incoming);
    } else {
      SLUICE_CHECK(merge_specs(known->referrers, incoming.referrers, "NameReference"));
    }
  }
  std::stable_sort(
      name_reference.begin(), name_reference.end(),
      [](const NameReference& a, const NameReference& b) { return gvk_less(a.target, b.target); });
  return {};
}

namespace {

constexpr GoField<NameReference> kNameReference[] = {
    {"group", "Gvk.group",
     [](GoDecoder& d, yaml::Node n, NameReference& o) { d.string(n, o.target.group); }},
    {"version", "Gvk.version",
     [](GoDecoder& d, yaml::Node n, NameReference& o) { d.string(n, o.target.version); }},
    {"kind", "Gvk.kind",
     [](GoDecoder& d, yaml::Node n, NameReference& o) { d.string(n, o.target.kind); }},
    {"fieldSpecs", "fieldSpecs",
     [](GoDecoder& d, yaml::Node n, NameReference& o) {
       d.objects(n, "types.FsSlice", "types.FieldSpec", field_spec_fields(), o.referrers);
     }},
};

template <std::vector<FieldSpec> TransformerConfig::*kMember>
void read_table(GoDecoder& d, yaml::Node n, TransformerConfig& o) {
  d.objects(n, "types.FsSlice", "types.FieldSpec", field_spec_fields(), o.*kMember);
}

constexpr GoField<TransformerConfig> kConfig[] = {
    {"namePrefix", "namePrefix", read_table<&TransformerConfig::name_prefix>},
    {"nameSuffix", "nameSuffix", read_table<&TransformerConfig::name_suffix>},
    {"namespace", "namespace", read_table<&TransformerConfig::name_space>},
    {"commonLabels", "commonLabels", read_table<&TransformerConfig::common_labels>},
    {"labels", "labels", read_table<&TransformerConfig::labels>},
    {"templateLabels", "templateLabels", read_table<&TransformerConfig::template_labels>},
    {"volumeClaimTemplateLabels", "volumeClaimTemplateLabels",
     read_table<&TransformerConfig::volume_claim_template_labels>},
    {"commonAnnotations", "commonAnnotations", read_table<&TransformerConfig::common_annotations>},
    {"nameReference", "nameReference",
     [](GoDecoder& d, yaml::Node n, TransformerConfig& o) {
       d.objects<NameReference>(n, "builtinconfig.nbrSlice", "builtinconfig.NameBackReferences",
                                kNameReference, o.name_reference);
     }},
    {"varReference", "varReference", read_table<&TransformerConfig::var_reference>},
    {"images", "images", read_table<&TransformerConfig::images>},
    {"replicas", "replicas", read_table<&TransformerConfig::replicas>},
};

}  // namespace

Result<TransformerConfig> read_transformer_config(yaml::Node node) {
  TransformerConfig config;
  GoDecoder decoder(GoDecoder::Mode::kLenientStrict);
  decoder.object<TransformerConfig>(node, "builtinconfig.TransformerConfig", kConfig, config);
  if (decoder.failed())
    return fail(Code::kInvalid, "error unmarshaling JSON: while decoding JSON: " + decoder.error());
  for (const Table& table : kTables)
    sort_specs(config.*table.specs);
  return config;
}

}  // namespace sluice::kustomize
