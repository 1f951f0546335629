#pragma once
/// kyaml's PathGetter (kyaml/yaml/fns.go Lookup, LookupCreate): one node by a list of names,
/// indexes and `[field=value]` items.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "sluice/base/result.hpp"
#include "sluice/yaml/document.hpp"

namespace sluice::kustomize {

/// What to make of missing parts; intermediate nodes become mappings or sequences as the next part
/// needs.
enum class Create : std::uint8_t { kNothing, kScalar, kMapping, kSequence };

/// Parts are trimmed and empty ones skipped. A missing node is no error: the result is then a
/// missing Ref. A scalar created on the way is a null with text "". Errors: kInvalid ("wrong node
/// kind: …", "wildcard is not supported in PathGetter", …).
Result<yaml::Ref> get_path(yaml::Ref root, std::span<const std::string> parts,
                           Create create = Create::kNothing);

/// The words of a path that are no field names.
bool is_list_index(std::string_view part);  ///< "[name=x]"
bool is_index_number(std::string_view part);
/// "name=x" in its two halves. Error: kInvalid when there is no '='.
Result<std::pair<std::string, std::string>> split_list_index(std::string_view part);
/// What a node must become so that `next` ("" at the end) can be looked up in it.
Create kind_for(std::string_view next, Create last);
/// A new node of that kind in `document`.
yaml::NodeId new_node(yaml::Document& document, Create kind);

}  // namespace sluice::kustomize
