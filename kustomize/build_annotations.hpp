#pragma once
/// The annotations in which kustomize notes what it does to an object
/// (api/internal/utils/annotations.go). sluice keeps these notes beside the document
/// (BuildResource); where kustomize's own would be seen or written to, they are put into it for a
/// moment.

#include "sluice/yaml/document.hpp"

#include "kustomize/res_map.hpp"

namespace sluice::kustomize {

/// Puts the notes into `annotations`, a mapping.
void put_build_annotations(yaml::Ref annotations, const BuildResource& resource);
/// A copy of the document, with them.
yaml::Document with_build_annotations(const BuildResource& resource);

/// The notes stand in the document of `resource` as long as this lives. Does nothing when there are
/// none. Whatever is done to the document meanwhile, they are gone afterwards, and metadata and its
/// annotations with them when nothing else is in there.
class BuildAnnotationsShown {
 public:
  explicit BuildAnnotationsShown(BuildResource& resource);
  BuildAnnotationsShown(const BuildAnnotationsShown&) = delete;
  BuildAnnotationsShown& operator=(const BuildAnnotationsShown&) = delete;
  ~BuildAnnotationsShown();

 private:
  BuildResource* resource_;  // null: nothing was put
};

/// Leaves metadata.labels or metadata.annotations (`name`) as kustomize does when it reads all
/// entries and sets them again: every value a string, keys as new_key() makes them, a list taken
/// for keys and values in turn, of a key that stands twice the last entry, nothing of an empty one.
/// With `in_new_nodes` no value stays the node that another field may share. False when a key has
/// no text: kustomize stops there, an empty mapping is left, and most of its callers do not tell.
/// Errors: kInvalid for an odd list, where it crashes.
Result<bool> rewrite_metadata(yaml::Ref metadata, std::string_view name, bool in_new_nodes = false);

}  // namespace sluice::kustomize
