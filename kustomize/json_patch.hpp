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
  /// Errors: kInvalid; "json: cannot unmarshal object into Go value of type jsonpatch.Patch" for
  /// other YAML.
  static Result<JsonPatch> parse(std::string_view text);

  bool empty() const { return size() == 0; }
  std::size_t size() const { return operations_.root().size(); }

  /// False: no operation reads or changes anything of the top-level field "metadata".
  bool sees_metadata() const;

  /// Applies all operations to the resource `root`, whose values make the round trip through JSON
  /// that kustomize's make (json_round_trip.hpp).
  /// Errors: kInvalid worded as the engine's; kUnsupported for a `test` of an encrypted leaf, and
  /// for operations that pass more items than kMaxPassed (growth.hpp) on the way to theirs. After
  /// an error `root` is in an unspecified state.
  Result<void> apply(yaml::Ref root) const;

 private:
  yaml::Document operations_;  // a sequence of mappings
  bool is_json_text_ = false;
};

}  // namespace sluice::kustomize
