#pragma once
/// The objects of a build while it runs, and how they are found.
///
/// Mirrors kustomize api/resmap and api/resource, with two changes: what kustomize keeps in
/// `internal.config.kubernetes.io/*` annotations is a field of BuildResource, and every look-up
/// goes through a hash index, so that no step is quadratic in the number of resources.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sluice/base/object_id.hpp"
#include "sluice/base/result.hpp"
#include "sluice/yaml/document.hpp"

#include "resource_index.hpp"

namespace sluice::kustomize {

class Schema;
struct Trace;
/// Known to be cluster-scoped by the schema in force (schema.cpp); unknown kinds are namespaced.
bool is_cluster_scoped(const Schema& schema, const Gvk& gvk);

/// kustomize's words for ids in messages: "Deployment.v1.apps", "ConfigMap.v1.[noGrp]".
std::string gvk_text(const Gvk& gvk);
/// "Deployment.v1.apps/name.ns", "ConfigMap.v1.[noGrp]/name.[noNs]".
std::string id_text(const ObjectId& id);
/// True when every non-empty field of `selector` equals that of `gvk` (resid.Gvk.IsSelected).
bool is_selected(const Gvk& gvk, const Gvk& selector);
/// The namespace for comparisons: "" is "default"; one word for everything cluster-scoped.
std::string_view effective_namespace(std::string_view ns, bool cluster_scoped);

enum class Behavior : std::uint8_t { kUnspecified, kCreate, kReplace, kMerge };
/// "create", "replace", "merge" or "unspecified".
std::string_view behavior_name(Behavior behavior);
Behavior parse_behavior(std::string_view word);

/// What a resource was called before a change. Group and version are always the current ones.
struct PreviousId {
  std::string name;
  std::string ns;  ///< effective
  std::string kind;
};

/// Where a resource, generator or transformer came from (buildMetadata).
struct Origin {
  std::string path, repo, ref;
  std::string configured_in;
  std::string by_api_version, by_kind, by_name, by_namespace;
};

/// One object during a build.
struct BuildResource {
  yaml::Document doc;

  ObjectId id;  ///< as in `doc`; refreshed by ResMap::changed() or read_id()
  bool cluster_scoped = false;
  std::vector<PreviousId> previous;  ///< oldest first
  std::vector<std::string> prefixes, suffixes;
  std::vector<std::string> ref_vars;  ///< names of vars that point here
  bool needs_hash = false;
  Behavior behavior = Behavior::kUnspecified;
  bool allow_name_change = false, allow_kind_change = false;  ///< of a patch
  bool helm_generated = false;
  bool generated = false;    ///< by a generator, which kustomize notes together with `behavior`
  bool check_types = false;  ///< a replacement wrote here: see check_types() before printing
  /// kustomize would hold an annotation of its own in this object, so that `metadata.annotations`
  /// exists for it. Set on load when the user wrote one.
  bool had_build_annotation = false;
  /// Some nodes of `doc` have several parents, as in kustomize (set_labels): a change shows in all.
  bool shares_nodes = false;
  std::optional<Origin> origin;  ///< as first written into the annotation (origin.hpp)
  std::shared_ptr<Trace> trace;  ///< what the layers did (trace.hpp); null unless asked for

  yaml::Ref root() { return doc.root(); }
  yaml::Node root() const { return doc.root(); }
  std::string_view ns() const { return effective_namespace(id.ns, cluster_scoped); }
  std::string_view original_name() const {
    return previous.empty() ? std::string_view(id.name) : previous.front().name;
  }
  /// Effective.
  std::string_view original_ns() const {
    return previous.empty() ? ns() : std::string_view(previous.front().ns);
  }
  std::string_view original_kind() const {
    return previous.empty() ? std::string_view(id.gvk.kind) : previous.front().kind;
  }
  /// Current group and version with the original kind, name and namespace.
  ObjectId original_id() const;
  Gvk original_gvk() const { return {id.gvk.group, id.gvk.version, std::string(original_kind())}; }
  /// Appends the current id to `previous`, as kustomize's StorePreviousId, which also makes the
  /// metadata that a list may lack. Call before the change.
  void store_previous_id();
  /// True when kustomize's own annotations would be in `metadata.annotations` now.
  bool has_build_annotations() const;
  /// A name, namespace or kind was empty for a while or has a comma: kustomize keeps former ones in
  /// lists with commas, which are not of one length then, and cannot read them.
  bool has_odd_history() const;
  /// No content left: a patch deleted it ($patch: delete). Such resources are dropped by
  /// ResMap::drop_empty().
  bool is_empty() const;

 private:
  friend class ResMap;
  std::size_t position_ = 0;  // in its map
  std::size_t id_key_ = 0;    // under which its map has it
  std::size_t indexed_previous_ = 0;
  std::vector<std::size_t> any_keys_;  // the same for the lazy indexes; empty when not indexed
};

/// Reads id and cluster_scoped from the document.
void read_id(BuildResource& resource, const Schema& schema);

/// Ordered resources with unique current ids.
class ResMap {
 public:
  explicit ResMap(const Schema& schema) : schema_(&schema) {}
  ResMap(ResMap&&) noexcept = default;
  ResMap& operator=(ResMap&&) noexcept = default;

  std::size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }
  BuildResource& operator[](std::size_t index) { return *items_[index]; }
  const BuildResource& operator[](std::size_t index) const { return *items_[index]; }
  /// Resources in order; pointers stay valid until a resource is dropped or replaced.
  const std::vector<std::unique_ptr<BuildResource>>& items() const { return items_; }
  const Schema& schema() const { return *schema_; }
  /// An equal one, which outlives this.
  void set_schema(const Schema& schema) { schema_ = &schema; }

  /// Errors: kInvalid "may not add resource with an already registered id: …".
  Result<void> append(std::unique_ptr<BuildResource> resource);
  /// Moves all of `other` to the end.
  Result<void> append_all(ResMap&& other);
  /// Puts `resource` in the place of `old`, which is destroyed.
  void replace(BuildResource& old, std::unique_ptr<BuildResource> resource);
  /// Drops resources for which is_empty(). O(1) unless one became so.
  void drop_empty();
  /// Drops those for which `unwanted` says so.
  template <class Predicate>
  void drop_if(Predicate unwanted) {
    bool dropped = false;
    for (auto& item : items_) {
      if (!unwanted(*item)) continue;
      drop(item);
      dropped = true;
    }
    if (dropped) compact();
  }
  /// New order: the same resources, as given by their old indexes.
  void reorder(const std::vector<std::size_t>& order);

  /// Must be called after a resource's apiVersion, kind, name, namespace or `previous` changed.
  /// Reads the id from the document. O(1). Two resources may have one id for a while; see
  /// check_unique().
  void changed(BuildResource& resource);
  /// Must be called when a resource lost all of its content; its id is that of before.
  void emptied() { has_empty_ = true; }
  /// Errors as append() for the first resource whose id an earlier one has. O(1) unless an id
  /// changed to one that was there.
  Result<void> check_unique() const;

  // --- Look-ups. Results are in the order of the map. Each costs O(answers).
  /// Resources whose current id equals `id` (namespaces compared by effect).
  std::vector<BuildResource*> by_current_id(const ObjectId& id) const;
  /// Resources that have or had `id`. The namespace of `id` counts by effect.
  std::vector<BuildResource*> by_any_id(const ObjectId& id) const;
  /// Resources that have or had `gvk` and `name` in any namespace (resid.GvknEquals).
  std::vector<BuildResource*> by_any_gvk_name(const Gvk& gvk, std::string_view name) const;
  /// Resources whose current or any previous name is `name`: a superset for selectors with a
  /// literal name.
  std::vector<BuildResource*> by_any_name(std::string_view name) const;
  /// Resources whose current kind is `kind`. Valid until the map or a kind changes.
  const std::vector<BuildResource*>& by_kind(std::string_view kind) const;
  /// Position in the map. O(1).
  std::size_t index_of(const BuildResource& resource) const;

 private:
  void index_id(BuildResource& resource);
  void index_all(BuildResource& resource) const;
  void unindex(BuildResource& resource);
  void ensure_index() const;
  void drop(std::unique_ptr<BuildResource>& item);
  void compact();
  template <class Accept>
  std::vector<BuildResource*> lookup(const ResourceIndex& index, std::size_t key,
                                     Accept accept) const;

  const Schema* schema_;
  std::vector<std::unique_ptr<BuildResource>> items_;
  // By hashes: the caller compares. The index of current ids is always up to date; those of all
  // names and ids, and of kinds, are made at the first look-up.
  ResourceIndex by_id_;
  mutable bool may_repeat_ = false;  // two resources may have one id
  bool has_empty_ = false;           // there may be resources without content
  mutable ResourceIndex by_any_;
  mutable bool indexed_ = false;
  mutable std::unordered_map<std::string, std::vector<BuildResource*>> by_kind_;
  mutable bool kinds_valid_ = false;
};

}  // namespace sluice::kustomize
