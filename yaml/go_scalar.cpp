#include "go_scalar.hpp"

#include <cmath>

#include "sluice/base/encoding.hpp"
#include "sluice/yaml/scalar.hpp"

namespace sluice::yaml {
namespace {

/// Digits as Go prints an int64: nothing to do for nearly all integers.
bool is_canonical_int(std::string_view text) {
  if (text.starts_with('-')) {
    text.remove_prefix(1);
    if (text == "0") return false;
  }
  if (text.empty() || text.size() > 18 || (text[0] == '0' && text.size() > 1)) return false;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
  }
  return true;
}

/// True when `text` was an integer of 64 bits; `scratch` is its decimal form.
bool print_int(std::string_view text, std::string& scratch) {
  if (const auto value = int64_value(text)) {
    scratch = std::to_string(*value);
    return true;
  }
  if (const auto value = uint64_value(text)) {
    scratch = std::to_string(*value);
    return true;
  }
  return false;
}

Result<GoScalar> print_float(double value, NumberForm form, std::string& scratch) {
  if (!std::isfinite(value)) {
    return fail(Code::kInvalid, "json: unsupported value: " + format_float_g(value));
  }
  scratch = format_float_json(value);
  if (form == NumberForm::kJson) return GoScalar{false, scratch};
  // 1.0 became 1 in the JSON, which go-yaml then reads as an integer.
  if (scratch.find_first_of(".e") != std::string::npos || !print_int(scratch, scratch)) {
    scratch = format_float_g(value);
  }
  return GoScalar{false, scratch};
}

}  // namespace

Result<GoScalar> go_scalar(Kind kind, std::string_view text, NumberForm form,
                           std::string& scratch) {
  switch (kind) {
    case Kind::kNull:
      return GoScalar{false, "null"};
    case Kind::kBool:
      // v2's words include v3's.
      return GoScalar{false, bool_value(text, Schema::kV2).value_or(false) ? "true" : "false"};
    case Kind::kInt:
      if (is_canonical_int(text)) return GoScalar{false, text};
      if (print_int(text, scratch)) return GoScalar{false, scratch};
      [[fallthrough]];  // more than 64 bits: Go reads a float
    case Kind::kFloat:
      if (const auto value = float_value(text)) return print_float(*value, form, scratch);
      return fail(Code::kInvalid, "json: invalid number literal " + go_quote(text));
    case Kind::kTimestamp: {
      auto time = timestamp_rfc3339(text);
      if (!time) return GoScalar{true, text};
      scratch = *std::move(time);
      const std::size_t zone = scratch.size() - 5;  // "24" of "+24:00"
      if (scratch.back() != 'Z' && scratch.compare(zone, 2, "24") >= 0) {
        return fail(
            Code::kInvalid,
            "json: error calling MarshalJSON for type time.Time: Time.MarshalJSON: timezone "
            "hour outside of range [0,23]");
      }
      return GoScalar{true, scratch};
    }
    case Kind::kBinary:
      if (auto bytes = base64_decode(text)) {
        scratch = *std::move(bytes);
        return GoScalar{true, scratch};
      }
      return fail(Code::kInvalid, "yaml: !!binary value contains invalid base64 data");
    default:
      return GoScalar{true, text};
  }
}

Where where_of(Node node) {
  return {"", node.position().line(), node.position().column()};
}

}  // namespace sluice::yaml
