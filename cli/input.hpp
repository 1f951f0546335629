#pragma once
/// Reading what a command is given: a file, or standard input.

#include <cstddef>
#include <string>

#include "sluice/base/byte_sink.hpp"
#include "sluice/base/result.hpp"

namespace sluice::cli {

/// Appends all of the file `path`, or of standard input where it is "", to `out`; no ordinary
/// memory sees it in between. `shown` names it in messages. Errors: those of system_error,
/// kUnsupported past `limit` bytes.
Result<void> read_input(const std::string& path, const std::string& shown, std::size_t limit,
                        ByteSink& out);

}  // namespace sluice::cli
