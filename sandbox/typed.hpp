#pragma once
/// Documents held against their type: what decoding into Go structs does for built-in kinds, what
/// structural schemas do for custom resources.

#include <string>
#include <vector>

#include "sandbox/failure.hpp"
#include "sandbox/types.hpp"

namespace sluice::sandbox {

/// Removes fields that the type does not have; their paths ("spec.containers[0].imag") go to
/// `unknown`.
void drop_unknown(const Type& type, yaml::Ref value, std::vector<std::string>& unknown);

/// A value of the wrong JSON type, worded as Go's decoder ("json: cannot unmarshal string into Go
/// struct field DeploymentSpec.spec.replicas of type int32"); "" when all fit. Built-in kinds.
std::string type_mismatch(const Type& type, yaml::Node value);

/// A field that server-side apply cannot place: ".spec.foo: field not declared in schema", or an
/// item that is there twice; "" when there is none.
std::string untyped_field(const Type& type, yaml::Node value);

/// What Go prints for a decoded struct: no empty values but those that it always prints, quantities
/// in their canonical form; and the defaults of the type.
void normalize_builtin(const Type& type, yaml::Ref value);

/// What an empty object of a built-in kind prints before it is filled: `before` of the first
/// update.
yaml::Document zero_object(const Type& type);

/// Defaults of a structural schema, in place.
void set_schema_defaults(const Type& type, yaml::Ref value);
/// Holds `value` against a structural schema; `path` is "" at the root.
void check_schema(const Type& type, yaml::Node value, const std::string& path, FieldErrors& errors);

}  // namespace sluice::sandbox
