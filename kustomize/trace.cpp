#include "trace.hpp"

#include <algorithm>
#include <memory>
#include <unordered_set>

#include "field_spec.hpp"
#include "path_getter.hpp"

namespace sluice::kustomize {
namespace {

constexpr std::string_view kName = "name";

/// Items can be told apart by their names.
bool has_names(yaml::Node list) {
  std::unordered_set<std::string_view> seen;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const yaml::Node name = list.at(i).get(kName);
    if (!name.is_scalar() || name.text().empty() || !seen.insert(name.text()).second) return false;
  }
  return list.size() > 0;
}

std::string below(const std::string& path, std::string_view name) {
  std::string full = path;
  if (!full.empty()) full += '.';
  for (const char c : name) {
    if (c == '.') full += '\\';
    full += c;
  }
  return full;
}

std::string item_path(const std::string& path, yaml::Node list, std::size_t index, bool named) {
  const std::string part = named ? "[name=" + std::string(list.at(index).get(kName).text()) + "]"
                                 : std::to_string(index);
  return path.empty() ? part : path + "." + part;
}

void compare(yaml::Node before, yaml::Node after, const std::string& path, Touch& touch);

void compare_lists(yaml::Node before, yaml::Node after, const std::string& path, Touch& touch) {
  const bool named = has_names(before) && has_names(after);
  std::vector<bool> kept(before.size(), false);
  for (std::size_t i = 0; i < after.size(); ++i) {
    std::size_t old = i;
    if (named) {
      const std::string_view name = after.at(i).get(kName).text();
      for (old = 0; old < before.size() && before.at(old).get(kName).text() != name;)
        ++old;
    }
    if (old >= before.size()) {
      touch.added.push_back(item_path(path, after, i, named));
      continue;
    }
    kept[old] = true;
    compare(before.at(old), after.at(i), item_path(path, after, i, named), touch);
  }
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (!kept[i]) touch.removed.push_back(item_path(path, before, i, named));
  }
}

void compare(yaml::Node before, yaml::Node after, const std::string& path, Touch& touch) {
  if (yaml::equal(before, after)) return;
  if (before.is_sequence() && after.is_sequence()) {
    return compare_lists(before, after, path, touch);
  }
  if (!before.is_mapping() || !after.is_mapping()) {
    touch.changed.push_back(path);
    return;
  }
  for (std::size_t i = 0; i < after.size(); ++i) {
    const std::string_view key = after.key(i).text();
    const std::string full = below(path, key);
    if (const yaml::Node old = before.get(key)) {
      compare(old, after.value(i), full, touch);
    } else {
      touch.added.push_back(full);
    }
  }
  for (std::size_t i = 0; i < before.size(); ++i) {
    const std::string_view key = before.key(i).text();
    if (!after.get(key)) touch.removed.push_back(below(path, key));
  }
}

void add_fields(yaml::Node node, const std::string& path, std::vector<Field>& fields) {
  const bool named = node.is_sequence() && has_names(node);
  for (std::size_t i = 0; i < node.size(); ++i) {
    if (node.is_mapping()) {
      add_fields(node.value(i), below(path, node.key(i).text()), fields);
    } else {
      add_fields(node.at(i), item_path(path, node, i, named), fields);
    }
  }
  if (node.size() == 0) fields.emplace_back(path, node);
}

/// The path of the node `wanted`, which lies in `node`.
std::string path_to(yaml::Node node, yaml::NodeId wanted, const std::string& path) {
  if (node.id() == wanted) return path;
  const bool named = node.is_sequence() && has_names(node);
  for (std::size_t i = 0; i < node.size(); ++i) {
    const bool is_map = node.is_mapping();
    const std::string found =
        path_to(is_map ? node.value(i) : node.at(i), wanted,
                is_map ? below(path, node.key(i).text()) : item_path(path, node, i, named));
    if (!found.empty()) return found;
  }
  return {};
}

/// The node that a path of list_fields() leads to.
yaml::Node at_path(yaml::Node root, std::string_view path) {
  auto& document = const_cast<yaml::Document&>(root.document());  // get_path creates nothing here
  const auto found = get_path(yaml::Ref(document, root.id()), split_smart_path(path, '.'));
  return found && found->exists() ? yaml::Node(*found) : yaml::Node();
}

}  // namespace

void trace_step(const ResMap& resources, std::size_t begin, const Where& where,
                std::string_view step, bool always) {
  for (std::size_t i = begin; i < resources.size(); ++i) {
    BuildResource& resource = *resources.items()[i];
    const yaml::Node root = std::as_const(resource).root();
    Touch touch{where, std::string(step), {}, {}, {}};
    const bool is_new = resource.trace == nullptr;
    if (is_new) {
      resource.trace = std::make_shared<Trace>();
    } else {
      compare(std::as_const(resource.trace->last).root(), root, {}, touch);
      if (touch.is_empty() && !always) continue;
    }
    if (is_new || !touch.is_empty()) resource.trace->last = resource.doc;
    resource.trace->history.push_back(std::move(touch));
  }
}

void trace_last_step(const ResMap& resources, std::string_view step, const PlaceOf& place_of) {
  for (const auto& resource : resources.items()) {
    if (resource->trace == nullptr) continue;
    const yaml::Node before = std::as_const(resource->trace->last).root();
    const yaml::Node after = std::as_const(*resource).root();
    Touch all;
    compare(before, after, {}, all);
    if (all.is_empty()) continue;
    History touches{{{}, std::string(step), std::move(all.added), {}, std::move(all.removed)}};
    for (std::string& path : all.changed) {
      const Where where =
          place_of(*resource, at_path(before, path).text(), at_path(after, path).text());
      const auto known = std::find_if(touches.begin(), touches.end(), [&](const Touch& touch) {
        return touch.where.text() == where.text();
      });
      Touch& touch = known != touches.end()
                         ? *known
                         : touches.emplace_back(Touch{where, std::string(step), {}, {}, {}});
      touch.changed.push_back(std::move(path));
    }
    for (Touch& touch : touches) {
      if (!touch.is_empty()) resource->trace->history.push_back(std::move(touch));
    }
    resource->trace->last = resource->doc;
  }
}

std::vector<Field> list_fields(yaml::Node root) {
  std::vector<Field> fields;
  add_fields(root, {}, fields);
  return fields;
}

std::string canonical_path(yaml::Node root, std::string_view path) {
  const yaml::Node found = at_path(root, path);
  return found.exists() ? path_to(root, found.id(), {}) : std::string();
}

}  // namespace sluice::kustomize
