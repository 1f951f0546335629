#include "go_template.hpp"

#include <optional>
#include <utility>
#include <vector>

#include "go_template_tree.hpp"

namespace sluice::decrypt {
namespace {

using go_template::Command;
using go_template::Node;
using go_template::Operand;
using go_template::Pipe;
using go_template::refuse;
using go_template::Value;

constexpr std::size_t kMaxOutputBytes = 16 << 20;

class Execution {
 public:
  Execution(const std::string& name, const TemplateData& data) : name_(name) {
    variables_.emplace_back("$", Value::of(data));
  }

  Result<void> run(const std::vector<Node>& nodes, const Value& dot, crypto::SecretBuffer& out) {
    for (const Node& node : nodes) {
      if (node.kind == Node::Kind::kText) {
        out.append(node.text);
      } else {
        SLUICE_CHECK(run(node, dot, out));
      }
      if (out.size() > kMaxOutputBytes) {
        return fail(refuse(
            Code::kUnsupported, name_, node.line,
            "the text grows over the limit of " + std::to_string(kMaxOutputBytes) + " bytes"));
      }
    }
    return {};
  }

 private:
  Result<void> run(const Node& node, const Value& dot, crypto::SecretBuffer& out) {
    const std::size_t known = variables_.size();
    SLUICE_TRY(const Value value, evaluate(node.pipe, dot));
    if (node.kind == Node::Kind::kRange) return range(node, value, dot, out);
    for (const std::string& variable : node.variables)
      set(variable, value, node.declares);
    if (node.kind == Node::Kind::kAction) {
      if (node.variables.empty()) go_template::print(value, out);
      return {};
    }
    const bool taken = go_template::is_true(value);
    const Value& inner = taken && node.kind == Node::Kind::kWith ? value : dot;
    SLUICE_CHECK(run(taken ? node.body : node.otherwise, inner, out));
    variables_.resize(known);
    return {};
  }

  Result<void> range(const Node& node, const Value& over, const Value& dot,
                     crypto::SecretBuffer& out) {
    const std::size_t known = variables_.size();
    if (over.kind != Value::Kind::kMap) {
      if (over.kind == Value::Kind::kMissing || over.kind == Value::Kind::kNil) {
        return run(node.otherwise, dot, out);
      }
      return fail(refuse(Code::kUnsupported, name_, node.line,
                         "{{range}} over something else than the data is not supported"));
    }
    if (over.map->empty()) return run(node.otherwise, dot, out);
    for (const auto& [key, bytes] : *over.map) {
      const Value element = Value::of(bytes);
      if (!node.variables.empty()) {
        set(node.variables.back(), element, node.declares);
        if (node.variables.size() == 2) {
          set(node.variables.front(), Value::of(crypto::SecretBytes::copy_of(key)), node.declares);
        }
      }
      SLUICE_CHECK(run(node.body, element, out));
      variables_.resize(known);
    }
    return {};
  }

  void set(const std::string& name, const Value& value, bool declare) {
    if (!declare) {
      for (auto variable = variables_.rbegin(); variable != variables_.rend(); ++variable) {
        if (variable->first != name) continue;
        variable->second = value;
        return;
      }
    }
    variables_.emplace_back(name, value);
  }

  Result<Value> evaluate(const Pipe& pipe, const Value& dot) {
    std::optional<Value> last;
    for (const Command& command : pipe) {
      SLUICE_TRY(Value value, evaluate(command, dot, last));
      last = std::move(value);
    }
    return *std::move(last);
  }

  Result<Value> evaluate(const Command& command, const Value& dot,
                         const std::optional<Value>& last) {
    const Operand& first = command.operands.front();
    if (first.kind == Operand::Kind::kFunction) return call(command, dot, last);
    if (command.operands.size() > 1 || last) {
      return fail(refuse(Code::kInvalid, name_, first.line,
                         "can't give argument to non-function " + shown(first)));
    }
    if (first.kind == Operand::Kind::kLiteral && first.literal.kind == Value::Kind::kNil) {
      return fail(refuse(Code::kInvalid, name_, first.line, "nil is not a command"));
    }
    return evaluate(first, dot);
  }

  static std::string shown(const Operand& operand) {
    switch (operand.kind) {
      case Operand::Kind::kField:
        return "." + operand.name;
      case Operand::Kind::kVariable:
        return operand.name;
      default:
        return "value";
    }
  }

  Result<Value> evaluate(const Operand& operand, const Value& dot) {
    switch (operand.kind) {
      case Operand::Kind::kDot:
        return dot;
      case Operand::Kind::kField: {
        SLUICE_TRY(const Value value, field(dot, operand.name, operand.line));
        return fields(value, operand);
      }
      case Operand::Kind::kVariable:
        for (auto variable = variables_.rbegin(); variable != variables_.rend(); ++variable)
          if (variable->first == operand.name) return fields(variable->second, operand);
        return fail(refuse(Code::kInvalid, name_, operand.line,
                           "undefined variable \"" + operand.name + "\""));
      case Operand::Kind::kLiteral:
        return operand.literal;
      case Operand::Kind::kPipe: {
        SLUICE_TRY(const Value value, evaluate(operand.pipe, dot));
        return fields(value, operand);
      }
      case Operand::Kind::kFunction:
        break;
    }
    Command command;
    command.operands.push_back(operand);
    return call(command, dot, std::nullopt);
  }

  Result<Value> fields(Value value, const Operand& operand) {
    for (const std::string& name : operand.fields) {
      SLUICE_TRY(value, field(value, name, operand.line));
    }
    return value;
  }

  Result<Value> field(const Value& of, const std::string& name, std::size_t line) {
    if (of.kind == Value::Kind::kMap) {
      const auto found = of.map->find(name);
      return found == of.map->end() ? Value() : Value::of(found->second);
    }
    if (of.kind == Value::Kind::kMissing || of.kind == Value::Kind::kNil) return Value();
    return fail(refuse(Code::kInvalid, name_, line,
                       "can't evaluate field " + name + " in type " +
                           (of.kind == Value::Kind::kString ? "string"
                            : of.kind == Value::Kind::kInt  ? "int"
                                                            : "bool")));
  }

  Result<Value> call(const Command& command, const Value& dot, const std::optional<Value>& last) {
    const Operand& function = command.operands.front();
    const bool is_and = function.name == "and", is_or = function.name == "or";
    std::vector<Value> arguments;
    for (std::size_t i = 1; i < command.operands.size(); ++i) {
      SLUICE_TRY(Value value, evaluate(command.operands[i], dot));
      if ((is_and || is_or) && go_template::is_true(value) == is_or) return value;
      arguments.push_back(std::move(value));
    }
    if (last) arguments.push_back(*last);
    const auto wrong_count = [&](const std::string& want) {
      return fail(refuse(Code::kInvalid, name_, function.line,
                         "wrong number of args for " + function.name + ": want " + want + " got " +
                             std::to_string(arguments.size())));
    };
    if (is_and || is_or) {
      if (arguments.empty()) return wrong_count("at least 1");
      return arguments.back();
    }
    const go_template::FunctionEntry* const entry = go_template::find_function(function.name);
    if (arguments.size() < entry->least || arguments.size() > entry->most) {
      return wrong_count(entry->most > 100 ? "at least " + std::to_string(entry->least)
                                           : std::to_string(entry->least));
    }
    auto result = entry->call(arguments);
    if (result) return result;
    return fail(refuse(result.error().code(), name_, function.line,
                       "error calling " + function.name + ": " + result.error().message()));
  }

  const std::string& name_;
  std::vector<std::pair<std::string, Value>> variables_;
};

}  // namespace

Result<crypto::SecretBytes> render_template(const std::string& name, std::string_view text,
                                            const TemplateData& data) {
  SLUICE_TRY(const std::vector<Node> nodes, go_template::parse(name, text));
  crypto::SecretBuffer out(text.size() + 256);
  Execution execution(name, data);
  SLUICE_CHECK(execution.run(nodes, Value::of(data), out));
  return std::move(out).take();
}

}  // namespace sluice::decrypt
