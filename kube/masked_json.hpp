#pragma once
/// JSON answers about secrets without the secrets. The answer lies in secret memory; what leaves it
/// is a text in which every value that may be secret is replaced by a keyed digest of it: equal
/// values have equal digests within this process, so that objects can still be compared.

#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/result.hpp"

namespace sluice::kube {

/// `json` is one object of the API. Kept as they are: apiVersion, kind, metadata (but for kubectl's
/// last-applied-configuration, which repeats the object) and status; everything else is masked.
/// Keys are never masked. Errors: kUnavailable when it is not JSON.
Result<std::string> mask_object(std::string_view json);
/// The same for each of `items` of a list.
Result<std::string> mask_list(std::string_view json);
/// `json` is a Status: its texts go through redact_status.
Result<std::string> mask_status(std::string_view json, const std::vector<std::string>& names);

}  // namespace sluice::kube
