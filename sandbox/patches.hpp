#pragma once
/// The patch types besides server-side apply: RFC 6902, RFC 7386, and Kubernetes' strategic merge
/// patch (lists merge by patchMergeKey; directives $patch, $retainKeys, $setElementOrder,
/// $deleteFromPrimitiveList).

#include "sandbox/failure.hpp"
#include "sandbox/types.hpp"

namespace sluice::sandbox {

/// Failures: 400 for a malformed patch, 422 when an operation does not apply ("test" failed).
Answer<void> json_patch(yaml::Document& target, yaml::Node patch, const Named& what);
void merge_patch(yaml::Ref target, yaml::Node patch);
Answer<void> strategic_merge_patch(const Type& type, yaml::Ref target, yaml::Node patch);

}  // namespace sluice::sandbox
