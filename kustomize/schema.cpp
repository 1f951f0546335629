#include "kustomize/schema.hpp"

#include <algorithm>
#include <deque>
#include <iterator>
#include <mutex>
#include <tuple>

#include "sluice/yaml/read.hpp"

#include "kustomize/gvk.hpp"

namespace sluice::kustomize {
namespace {

enum class Shape : std::uint8_t { kType, kArray, kMap };
constexpr std::uint16_t kNoType = 0xffff;

struct FieldRow {
  std::string_view name;
  Shape shape;
  std::uint16_t type;
  bool merges;
  std::string_view keys;  // comma-separated
};
struct KindRow {
  std::string_view kind, group, version;
  std::uint16_t type;
};
struct ScopeRow {
  std::string_view kind, group, version;
  bool namespaced;
};

#include "kustomize/schema_table.inc"
#include "kustomize/scope_table.inc"

/// Binary search in a table sorted by kind, group, version.
template <class Row, std::size_t N>
const Row* find_kind(const Row (&rows)[N], const Gvk& gvk) {
  const auto key = [](const auto& row) {
    return std::make_tuple(std::string_view(row.kind), std::string_view(row.group),
                           std::string_view(row.version));
  };
  const auto at =
      std::lower_bound(std::begin(rows), std::end(rows), gvk,
                       [&](const Row& row, const Gvk& wanted) { return key(row) < key(wanted); });
  return at != std::end(rows) && key(*at) == key(gvk) ? at : nullptr;
}

constexpr std::string_view kDefinitions = "#/definitions/";
constexpr std::string_view kGvkExtension = "x-kubernetes-group-version-kind";

bool lists_merge(std::string_view strategies) {
  while (true) {
    const std::size_t comma = strategies.find(',');
    if (strategies.substr(0, comma) == "merge") return true;
    if (comma == std::string_view::npos) return false;
    strategies.remove_prefix(comma + 1);
  }
}

Gvk read_gvk(yaml::Node node) {
  return {std::string(node.get("group").text()), std::string(node.get("version").text()),
          std::string(node.get("kind").text())};
}

/// What kube-openapi's spec.Schema can hold, and not nothing.
bool describes_schema(yaml::Node node) {
  if (!node.is_mapping() || node.size() == 0) return false;
  const auto is = [&](std::string_view name, bool (yaml::Node::*kind)() const) {
    const yaml::Node value = node.get(name);
    return !value.exists() || value.is_null() || (value.*kind)();
  };
  const yaml::Node type = node.get("type"), items = node.get("items");
  return is("$ref", &yaml::Node::is_string) && is("properties", &yaml::Node::is_mapping) &&
         (!type.exists() || type.is_string() || type.is_sequence()) &&
         (!items.exists() || items.is_mapping() || items.is_sequence());
}

/// JSON pointer escapes of a $ref: ~1 is a slash, ~0 a tilde.
std::string unescape_pointer(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '~' && i + 1 < text.size() && (text[i + 1] == '0' || text[i + 1] == '1')) {
      out += text[++i] == '0' ? '~' : '/';
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

SchemaNode SchemaNode::resolve(yaml::Node schema) const {
  // References may chain; a chain longer than this is a cycle.
  for (int steps = 0; steps < 100 && schema.is_mapping(); ++steps) {
    const std::string_view ref = schema.get("$ref").text();
    if (ref.empty()) {
      SchemaNode found;
      found.owner_ = owner_;
      found.custom_ = schema;
      return found;
    }
    if (ref.substr(0, kDefinitions.size()) != kDefinitions) return {};
    const std::string name = unescape_pointer(ref.substr(kDefinitions.size()));
    schema = owner_->custom_type(name);
    if (owner_->builtin_ == Schema::Builtin::kLast && schema.exists()) continue;
    if (owner_->builtin_ == Schema::Builtin::kNone) continue;
    const auto at = std::lower_bound(std::begin(kTypeNames), std::end(kTypeNames), name);
    if (at == std::end(kTypeNames) || *at != name) continue;
    SchemaNode found;
    found.owner_ = owner_;
    found.type_ = static_cast<std::uint16_t>(at - std::begin(kTypeNames));
    return found;
  }
  return {};
}

/// A built-in type, or what the custom document has in its place.
SchemaNode SchemaNode::of_type(std::uint16_t type) const {
  if (owner_->builtin_ == Schema::Builtin::kLast && type != kNoType) {
    if (const yaml::Node own = owner_->custom_type(kTypeNames[type])) return resolve(own);
  }
  SchemaNode found;
  found.owner_ = owner_;
  found.type_ = type;
  return found;
}

SchemaNode SchemaNode::field(std::string_view name) const {
  if (!exists()) return {};
  if (custom_.exists()) {
    if (const yaml::Node property = custom_.get("properties").get(name)) return resolve(property);
    const yaml::Node free = custom_.get("additionalProperties");
    return free.is_mapping() ? resolve(free) : SchemaNode();
  }
  SchemaNode found;
  if (shape_ == Shape::kMap) {
    return type_ == kNoType ? SchemaNode() : of_type(type_);
  }
  if (shape_ != Shape::kType || type_ == kNoType) return {};
  for (std::uint16_t row = kTypeFields[type_]; row < kTypeFields[type_ + 1]; ++row) {
    const FieldRow& candidate = kFieldRows[row];
    if (candidate.name != name) continue;
    if (static_cast<Shape>(candidate.shape) == Shape::kType) return of_type(candidate.type);
    found.owner_ = owner_;
    found.type_ = candidate.type;
    found.field_row_ = row;
    found.shape_ = static_cast<Shape>(candidate.shape);
    return found;
  }
  return {};
}

SchemaNode SchemaNode::elements() const {
  if (!exists()) return {};
  if (custom_.exists()) {
    const yaml::Node type = custom_.get("type");
    const bool is_array = type.text() == "array" ||
                          (type.is_sequence() && type.size() == 1 && type.at(0).text() == "array");
    const yaml::Node items = custom_.get("items");
    return is_array && items.is_mapping() ? resolve(items) : SchemaNode();
  }
  return shape_ == Shape::kArray ? of_type(type_) : SchemaNode();
}

bool SchemaNode::merges() const {
  if (!exists()) return false;
  if (custom_.exists()) return lists_merge(custom_.get("x-kubernetes-patch-strategy").text());
  return shape_ == Shape::kArray && kFieldRows[field_row_].merges;
}

std::vector<std::string> SchemaNode::merge_keys() const {
  std::vector<std::string> keys;
  if (!exists()) return keys;
  if (custom_.exists()) {
    if (!custom_.get("x-kubernetes-patch-strategy").exists()) return keys;
    const yaml::Node list = custom_.get("x-kubernetes-list-map-keys");
    for (std::size_t i = 0; i < list.size(); ++i)
      keys.emplace_back(list.at(i).text());
    if (list.exists()) return keys;
    const yaml::Node key = custom_.get("x-kubernetes-patch-merge-key");
    if (key.exists()) keys.emplace_back(key.text());
    return keys;
  }
  if (shape_ != Shape::kArray) return keys;
  std::string_view rest = kFieldRows[field_row_].keys;
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    keys.emplace_back(rest.substr(0, comma));
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
  }
  return keys;
}

/// Append-only, so that a schema node may point into it.
struct Schema::Comments {
  std::mutex mutex;  // guards all
  std::deque<yaml::Document> schemas;
  std::unordered_map<std::string, std::uint16_t> numbers;
};

Schema::Schema() : comments_(std::make_shared<Comments>()) {}

void Schema::use_builtin() {
  auto comments = std::move(comments_);
  *this = Schema();
  comments_ = std::move(comments);
}

Result<std::uint16_t> Schema::add_comment(std::string_view text) const {
  const std::lock_guard lock(comments_->mutex);
  const auto [entry, is_new] = comments_->numbers.try_emplace(std::string(text), 0);
  if (!is_new) return entry->second;
  auto schema = yaml::read_json(text);
  if (!schema || !describes_schema(std::as_const(*schema).root())) return std::uint16_t(0);
  if (comments_->schemas.size() + 1 == kUntyped) {
    return fail(Code::kUnsupported, "more than 65534 different schemas in comments");
  }
  comments_->schemas.push_back(*std::move(schema));
  return entry->second = static_cast<std::uint16_t>(comments_->schemas.size());
}

SchemaNode Schema::of_comment(std::uint16_t number) const {
  if (number == 0) return {};
  SchemaNode node;
  node.owner_ = this;
  {
    const std::lock_guard lock(comments_->mutex);
    node.custom_ = std::as_const(comments_->schemas[number - 1U]).root();
  }
  const SchemaNode target = node.resolve(node.custom_);
  return target.exists() ? target : node;
}

Result<void> Schema::use_custom(yaml::Document document) {
  if (!document.root().is_mapping()) {
    return fail(Code::kInvalid, "an OpenAPI document is a mapping");
  }
  const yaml::Node types = document.root().get("definitions");
  if (types.exists() && !types.is_null() && !types.is_mapping()) {
    return fail(Error(Code::kInvalid, "definitions is not a mapping",
                      Where{{}, types.position().line(), types.position().column()}));
  }
  custom_ = std::make_shared<const yaml::Document>(std::move(document));
  custom_types_.clear();
  custom_scopes_.clear();
  builtin_ = loaded_.value              ? Builtin::kLast
             : asked_for_unknown_.value ? Builtin::kFirst
                                        : Builtin::kNone;
  const yaml::Node root = custom_->root();

  const yaml::Node definitions = root.get("definitions");
  for (std::size_t i = 0; i < definitions.size(); ++i) {
    const yaml::Node definition = definitions.value(i);
    const yaml::Node kinds = definition.get(kGvkExtension);
    for (std::size_t k = 0; k < kinds.size(); ++k) {
      if (kinds.at(k).is_mapping()) custom_types_[read_gvk(kinds.at(k))] = definition.id();
    }
  }

  const yaml::Node paths = root.get("paths");
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const yaml::Node kind = paths.value(i).find("get", kGvkExtension);
    if (!kind.is_mapping()) continue;
    const bool namespaced =
        paths.key(i).text().find("namespaces/{namespace}") != std::string_view::npos;
    bool& scope = custom_scopes_[read_gvk(kind)];  // one namespaced path is enough
    scope = scope || namespaced;
  }
  return {};
}

yaml::Node Schema::custom_type(std::string_view name) const {
  return custom_ == nullptr ? yaml::Node() : custom_->root().get("definitions").get(name);
}

SchemaNode Schema::of(const Gvk& gvk) const {
  if (custom_ == nullptr) loaded_.set();
  SchemaNode node;
  node.owner_ = this;
  const KindRow* row = builtin_ == Builtin::kNone ? nullptr : find_kind(kKindRows, gvk);
  const auto found = custom_types_.find(gvk);
  const bool is_custom = found != custom_types_.end();
  if (row != nullptr && (builtin_ == Builtin::kFirst || !is_custom)) return node.of_type(row->type);
  if (!is_custom) return {};
  node.custom_ = yaml::Node(*custom_, found->second);
  return node;
}

bool Schema::is_cluster_scoped(const Gvk& gvk) const {
  if (const ScopeRow* row = find_kind(kScopes, gvk)) return !row->namespaced;
  if (custom_ == nullptr) {
    asked_for_unknown_.set();
    return false;
  }
  const auto found = custom_scopes_.find(gvk);
  return found != custom_scopes_.end() && !found->second;
}

bool is_cluster_scoped(const Schema& schema, const Gvk& gvk) {
  return schema.is_cluster_scoped(gvk);
}

}  // namespace sluice::kustomize
