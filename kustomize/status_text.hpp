#pragma once
/// The names of HTTP's answers, as Go's http.StatusText has them.

#include <string_view>

namespace sluice::kustomize {

/// "" for a status without a name.
std::string_view http_status_text(int status);

}  // namespace sluice::kustomize
