#pragma once
/// JSON patches (RFC 6902) with the quirks and error texts of gopkg.in/evanphx/json-patch.v4 4.13,
/// the engine of kustomize. Encrypted leaves can be added, removed, moved and copied; a `test` that
/// would have to read one is refused.

#include <string_view>

#include "sluice/base/result.hpp"
#include "sluice/yaml/document.hpp"

namespace sluice::kustomize {

class JsonPatch {
 public:
  /// From YAML or JSON text (a text that starts with '[' must be JSON, as kustomize decides).
  /// Errors: kInvalid with the text of Go's decoder.
  static Result<JsonPatch> parse(std::string_view text);

  bool empty() const { return size() == 0; }
  std::size_t size() const { return operations_.root().size(); }

  /// Applies all operations to the resource `root`, then gives its numbers what a trip through Go's
  /// float64 gives them (2^53+1 becomes 2^53; only patched resources suffer this).
  /// Errors: kInvalid worded as the engine's; kUnsupported for a `test` of an encrypted leaf.
  Result<void> apply(yaml::Ref root) const;

 private:
  yaml::Document operations_;  // a sequence of mappings
};

/// What Go's encoding/json makes of every value below `root` decoded into interface{} and encoded
/// again: numbers become float64.
void round_numbers_as_json(yaml::Ref root);

}  // namespace sluice::kustomize
