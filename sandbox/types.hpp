#pragma once
/// The shape of documents: which fields a kind has, how its lists merge, what is filled in.
///
/// One model for both worlds: the built-in kinds (builtin_types.hpp) and the schemas of
/// CustomResourceDefinitions (crd_schema.hpp). Server-side apply, strategic merge, pruning,
/// defaults and OpenAPI all read it.

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/yaml/document.hpp"

namespace sluice::sandbox {

enum class Shape : std::uint8_t {
  kAny,  ///< unknown: maps merge, lists are atomic (structured-merge-diff's deduced type)
  kString,
  kBytes,  ///< a string of base64
  kTime,
  kBool,
  kInt32,
  kInt64,
  kNumber,
  kIntOrString,
  kQuantity,
  kMap,
  kList,
};

enum class ListKind : std::uint8_t { kAtomic, kSet, kMap };

struct Type;

struct Field {
  std::string name;
  const Type* type = nullptr;
  std::string wire;  ///< protobuf field number, "2.3" inside an inlined message; "" for none
  bool required = false;
  bool printed = false;      ///< Go prints it even when it is empty
  bool pointer = false;      ///< … as null
  bool drop_zero = false;    ///< Go does not print "", 0, false, {} or []
  bool merge = false;        ///< patchStrategy=merge
  bool retain_keys = false;  ///< patchStrategy=retainKeys
  std::string merge_key;     ///< patchMergeKey
  std::shared_ptr<const yaml::Document> default_value;
};

struct ListKey {
  std::string name;
  std::string default_json;  ///< "" : an item must have it
};

/// What a CRD schema demands besides the shape. Empty means: nothing.
struct Constraints {
  std::vector<std::string> enum_json;
  std::string pattern;
  std::string format;
  std::optional<double> minimum, maximum;
  bool exclusive_minimum = false, exclusive_maximum = false;
  std::optional<std::size_t> min_length, max_length, min_items, max_items, min_properties,
      max_properties;
};

struct Type {
  Shape shape = Shape::kAny;
  std::string name;     ///< of a built-in definition: "core.v1.Container"
  bool atomic = false;  ///< a map that one manager owns as a whole
  ListKind list_kind = ListKind::kAtomic;
  std::vector<Field> fields;      ///< of a struct, sorted by name
  const Type* element = nullptr;  ///< of a list, or of a map's values
  std::vector<ListKey> keys;      ///< of a kMap list
  bool preserve_unknown = false;
  bool embedded_resource = false;
  bool nullable = false;
  std::unique_ptr<Constraints> constraints;

  const Field* field(std::string_view field_name) const;
  /// Type of the value under `key` of a map or struct; the any type for unknown fields.
  const Type& at(std::string_view key) const;
  /// A struct that refuses or drops fields it does not have.
  bool closed() const { return shape == Shape::kMap && element == nullptr && !preserve_unknown; }
};

const Type& any_type();

/// Owns types that point to each other.
class TypeArena {
 public:
  Type& add() { return types_.emplace_back(); }

 private:
  std::deque<Type> types_;
};

/// How a value merges, decided by type and value: structured-merge-diff's deduceAtom.
enum class Merging : std::uint8_t { kLeaf, kMap, kList };
Merging merging(const Type& type, yaml::Node value);

}  // namespace sluice::sandbox
