#include "kustomize/structured_text.hpp"

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sluice/base/encoding.hpp"
#include "sluice/yaml/commented.hpp"
#include "sluice/yaml/read.hpp"
#include "sluice/yaml/scalar.hpp"
#include "sluice/yaml/write.hpp"

#include "kustomize/gvk.hpp"

namespace sluice::kustomize {
namespace {

using yaml::CommentedNode;
using yaml::NodeId;

// --- comments ------------------------------------------------------------------------------------

/// The node with its comments, its tag and its anchor that a node of the document was read from.
using Origins = std::unordered_map<NodeId, const CommentedNode*>;

void match(yaml::Node node, const CommentedNode& commented, Origins& origins) {
  origins.emplace(node.id(), &commented);
  if (node.is_sequence() && commented.kind == CommentedNode::Kind::kSequence &&
      node.size() == commented.content.size()) {
    for (std::size_t i = 0; i < node.size(); ++i)
      match(node.at(i), *commented.content[i], origins);
  }
  if (node.is_mapping() && commented.kind == CommentedNode::Kind::kMapping &&
      2 * node.size() == commented.content.size()) {
    for (std::size_t i = 0; i < node.size(); ++i) {
      match(node.key(i), *commented.content[2 * i], origins);
      match(node.value(i), *commented.content[2 * i + 1], origins);
    }
  }
}

std::unique_ptr<CommentedNode> to_commented(yaml::Node node, const Origins& origins) {
  auto made = std::make_unique<CommentedNode>();
  made->kind = node.is_sequence()  ? CommentedNode::Kind::kSequence
               : node.is_mapping() ? CommentedNode::Kind::kMapping
                                   : CommentedNode::Kind::kScalar;
  made->style = node.style();
  const auto found = origins.find(node.id());
  const CommentedNode* origin = found == origins.end() ? nullptr : found->second;
  const bool is_alias = origin != nullptr && origin->kind == CommentedNode::Kind::kAlias;
  if (origin != nullptr && (is_alias || origin->kind == made->kind)) {
    made->tag = origin->tag;
    made->anchor = origin->anchor;
    made->head = origin->head;
    made->line = origin->line;
    made->foot = origin->foot;
  }
  if (is_alias) {
    made->kind = CommentedNode::Kind::kAlias;
    made->text = origin->text;
    return made;
  }
  if (made->kind == CommentedNode::Kind::kScalar) {
    made->text = node.is_encrypted() ? yaml::kRedacted : node.text();
    made->type = node.is_encrypted() ? yaml::Kind::kString : node.kind();
    return made;
  }
  for (std::size_t i = 0; i < node.size(); ++i) {
    if (node.is_mapping()) made->content.push_back(to_commented(node.key(i), origins));
    made->content.push_back(to_commented(node.is_mapping() ? node.value(i) : node.at(i), origins));
  }
  return made;
}

/// `document` as YAML, with the comments, tags and anchors of `original`, which it was read from.
Result<std::string> write_yaml_text(const yaml::Document& document, std::string_view original) {
  // Read anew: nodes keep their ids whatever is edited.
  SLUICE_TRY(const auto unedited, read_structured_text(original));
  SLUICE_TRY(const auto commented, yaml::read_commented(original));
  Origins origins;
  yaml::CommentedDocument out;
  if (unedited && !commented.empty()) {
    match(unedited->root(), *commented.front().root, origins);
    out.head = commented.front().head;
    out.foot = commented.front().foot;
  }
  out.root = to_commented(document.root(), origins);
  return std::string(go_trim_space(yaml::write_commented(out)));
}

// --- JSON ----------------------------------------------------------------------------------------

/// json.MarshalIndent of compact JSON.
std::string indent_json(std::string_view compact) {
  std::string out;
  std::size_t depth = 0;
  bool in_string = false;
  const auto new_line = [&] {
    out += '\n';
    out.append(2 * depth, ' ');
  };
  for (std::size_t i = 0; i < compact.size(); ++i) {
    const char c = compact[i];
    if (in_string) {
      out += c;
      if (c == '\\') out += compact[++i];
      if (c == '"') in_string = false;
      continue;
    }
    switch (c) {
      case '"':
        in_string = true;
        out += c;
        break;
      case '{':
      case '[':
        out += c;
        if (compact[i + 1] == '}' || compact[i + 1] == ']') {
          out += compact[++i];
          break;
        }
        ++depth;
        new_line();
        break;
      case '}':
      case ']':
        --depth;
        new_line();
        out += c;
        break;
      case ',':
        out += c;
        new_line();
        break;
      case ':':
        out += ": ";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace

std::string_view type_tag(yaml::Kind kind) {
  switch (kind) {
    case yaml::Kind::kNull:
      return "!!null";
    case yaml::Kind::kBool:
      return "!!bool";
    case yaml::Kind::kInt:
      return "!!int";
    case yaml::Kind::kFloat:
      return "!!float";
    case yaml::Kind::kTimestamp:
      return "!!timestamp";
    case yaml::Kind::kBinary:
      return "!!binary";
    default:
      return "!!str";
  }
}

bool fits_its_type(yaml::Node node) {
  switch (node.kind()) {
    case yaml::Kind::kNull:
    case yaml::Kind::kBool:
    case yaml::Kind::kInt:
    case yaml::Kind::kTimestamp:
      return yaml::resolve_plain(node.text(), yaml::Schema::kV3) == node.kind();
    case yaml::Kind::kFloat: {
      const yaml::Kind written = yaml::resolve_plain(node.text(), yaml::Schema::kV3);
      return written == yaml::Kind::kFloat || written == yaml::Kind::kInt;
    }
    default:
      return true;
  }
}

namespace {

/// The text up to where a document that ended is followed by something else; all of it for another
/// error.
std::string_view before_trailing_text(std::string_view text, const Error& error) {
  const bool trails = error.message().ends_with("did not find expected <document start>");
  if (!trails || error.where().line == 0) return text;
  std::size_t at = 0;
  for (std::uint32_t line = 1; line < error.where().line; ++line) {
    at = text.find('\n', at);
    if (at == std::string_view::npos) return text;
    ++at;
  }
  return text.substr(0, at + std::max<std::uint32_t>(error.where().column, 1) - 1);
}

/// Whether a line begins with "---", of a text in which nothing else is but comments.
bool has_document_start(std::string_view text) {
  constexpr std::string_view kStart = "---", kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (text.starts_with(kStart)) return true;
  // YAML 1.1 breaks lines at U+0085, U+2028 and U+2029, too.
  for (const std::string_view line_break :
       {"\n", "\r", "\xC2\x85", "\xE2\x80\xA8", "\xE2\x80\xA9"}) {
    if (text.find(std::string(line_break) + std::string(kStart)) != text.npos) return true;
  }
  return false;
}

}  // namespace

Result<std::optional<yaml::Document>> read_structured_text(std::string_view text) {
  yaml::ReadOptions options;
  options.merge_keys = false;
  options.keep_tags = true;
  auto read = yaml::read_yaml(text, FileId::kNone, options);
  if (!read) {
    // What stands behind the first document is never looked at.
    const std::string_view first = before_trailing_text(text, read.error());
    if (first.size() == text.size()) return fail(std::move(read).error());
    read = yaml::read_yaml(first, FileId::kNone, options);
    if (!read) return fail(std::move(read).error());
  }
  std::vector<yaml::Document>& documents = *read;
  if (!documents.empty()) return std::move(documents.front());
  if (!has_document_start(text)) return std::nullopt;
  return yaml::Document();
}

std::string yaml_v3_text(yaml::Node node) {
  yaml::CommentedDocument document;
  document.root = to_commented(node, {});
  std::string text = yaml::write_commented(document);
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

bool is_json_text(std::string_view text) {
  const std::string_view content = go_trim_space(text);
  return content.starts_with('{') || content.starts_with('[');
}

Result<std::string> write_structured_text(const yaml::Document& document,
                                          std::string_view original) {
  if (!is_json_text(original)) return write_yaml_text(document, original);
  std::string compact;
  SLUICE_CHECK(yaml::write_go_json(document.root(), compact));
  const bool indented = original.find('\n') != std::string_view::npos &&
                        original.find("  ") != std::string_view::npos;
  return indented ? indent_json(compact) : compact;
}

}  // namespace sluice::kustomize
