#pragma once
/// What Flux's Kustomization.spec changes in the kustomization file that it builds, and the file
/// that it makes where there is none (fluxcd/pkg kustomize/kustomize_generator.go).

#include "sluice/base/result.hpp"

#include "build_context.hpp"
#include "kustomization_file.hpp"
#include "loader.hpp"

namespace sluice::kustomize {

/// Errors: kInvalid for patches and images that do not decode; kNotFound for a missing component.
Result<void> apply_overrides(KustomizationFile& file, const Loader& loader, BuildContext& context);

/// A kustomization of the YAML files below the directory; directories with a kustomization file of
/// their own become resources. Errors: kInvalid "failed to decode Kubernetes YAML from …".
Result<KustomizationFile> generate_kustomization(const Loader& loader, BuildContext& context);

}  // namespace sluice::kustomize
