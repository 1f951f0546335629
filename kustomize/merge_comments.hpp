#pragma once
/// Merge rules in YAML comments (kyaml/fieldmeta, go-yaml v3's placement of comments): a comment
/// that is an OpenAPI schema in JSON overrides the schema of the field it belongs to, as in
///
///     items: # {"type": "array", "x-kubernetes-patch-strategy": "merge"}
///
/// It stands behind the key of a block collection, behind the end of a flow collection, or alone on
/// the line above a key or list item. Other comments are not looked at, and those of scalars have
/// no effect.

#include <span>
#include <string_view>

#include "sluice/base/result.hpp"
#include "sluice/yaml/document.hpp"

#include "schema.hpp"

namespace sluice::kustomize {

/// Tags the nodes of `documents`, read from `text`, with the numbers of their rules in `schema`.
/// One search for '#' when there are none. Errors: kUnsupported for more rules than tags.
/// Thread-safe.
Result<void> tag_merge_rules(std::string_view text, std::span<yaml::Document> documents,
                             const Schema& schema);

}  // namespace sluice::kustomize
