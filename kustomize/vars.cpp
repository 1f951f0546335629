#include "vars.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "sluice/yaml/go_value.hpp"
#include "sluice/yaml/scalar.hpp"

#include "field_spec.hpp"
#include "gvk.hpp"
#include "kustomize/build_annotations.hpp"
#include "kustomize/growth.hpp"
#include "path_getter.hpp"

namespace sluice::kustomize {

namespace {

using yaml::Kind;

struct Value {
  Kind kind = Kind::kString;  // a collection: the var is left as it is, with a warning
  std::string text;           // as written into a longer string
  std::string whole;          // as the whole value of a field
};

struct Var {
  Value value;
  std::size_t uses = 0;
};
using Vars = std::map<std::string, Var, std::less<>>;

// "a.b[0]" is a path through the first item of b (convertSliceIndex).
std::vector<std::string> path_parts(const std::string& path) {
  std::vector<std::string> parts;
  for (std::string& part : split_smart_path(path, '.')) {
    const std::size_t open = part.rfind('[');
    const bool is_index = open != std::string::npos && part.ends_with(']') &&
                          part.size() - open > 2 &&
                          part.find_first_not_of("0123456789", open + 1) == part.size() - 1;
    if (!is_index) {
      parts.push_back(std::move(part));
      continue;
    }
    if (open > 0) parts.push_back(part.substr(0, open));
    parts.push_back(part.substr(open + 1, part.size() - open - 2));
  }
  return parts;
}

// RNode.GetFieldValue; nullopt for its errors.
std::optional<Value> value_of(yaml::Node node) {
  const std::string text(node.text());
  if (is_untyped(node)) return Value{Kind::kString, text, text};
  switch (node.kind()) {
    case Kind::kMapping:
    case Kind::kSequence:
      return Value{node.kind(), {}, yaml::go_text(node)};
    case Kind::kInt: {
      std::int64_t value = 0;
      const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
      if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
      return Value{Kind::kInt, std::to_string(value), std::to_string(value)};
    }
    case Kind::kFloat: {
      const auto value = yaml::float_value(text);
      if (!value) return std::nullopt;
      return Value{Kind::kFloat, yaml::format_float_g(*value), yaml::format_float_f(*value)};
    }
    case Kind::kBool: {
      const auto value = yaml::bool_value(text, yaml::Schema::kV3);
      if (!value) return std::nullopt;
      const std::string word = *value ? "true" : "false";
      return Value{Kind::kBool, word, word};
    }
    default:
      return Value{Kind::kString, text, text};
  }
}

std::string var_text(const VarEntry& var) {
  return "{" + var.name + " " + gvk_text(var.object.gvk) + " {" + var.field_path + "}}";
}

Result<Value> find_value(const VarEntry& var, const ResMap& resources) {
  for (const auto& resource : resources.items()) {
    for (const std::string& name : resource->ref_vars) {
      if (name != var.name) continue;
      auto node = get_path(resource->root(), path_parts(var.field_path));
      if (node && node->exists() && node->is_encrypted()) {
        return fail(Code::kUnsupported,
                    "var '" + var.name + "' reads an encrypted value of " + id_text(resource->id));
      }
      std::optional<Value> value;
      if (node && node->exists()) value = value_of(*node);
      if (!value) {
        return fail(Code::kInvalid, "field specified in var '" + var_text(var) +
                                        "' not found in corresponding resource");
      }
      // A collection is shown in a warning, and nowhere else.
      if (value->kind >= Kind::kSequence && resource->id.gvk.kind == "Secret") {
        value->whole = "(of a Secret: not shown)";
      }
      return *std::move(value);
    }
  }
  return fail(Code::kInvalid, "var '" + var_text(var) +
                                  "' cannot be mapped to a field in the set of known resources");
}

// expand.go DoReplacements: "$(NAME)" is replaced, "$$" is a dollar sign, an unknown name stays.
// The result is a string, or, when `input` is nothing but one var, a value of the var's kind.
Result<Value> expand(std::string_view input, Vars& vars, BuildContext& context) {
  std::string out;
  std::size_t copied = 0;
  for (std::size_t at = 0; at + 1 < input.size(); ++at) {
    if (input[at] != '$') continue;
    out.append(input, copied, at - copied);
    const char next = input[at + 1];
    if (next == '$') {
      out += '$';
      at += 1;
    } else if (next != '(') {
      out.append(input, at, 2);
      at += 1;
    } else if (const std::size_t end = input.find(')', at + 2); end == std::string_view::npos) {
      out += "$(";
      at += 1;
    } else {
      const std::string_view name = input.substr(at + 2, end - at - 2);
      const auto var = vars.find(name);
      const bool known = var != vars.end() && var->second.value.kind < Kind::kSequence;
      if (known) {
        ++var->second.uses;
      } else if (var != vars.end()) {
        const bool is_map = var->second.value.kind == Kind::kMapping;
        context.warn("MakePrimitiveReplacer: bad replacement type=" +
                     std::string(is_map ? "map[string]interface {}" : "[]interface {}") +
                     " val=" + var->second.value.whole);
      }
      if (at == 0 && end + 1 == input.size()) {
        if (known) return var->second.value;
        return Value{Kind::kString, std::string(input), std::string(input)};
      }
      if (known) {
        out += var->second.value.text;
        if (out.size() > kMaxGrownBytes) {
          return fail(Code::kUnsupported,
                      "vars make a text longer than " + std::to_string(kMaxGrownBytes) + " bytes");
        }
      } else {
        out.append(input, at, end + 1 - at);
      }
      at = end;
    }
    copied = at + 1;
  }
  out.append(input, copied);
  return Value{Kind::kString, out, out};
}

Result<void> replace(yaml::Ref node, Vars& vars, BuildContext& context) {
  SLUICE_TRY(const Value value, expand(node.text(), vars, context));
  node.set_scalar(value.kind, value.whole);
  return {};
}

// kyaml's IsYNodeString. A plain "<<" has the tag of a merge key for go-yaml, wherever it stands.
bool is_text(yaml::Node node) {
  if (is_untyped(node)) return is_leaf(node);
  return node.is_string() && !(node.text() == "<<" && node.style() == yaml::Style::kPlain);
}

Result<void> replace_all(yaml::Ref node, Vars& vars, BuildContext& context) {
  if (is_tagged_null(node) || node.is_encrypted()) return {};
  if (node.is_mapping()) {
    for (std::size_t i = 0; i < node.size(); ++i) {
      if (!node.key(i).is_string()) {
        const Kind kind = node.key(i).kind();
        const char* tag = kind == Kind::kInt     ? "!!int"
                          : kind == Kind::kFloat ? "!!float"
                          : kind == Kind::kBool  ? "!!bool"
                                                 : "!!null";
        return fail(Code::kInvalid, "invalid map key: value='" + std::string(node.key(i).text()) +
                                        "', tag='" + tag + "'");
      }
      if (is_text(node.value(i))) SLUICE_CHECK(replace(node.value(i), vars, context));
    }
    return {};
  }
  if (node.is_sequence()) {
    for (std::size_t i = 0; i < node.size(); ++i) {
      if (node.at(i).is_encrypted()) continue;
      if (!is_text(node.at(i))) {
        return fail(Code::kInvalid, "invalid value type expect a string");
      }
      SLUICE_CHECK(replace(node.at(i), vars, context));
    }
    return {};
  }
  if (is_text(node)) return replace(node, vars, context);
  return {};
}

/// Whether a var may stand in what kustomize notes in annotations: names that an object had before.
/// The text is gone at the end, but the var counts as replaced.
bool notes_hold_var(const BuildResource& resource) {
  const auto has_var = [](std::string_view text) { return text.find("$(") != text.npos; };
  return std::any_of(resource.previous.begin(), resource.previous.end(),
                     [&](const PreviousId& id) { return has_var(id.name) || has_var(id.ns); }) ||
         std::any_of(resource.prefixes.begin(), resource.prefixes.end(), has_var) ||
         std::any_of(resource.suffixes.begin(), resource.suffixes.end(), has_var);
}

}  // namespace

Result<void> resolve_vars(Accumulator& all, BuildContext& context) {
  if (all.vars.empty()) return {};
  Vars vars;
  for (const auto& [name, var] : all.vars) {
    auto value = find_value(var, all.resources);
    if (!value) {
      return fail(std::move(value).error().at(context.files().where(var.file, var.position)));
    }
    vars[name].value = *std::move(value);
  }
  FieldSpecs specs(all.config.get().var_reference);
  Result<void> done;
  for (const auto& resource : all.resources.items()) {
    std::optional<BuildAnnotationsShown> shown;
    if (notes_hold_var(*resource)) shown.emplace(*resource);
    done = specs.apply(resource->root(), resource->id.gvk, Creates::kNothing,
                       [&](yaml::Ref node) { return replace_all(node, vars, context); });
    if (!done) break;  // the warning below comes first
    all.resources.changed(*resource);
  }
  std::string unused;
  bool any_unused = false;
  for (const auto& [name, var] : vars) {
    if (var.uses != 0) continue;
    unused += (any_unused ? "," : "") + name;
    any_unused = true;
  }
  if (any_unused) context.warn("well-defined vars that were never replaced: " + unused);
  return done;
}

}  // namespace sluice::kustomize
