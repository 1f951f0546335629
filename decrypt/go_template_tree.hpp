#pragma once
/// The tree of a template. Private to go_template.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/result.hpp"

#include "go_template_value.hpp"

namespace sluice::decrypt::go_template {

struct Command;
using Pipe = std::vector<Command>;

struct Operand {
  enum class Kind : std::uint8_t { kDot, kField, kVariable, kLiteral, kFunction, kPipe } kind;
  std::string name;                 ///< of a field, variable (with '$') or function
  std::vector<std::string> fields;  ///< of `.a.b` after the first, or of `$x.a`
  Value literal;
  Pipe pipe;
  std::size_t line = 1;
};

struct Command {
  std::vector<Operand> operands;
};

struct Node {
  enum class Kind : std::uint8_t { kText, kAction, kIf, kWith, kRange } kind;
  std::string text;
  Pipe pipe;
  std::vector<std::string> variables;  ///< that the pipeline sets
  bool declares = false;
  std::vector<Node> body, otherwise;
  std::size_t line = 1;
};

/// A failure worded `template: NAME:LINE: what`.
Error refuse(Code code, const std::string& name, std::size_t line, const std::string& what);

/// Errors: as render_template().
Result<std::vector<Node>> parse(const std::string& name, std::string_view text);

}  // namespace sluice::decrypt::go_template
