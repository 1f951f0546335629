#pragma once
/// How the structs of a kustomization file are decoded; shared with plugin configs
/// (`generators:`, `transformers:`), which hold the same structs.

#include <span>

#include "go_decode.hpp"
#include "kustomization_file.hpp"

namespace sluice::kustomize {

std::span<const GoField<FieldSpec>> field_spec_fields();
std::span<const GoField<Selector>> selector_fields();
std::span<const GoField<PatchOptions>> patch_options_fields();
std::span<const GoField<PatchEntry>> patch_fields();
std::span<const GoField<ImageRule>> image_fields();
std::span<const GoField<ReplicaRule>> replica_fields();
std::span<const GoField<ReplacementEntry>> replacement_fields();
std::span<const GoField<Replacement>> plain_replacement_fields();
std::span<const GoField<HelmChart>> helm_chart_fields();
std::span<const GoField<HelmGlobals>> helm_globals_fields();
std::span<const GoField<generators::GeneratorArgs>> config_map_fields();
std::span<const GoField<generators::GeneratorArgs>> secret_fields();
std::span<const GoField<KustomizationFile>> kustomization_fields();

}  // namespace sluice::kustomize
