#include "sandbox/tables.hpp"

#include "sandbox/columns.hpp"
#include "sandbox/json_text.hpp"
#include "sandbox/objects.hpp"

namespace sluice::sandbox {
namespace {

void append_definition(std::string& out, const Column& column) {
  out += '{';
  JsonFields fields(out);
  fields.text("name", column.name);
  fields.text("type", column.type);
  fields.text("format", column.format);
  fields.text("description", "");
  fields.number("priority", column.priority);
  out += '}';
}

void append_row(std::string& out, const Resource& resource, const std::vector<Column>& columns,
                const Object& object, IncludeObject include) {
  const yaml::Node root = object.document.root();
  out += R"({"cells":[)";
  for (const Column& column : columns)
    out += (&column == &columns.front() ? "" : ",") + column.cell(root);
  out += ']';
  if (include == IncludeObject::kMetadata) out += R"(,"object":)" + metadata_only_json(object);
  if (include == IncludeObject::kObject) {
    out += R"(,"object":)";
    append_json(out, root_of(in_version(resource, object)));
  }
  out += '}';
}

}  // namespace

std::string metadata_only_json(const Object& object) {
  return R"({"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":)" +
         json_of(object.document.root().get("metadata")) + "}";
}

std::string table_json(const Resource& resource, const std::vector<ObjectPtr>& objects,
                       const std::string& list_metadata, IncludeObject include) {
  const std::vector<Column> columns =
      resource.custom ? custom_columns(resource) : builtin_columns(resource);
  std::string out = R"({"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":)" + list_metadata +
                    R"(,"columnDefinitions":[)";
  for (const Column& column : columns) {
    if (&column != &columns.front()) out += ',';
    append_definition(out, column);
  }
  out += R"(],"rows":[)";
  for (const ObjectPtr& object : objects) {
    if (&object != &objects.front()) out += ',';
    append_row(out, resource, columns, *object, include);
  }
  return out + "]}";
}

}  // namespace sluice::sandbox
