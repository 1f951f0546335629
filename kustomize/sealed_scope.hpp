#pragma once
/// SealedSecrets that a build moves out of the scope they were sealed for: found without any key,
/// since name and namespace are the label of the ciphertext. Follows sealed-secrets 0.27.

#include "sluice/base/result.hpp"

#include "build_context.hpp"
#include "res_map.hpp"

namespace sluice::kustomize {

/// A name or namespace that `spec.template.metadata` repeats, as kubeseal writes it, counts as what
/// the object was sealed for; else the name and namespace in its file. Reports all of them
/// together: as an error (kInvalid), or as warnings when `options().refuse_moved_sealed_secrets` is
/// off.
Result<void> check_sealed_scopes(const ResMap& resources, BuildContext& context);

}  // namespace sluice::kustomize
