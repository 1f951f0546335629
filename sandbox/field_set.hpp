#pragma once
/// Sets of fields of a document, as FieldsV1 of metadata.managedFields writes them
/// (structured-merge-diff, fieldpath).

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/yaml/document.hpp"

#include "sandbox/types.hpp"

namespace sluice::sandbox {

/// One step of a path. Ordered as FieldsV1 is: fields, keys, values, indexes.
struct PathElement {
  enum class Kind : std::uint8_t { kField, kKey, kValue, kIndex };
  Kind kind = Kind::kField;
  /// The field's name; for a key the JSON object of key fields with sorted names; for a value its
  /// JSON; for an index its digits.
  std::string text;
  friend auto operator<=>(const PathElement&, const PathElement&) = default;
  /// ".spec", "[name=\"x\"]", "[=1]", "[0]": as conflicts print it.
  std::string print() const;
};

/// A set of paths, kept as a tree. A node that is neither member nor has children does not exist
/// below the root.
class FieldSet {
 public:
  bool member = false;  ///< the path to here is in the set; "." in FieldsV1 when it has children
  std::map<PathElement, FieldSet> children;

  bool empty() const { return !member && children.empty(); }
  FieldSet& child(PathElement element) { return children[std::move(element)]; }
  const FieldSet* find(const PathElement& element) const;
  void insert(const std::vector<PathElement>& path);
  void erase(const std::vector<PathElement>& path);        ///< the path alone, not what is below
  void erase_below(const std::vector<PathElement>& path);  ///< the path and all below

  void unite(const FieldSet& other);
  void subtract(const FieldSet& other);
  FieldSet intersection(const FieldSet& other) const;
  friend bool operator==(const FieldSet&, const FieldSet&) = default;

  /// Paths as conflicts print them, in order.
  std::vector<std::string> print() const;

  std::string json() const;  ///< FieldsV1
  /// nullptr-safe: what cannot be read is left out, as kube-apiserver does with a broken entry.
  static FieldSet from_json(yaml::Node fields_v1);
};

PathElement field_element(std::string_view name);

/// The path element of an item of a kSet or kMap list. A key that the item omits and that has no
/// default is left out.
PathElement item_element(const Type& list, yaml::Node item);

/// All fields that `value` sets (typed ToFieldSet), for a server-side apply.
FieldSet fields_of(const Type& type, yaml::Node value);

/// What changed from `before` to `after` (typed Compare).
struct Comparison {
  FieldSet added, modified, removed;
  bool same() const { return added.empty() && modified.empty() && removed.empty(); }
};
Comparison compare(const Type& type, yaml::Node before, yaml::Node after);

/// `set` plus every struct field on the way to its members (EnsureNamedFieldsAreMembers).
FieldSet with_named_fields(const FieldSet& set, const Type& type);

}  // namespace sluice::sandbox
