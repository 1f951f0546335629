#pragma once
/// What a plain scalar means to go-yaml (v3 resolve.go, v2 resolve.go), and numbers as Go prints
/// them.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sluice/yaml/document.hpp"
#include "sluice/yaml/read.hpp"

namespace sluice::yaml {

/// Kind of the plain scalar `text`.
Kind resolve_plain(std::string_view text, Schema schema);

/// go-yaml's short tag of a scalar's kind, "!!int"; "!!str" of all that it has no other for.
std::string_view short_tag(Kind kind);

/// YAML 1.1's 12:30:45, which go-yaml reads as a string but prints plain only as what it has read.
bool is_base60(std::string_view text);

/// Value of a kInt text in any of go-yaml's notations; nullopt when it does not fit.
std::optional<std::int64_t> int64_value(std::string_view text);
std::optional<std::uint64_t> uint64_value(std::string_view text);
/// Value of a kFloat or kInt text (".inf", "1_000.5", "1e3").
std::optional<double> float_value(std::string_view text);
/// Value of a kBool text.
std::optional<bool> bool_value(std::string_view text, Schema schema);

/// Go's strconv.FormatFloat(value, 'g', -1, 64) and 'f'.
std::string format_float_g(double value);
std::string format_float32_g(float value);  ///< with bit size 32: sigs.k8s.io/yaml's float keys
std::string format_float_f(double value);
/// How encoding/json prints a float64 (ES6 style: 'f' unless < 1e-6 or >= 1e21).
std::string format_float_json(double value);

/// A kTimestamp text as RFC 3339 with nanoseconds, as time.Time prints in JSON; nullopt when it is
/// none.
std::optional<std::string> timestamp_rfc3339(std::string_view text);

}  // namespace sluice::yaml
