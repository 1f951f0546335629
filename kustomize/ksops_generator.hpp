#pragma once
/// KSOPS generators in `generators:`, done in process: no program runs and no flag is needed. What
/// the encrypted files hold becomes resources with encrypted leaves, which print redacted unless
/// plaintext is asked for, and whose name suffixes are those of the plaintext (docs/adr/0030).

#include <functional>

#include "sluice/base/result.hpp"

#include "steps.hpp"

namespace sluice::kustomize {

/// `kind: ksops` of the group viaduct.ai, in any version.
bool is_ksops(const BuildResource& config);

/// Errors of the result when called: KSOPS's, behind "unable to generate manifests: ".
std::function<Result<Resources>()> configure_ksops(const BuildResource& config,
                                                   const StepContext& context);

}  // namespace sluice::kustomize
