#include <cstddef>

#include "sluice/yaml/write.hpp"

#include "scalar_shape.hpp"

namespace sluice::yaml {
namespace {

constexpr bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

/// emitterc.go, yaml_emitter_write_folded_scalar, without indentation and without a width. It asks
/// the first line, not the next one, whether the break must be doubled.
std::string print_folded(std::string_view text) {
  const std::size_t first = text.find_first_not_of('\n');
  const bool doubles = first != std::string_view::npos && !is_blank(text[first]);
  std::string out;
  bool after_break = true;
  bool is_indented = true;
  for (const char c : text) {
    if (c == '\n') {
      if (!after_break && !is_indented && doubles) out += '\n';
      after_break = true;
    } else {
      if (after_break) is_indented = is_blank(c);
      after_break = false;
    }
    out += c;
  }
  if (!after_break) out += '\n';
  return out;
}

/// scannerc.go, yaml_parser_scan_block_scalar, for `>`: each string up to a '\n' is a line.
std::string read_folded(std::string_view lines, bool keep, bool strip) {
  std::string out;
  std::size_t empty_lines = 0;  // since the last line with text
  bool has_line = false;
  bool was_indented = false;
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end + 1);
    if (line.empty()) {
      ++empty_lines;
      continue;
    }
    const bool is_indented = is_blank(line[0]);
    if (has_line && (was_indented || is_indented)) {
      out += '\n';
    } else if (has_line && empty_lines == 0) {
      out += ' ';
    }
    out.append(empty_lines, '\n');
    out += line;
    empty_lines = 0;
    has_line = true;
    was_indented = is_indented;
  }
  if (!strip && has_line) out += '\n';
  if (keep) out.append(empty_lines, '\n');
  return out;
}

bool ends_in_empty_line(std::string_view text) {
  return text == "\n" || text.ends_with("\n\n");
}

}  // namespace

bool keeps_last_breaks(Node node) {
  if (!node.is_string()) return false;
  const std::string_view text = node.text();
  const Style style = node.style();
  const bool is_block = style == Style::kLiteral || style == Style::kFolded ||
                        (style == Style::kPlain && text.find('\n') != std::string_view::npos);
  return is_block && is_block_in_v3(text) && ends_in_empty_line(text);
}

std::string refolded(std::string_view text) {
  if (!is_block_in_v3(text)) return std::string(text);
  const bool strip = text.back() != '\n';
  return read_folded(print_folded(text), ends_in_empty_line(text), strip);
}

}  // namespace sluice::yaml
