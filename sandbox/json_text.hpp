#pragma once
/// Small pieces of JSON text, for answers that are not stored documents.

#include <cstdint>
#include <string>
#include <string_view>

#include "sluice/yaml/document.hpp"

namespace sluice::sandbox {

/// Appends `text` as a JSON string.
void append_quoted(std::string& out, std::string_view text);
std::string quoted(std::string_view text);
/// The JSON of `node`; "null" for a missing one.
std::string json_of(yaml::Node node);
void append_json(std::string& out, yaml::Node node);

/// The root of a document to be read, also of a temporary within one expression.
inline yaml::Node root_of(const yaml::Document& document) {
  return document.root();
}

/// Writes the members of one object, with the commas between them.
class JsonFields {
 public:
  explicit JsonFields(std::string& out) : out_(out) {}
  void key(std::string_view name) {
    if (!first_) out_ += ',';
    first_ = false;
    append_quoted(out_, name);
    out_ += ':';
  }
  void text(std::string_view name, std::string_view value) {
    key(name);
    append_quoted(out_, value);
  }
  void number(std::string_view name, std::int64_t value) {
    key(name);
    out_ += std::to_string(value);
  }
  void boolean(std::string_view name, bool value) {
    key(name);
    out_ += value ? "true" : "false";
  }
  void raw(std::string_view name, std::string_view json) {
    key(name);
    out_ += json;
  }

 private:
  std::string& out_;
  bool first_ = true;
};

}  // namespace sluice::sandbox
