#pragma once
/// What a string allows go-yaml's emitter to do with it (v2 emitterc.go, analyze_scalar). Private
/// to the module.

#include <string_view>

namespace sluice::yaml {

struct ScalarShape {
  bool multiline = false;      // holds a line break of any kind
  bool plain_allowed = true;   // in block context
  bool single_allowed = true;  // between single quotes
  bool block_allowed = true;   // as a literal
  bool simple = true;          // ASCII from space to ~, or '\n': bytes are columns
};

ScalarShape shape_of(std::string_view text);

/// True when go-yaml v3 prints `text` as a block scalar, and not between quotes, where it is asked
/// to; and with '\n' as its only break, so that its lines are those that are printed.
bool is_block_in_v3(std::string_view text);

// Byte tests of the emitter; `at` must be inside `text`, which is valid UTF-8.
bool is_printable(std::string_view text, std::size_t at);
bool is_break(std::string_view text, std::size_t at);
std::size_t utf8_width(char lead);

}  // namespace sluice::yaml
