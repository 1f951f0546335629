#pragma once
/// A kustomization file: every field of kustomize's types.Kustomization, decoded with its rules and
/// error texts (api/types/kustomization.go). Pure: reads no other file.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/result.hpp"
#include "sluice/generators/generate.hpp"

#include "build_context.hpp"
#include "patches.hpp"
#include "replacements.hpp"
#include "transformer_config.hpp"
#include "transformers.hpp"

namespace sluice::kustomize {

struct LabelEntry {
  StringMap pairs;
  bool include_selectors = false;
  bool include_templates = false;
  bool include_volume_claim_templates = false;
  std::vector<FieldSpec> fields;
};

/// One entry of `patches` or `patchesJson6902`.
struct PatchEntry {
  std::string path, patch;
  std::optional<Selector> target;
  std::optional<PatchOptions> options;
};

struct ReplacementEntry {
  std::string path;  ///< of a file with replacements; else they are inline
  Replacement inline_replacement;
  bool has_source = false;
};

struct VarEntry {
  std::string name;
  std::string api_version;  ///< of the object; wins over its group and version
  ObjectId object;
  std::string field_path;
  FileId file = FileId::kNone;  ///< where it is written
  Position position;
};

struct LegacySortOptions {
  std::vector<std::string> order_first, order_last;
};
struct SortOptions {
  std::string order;
  std::optional<LegacySortOptions> legacy;
};

struct HelmGlobals {
  std::string chart_home, config_home;
};
struct HelmChart {
  std::string name, version, repo, release_name, ns, values_file, values_merge, kube_version,
      name_template;
  std::vector<std::string> additional_values_files, api_versions;
  std::optional<yaml::Document> values_inline;
  bool include_crds = false, skip_hooks = false, skip_tests = false, debug = false, devel = false;
};

struct KustomizationFile {
  std::string file_name;  ///< "kustomization.yaml"
  std::string kind, api_version;
  std::string openapi_path, openapi_version;
  bool has_openapi_path = false;
  std::string name_prefix, name_suffix, ns;
  StringMap common_labels, common_annotations;
  std::vector<LabelEntry> labels;
  std::vector<std::string> patches_strategic_merge;
  std::vector<PatchEntry> patches, patches_json6902;
  std::vector<ImageRule> images, image_tags;
  std::vector<ReplacementEntry> replacements;
  std::vector<ReplicaRule> replicas;
  std::vector<VarEntry> vars;
  std::optional<SortOptions> sort_options;
  std::vector<std::string> resources, bases, components, crds, configurations, generators,
      transformers, validators, build_metadata;
  std::vector<generators::GeneratorArgs> config_maps, secrets;
  std::optional<generators::GeneratorOptions> generator_options;
  std::optional<HelmGlobals> helm_globals;
  std::vector<HelmChart> helm_charts;

  yaml::Document source;  ///< for places

  bool is_component() const { return kind == "Component"; }
  bool wants(std::string_view build_metadata_option) const;
  /// Place of item `index` of the list `field`, or of the field itself.
  Where where(const BuildContext& context, std::string_view field,
              std::size_t index = yaml::Node::npos) const;
};

/// Decodes the text of a kustomization file, applies kustomize's fixes (`bases` are resources, …)
/// and adds its deprecation warnings to `warnings`. `directory` is for messages.
/// Errors: kInvalid: `invalid Kustomization: json: unknown field "x"`, "kustomization.yaml is
/// empty", "Failed to read kustomization file under …". `allow_empty`: no error for a file without
/// content.
Result<KustomizationFile> read_kustomization(const std::shared_ptr<const std::string>& text,
                                             FileId file, std::string_view directory,
                                             BuildContext& context, bool allow_empty = false);

/// The same from a document (Flux's overrides make one).
Result<KustomizationFile> decode_kustomization(yaml::Document document, std::string_view directory,
                                               BuildContext& context, bool allow_empty = false);

}  // namespace sluice::kustomize
