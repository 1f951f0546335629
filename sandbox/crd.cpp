#include <algorithm>

#include "sluice/yaml/scalar.hpp"

#include "sandbox/builtin_types.hpp"
#include "sandbox/json_text.hpp"
#include "sandbox/patterns.hpp"
#include "sandbox/resource.hpp"

namespace sluice::sandbox {
namespace {

bool truth(yaml::Node node) {
  return node.kind() == yaml::Kind::kBool && node.exists() && node.text() == "true";
}

std::optional<double> number(yaml::Node node) {
  return node.exists() ? yaml::float_value(node.text()) : std::nullopt;
}
std::optional<std::size_t> count(yaml::Node node) {
  const auto value = node.exists() ? yaml::int64_value(node.text()) : std::nullopt;
  return value && *value >= 0 ? std::optional<std::size_t>(static_cast<std::size_t>(*value))
                              : std::nullopt;
}

Shape shape_of(yaml::Node schema) {
  if (truth(schema.get("x-kubernetes-int-or-string"))) return Shape::kIntOrString;
  const std::string_view type = schema.get("type").string_or("");
  if (type == "object") return Shape::kMap;
  if (type == "array") return Shape::kList;
  if (type == "string") return Shape::kString;
  if (type == "boolean") return Shape::kBool;
  if (type == "integer") return Shape::kInt64;
  if (type == "number") return Shape::kNumber;
  return Shape::kAny;
}

std::unique_ptr<Constraints> constraints_of(yaml::Node schema) {
  Constraints out;
  const yaml::Node allowed = schema.get("enum");
  for (std::size_t i = 0; i < allowed.size(); ++i)
    out.enum_json.push_back(json_of(allowed.at(i)));
  out.pattern = schema.get("pattern").string_or("");
  out.format = schema.get("format").string_or("");
  out.minimum = number(schema.get("minimum"));
  out.maximum = number(schema.get("maximum"));
  out.exclusive_minimum = truth(schema.get("exclusiveMinimum"));
  out.exclusive_maximum = truth(schema.get("exclusiveMaximum"));
  out.min_length = count(schema.get("minLength"));
  out.max_length = count(schema.get("maxLength"));
  out.min_items = count(schema.get("minItems"));
  out.max_items = count(schema.get("maxItems"));
  out.min_properties = count(schema.get("minProperties"));
  out.max_properties = count(schema.get("maxProperties"));
  const bool any = !out.enum_json.empty() || !out.pattern.empty() || out.format == "date-time" ||
                   out.minimum || out.maximum || out.min_length || out.max_length ||
                   out.min_items || out.max_items || out.min_properties || out.max_properties;
  return any ? std::make_unique<Constraints>(std::move(out)) : nullptr;
}

class SchemaReader {
 public:
  explicit SchemaReader(TypeArena& arena) : arena_(arena) {}

  const Type& read(yaml::Node schema) {
    Type& type = arena_.add();
    type.shape = shape_of(schema);
    type.preserve_unknown = truth(schema.get("x-kubernetes-preserve-unknown-fields"));
    type.embedded_resource = truth(schema.get("x-kubernetes-embedded-resource"));
    type.nullable = truth(schema.get("nullable"));
    type.atomic = schema.get("x-kubernetes-map-type").string_or("") == "atomic";
    type.constraints = constraints_of(schema);
    if (const yaml::Node items = schema.get("items")) type.element = &read(items);
    if (type.shape == Shape::kList && type.element == nullptr) type.element = &any_type();
    const std::string_view list = schema.get("x-kubernetes-list-type").string_or("atomic");
    if (list == "set") type.list_kind = ListKind::kSet;
    if (list == "map") type.list_kind = ListKind::kMap;
    const yaml::Node keys = schema.get("x-kubernetes-list-map-keys");
    for (std::size_t i = 0; i < keys.size(); ++i) {
      ListKey key{std::string(keys.at(i).text()), ""};
      const yaml::Node standard = schema.find("items", "properties", keys.at(i).text(), "default");
      if (standard) key.default_json = json_of(standard);
      type.keys.push_back(std::move(key));
    }
    const yaml::Node values = schema.get("additionalProperties");
    if (values.is_mapping())
      type.element = &read(values);
    else if (truth(values))
      type.element = &any_type();
    read_fields(schema, type);
    if (type.embedded_resource) add_resource_fields(type);
    return type;
  }

  /// Every object has these, whatever its schema says.
  void add_resource_fields(Type& type) {
    const auto set = [&](const char* name, const Type& of) {
      for (Field& field : type.fields) {
        if (field.name == name) {
          field.type = &of;
          return;
        }
      }
      Field field;
      field.name = name;
      field.type = &of;
      type.fields.push_back(std::move(field));
    };
    Type& text = arena_.add();
    text.shape = Shape::kString;
    set("apiVersion", text);
    set("kind", text);
    set("metadata", *builtin_type("meta.v1.ObjectMeta"));
    sort(type);
  }

  void make_object(Type& type) {
    type.shape = Shape::kMap;
    add_resource_fields(type);
  }

 private:
  void read_fields(yaml::Node schema, Type& type) {
    const yaml::Node properties = schema.get("properties");
    const yaml::Node required = schema.get("required");
    for (std::size_t i = 0; i < properties.size(); ++i) {
      Field field;
      field.name = properties.key(i).text();
      const yaml::Node inner = properties.value(i);
      field.type = &read(inner);
      for (std::size_t j = 0; j < required.size(); ++j) {
        if (required.at(j).text() == field.name) field.required = true;
      }
      if (const yaml::Node standard = inner.get("default")) {
        auto value = std::make_shared<yaml::Document>();
        value->set_root(value->import(standard));
        field.default_value = std::move(value);
      }
      type.fields.push_back(std::move(field));
    }
    sort(type);
  }

  static void sort(Type& type) {
    std::sort(type.fields.begin(), type.fields.end(),
              [](const Field& a, const Field& b) { return a.name < b.name; });
  }

  TypeArena& arena_;
};

void check_names(yaml::Node spec, yaml::Node definition, FieldErrors& errors) {
  const yaml::Node names = spec.get("names");
  const std::string plural(names.get("plural").string_or(""));
  const std::string group(spec.get("group").string_or(""));
  if (group.empty()) {
    errors.required("spec.group");
  } else if (const std::string bad = bad_dns_subdomain(group); !bad.empty()) {
    errors.invalid("spec.group", quoted(group), bad);
  } else if (group.find('.') == std::string::npos) {
    errors.invalid("spec.group", quoted(group), "should be a domain with at least one dot");
  }
  const std::string_view scope = spec.get("scope").string_or("");
  if (scope.empty())
    errors.required("spec.scope");
  else if (scope != "Cluster" && scope != "Namespaced") {
    errors.not_supported("spec.scope", quoted(scope), {"\"Cluster\"", "\"Namespaced\""});
  }
  if (plural.empty()) errors.required("spec.names.plural");
  if (names.get("kind").string_or("").empty()) errors.required("spec.names.kind");
  const std::string name(definition.find("metadata", "name").string_or(""));
  if (!plural.empty() && name != plural + "." + group) {
    errors.invalid("metadata.name", quoted(name), "must be spec.names.plural+\".\"+spec.group");
  }
}

void check_schema_node(yaml::Node schema, const std::string& path, bool root, FieldErrors& errors) {
  const std::string_view type = schema.get("type").string_or("");
  const bool free = truth(schema.get("x-kubernetes-preserve-unknown-fields")) ||
                    truth(schema.get("x-kubernetes-int-or-string"));
  if (root && type != "object") {
    errors.invalid(path + ".type", quoted(type), "must be object at the root");
  } else if (type.empty() && !free) {
    errors.required(path + ".type", "must not be empty for specified object fields");
  }
  if (const yaml::Node pattern = schema.get("pattern");
      pattern && !is_valid_pattern(std::string(pattern.text()))) {
    errors.invalid(path + ".pattern", quoted(pattern.text()), "must be a valid regular expression");
  }
  if (type == "array" && !schema.get("items"))
    errors.required(path + ".items", "must be specified");
  if (const yaml::Node items = schema.get("items")) {
    check_schema_node(items, path + ".items", false, errors);
  }
  if (const yaml::Node values = schema.get("additionalProperties"); values.is_mapping()) {
    check_schema_node(values, path + ".additionalProperties", false, errors);
  }
  const yaml::Node properties = schema.get("properties");
  for (std::size_t i = 0; i < properties.size(); ++i) {
    const std::string name(properties.key(i).text());
    if (root && name == "metadata") continue;
    check_schema_node(properties.value(i), path + ".properties[" + name + "]", false, errors);
  }
}

void check_versions(yaml::Node spec, FieldErrors& errors) {
  const yaml::Node versions = spec.get("versions");
  std::size_t stored = 0;
  for (std::size_t i = 0; i < versions.size(); ++i) {
    const yaml::Node version = versions.at(i);
    const std::string path = "spec.versions[" + std::to_string(i) + "]";
    if (truth(version.get("storage"))) ++stored;
    const std::string_view name = version.get("name").string_or("");
    if (name.empty())
      errors.required(path + ".name");
    else if (const std::string bad = bad_dns_label(name); !bad.empty()) {
      errors.invalid(path + ".name", quoted(name), bad);
    }
    const yaml::Node schema = version.find("schema", "openAPIV3Schema");
    if (!schema)
      errors.required(path + ".schema.openAPIV3Schema", "schemas are required");
    else
      check_schema_node(schema, path + ".schema.openAPIV3Schema", true, errors);
  }
  if (stored != 1) {
    errors.invalid("spec.versions", json_of(versions),
                   "must have exactly one version marked as storage version");
  }
}

}  // namespace

std::vector<ResourcePtr> custom_resources(yaml::Node definition) {
  std::vector<ResourcePtr> out;
  const yaml::Node spec = definition.get("spec");
  const yaml::Node names = spec.get("names");
  const auto arena = std::make_shared<TypeArena>();
  const yaml::Node versions = spec.get("versions");
  for (std::size_t i = 0; i < versions.size(); ++i) {
    const yaml::Node version = versions.at(i);
    if (!truth(version.get("served"))) continue;
    auto resource = std::make_shared<Resource>();
    resource->custom = true;
    resource->definition = definition.find("metadata", "name").string_or("");
    resource->group = spec.get("group").string_or("");
    resource->version = version.get("name").string_or("");
    resource->kind = names.get("kind").string_or("");
    resource->list_kind = names.get("listKind").string_or(resource->kind + "List");
    resource->plural = names.get("plural").string_or("");
    resource->singular = names.get("singular").string_or("");
    resource->short_names = names.get("shortNames").texts();
    resource->categories = names.get("categories").texts();
    resource->namespaced = spec.get("scope").string_or("") == "Namespaced";
    resource->has_status = version.find("subresources", "status").exists();
    if (const yaml::Node scale = version.find("subresources", "scale")) {
      resource->has_scale = true;
      resource->replicas_path = scale.get("specReplicasPath").string_or("");
      resource->status_replicas_path = scale.get("statusReplicasPath").string_or("");
      resource->selector_path = scale.get("labelSelectorPath").string_or("");
    }
    SchemaReader reader(*arena);
    auto& type = const_cast<Type&>(reader.read(version.find("schema", "openAPIV3Schema")));
    reader.make_object(type);
    resource->type = &type;
    resource->types = arena;
    const yaml::Node columns = version.get("additionalPrinterColumns");
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const yaml::Node column = columns.at(c);
      resource->columns.push_back(
          {std::string(column.get("name").text()), std::string(column.get("type").text()),
           std::string(column.get("format").text()), std::string(column.get("jsonPath").text()),
           static_cast<int>(yaml::int64_value(column.get("priority").text()).value_or(0))});
    }
    const yaml::Node selectable = version.get("selectableFields");
    for (std::size_t s = 0; s < selectable.size(); ++s) {
      resource->selectable_fields.emplace_back(selectable.at(s).get("jsonPath").text());
    }
    out.push_back(std::move(resource));
  }
  return out;
}

void check_definition(yaml::Node definition, FieldErrors& errors) {
  const yaml::Node spec = definition.get("spec");
  check_names(spec, definition, errors);
  if (truth(spec.get("preserveUnknownFields"))) {
    errors.invalid("spec.preserveUnknownFields", "true", "must be false");
  }
  if (spec.get("versions").size() == 0)
    errors.required("spec.versions");
  else
    check_versions(spec, errors);
}

}  // namespace sluice::sandbox
