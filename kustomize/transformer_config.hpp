#pragma once
/// The tables of field specs behind kustomize's transformers, and `configurations:` that extend
/// them (api/internal/plugins/builtinconfig, api/internal/konfig/builtinpluginconsts).

#include <memory>
#include <string>
#include <vector>

#include "sluice/base/result.hpp"
#include "sluice/yaml/document.hpp"

#include "kustomize/field_spec.hpp"

namespace sluice::kustomize {

/// Fields that hold the name of a resource of kind `target`.
struct NameReference {
  Gvk target;
  std::vector<FieldSpec> referrers;
  friend bool operator==(const NameReference&, const NameReference&) = default;
};

struct TransformerConfig {
  std::vector<FieldSpec> name_prefix, name_suffix, name_space, common_labels, labels,
      template_labels, volume_claim_template_labels, common_annotations, var_reference, images,
      replicas;
  std::vector<NameReference> name_reference;

  /// Adds what `other` has. Error (kInvalid): "failed to merge NamePrefix fieldSpec: conflicting
  /// fieldspecs" and its like.
  Result<void> merge(const TransformerConfig& other);
  friend bool operator==(const TransformerConfig&, const TransformerConfig&) = default;
};

/// kustomize's own tables.
std::shared_ptr<const TransformerConfig> default_transformer_config();

/// One file of `configurations:`. Names match in any case. Errors: kInvalid for unknown
/// names and wrong types, in Go's words.
Result<TransformerConfig> read_transformer_config(yaml::Node node);

}  // namespace sluice::kustomize
