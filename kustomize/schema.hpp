#pragma once
/// What a build needs of the OpenAPI schema: how lists merge, and which kinds are cluster-scoped.
///
/// Follows kyaml/openapi. The built-in data are facts of Kubernetes v1.21.2, the version kustomize
/// embeds, cut down to the types from which a merging list can be reached (schema_table.inc,
/// written by tools/schema_table.py). Never validates.

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sluice/base/object_id.hpp"
#include "sluice/base/result.hpp"
#include "sluice/yaml/document.hpp"

namespace sluice::kustomize {

class Schema;

/// The schema of one field or type; two words. A missing one knows nothing.
class SchemaNode {
 public:
  SchemaNode() = default;
  bool exists() const { return owner_ != nullptr; }
  SchemaNode field(std::string_view name) const;  ///< property, or the value of a free map
  SchemaNode elements() const;                    ///< of an array
  /// x-kubernetes-patch-strategy contains "merge".
  bool merges() const;
  /// Merge keys of a merging list; none for a list of scalars.
  std::vector<std::string> merge_keys() const;

 private:
  friend class Schema;
  enum class Shape : std::uint8_t { kType, kArray, kMap };  // as in schema.cpp
  const Schema* owner_ = nullptr;
  yaml::Node custom_;            // exists: a schema object of the custom document
  std::uint16_t type_ = 0;       // else: a built-in type …
  std::uint16_t field_row_ = 0;  // … or one row of the field table
  Shape shape_ = Shape::kType;
  SchemaNode resolve(yaml::Node schema) const;
  SchemaNode of_type(std::uint16_t type) const;
};

/// Copyable and cheap to make; thread-safe once set up.
class Schema {
 public:
  Schema();

  /// `openapi: {path: …}`: this document replaces the built-in types; scopes known for built-in
  /// kinds stay. Types that kustomize has loaded by then stay, too, but those of the document come
  /// first; when only the scope of an unknown kind was asked for before, kustomize loads them
  /// afterwards and they come first. Errors: kInvalid when it is no mapping.
  Result<void> use_custom(yaml::Document document);
  /// Back to the built-in types.
  void use_builtin();
  bool is_custom() const { return custom_ != nullptr; }
  /// As if what a copy was asked had been asked here.
  void take_questions(const Schema& copy) {
    if (copy.asked_for_unknown_.value) asked_for_unknown_.set();
    if (copy.loaded_.value) loaded_.set();
  }

  SchemaNode of(const Gvk& gvk) const;

  /// A schema that a comment gives: its number, to be a node's tag, or 0 when `text` is no schema
  /// or says nothing. Errors: kUnsupported past 65535 of them. Thread-safe.
  Result<std::uint16_t> add_comment(std::string_view text) const;
  SchemaNode of_comment(std::uint16_t number) const;  ///< missing for 0

  /// True only for kinds known to live outside namespaces. Unknown kinds are namespaced.
  bool is_cluster_scoped(const Gvk& gvk) const;

 private:
  friend class SchemaNode;
  std::shared_ptr<const yaml::Document> custom_;
  std::unordered_map<Gvk, yaml::NodeId> custom_types_;
  std::unordered_map<Gvk, bool> custom_scopes_;  // true: namespaced
  enum class Builtin : std::uint8_t { kNone, kFirst, kLast };
  Builtin builtin_ = Builtin::kFirst;  // beside custom_
  struct Flag {                        // set from any thread
    Flag() = default;
    Flag(const Flag& other) : value(other.value.load()) {}
    Flag& operator=(const Flag& other) {
      value = other.value.load();
      return *this;
    }
    std::atomic<bool> value{false};
    void set() {
      if (!value.load(std::memory_order_relaxed)) value.store(true, std::memory_order_relaxed);
    }
  };
  mutable Flag asked_for_unknown_;
  mutable Flag loaded_;  // the built-in types: a merge asked for one
  yaml::Node custom_type(std::string_view name) const;
  struct Comments;  // stay when the types are replaced
  std::shared_ptr<Comments> comments_;
};

/// What res_map.hpp declares for those that only have a forward declaration.
bool is_cluster_scoped(const Schema& schema, const Gvk& gvk);

}  // namespace sluice::kustomize
