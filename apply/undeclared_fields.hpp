#pragma once
/// Fields that the API server's schema does not have. Flux takes built-in kinds through Go types
/// and so drops them without a word; server-side apply refuses them. To stay compatible they are
/// dropped when the server names them.

#include <string_view>

#include "sluice/base/object_id.hpp"
#include "sluice/yaml/document.hpp"

namespace sluice::apply {

/// Removes from `body` what `message` ("….spec.foo: field not declared in schema") names. false
/// when nothing was removed.
bool drop_undeclared(yaml::Ref body, const Gvk& gvk, std::string_view message);

}  // namespace sluice::apply
