#pragma once
/// Durations as Go's time package reads and prints them: "59m30s", "1h0m0s", "1.5s", "250ms".

#include <string>
#include <string_view>

#include "sluice/base/clock.hpp"
#include "sluice/base/result.hpp"

namespace sluice {

/// Errors: kInvalid, worded as time.ParseDuration: `time: invalid duration "x"`.
Result<Duration> parse_go_duration(std::string_view text);
/// time.Duration.String().
std::string format_go_duration(Duration duration);

}  // namespace sluice
