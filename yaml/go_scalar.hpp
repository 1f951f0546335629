#pragma once
/// A scalar's value as Go prints it, shared by both writers. Private to the module.

#include <string>
#include <string_view>

#include "sluice/base/result.hpp"
#include "sluice/yaml/document.hpp"

namespace sluice::yaml {

struct GoScalar {
  bool is_text;           ///< a string to quote as needed; else a token to print as it is
  std::string_view text;  ///< of the node, of `scratch`, or constant
};

enum class NumberForm : std::uint8_t {
  kJson,             ///< as encoding/json prints it
  kYamlThroughJson,  ///< as go-yaml v2 prints what it read from that JSON
};

/// What `kind` and `text` (of any scalar kind but kEncrypted) print as. `scratch` holds what is not
/// in `text` already. Errors: kInvalid, in encoding/json's words, for infinities, NaN and zones
/// that RFC 3339 has not.
Result<GoScalar> go_scalar(Kind kind, std::string_view text, NumberForm form, std::string& scratch);

/// True for a scalar of a flow collection that kustomize turns into the string of its text: it
/// prints a resource and reads it again on the way out, and there go-yaml v3 puts a plain scalar
/// with a ':' (a time of day) or without any text (`{a: , b}`) between quotes.
inline bool is_quoted_in_flow(Node scalar) {
  const std::string_view text = scalar.text();
  if (scalar.kind() == Kind::kTimestamp) return text.find(':') != std::string_view::npos;
  return scalar.is_null() && text.empty() && scalar.style() == Style::kPlain;
}

/// The place of `node` for an error.
Where where_of(Node node);

}  // namespace sluice::yaml
