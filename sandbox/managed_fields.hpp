#pragma once
/// Who owns which field, and server-side apply: structured-merge-diff's updater with the field
/// manager layers of kube-apiserver (stripping of metadata, entries per manager, operation and
/// subresource, at most ten updaters).

#include <optional>
#include <string>
#include <vector>

#include "sandbox/failure.hpp"
#include "sandbox/field_set.hpp"

namespace sluice::sandbox {

struct ManagerEntry {
  std::string manager;
  std::string operation;  ///< "Apply" or "Update"
  std::string api_version;
  std::string subresource;
  std::string time;  ///< RFC 3339, "" for none
  FieldSet fields;

  /// The same manager's entry: an applier keeps one whatever version it applies.
  bool same_manager(const ManagerEntry& other) const;
};

class ManagedFields {
 public:
  std::vector<ManagerEntry> entries;

  static ManagedFields read(yaml::Node object);
  /// `metadata.managedFields: [{}]`: the caller wants all ownership forgotten.
  static bool is_reset(yaml::Node object);
  /// Puts the entries into `object`'s metadata in kube-apiserver's order; none: removes the field.
  void write(yaml::Ref object) const;
  ManagerEntry* find(const ManagerEntry& like);
  bool same_but_times(const ManagedFields& other) const;
};

struct FieldManager {
  std::string manager;
  std::string api_version;
  std::string subresource;
  std::string time;  ///< now
};

/// Paths that no manager ever owns, and those that this request cannot set.
struct ResetFields {
  bool status = false;          ///< the main resource of a kind with a status subresource
  bool all_but_status = false;  ///< the status subresource
};

struct Applied {
  yaml::Document object;  ///< without managedFields
  ManagedFields managed;
  bool changed = false;  ///< the object differs from `live`
};

/// Server-side apply of `config` onto `live`. Both without managedFields. Refuses with 409 when
/// another manager owns a field that would change and `force` is off.
Answer<Applied> apply_fields(const Type& type, const yaml::Document& live,
                             const yaml::Document& config, ManagedFields managed,
                             const FieldManager& who, const ResetFields& reset, bool force);

/// What an update from `before` to `after` does to ownership.
ManagedFields update_fields(const Type& type, yaml::Node before, yaml::Node after,
                            ManagedFields managed, const FieldManager& who,
                            const ResetFields& reset);

/// The merge of server-side apply alone: `over` wins, lists merge by their keys.
yaml::NodeId merge_typed(yaml::Document& out, const Type& type, yaml::Node live, yaml::Node over);

}  // namespace sluice::sandbox
