#include "sandbox/json_text.hpp"

#include <cstdio>

#include "sluice/yaml/write.hpp"

namespace sluice::sandbox {

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
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
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          char buffer[8];
          std::snprintf(buffer, sizeof buffer, "\\u%04x", static_cast<unsigned>(c));
          out += buffer;
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

std::string quoted(std::string_view text) {
  std::string out;
  append_quoted(out, text);
  return out;
}

void append_json(std::string& out, yaml::Node node) {
  if (!node.exists()) {
    out += "null";
    return;
  }
  const std::size_t before = out.size();
  // Documents here were read from JSON, so that only an engine bug could make this fail.
  if (!yaml::write_go_json(node, out, {.sort_keys = true, .escape_html = false})) {
    out.resize(before);
    out += "null";
  }
}

std::string json_of(yaml::Node node) {
  std::string out;
  append_json(out, node);
  return out;
}

}  // namespace sluice::sandbox
