#pragma once
/// metadata.managedFields: taking over the fields of other appliers, and what of an object's
/// metadata tells that somebody changed it. Follows fluxcd/pkg/ssa/patch.go.

#include <string>
#include <string_view>
#include <vector>

#include "sluice/apply/apply.hpp"
#include "sluice/yaml/document.hpp"

namespace sluice::apply {

/// JSON patch (a sequence) that removes what kubectl and old versions of Flux left on `live`: their
/// annotations and labels, and their field managers, whose fields become ours. An empty sequence
/// when there is nothing to do. The patch holds only for the resourceVersion of `live`.
yaml::Document cleanup_patch(yaml::Node live, const ApplyOptions& options);

/// JSON patch that writes `api_version` into every entry; empty when they all have it.
yaml::Document migrate_patch(yaml::Node live, std::string_view api_version);

/// The union of two FieldsV1 tries, written into `into`.
void merge_fields(yaml::Ref into, yaml::Node other);

/// A text that stays the same as long as nobody but status writers changed the object: of kinds
/// with metadata.generation, generation, labels, annotations and managed fields; of others the
/// resourceVersion. `live` may be metadata only.
std::string signature(yaml::Node live);

}  // namespace sluice::apply
