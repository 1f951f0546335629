#pragma once
/// YAML documents with their comments, as go-yaml v3's yaml.Node has them. The events come from the
/// yaml module, which decides what is well-formed; this attaches the comments that yaml_scan.hpp
/// found.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/result.hpp"
#include "sluice/yaml/document.hpp"

namespace sluice::decrypt {

struct YamlNode {
  enum class Kind : std::uint8_t { kScalar, kSequence, kMapping, kAlias };
  Kind kind = Kind::kScalar;
  yaml::Style style = yaml::Style::kPlain;
  bool plain_implicit = false;
  std::string text;  ///< of a scalar; of an alias, its anchor
  std::string tag;
  const YamlNode* alias = nullptr;  ///< a node of the same document
  std::string head, line, foot;     ///< comments, as YamlComment::text
  std::uint32_t line_number = 0;    ///< 1-based
  std::uint32_t column = 0;
  std::size_t begin = 0, end = 0;  ///< in the text, properties included; end of block ones: 0
  bool in_flow = false;
  std::vector<std::unique_ptr<YamlNode>> content;  ///< of a mapping: key, value, key, …
};

struct YamlDocument {
  std::unique_ptr<YamlNode> root;  ///< never null: an empty document is an empty plain scalar
  std::string head, foot;
  std::size_t end = 0;  ///< where the next document starts, or the text ends
};

/// Errors: kInvalid as the yaml module words it; kUnsupported past kMaxDepth.
Result<std::vector<YamlDocument>> read_yaml_nodes(std::string_view text);

/// Lines of comment in `text`, those too that belong to no node. Errors: as above.
Result<std::size_t> count_yaml_comments(std::string_view text);

}  // namespace sluice::decrypt
