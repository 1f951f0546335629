#pragma once
/// What a trip from YAML to JSON to Go's map[string]interface{} and back to YAML makes of a
/// document. kustomize sends a resource on this trip when a JSON patch touches it, and the items of
/// a FooList on its first half.

#include "sluice/base/result.hpp"
#include "sluice/yaml/document.hpp"
#include "sluice/yaml/scalar.hpp"

namespace sluice::kustomize {

/// Gives every scalar the type and text that Go's json.Marshal prints for it. For v3, the text it
/// has after go-yaml printed the document. Errors: kInvalid "json: unsupported value: +Inf", "json:
/// unsupported type: map[interface {}]interface {}".
Result<void> to_json(yaml::Ref root, yaml::Schema schema);

/// The way back: numbers are float64 (2^53+1 becomes 2^53) and quoting is go-yaml's own. Errors:
/// kInvalid for a number past float64.
Result<void> from_json(yaml::Ref root);

/// As JSON text that is read as YAML again: integers stay exact and every string is a quoted one.
/// Errors: those of to_json().
Result<void> read_as_json(yaml::Ref root);

}  // namespace sluice::kustomize
