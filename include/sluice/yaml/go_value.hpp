#pragma once
/// A value as Go's fmt prints it in its own syntax (%#v), which go-yaml puts into messages about
/// keys that cannot be one: map[string]interface {}{".name":""}.

#include <string>

#include "sluice/yaml/document.hpp"
#include "sluice/yaml/read.hpp"

namespace sluice::yaml {

/// What go-yaml of `schema` has decoded from `value`, in Go's syntax. With v3, from the text that
/// it printed before: a null without text in a flow collection is the string "" then. Encrypted
/// values are "**SOPS**". Entries are in the order of their keys' texts.
std::string go_syntax(Node value, Schema schema);
/// What go-yaml v3 has decoded from `value`, as Go prints it by default (%v): map[a:1 b:[x y]].
std::string go_text(Node value);

}  // namespace sluice::yaml
