#pragma once
/// Keys of a resource that kustomize can hold and cannot print: those that stand twice in a
/// mapping, and those that are collections, as in `{{ name }}` of a template without quotes.
///
/// kustomize (kyaml/yaml/rnode.go) holds resources as trees in which both of two entries stay,
/// works with the first one, and refuses such keys when it decodes what it printed: at the end, or
/// for a JSON patch. What was dropped or replaced until then does not matter. The reader keeps them
/// likewise (ReadOptions::keep_repeated) and these functions do the rest. None of them is called
/// for a document whose has_odd_keys() is false.

#include "sluice/base/result.hpp"
#include "sluice/yaml/document.hpp"

#include "kustomize/build_context.hpp"

namespace sluice::kustomize {

/// go-yaml's error for the first collection that is a key, kInvalid "yaml: invalid map key: …", or
/// else for all mappings that have a key twice, at the place of the first such key: "yaml:
/// unmarshal errors:\n  line 3: mapping key "a" already defined at line 2". Lines are those of the
/// file.
Result<void> refuse_odd_keys(yaml::Node root, const BuildContext& context);

/// Leaves the last of each in a mapping of scalars: what kustomize sets when it has read all
/// annotations, or labels, into a map.
void keep_last_keys(yaml::Ref mapping);

/// The first two `metadata.annotations` as one, as kustomize leaves them behind when it writes
/// them: the first is taken out and its entries are set in the second.
void join_repeated_annotations(yaml::Ref root);

}  // namespace sluice::kustomize
