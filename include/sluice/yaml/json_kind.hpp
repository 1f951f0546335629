#pragma once
/// What encoding/json calls a value in "json: cannot unmarshal KIND into …".

#include <string_view>

#include "sluice/yaml/document.hpp"

namespace sluice::yaml {

/// "object", "array", "bool", "number", "null" or "string".
inline std::string_view json_kind(Node node) {
  switch (node.kind()) {
    case Kind::kMapping:
      return "object";
    case Kind::kSequence:
      return "array";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
    case Kind::kFloat:
      return "number";
    case Kind::kNull:
      return "null";
    default:
      return "string";
  }
}

}  // namespace sluice::yaml
