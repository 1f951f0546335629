#include "sandbox/typed.hpp"

#include <algorithm>
#include <cstdlib>
#include <unordered_map>

#include "sluice/base/encoding.hpp"
#include "sluice/yaml/json_kind.hpp"
#include "sluice/yaml/scalar.hpp"

#include "sandbox/field_set.hpp"
#include "sandbox/json_text.hpp"
#include "sandbox/patterns.hpp"
#include "sandbox/quantity.hpp"

namespace sluice::sandbox {
namespace {

std::string join(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : path + "." + std::string(name);
}
std::string join(const std::string& path, std::size_t index) {
  return path + "[" + std::to_string(index) + "]";
}

void drop_unknown_at(const Type& type, yaml::Ref value, const std::string& path,
                     std::vector<std::string>& unknown) {
  if (value.is_mapping()) {
    for (std::size_t i = 0; i < value.size();) {
      const std::string_view name = value.key(i).text();
      if (type.closed() && type.field(name) == nullptr) {
        unknown.push_back(join(path, name));
        value.erase_entry(i);
        continue;
      }
      const Type& inner = type.at(name);
      if (inner.shape != Shape::kAny || !inner.fields.empty()) {
        drop_unknown_at(inner, value.value(i), join(path, name), unknown);
      }
      ++i;
    }
  } else if (value.is_sequence() && type.element != nullptr) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      drop_unknown_at(*type.element, value.at(i), join(path, i), unknown);
    }
  }
}

std::string last_word(const std::string& definition) {
  return definition.substr(definition.rfind('.') + 1);
}

/// The Go type that a message names; "" when `value` fits.
std::string go_mismatch(const Type& type, yaml::Node value) {
  const bool text = value.is_string();
  const bool number = value.kind() == yaml::Kind::kInt || value.kind() == yaml::Kind::kFloat;
  switch (type.shape) {
    case Shape::kAny:
      return {};
    case Shape::kString:
      return text ? "" : "string";
    case Shape::kBytes:
      return text ? "" : "[]uint8";
    case Shape::kTime:
      return text ? "" : "string";
    case Shape::kBool:
      return value.kind() == yaml::Kind::kBool ? "" : "bool";
    case Shape::kInt32:
      return value.kind() == yaml::Kind::kInt ? "" : "int32";
    case Shape::kInt64:
      return value.kind() == yaml::Kind::kInt ? "" : "int64";
    case Shape::kNumber:
      return number ? "" : "float64";
    case Shape::kIntOrString:
      return text || number ? "" : "string";
    case Shape::kQuantity:
      return text || number ? "" : "string";
    case Shape::kMap:
      if (value.is_mapping()) return {};
      if (type.element == nullptr)
        return type.name.empty() ? "struct" : "v1." + last_word(type.name);
      return type.element->shape == Shape::kString ? "map[string]string"
                                                   : "map[string]" + last_word(type.element->name);
    case Shape::kList:
      if (value.is_sequence()) return {};
      return type.element->shape == Shape::kString ? "[]string"
                                                   : "[]v1." + last_word(type.element->name);
  }
  return {};
}

std::string mismatch_at(const Type& type, yaml::Node value, const std::string& path,
                        const std::string& owner) {
  if (!value.exists() || value.is_null()) return {};
  const bool map = type.shape == Shape::kMap && type.element != nullptr;
  if (std::string wanted = go_mismatch(type, value); !wanted.empty()) {
    return "json: cannot unmarshal " + std::string(yaml::json_kind(value)) +
           " into Go struct field " + owner + "." + path + " of type " + wanted;
  }
  if (type.shape == Shape::kBytes) {
    if (!base64_decode(value.text())) {
      const std::string_view text = value.text();
      std::size_t bad = text.find_first_not_of(
          "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\r\n");
      if (bad == std::string_view::npos) bad = text.size() / 4 * 4;
      return "illegal base64 data at input byte " + std::to_string(bad);
    }
  }
  for (std::size_t i = 0; i < value.size(); ++i) {
    std::string inner;
    if (value.is_mapping()) {
      const std::string_view name = value.key(i).text();
      inner = mismatch_at(type.at(name), value.value(i), map ? path : join(path, name),
                          type.fields.empty() || type.name.empty() ? owner : last_word(type.name));
    } else if (type.element != nullptr) {
      inner = mismatch_at(*type.element, value.at(i), path, owner);
    }
    if (!inner.empty()) return inner;
  }
  return {};
}

std::string go_value(yaml::Node value) {
  return value.is_string() ? quoted(value.text()) : json_of(value);
}

/// Words of structured-merge-diff for a scalar that is none, or of the wrong kind.
std::string bad_scalar(const Type& type, yaml::Node value) {
  const bool number = value.kind() == yaml::Kind::kInt || value.kind() == yaml::Kind::kFloat;
  switch (type.shape) {
    case Shape::kString:
    case Shape::kBytes:
    case Shape::kTime:
      if (value.is_string()) return {};
      return "expected string, got &value.valueUnstructured{Value:" + go_value(value) + "}";
    case Shape::kInt32:
    case Shape::kInt64:
    case Shape::kNumber:
      if (number) return {};
      return std::string("expected numeric (int or float), got ") +
             (value.is_string()     ? "string"
              : value.is_sequence() ? "[]interface {}"
              : value.is_mapping()  ? "map[string]interface {}"
                                    : "bool");
    case Shape::kBool:
      if (value.kind() == yaml::Kind::kBool) return {};
      return "expected boolean, got &{" +
             std::string(value.is_scalar() ? value.text() : json_of(value)) + "}";
    case Shape::kMap:
      if (value.is_mapping()) return {};
      return "expected map, got &{" +
             std::string(value.is_scalar() ? value.text() : json_of(value)) + "}";
    case Shape::kList:
      if (value.is_sequence()) return {};
      return "expected list, got &{" +
             std::string(value.is_scalar() ? value.text() : json_of(value)) + "}";
    default:
      return {};
  }
}

std::string untyped_at(const Type& type, yaml::Node value, const std::string& path) {
  if (value.is_null()) return {};
  if (const std::string bad = bad_scalar(type, value); !bad.empty()) return path + ": " + bad;
  if (value.is_mapping()) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      const std::string_view name = value.key(i).text();
      const std::string inner = path + "." + std::string(name);
      if (type.closed() && type.field(name) == nullptr) {
        return inner + ": field not declared in schema";
      }
      if (std::string found = untyped_at(type.at(name), value.value(i), inner); !found.empty()) {
        return found;
      }
    }
  } else if (value.is_sequence() && type.element != nullptr) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      std::string inner = path + "[" + std::to_string(i) + "]";
      if (type.list_kind == ListKind::kMap) {
        inner = path + item_element(type, value.at(i)).print();
      }
      if (std::string found = untyped_at(*type.element, value.at(i), inner); !found.empty()) {
        return found;
      }
    }
    if (type.list_kind != ListKind::kAtomic) {
      std::vector<PathElement> seen;
      for (std::size_t i = 0; i < value.size(); ++i)
        seen.push_back(item_element(type, value.at(i)));
      std::sort(seen.begin(), seen.end());
      const auto twice = std::adjacent_find(seen.begin(), seen.end());
      if (twice != seen.end()) return path + ": duplicate entries for key " + twice->print();
    }
  }
  return {};
}

bool is_zero(yaml::Node value) {
  switch (value.kind()) {
    case yaml::Kind::kMapping:
    case yaml::Kind::kSequence:
      return value.size() == 0;
    case yaml::Kind::kString:
      return value.text().empty();
    case yaml::Kind::kBool:
      return value.text() == "false";
    case yaml::Kind::kInt:
    case yaml::Kind::kFloat:
      return yaml::float_value(value.text()).value_or(1) == 0;
    default:
      return false;
  }
}

void drop_empty_values(const Type& type, yaml::Ref value) {
  if (value.is_mapping()) {
    for (std::size_t i = 0; i < value.size();) {
      const std::string_view name = value.key(i).text();
      const Field* field = type.field(name);
      const yaml::Ref one = value.value(i);
      drop_empty_values(type.at(name), one);
      const bool gone = one.is_null() ? type.shape == Shape::kMap
                                      : field != nullptr && field->drop_zero && is_zero(one);
      if (gone)
        value.erase_entry(i);
      else
        ++i;
    }
  } else if (value.is_sequence() && type.element != nullptr) {
    for (std::size_t i = 0; i < value.size(); ++i)
      drop_empty_values(*type.element, value.at(i));
  } else if (type.shape == Shape::kQuantity && value.is_scalar() && !value.is_null()) {
    const std::string text = canonical_quantity(value.text());
    if (!value.is_string() || text != value.text()) value.set_string(text);
  }
}

/// What Go prints for a field that nothing was put into.
void put_zero(const Field& field, yaml::Ref parent) {
  const yaml::Ref value = parent.put_null(field.name);
  if (field.pointer) return;
  switch (field.type->shape) {
    case Shape::kMap:
      if (!field.type->name.empty()) value.set_mapping();
      break;
    case Shape::kString:
    case Shape::kBytes:
      value.set_string("");
      break;
    case Shape::kBool:
      value.set_bool(false);
      break;
    case Shape::kInt32:
    case Shape::kInt64:
    case Shape::kNumber:
    case Shape::kIntOrString:
      value.set_int(0);
      break;
    case Shape::kQuantity:
      value.set_string("0");
      break;
    default:
      break;
  }
}

bool has_fields_below(const Type* type) {
  return type != nullptr && (!type->fields.empty() || type->element != nullptr);
}

void fill(const Type& type, yaml::Ref value, bool defaults) {
  if (value.is_mapping()) {
    for (const Field& field : type.fields) {
      yaml::Ref inner = value.get(field.name);
      if (!inner) {
        if (defaults && field.default_value)
          value.put(field.name, field.default_value->root());
        else if (field.printed)
          put_zero(field, value);
        else
          continue;
        inner = value.get(field.name);
      }
      fill(*field.type, inner, defaults);
    }
    if (has_fields_below(type.element)) {
      for (std::size_t i = 0; i < value.size(); ++i)
        fill(*type.element, value.value(i), defaults);
    }
  } else if (value.is_sequence() && has_fields_below(type.element)) {
    for (std::size_t i = 0; i < value.size(); ++i)
      fill(*type.element, value.at(i), defaults);
  }
}

}  // namespace

void drop_unknown(const Type& type, yaml::Ref value, std::vector<std::string>& unknown) {
  drop_unknown_at(type, value, "", unknown);
}

std::string type_mismatch(const Type& type, yaml::Node value) {
  return mismatch_at(type, value, "", last_word(type.name));
}

std::string untyped_field(const Type& type, yaml::Node value) {
  return untyped_at(type, value, "");
}

void normalize_builtin(const Type& type, yaml::Ref value) {
  drop_empty_values(type, value);
  fill(type, value, /*defaults=*/true);
}

yaml::Document zero_object(const Type& type) {
  yaml::Document out;
  out.root().set_mapping();
  fill(type, out.root(), /*defaults=*/false);
  return out;
}

// ------------------------------------------------------------------------------- structural
// schemas

void set_schema_defaults(const Type& type, yaml::Ref value) {
  if (value.is_mapping()) {
    for (const Field& field : type.fields) {
      yaml::Ref inner = value.get(field.name);
      if (inner && inner.is_null() && !field.type->nullable && field.type->shape != Shape::kAny) {
        value.erase(field.name);  // null means absent unless the schema allows it
        inner = {};
      }
      if (!inner && field.default_value) inner = value.put(field.name, field.default_value->root());
      if (inner) set_schema_defaults(*field.type, inner);
    }
    if (type.element != nullptr && type.shape == Shape::kMap) {
      for (std::size_t i = 0; i < value.size(); ++i) {
        set_schema_defaults(*type.element, value.value(i));
      }
    }
  } else if (value.is_sequence() && type.element != nullptr) {
    for (std::size_t i = 0; i < value.size(); ++i)
      set_schema_defaults(*type.element, value.at(i));
  }
}

namespace {

const char* schema_word(yaml::Node value) {
  switch (value.kind()) {
    case yaml::Kind::kMapping:
      return "object";
    case yaml::Kind::kSequence:
      return "array";
    case yaml::Kind::kBool:
      return "boolean";
    case yaml::Kind::kInt:
      return "integer";
    case yaml::Kind::kFloat:
      return "number";
    case yaml::Kind::kNull:
      return "null";
    default:
      return "string";
  }
}

/// The schema type that `value` should have had; "" when it fits.
const char* schema_mismatch(const Type& type, yaml::Node value) {
  const bool whole =
      value.kind() == yaml::Kind::kInt ||
      (value.kind() == yaml::Kind::kFloat &&
       yaml::float_value(value.text()).value_or(0.5) ==
           static_cast<double>(yaml::float_value(value.text())
                                   ? static_cast<std::int64_t>(*yaml::float_value(value.text()))
                                   : 0));
  switch (type.shape) {
    case Shape::kAny:
    case Shape::kQuantity:
      return "";
    case Shape::kString:
    case Shape::kBytes:
    case Shape::kTime:
      return value.is_string() ? "" : "string";
    case Shape::kBool:
      return value.kind() == yaml::Kind::kBool ? "" : "boolean";
    case Shape::kInt32:
    case Shape::kInt64:
      return whole ? "" : "integer";
    case Shape::kNumber:
      return value.kind() == yaml::Kind::kInt || value.kind() == yaml::Kind::kFloat ? "" : "number";
    case Shape::kIntOrString:
      return value.is_string() || value.kind() == yaml::Kind::kInt ? "" : "integer,string";
    case Shape::kMap:
      return value.is_mapping() ? "" : "object";
    case Shape::kList:
      return value.is_sequence() ? "" : "array";
  }
  return "";
}

void check_constraints(const Constraints& limits, yaml::Node value, const std::string& path,
                       FieldErrors& errors) {
  if (!limits.enum_json.empty()) {
    const std::string json = json_of(value);
    if (std::find(limits.enum_json.begin(), limits.enum_json.end(), json) ==
        limits.enum_json.end()) {
      errors.not_supported(path, json, limits.enum_json);
      return;
    }
  }
  const auto said = [&](const std::string& rule) { return path + " in body should " + rule; };
  if (value.is_string()) {
    const std::string text(value.text());
    if (!limits.pattern.empty() && !matches_pattern(limits.pattern, text)) {
      errors.invalid(path, quoted(text), said("match '" + limits.pattern + "'"));
    }
    const auto characters =
        static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
          return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
        }));
    if (limits.max_length && characters > *limits.max_length) {
      errors.too_long(path,
                      "may not be more than " + std::to_string(*limits.max_length) + " bytes");
    }
    if (limits.min_length && characters < *limits.min_length) {
      errors.invalid(path, quoted(text),
                     said("be at least " + std::to_string(*limits.min_length) + " chars long"));
    }
    if (limits.format == "date-time" && !is_rfc3339(text)) {
      errors.invalid(path, quoted(text),
                     path + " in body must be of type date-time: " + quoted(text));
    }
  } else if (value.kind() == yaml::Kind::kInt || value.kind() == yaml::Kind::kFloat) {
    const double number = yaml::float_value(value.text()).value_or(0);
    const std::string text(value.text());
    if (limits.minimum &&
        (limits.exclusive_minimum ? number <= *limits.minimum : number < *limits.minimum)) {
      errors.invalid(
          path, text,
          said(std::string("be greater than ") + (limits.exclusive_minimum ? "" : "or equal to ") +
               yaml::format_float_g(*limits.minimum)));
    }
    if (limits.maximum &&
        (limits.exclusive_maximum ? number >= *limits.maximum : number > *limits.maximum)) {
      errors.invalid(
          path, text,
          said(std::string("be less than ") + (limits.exclusive_maximum ? "" : "or equal to ") +
               yaml::format_float_g(*limits.maximum)));
    }
  } else if (value.is_sequence()) {
    if (limits.max_items && value.size() > *limits.max_items) {
      errors.too_many(path, std::to_string(value.size()),
                      "must have at most " + std::to_string(*limits.max_items) + " items");
    }
    if (limits.min_items && value.size() < *limits.min_items) {
      errors.invalid(path, std::to_string(value.size()),
                     said("have at least " + std::to_string(*limits.min_items) + " items"));
    }
  } else if (value.is_mapping()) {
    if (limits.max_properties && value.size() > *limits.max_properties) {
      errors.too_many(path, std::to_string(value.size()),
                      "must have at most " + std::to_string(*limits.max_properties) + " items");
    }
    if (limits.min_properties && value.size() < *limits.min_properties) {
      errors.invalid(
          path, std::to_string(value.size()),
          said("have at least " + std::to_string(*limits.min_properties) + " properties"));
    }
  }
}

}  // namespace

void check_schema(const Type& type, yaml::Node value, const std::string& path,
                  FieldErrors& errors) {
  if (value.is_null() && type.nullable) return;
  if (const char* wanted = schema_mismatch(type, value); *wanted != '\0') {
    const std::string word = quoted(schema_word(value));
    errors.type_invalid(path.empty() ? "<nil>" : path, word,
                        path + " in body must be of type " + wanted + ": " + word);
    return;
  }
  if (type.constraints) check_constraints(*type.constraints, value, path, errors);
  if (value.is_mapping()) {
    for (const Field& field : type.fields) {
      if (field.required && !value.get(field.name)) errors.required(join(path, field.name));
    }
    for (std::size_t i = 0; i < value.size(); ++i) {
      const std::string_view name = value.key(i).text();
      check_schema(type.at(name), value.value(i), join(path, name), errors);
    }
  } else if (value.is_sequence() && type.element != nullptr) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      check_schema(*type.element, value.at(i), join(path, i), errors);
    }
    if (type.list_kind != ListKind::kAtomic) {
      std::vector<PathElement> seen;
      for (std::size_t i = 0; i < value.size(); ++i) {
        PathElement element = item_element(type, value.at(i));
        if (std::find(seen.begin(), seen.end(), element) != seen.end()) {
          errors.duplicate(join(path, i), element.text);
        }
        seen.push_back(std::move(element));
      }
    }
  }
}

}  // namespace sluice::sandbox
