#include "kustomize/structured_text.hpp"

#include <cstdio>
#include <utility>
#include <vector>

#include "sluice/yaml/read.hpp"
#include "sluice/yaml/scalar.hpp"
#include "sluice/yaml/write.hpp"

#include "kustomize/gvk.hpp"

namespace sluice::kustomize {
namespace {

using yaml::Style;

constexpr std::string_view kSpace = " \t\r\n\v\f";

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// --- scalars -------------------------------------------------------------------------------------

/// True when a plain scalar with this text reads back as this text, outside flow collections.
bool can_be_plain(std::string_view text) {
  if (text.empty()) return false;
  constexpr std::string_view kIndicators = "#,[]{}&*!|>'\"%@`";
  if (kIndicators.find(text.front()) != std::string_view::npos) return false;
  if (kSpace.find(text.front()) != std::string_view::npos ||
      kSpace.find(text.back()) != std::string_view::npos || text.back() == ':') {
    return false;
  }
  const bool dash = text.front() == '-' || text.front() == '?' || text.front() == ':';
  if (dash && (text.size() == 1 || text[1] == ' ')) return false;
  if (text.substr(0, 3) == "---" || text.substr(0, 3) == "...") return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7f) return false;
    if (c == ':' && i + 1 < text.size() && text[i + 1] == ' ') return false;
    if (c == '#' && i > 0 && text[i - 1] == ' ') return false;
  }
  return true;
}

bool has_control(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && byte != '\n') || byte == 0x7f) return true;
  }
  return false;
}

std::string double_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          char escape[5];
          std::snprintf(escape, sizeof escape, "\\x%02X",
                        static_cast<unsigned>(static_cast<unsigned char>(c)));
          out += escape;
        } else {
          out += c;
        }
    }
  }
  return out + "\"";
}

std::string single_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    out += c;
    if (c == '\'') out += c;
  }
  return out + "'";
}

std::string literal_block(std::string_view text, std::size_t indent) {
  std::string out = "|";
  if (text.front() == ' ' || text.front() == '\n') out += "2";
  const bool newline = text.back() == '\n';
  const bool more = newline && text.size() > 1 && text[text.size() - 2] == '\n';
  if (!newline) out += '-';
  if (more || text == "\n") out += '+';
  std::string_view rest = newline ? text.substr(0, text.size() - 1) : text;
  while (true) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    out += '\n';
    if (!line.empty()) out.append(indent, ' ');
    out += line;
    if (end == std::string_view::npos) return out;
    rest.remove_prefix(end + 1);
  }
}

/// `indent` is that of the lines of a block scalar.
std::string scalar_text(yaml::Node node, std::size_t indent) {
  const std::string_view text = node.is_encrypted() ? yaml::kRedacted : node.text();
  const Style style = node.style();
  if (!fits_its_type(node)) {
    return std::string(type_tag(node.kind())) + " " +
           (can_be_plain(text) ? std::string(text) : double_quoted(text));
  }
  if (style == Style::kDoubleQuoted) return double_quoted(text);
  if (style == Style::kSingleQuoted && !has_control(text) &&
      text.find('\n') == std::string_view::npos) {
    return single_quoted(text);
  }
  if (text.find('\n') != std::string_view::npos) {
    const bool block =
        !has_control(text) && text.find(" \n") == std::string_view::npos && text.back() != ' ';
    return block ? literal_block(text, indent) : double_quoted(text);
  }
  if (node.kind() != yaml::Kind::kString) return std::string(text);
  if (yaml::resolve_plain(text, yaml::Schema::kV3) != yaml::Kind::kString) {
    return double_quoted(text);
  }
  if (can_be_plain(text)) return std::string(text);
  return has_control(text) ? double_quoted(text) : single_quoted(text);
}

// --- collections ---------------------------------------------------------------------------------

void write_flow(yaml::Node node, std::string& out) {
  if (node.is_sequence()) {
    out += '[';
    for (std::size_t i = 0; i < node.size(); ++i) {
      if (i != 0) out += ", ";
      write_flow(node.at(i), out);
    }
    out += ']';
  } else if (node.is_mapping()) {
    out += '{';
    for (std::size_t i = 0; i < node.size(); ++i) {
      if (i != 0) out += ", ";
      out += scalar_text(node.key(i), 0);
      out += ": ";
      write_flow(node.value(i), out);
    }
    out += '}';
  } else if (node.text().find('\n') != std::string_view::npos) {
    out += double_quoted(node.text());
  } else {
    out += scalar_text(node, 0);
  }
}

bool is_inline(yaml::Node node) {
  return is_leaf(node) || node.size() == 0 || node.style() == Style::kFlow;
}

/// Writes `node` where its first line has begun at column `indent`.
void write_block(yaml::Node node, std::size_t indent, std::string& out) {
  if (is_leaf(node)) {
    out += scalar_text(node, indent);
    return;
  }
  if (is_inline(node)) {
    write_flow(node, out);
    return;
  }
  for (std::size_t i = 0; i < node.size(); ++i) {
    if (i != 0) {
      out += '\n';
      out.append(indent, ' ');
    }
    if (node.is_sequence()) {
      out += "- ";
      write_block(node.at(i), indent + 2, out);
      continue;
    }
    out += scalar_text(node.key(i), 0);
    out += ':';
    const yaml::Node value = node.value(i);
    if (is_inline(value)) {
      std::string text;
      write_block(value, indent + 2, text);
      if (!text.empty()) out += ' ';
      out += text;
      continue;
    }
    // A sequence stands below its key, not further in.
    const std::size_t inner = value.is_sequence() ? indent : indent + 2;
    out += '\n';
    out.append(inner, ' ');
    write_block(value, inner, out);
  }
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

// --- comments ------------------------------------------------------------------------------------

bool may_have_comments(std::string_view text) {
  for (std::size_t at = text.find('#'); at != std::string_view::npos; at = text.find('#', at + 1)) {
    if (at == 0 || kSpace.find(text[at - 1]) != std::string_view::npos) return true;
  }
  return false;
}

/// `original` with the one-line scalar at the place of `changed` replaced; "" when that cannot be
/// done.
std::string splice(yaml::Node changed, std::string_view original) {
  if (!is_leaf(changed) || changed.position().line() == 0) return {};
  std::size_t begin = 0;
  for (std::uint32_t line = 1; line < changed.position().line(); ++line) {
    begin = original.find('\n', begin);
    if (begin == std::string_view::npos) return {};
    ++begin;
  }
  begin += changed.position().column() - 1;
  const std::string_view rest = original.substr(begin, original.find('\n', begin) - begin);
  if (rest.empty()) return {};
  std::size_t length = 0;
  if (rest.front() == '"' || rest.front() == '\'') {
    const char quote = rest.front();
    for (length = 1; length < rest.size() && rest[length] != quote; ++length) {
      if (quote == '"' && rest[length] == '\\') ++length;
    }
    if (length >= rest.size()) return {};
    ++length;
  } else {
    if (rest.front() == '|' || rest.front() == '>') return {};
    const std::size_t comment = rest.find(" #");
    length = trim(rest.substr(0, comment)).size();
    if (rest.substr(0, length).find_first_of(",]}") != std::string_view::npos) return {};
  }
  std::string out(original.substr(0, begin));
  out += scalar_text(changed, 0);
  out += original.substr(begin + length);
  return std::string(trim(out));
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

Result<yaml::Document> read_structured_text(std::string_view text) {
  yaml::ReadOptions options;
  options.merge_keys = false;
  SLUICE_TRY(std::vector<yaml::Document> documents, yaml::read_yaml(text, FileId::kNone, options));
  return documents.empty() ? yaml::Document() : std::move(documents.front());
}

std::string yaml_v3_text(yaml::Node node) {
  if (is_leaf(node)) return scalar_text(node, 2);
  std::string out;
  write_block(node, 0, out);
  return out;
}

Result<std::string> write_structured_text(const yaml::Document& document, yaml::Node changed,
                                          std::string_view original) {
  const std::string_view text = trim(original);
  if (!text.empty() && (text.front() == '{' || text.front() == '[')) {
    std::string compact;
    SLUICE_CHECK(yaml::write_go_json(document.root(), compact));
    const bool indented = original.find('\n') != std::string_view::npos &&
                          original.find("  ") != std::string_view::npos;
    return indented ? indent_json(compact) : compact;
  }
  if (changed.exists() && may_have_comments(original)) {
    std::string spliced = splice(changed, original);
    if (!spliced.empty()) return spliced;
  }
  return std::string(trim(yaml_v3_text(document.root())));
}

}  // namespace sluice::kustomize
