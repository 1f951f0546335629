#pragma once
/// Strategic merge patches as kustomize merges them (kyaml/yaml/merge2 and walk), with list items
/// of the patch placed first. Not the API server's algorithm: there is no retainKeys, no
/// $setElementOrder, no $deleteFromPrimitiveList; lists without merge strategy are replaced.
/// Encrypted leaves are carried like scalars and never read.

#include "sluice/base/result.hpp"
#include "sluice/yaml/document.hpp"

#include "kustomize/schema.hpp"

namespace sluice::kustomize {

enum class Merged : std::uint8_t { kKept, kDeleted };

/// Merges `patch` into `target`, both roots of resources. kDeleted: the patch says that the whole
/// resource goes; `target` is then in an unspecified state.
/// Errors: kInvalid worded as kyaml's ("wrong node kind: …", "unknown patch strategy 'x'").
/// Thread-safe for distinct targets; `patch` is not changed.
Result<Merged> strategic_merge(yaml::Ref target, yaml::Node patch, const Schema& schema);

}  // namespace sluice::kustomize
