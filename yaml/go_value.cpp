#include "sluice/yaml/go_value.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "sluice/base/encoding.hpp"
#include "sluice/yaml/scalar.hpp"

namespace sluice::yaml {
namespace {

enum class Verb : std::uint8_t { kSyntax, kDefault };  // %#v, %v

class Printer {
 public:
  Printer(Schema schema, Verb verb, std::string& out)
      : schema_(schema), is_syntax_(verb == Verb::kSyntax), out_(out) {}

  void value(Node node, bool in_flow) {
    in_flow |= node.style() == Style::kFlow;
    switch (node.kind()) {
      case Kind::kSequence:
        return sequence(node, in_flow);
      case Kind::kMapping:
        return mapping(node, in_flow);
      case Kind::kEncrypted:
        text("**SOPS**");
        return;
      case Kind::kNull:
        if (schema_ == Schema::kV3 && in_flow && node.text().empty()) {
          text("");
        } else {
          out_ += is_syntax_ ? "interface {}(nil)" : "<nil>";
        }
        return;
      default:
        scalar(node);
    }
  }

 private:
  void sequence(Node node, bool in_flow) {
    out_ += is_syntax_ ? "[]interface {}{" : "[";
    for (std::size_t i = 0; i < node.size(); ++i) {
      if (i > 0) out_ += is_syntax_ ? ", " : " ";
      value(node.at(i), in_flow);
    }
    out_ += is_syntax_ ? '}' : ']';
  }

  void mapping(Node node, bool in_flow) {
    std::vector<std::size_t> order(node.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return node.key(a).text() < node.key(b).text();
    });
    const bool has_string_keys =
        schema_ == Schema::kV3 && std::all_of(order.begin(), order.end(), [&](std::size_t i) {
          return node.key(i).is_string();
        });
    out_ += !is_syntax_       ? "map["
            : has_string_keys ? "map[string]interface {}{"
                              : "map[interface {}]interface {}{";
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (i > 0) out_ += is_syntax_ ? ", " : " ";
      value(node.key(order[i]), in_flow);
      out_ += ':';
      value(node.value(order[i]), in_flow);
    }
    out_ += is_syntax_ ? '}' : ']';
  }

  void text(std::string_view text) { out_ += is_syntax_ ? go_quote(text) : std::string(text); }

  void scalar(Node node) {
    if (node.kind() == Kind::kBool) {
      out_ += bool_value(node.text(), schema_).value_or(false) ? "true" : "false";
    } else if (node.kind() == Kind::kInt && int64_value(node.text())) {
      out_ += std::to_string(*int64_value(node.text()));
    } else if (node.kind() == Kind::kFloat && float_value(node.text())) {
      out_ += format_float_g(*float_value(node.text()));
    } else {
      text(node.text());
    }
  }

  Schema schema_;
  bool is_syntax_;
  std::string& out_;
};

}  // namespace

std::string go_syntax(Node value, Schema schema) {
  std::string out;
  Printer(schema, Verb::kSyntax, out).value(value, false);
  return out;
}

std::string go_text(Node value) {
  std::string out;
  Printer(Schema::kV3, Verb::kDefault, out).value(value, false);
  return out;
}

}  // namespace sluice::yaml
