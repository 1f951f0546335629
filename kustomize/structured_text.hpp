#pragma once
/// YAML or JSON that is itself the value of a string field: read, and printed again after a change
/// as kustomize's replacements print it (api/filters/replacement serializeStructuredData).

#include <optional>
#include <string>
#include <string_view>

#include "sluice/base/result.hpp"
#include "sluice/yaml/document.hpp"

namespace sluice::kustomize {

/// The first document of `text`; none when there are only comments and spaces. Errors: kInvalid of
/// the reader.
Result<std::optional<yaml::Document>> read_structured_text(std::string_view text);

/// `document`, read from `original` and edited since, as text: JSON when `original` begins with a
/// brace or bracket (indented when `original` was), else YAML with the styles, comments, tags and
/// anchors of the original. Errors: kInvalid of the JSON printer.
Result<std::string> write_structured_text(const yaml::Document& document,
                                          std::string_view original);

/// Whether kustomize takes `text` for JSON, and writes it as such: by its first character.
bool is_json_text(std::string_view text);

/// False when the text of a scalar is none of its kind, as a replacement can leave it.
bool fits_its_type(yaml::Node node);
/// "!!int" and its like.
std::string_view type_tag(yaml::Kind kind);

/// One node as go-yaml v3 prints it, without the final newline.
std::string yaml_v3_text(yaml::Node node);

}  // namespace sluice::kustomize
