#pragma once
/// The places of what every build does at its end (trace.hpp, trace_last_step): no field of a
/// kustomization file asks for it, but an entry of one made it necessary.

#include "kustomize/accumulator.hpp"
#include "kustomize/build_context.hpp"
#include "kustomize/trace.hpp"

namespace sluice::kustomize {

/// Of a name suffix: the entry that made the object.
PlaceOf place_of_suffix();

/// Of a reference: the step that last renamed the object which it names. Only while `resources`
/// lives, with the names that its objects have now.
PlaceOf place_of_rename(const ResMap& resources);

/// Of a var's value: the var's entry. Only while both arguments live.
PlaceOf place_of_var(const Accumulator& all, BuildContext& context);

}  // namespace sluice::kustomize
