#pragma once
/// What Go's encoding/json says of text that is no JSON (its scanner.go), for messages that users
/// compare with kustomize's.

#include <string>
#include <string_view>

namespace sluice::kustomize {

/// "invalid character 'x' after array element", "unexpected end of JSON input"; "" for one JSON
/// value. Linear, not recursive.
std::string go_json_error(std::string_view text);

}  // namespace sluice::kustomize
