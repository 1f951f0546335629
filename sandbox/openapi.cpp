#include <algorithm>
#include <set>

#include "sandbox/builtin_types.hpp"
#include "sandbox/discovery.hpp"
#include "sandbox/json_text.hpp"

namespace sluice::sandbox {
namespace {

std::string path_of(const std::string& group, const std::string& version) {
  return group.empty() ? "api/" + version : "apis/" + group + "/" + version;
}

/// The name that upstream's documents give a definition of ours.
std::string schema_name(const std::string& definition) {
  if (definition.starts_with("meta.")) return "io.k8s.apimachinery.pkg.apis." + definition;
  if (definition.starts_with("apiextensions.")) {
    return "io.k8s.apiextensions-apiserver.pkg.apis." + definition;
  }
  return "io.k8s.api." + definition;
}

std::string custom_schema_name(const Resource& resource) {
  std::vector<std::string> parts = split(resource.group, '.');
  std::reverse(parts.begin(), parts.end());
  std::string out;
  for (const std::string& part : parts)
    out += part + ".";
  return out + resource.version + "." + resource.kind;
}

class SchemaWriter {
 public:
  /// The schema of a struct itself, with its fields.
  void write_definition(const Type& type, const Resource* resource) {
    out_ += '{';
    JsonFields fields(out_);
    fields.text("type", "object");
    write_struct(type, fields);
    if (resource != nullptr) {
      fields.raw("x-kubernetes-group-version-kind",
                 R"([{"group":)" + quoted(resource->group) + R"(,"version":)" +
                     quoted(resource->version) + R"(,"kind":)" + quoted(resource->kind) + "}]");
    }
    out_ += '}';
  }

  std::string& text() { return out_; }
  std::set<const Type*>& wanted() { return wanted_; }

 private:
  void write_struct(const Type& type, JsonFields& fields) {
    if (type.atomic) fields.text("x-kubernetes-map-type", "atomic");
    if (type.preserve_unknown) fields.boolean("x-kubernetes-preserve-unknown-fields", true);
    if (!type.fields.empty()) {
      fields.key("properties");
      out_ += '{';
      JsonFields properties(out_);
      std::string required;
      for (const Field& field : type.fields) {
        properties.key(field.name);
        write_field(field);
        if (field.required) required += (required.empty() ? "" : ",") + quoted(field.name);
      }
      out_ += '}';
      if (!required.empty()) fields.raw("required", "[" + required + "]");
    }
    if (type.element != nullptr) {
      fields.key("additionalProperties");
      out_ += '{';
      JsonFields inner(out_);
      write_type(*type.element, inner);
      out_ += '}';
    }
  }

  void write_field(const Field& field) {
    out_ += '{';
    JsonFields fields(out_);
    write_type(*field.type, fields);
    if (field.printed && !field.pointer && !field.type->name.empty()) fields.raw("default", "{}");
    if (field.merge || field.retain_keys) {
      fields.text("x-kubernetes-patch-strategy", field.merge && field.retain_keys
                                                     ? "merge,retainKeys"
                                                 : field.merge ? "merge"
                                                               : "retainKeys");
    }
    if (!field.merge_key.empty()) fields.text("x-kubernetes-patch-merge-key", field.merge_key);
    out_ += '}';
  }

  void write_type(const Type& type, JsonFields& fields) {
    switch (type.shape) {
      case Shape::kAny:
        if (!type.fields.empty())
          write_struct(type, fields);
        else
          fields.boolean("x-kubernetes-preserve-unknown-fields", true);
        return;
      case Shape::kString:
        fields.text("type", "string");
        return;
      case Shape::kBytes:
        fields.text("type", "string");
        fields.text("format", "byte");
        return;
      case Shape::kTime:
        fields.text("type", "string");
        fields.text("format", "date-time");
        return;
      case Shape::kBool:
        fields.text("type", "boolean");
        return;
      case Shape::kInt32:
        fields.text("type", "integer");
        fields.text("format", "int32");
        return;
      case Shape::kInt64:
        fields.text("type", "integer");
        fields.text("format", "int64");
        return;
      case Shape::kNumber:
        fields.text("type", "number");
        return;
      case Shape::kIntOrString:
        fields.text("format", "int-or-string");
        fields.raw("oneOf", R"([{"type":"integer"},{"type":"string"}])");
        return;
      case Shape::kQuantity:
        fields.raw("oneOf", R"([{"type":"string"},{"type":"number"}])");
        return;
      case Shape::kList:
        fields.text("type", "array");
        fields.text("x-kubernetes-list-type", type.list_kind == ListKind::kMap   ? "map"
                                              : type.list_kind == ListKind::kSet ? "set"
                                                                                 : "atomic");
        if (type.list_kind == ListKind::kMap) {
          std::string keys;
          for (const ListKey& key : type.keys)
            keys += (keys.empty() ? "" : ",") + quoted(key.name);
          fields.raw("x-kubernetes-list-map-keys", "[" + keys + "]");
        }
        fields.key("items");
        out_ += '{';
        {
          JsonFields inner(out_);
          write_type(*type.element, inner);
        }
        out_ += '}';
        return;
      case Shape::kMap:
        if (!type.name.empty()) {
          wanted_.insert(&type);
          fields.raw("allOf",
                     R"([{"$ref":"#/components/schemas/)" + schema_name(type.name) + R"("}])");
          return;
        }
        fields.text("type", "object");
        write_struct(type, fields);
        return;
    }
  }

  std::string out_;
  std::set<const Type*> wanted_;
};

/// The operations of one path that clients look for.
std::string path_json(const Resource& resource) {
  const std::string gvk = R"("x-kubernetes-group-version-kind":{"group":)" +
                          quoted(resource.group) + R"(,"version":)" + quoted(resource.version) +
                          R"(,"kind":)" + quoted(resource.kind) + "}";
  static constexpr const char* kParameters =
      R"("parameters":[{"name":"dryRun","in":"query","schema":{"type":"string","uniqueItems":true}},)"
      R"({"name":"fieldManager","in":"query","schema":{"type":"string","uniqueItems":true}},)"
      R"({"name":"fieldValidation","in":"query","schema":{"type":"string","uniqueItems":true}},)"
      R"({"name":"force","in":"query","schema":{"type":"boolean","uniqueItems":true}}])";
  std::string content = R"("application/apply-patch+yaml":{},"application/json-patch+json":{},)"
                        R"("application/merge-patch+json":{})";
  if (!resource.custom) content += R"(,"application/strategic-merge-patch+json":{})";
  const std::string answer = R"("responses":{"200":{"description":"OK"}})";
  return R"({"get":{"x-kubernetes-action":"get",)" + gvk + "," + answer +
         R"(},"put":{"x-kubernetes-action":"put",)" + gvk + "," + kParameters + "," + answer +
         R"(},"patch":{"x-kubernetes-action":"patch",)" + gvk + "," + kParameters +
         R"(,"requestBody":{"content":{)" + content + "}}," + answer + "}}";
}

}  // namespace

std::string openapi_index_json(const Catalog& catalog) {
  std::string out = R"({"paths":{)";
  JsonFields fields(out);
  for (const std::string& group : catalog.groups()) {
    for (const std::string& version : catalog.versions(group)) {
      const std::string path = path_of(group, version);
      fields.raw(path, R"({"serverRelativeURL":)" + quoted("/openapi/v3/" + path) + "}");
    }
  }
  return out + "}}";
}

std::string openapi_json(const Catalog& catalog, const std::string& group,
                         const std::string& version) {
  if (!catalog.serves(group, version)) return {};
  SchemaWriter writer;
  std::string paths = "{";
  JsonFields path_fields(paths);
  writer.text() = "{";
  JsonFields schemas(writer.text());
  std::set<const Type*> done;
  const std::string base = "/" + path_of(group, version) + "/";
  for (const ResourcePtr& one : catalog.resources) {
    if (one->group != group || one->version != version) continue;
    path_fields.raw(
        base + (one->namespaced ? "namespaces/{namespace}/" : "") + one->plural + "/{name}",
        path_json(*one));
    schemas.key(one->custom ? custom_schema_name(*one) : schema_name(one->type->name));
    writer.write_definition(*one->type, one.get());
    done.insert(one->type);
  }
  for (;;) {
    const auto next = std::find_if(writer.wanted().begin(), writer.wanted().end(),
                                   [&](const Type* type) { return !done.contains(type); });
    if (next == writer.wanted().end()) break;
    const Type* type = *next;
    done.insert(type);
    schemas.key(schema_name(type->name));
    writer.write_definition(*type, nullptr);
  }
  paths += '}';
  writer.text() += '}';
  return R"({"openapi":"3.0.0","info":{"title":"sluice sandbox","version":"v1.34.0+sluice-sandbox"},"paths":)" +
         paths + R"(,"components":{"schemas":)" + writer.text() + "}}";
}

}  // namespace sluice::sandbox
