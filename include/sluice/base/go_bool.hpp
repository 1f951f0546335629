#pragma once
/// Booleans as Go's strconv.ParseBool reads them: flags, query parameters, annotations, SOPS.

#include <optional>
#include <string_view>

namespace sluice {

/// 1, t, T, TRUE, true, True and 0, f, F, FALSE, false, False; nullopt for anything else.
inline std::optional<bool> parse_go_bool(std::string_view text) {
  for (const std::string_view word : {"1", "t", "T", "TRUE", "true", "True"}) {
    if (text == word) return true;
  }
  for (const std::string_view word : {"0", "f", "F", "FALSE", "false", "False"}) {
    if (text == word) return false;
  }
  return std::nullopt;
}

}  // namespace sluice
