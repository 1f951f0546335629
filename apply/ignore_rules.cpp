#include "apply/ignore_rules.hpp"

#include <charconv>
#include <optional>
#include <string_view>

#include "sluice/base/encoding.hpp"

#include "apply/drift.hpp"
#include "apply/owned_fields.hpp"

namespace sluice::apply {
namespace {

using yaml::Document;
using yaml::Node;
using yaml::Ref;
using Segments = std::vector<std::string>;

/// RFC 6901: "/spec/replicas"; "~1" is '/', "~0" is '~'.
Segments segments_of(std::string_view pointer) {
  Segments out;
  if (pointer.starts_with('/')) pointer.remove_prefix(1);
  for (;;) {
    const std::size_t end = std::min(pointer.find('/'), pointer.size());
    std::string segment;
    for (std::size_t i = 0; i < end; ++i) {
      const bool is_escape = pointer[i] == '~' && i + 1 < end;
      if (is_escape && (pointer[i + 1] == '1' || pointer[i + 1] == '0')) {
        segment.push_back(pointer[++i] == '1' ? '/' : '~');
      } else {
        segment.push_back(pointer[i]);
      }
    }
    out.push_back(std::move(segment));
    if (end == pointer.size()) return out;
    pointer.remove_prefix(end + 1);
  }
}

std::optional<std::size_t> index_of(std::string_view segment) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(segment.data(), segment.data() + segment.size(), index);
  if (error != std::errc() || end != segment.data() + segment.size()) return std::nullopt;
  return index;
}

Node child(Node node, const std::string& segment) {
  if (!node.is_sequence()) return node.get(segment);
  const auto index = index_of(segment);
  return index ? node.at(*index) : Node();
}

Node find(Node node, const Segments& path) {
  for (const std::string& segment : path) {
    node = child(node, segment);
  }
  return node;
}

/// The collection that holds the last segment; missing when the path is not there.
Ref parent_of(Ref node, const Segments& path) {
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    const auto index = index_of(path[i]);
    if (node.is_sequence()) {
      node = index ? node.at(*index) : Ref();
    } else {
      node = node.get(path[i]);
    }
  }
  return node;
}

void remove(Ref root, const Segments& path) {
  const Ref parent = parent_of(root, path);
  if (parent.is_mapping()) {
    parent.erase(path.back());
  } else if (parent.is_sequence()) {
    const auto index = index_of(path.back());
    if (index && *index < parent.size()) parent.erase_item(*index);
  }
}

void replace(Ref root, const Segments& path, Node value) {
  const Ref parent = parent_of(root, path);
  if (parent.is_mapping()) {
    parent.put(path.back(), value);
  } else if (parent.is_sequence()) {
    const auto index = index_of(path.back());
    if (index && *index < parent.size()) parent.at(*index).assign(value);
  }
}

/// True when `fields` (FieldsV1) has the path; list items are found by their merge key.
bool owns(Node fields, Node object, const Segments& path) {
  for (const std::string& segment : path) {
    if (object.is_sequence()) {
      const Node item = child(object, segment);
      Node next;
      for (std::size_t i = 0; i < fields.size() && !next.exists(); ++i) {
        const std::string_view key = fields.key(i).text();
        if (key.starts_with("k:") && has_item_key(item, key.substr(2))) next = fields.value(i);
      }
      fields = next;
      object = item;
    } else {
      fields = fields.get("f:" + segment);
      object = object.get(segment);
    }
    if (!fields.exists()) return false;
  }
  return true;
}

bool is_owned_by_other_applier(Node live, const Segments& path, const std::string& manager) {
  const Node entries = live.find("metadata", "managedFields");
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Node entry = entries.at(i);
    if (entry.get("operation").text() == "Apply" && entry.get("subresource").text().empty() &&
        entry.get("manager").text() != manager && owns(entry.get("fieldsV1"), live, path))
      return true;
  }
  return false;
}

ObjectId id_of(Node object) {
  return {Gvk::from(object.get("apiVersion").text(), object.get("kind").text()),
          std::string(object.find("metadata", "namespace").text()),
          std::string(object.find("metadata", "name").text())};
}

}  // namespace

Result<IgnoreRules> IgnoreRules::compile(const std::vector<IgnoreRule>& rules) {
  IgnoreRules out;
  for (const IgnoreRule& rule : rules) {
    auto selector =
        kustomize::ObjectSelector::compile({rule.group, rule.version, rule.kind, rule.name, rule.ns,
                                            rule.label_selector, rule.annotation_selector});
    if (!selector)
      return fail(std::move(selector).error().prefix("failed to create ignore rule selector: "));
    for (const std::string& path : rule.paths) {
      if (!path.starts_with('/') || path.size() < 2)
        return fail(Code::kInvalid, "ignore rule: " + go_quote(path) + " is not a JSON pointer",
                    Where{}, "write it like /spec/replicas");
    }
    out.rules_.push_back({*std::move(selector), rule.paths});
  }
  return out;
}

std::vector<std::string> IgnoreRules::paths_for(Node object) const {
  std::vector<std::string> paths;
  const ObjectId id = id_of(object);
  for (const Rule& rule : rules_) {
    if (rule.selector.matches(id, object))
      paths.insert(paths.end(), rule.paths.begin(), rule.paths.end());
  }
  return paths;
}

bool IgnoreRules::has_drifted(Node live, Node dry_run) const {
  const auto paths = paths_for(dry_run);
  if (paths.empty()) return apply::has_drifted(live, dry_run);
  Document a;
  Document b;
  a.root().assign(live);
  b.root().assign(dry_run);
  for (const std::string& path : paths) {
    const Segments segments = segments_of(path);
    remove(a.root(), segments);
    remove(b.root(), segments);
  }
  return apply::has_drifted(a.root(), b.root());
}

Document IgnoreRules::patch_for(Node live, Node dry_run, const std::string& field_manager) const {
  Document patch;
  patch.root().set_sequence();
  for (const std::string& path : paths_for(dry_run)) {
    const Segments segments = segments_of(path);
    const Node now = find(live, segments);
    const Node wanted = find(dry_run, segments);
    if (now.exists() == wanted.exists() && yaml::equal(now, wanted)) continue;
    const Ref entry = patch.root().append_mapping();
    entry.put_string("path", path);
    if (now.exists() && !is_owned_by_other_applier(live, segments, field_manager))
      entry.put("value", now);
  }
  return patch;
}

void IgnoreRules::adjust(Ref body, Node patch) {
  for (std::size_t i = 0; i < patch.size(); ++i) {
    const Segments segments = segments_of(patch.at(i).get("path").text());
    const Node value = patch.at(i).get("value");
    if (value.exists()) {
      replace(body, segments, value);
    } else {
      remove(body, segments);
    }
  }
}

}  // namespace sluice::apply
