#pragma once
/// Where a value is inside a file, in the notation of `sops --extract`: `["a"]['b'][0]`.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sluice/base/result.hpp"

namespace sluice::decrypt {

/// Error::reason() of a path that cannot be read.
inline constexpr std::string_view kReasonPath = "value path";

/// A key of a mapping, or an index of a list.
using PathPart = std::variant<std::string, std::int64_t>;
using ValuePath = std::vector<PathPart>;

/// Follows cmd/sops/main.go, parseTreePath: a key cannot hold "[". "" is the whole file. Errors:
/// kInvalid with kReasonPath.
Result<ValuePath> parse_value_path(std::string_view text);

/// The notation again, for messages.
std::string value_path_text(const ValuePath& path);

}  // namespace sluice::decrypt
