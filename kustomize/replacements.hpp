#pragma once
/// `replacements`: copying a value from one field to others (api/filters/replacement, kyaml's
/// PathMatcher). A whole encrypted leaf may be copied; splicing into or out of one (delimiter,
/// structured data) is refused with kUnsupported.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sluice/base/result.hpp"
#include "sluice/yaml/document.hpp"

#include "kustomize/res_map.hpp"
#include "kustomize/selector.hpp"

namespace sluice::kustomize {

struct FieldOptions {
  std::string delimiter;
  std::int64_t index = 0;
  std::string encoding;
  bool create = false;
};

struct ReplacementSource {
  ObjectId id;  ///< empty parts match anything
  std::string field_path;
  std::optional<FieldOptions> options;
};

struct ReplacementTarget {
  std::optional<Selector> select;
  std::vector<Selector> reject;
  std::vector<std::string> field_paths;
  std::optional<FieldOptions> options;
};

struct Replacement {
  std::optional<ReplacementSource> source;
  std::optional<std::string> source_value;
  std::optional<std::vector<ReplacementTarget>> targets;
};

/// The content of a file named by `path`: one replacement or a list of them. Errors: kInvalid,
/// "unsupported replacement type encountered within replacement path: …".
Result<std::vector<Replacement>> read_replacements_file(yaml::Node node);

/// Applies all in order. Errors: kInvalid with kustomize's texts ("nothing selected by …", "unable
/// to find field \"…\" in replacement target"), kUnsupported for encrypted leaves.
Result<void> apply_replacements(ResMap& resources, const std::vector<Replacement>& replacements);

/// For a resource with `check_types` set, before it is printed: a replacement keeps the type of its
/// target whatever the text. Error: kInvalid "… yaml: cannot decode !!str `x` as a !!int".
Result<void> check_types(yaml::Node root);

}  // namespace sluice::kustomize
