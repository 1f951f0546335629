#pragma once
/// Field specs: which fields of which kinds a transformer changes.
///
/// Follows api/types/fieldspec.go, api/filters/fieldspec and api/filters/fsslice. A path is
/// `/`-separated (`\/` is a slash in a name); sequences on the way are entered item by item without
/// being named, and `name[]` says that the field must be a sequence. Never creates a sequence or
/// walks through a missing one.

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sluice/base/object_id.hpp"
#include "sluice/base/result.hpp"
#include "sluice/yaml/document.hpp"

namespace sluice::kustomize {

struct FieldSpec {
  Gvk gvk;  ///< empty parts match anything
  std::string path;
  bool create = false;
  friend bool operator==(const FieldSpec&, const FieldSpec&) = default;
};

/// Adds `incoming` to `specs` unless an entry that selects it has the same path. Error (kInvalid):
/// "conflicting fieldspecs" when that entry differs in `create`.
Result<void> merge_field_specs(std::vector<FieldSpec>& specs, std::span<const FieldSpec> incoming);

/// Splits at `delimiter`; a leading one is dropped, `\` before it escapes (kyaml/utils).
std::vector<std::string> split_path(std::string_view path, char delimiter);
/// The same, but keeps `[a.b=c.d]` together and strips the brackets of `[a.b]` (replacements,
/// vars).
std::vector<std::string> split_smart_path(std::string_view path, char delimiter);

/// What a missing or null field becomes when its spec says `create`.
enum class Creates : std::uint8_t { kNothing, kString, kInt, kMapping };

/// Field specs ready to run on many resources: paths are split once, specs are chosen once per
/// kind. Not thread-safe (the choice is cached). `specs` must outlive it.
class FieldSpecs {
 public:
  explicit FieldSpecs(std::span<const FieldSpec> specs);

  /// Called on each field found or created. A field created as a scalar comes as an empty string.
  using Setter = std::function<Result<void>(yaml::Ref)>;

  /// Runs `set` on each field of `root`, a resource of kind `gvk`, that a spec names.
  /// Errors: those of `set` and kInvalid, worded as kustomize does:
  /// "considering field 'a/b' of object Kind.v1.[noGrp]/name.[noNs]: …".
  Result<void> apply(yaml::Ref root, const Gvk& gvk, Creates creates, const Setter& set);
  /// One spec only, when it selects `gvk`; `index` is that of the constructor's span.
  Result<void> apply_one(std::size_t index, yaml::Ref root, const Gvk& gvk, Creates creates,
                         const Setter& set);
  bool selects(std::size_t index, const Gvk& gvk) const;
  /// True when it matters to a spec whether kustomize's own annotations are in the document
  /// (build_annotations.hpp): those of all metadata.annotations, unless they would be made anyway.
  bool sees_annotations(Creates creates) const;

 private:
  struct Step {
    std::string name;
    bool is_sequence;
  };
  struct Compiled {
    const FieldSpec* spec;
    std::vector<Step> steps;
  };
  struct Walk;
  static Result<void> walk(const Walk& walk, yaml::Ref node, std::size_t depth);

  std::vector<Compiled> specs_;
  std::unordered_map<Gvk, std::vector<std::uint32_t>> by_kind_;
};

// --- setters -------------------------------------------------------------------------------------

/// Sets a scalar's text as kustomize's SetScalar does: the style stays and, unless quoted, the
/// value is typed anew from its text ("a" + "1" may become a number). kUnsupported for an encrypted
/// leaf.
Result<void> set_scalar_text(yaml::Ref scalar, std::string_view text);
/// Makes a scalar the string `text`; also replaces an encrypted leaf. kInvalid for a collection.
Result<void> set_scalar_string(yaml::Ref scalar, std::string_view text);
/// The style kyaml's FieldSetter gives a string that it adds to a mapping: double quotes when
/// YAML 1.1 would read something else. A later merge keeps a quoted value a string.
yaml::Style string_style(std::string_view text);
/// A key that kyaml adds to a mapping: without a type, so that "80" or "true" is no string when the
/// resource is printed, and refused then.
yaml::NodeId new_key(yaml::Document& document, std::string_view name);
/// Makes such keys of all in a mapping that kustomize builds anew.
void remake_keys(yaml::Ref mapping);
/// Sets one entry of a mapping to the string `text`. kInvalid for anything but a mapping; a null is
/// left alone.
Result<void> set_entry_string(yaml::Ref mapping, std::string_view name, std::string_view text);

/// "wrong node kind: expected MappingNode but got ScalarNode: node contents:\n…"; encrypted values
/// are redacted.
Error wrong_kind(std::string_view expected, yaml::Node node);
/// reason() of that error.
inline constexpr std::string_view kWrongKindOfScalar = "wrong kind: scalar";
inline constexpr std::string_view kWrongKindOfCollection = "wrong kind: collection";

}  // namespace sluice::kustomize
