#pragma once
/// Documents into structs, the way Go's encoding/json does it: names match in any case, `null`
/// changes nothing, decoding goes on after the first error and reports that one. Kustomization
/// files reach encoding/json through a map, so entries are visited in the byte order of their
/// names, which decides what "first" is.

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/file_table.hpp"
#include "sluice/base/result.hpp"
#include "sluice/yaml/document.hpp"

namespace sluice::kustomize {

class GoDecoder;

/// One field of a struct: its JSON name, the path that messages give it ("GeneratorArgs.name" for
/// one of an embedded struct), and how to read it.
template <class T>
struct GoField {
  std::string_view name;
  std::string_view path;
  void (*read)(GoDecoder&, yaml::Node, T&);
};

class GoDecoder {
 public:
  enum class Mode : std::uint8_t {
    kStrict,  ///< json.Decoder with DisallowUnknownFields: kustomization files
    /// sigs.k8s.io/yaml.Unmarshal: unknown fields are skipped, and scalars become strings but for
    /// those in fields of embedded structs.
    kLenient,
    kLenientStrict,  ///< sigs.k8s.io/yaml.UnmarshalStrict: scalars become strings
  };
  explicit GoDecoder(Mode mode) : mode_(mode) {}

  /// `type` is Go's name of the struct, "types.Kustomization".
  template <class T>
  void object(yaml::Node node, std::string_view type, std::span<const GoField<T>> fields, T& out) {
    if (!begin(node, "object", type)) return;
    const std::string_view short_type = type.substr(type.rfind('.') + 1);
    const std::string_view outer = struct_;
    for (const Entry& entry : sorted(node)) {
      const GoField<T>* field = nullptr;
      for (const auto& candidate : fields) {
        if (candidate.name == entry.key) {
          field = &candidate;
          break;
        }
        if (field == nullptr && same_folded(candidate.name, entry.key)) field = &candidate;
      }
      if (field == nullptr) {
        unknown(entry.key, entry.key_node);
        continue;
      }
      struct_ = short_type;
      const bool is_embedded = field->path.find('.') != std::string_view::npos;
      path_.push_back(field->path);
      embedded_ += is_embedded ? 1 : 0;
      field->read(*this, entry.value, out);
      embedded_ -= is_embedded ? 1 : 0;
      path_.pop_back();
    }
    struct_ = outer;
  }
  /// The same for the fields of a struct that is embedded in `type` as `name`.
  template <class T>
  void embedded(yaml::Node node, std::string_view type, std::string_view name,
                std::span<const GoField<T>> fields, T& out) {
    path_.push_back(name);
    ++embedded_;
    object(node, type, fields, out);
    --embedded_;
    path_.pop_back();
  }

  void string(yaml::Node node, std::string& out, std::string_view type = "string");
  void string(yaml::Node node, std::optional<std::string>& out);
  void boolean(yaml::Node node, bool& out);
  void integer(yaml::Node node, std::int64_t& out, std::string_view type = "int64");
  void strings(yaml::Node node, std::vector<std::string>& out, std::string_view type = "[]string");
  void string_map(yaml::Node node, std::map<std::string, std::string, std::less<>>& out);
  /// `read(item)` for each item of a sequence; `type` as in "[]types.Label". False when `node` is
  /// null or of another kind.
  template <class Read>
  bool items(yaml::Node node, std::string_view type, Read read) {
    if (!begin(node, "array", type)) return false;
    for (std::size_t i = 0; i < node.size(); ++i)
      read(node.at(i));
    return true;
  }
  /// A sequence of structs.
  template <class T>
  void objects(yaml::Node node, std::string_view list_type, std::string_view type,
               std::span<const GoField<T>> fields, std::vector<T>& out) {
    if (!begin(node, "array", list_type)) return;
    out.clear();
    for (std::size_t i = 0; i < node.size(); ++i)
      object(node.at(i), type, fields, out.emplace_back());
  }
  /// A pointer to a struct: null leaves it absent.
  template <class T>
  void pointer(yaml::Node node, std::string_view type, std::span<const GoField<T>> fields,
               std::optional<T>& out) {
    if (!node.exists() || node.is_null()) return;
    if (!out) out.emplace();
    object(node, type, fields, *out);
  }

  /// Reads one field of a struct that is decoded by hand.
  template <class T>
  void object_member(std::string_view short_type, const GoField<T>& field, yaml::Node value,
                     T& out) {
    const std::string_view outer = struct_;
    struct_ = short_type;
    path_.push_back(field.path);
    field.read(*this, value, out);
    path_.pop_back();
    struct_ = outer;
  }
  /// Reports that `node` does not fit Go's `type`.
  void type_mismatch(yaml::Node node, std::string_view type) { mismatch(node, type); }

  bool failed() const { return !error_.empty(); }
  /// Go's text of the first error: `json: unknown field "x"`.
  const std::string& error() const { return error_; }
  yaml::Node error_node() const { return error_node_; }
  /// Reports an error in Go's words unless one is there already.
  void fail(std::string text, yaml::Node node);

 private:
  struct Entry {
    std::string_view key;
    yaml::Node key_node, value;
  };
  bool begin(yaml::Node node, std::string_view want, std::string_view type);
  std::vector<Entry> sorted(yaml::Node node);
  void unknown(std::string_view key, yaml::Node node);
  void mismatch(yaml::Node node, std::string_view type);
  static bool same_folded(std::string_view a, std::string_view b);

  Mode mode_;
  std::string error_;
  yaml::Node error_node_;
  std::string_view struct_;
  std::vector<std::string_view> path_;
  int embedded_ = 0;              // fields of embedded structs that are being read
  std::deque<std::string> keys_;  // keys that are no strings, as text
};

/// A key of a mapping as sigs.k8s.io/yaml turns it into a JSON name.
std::string json_key(yaml::Node key);

}  // namespace sluice::kustomize
