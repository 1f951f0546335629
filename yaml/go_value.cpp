#include "sluice/yaml/go_value.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "sluice/base/encoding.hpp"
#include "sluice/yaml/scalar.hpp"

namespace sluice::yaml {
namespace {

class Printer {
 public:
  Printer(Schema schema, std::string& out) : schema_(schema), out_(out) {}

  void value(Node node, bool in_flow) {
    in_flow |= node.style() == Style::kFlow;
    switch (node.kind()) {
      case Kind::kSequence:
        return sequence(node, in_flow);
      case Kind::kMapping:
        return mapping(node, in_flow);
      case Kind::kEncrypted:
        out_ += "\"**SOPS**\"";
        return;
      case Kind::kNull:
        out_ +=
            schema_ == Schema::kV3 && in_flow && node.text().empty() ? "\"\"" : "interface {}(nil)";
        return;
      default:
        scalar(node);
    }
  }

 private:
  void sequence(Node node, bool in_flow) {
    out_ += "[]interface {}{";
    for (std::size_t i = 0; i < node.size(); ++i) {
      if (i > 0) out_ += ", ";
      value(node.at(i), in_flow);
    }
    out_ += '}';
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
    out_ += has_string_keys ? "map[string]interface {}{" : "map[interface {}]interface {}{";
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (i > 0) out_ += ", ";
      value(node.key(order[i]), in_flow);
      out_ += ':';
      value(node.value(order[i]), in_flow);
    }
    out_ += '}';
  }

  void scalar(Node node) {
    if (node.kind() == Kind::kBool) {
      out_ += bool_value(node.text(), schema_).value_or(false) ? "true" : "false";
    } else if (node.kind() == Kind::kInt && int64_value(node.text())) {
      out_ += std::to_string(*int64_value(node.text()));
    } else if (node.kind() == Kind::kFloat && float_value(node.text())) {
      out_ += format_float_g(*float_value(node.text()));
    } else {
      out_ += go_quote(node.text());
    }
  }

  Schema schema_;
  std::string& out_;
};

}  // namespace

std::string go_syntax(Node value, Schema schema) {
  std::string out;
  Printer(schema, out).value(value, false);
  return out;
}

}  // namespace sluice::yaml
