#pragma once
/// The deprecated `vars`: $(NAME) in known fields becomes the value of a field of some resource
/// (api/internal/accumulator/resaccumulator.go ResolveVars, api/filters/refvar).

#include "sluice/base/result.hpp"

#include "accumulator.hpp"
#include "build_context.hpp"

namespace sluice::kustomize {

/// Errors: kInvalid "var '…' cannot be mapped to a field in the set of known resources",
/// "considering field …"; kUnsupported when the value is encrypted. Warns of vars that nothing
/// uses.
Result<void> resolve_vars(Accumulator& all, BuildContext& context);

}  // namespace sluice::kustomize
