#include "apply/owned_fields.hpp"

#include <vector>

#include "sluice/yaml/read.hpp"

namespace sluice::apply {
namespace {

using yaml::Node;

/// {} or {".": {}}: a value that is owned as a whole.
bool is_whole(Node fields) {
  return fields.size() == 0 || (fields.size() == 1 && fields.key(0).text() == ".");
}

/// Children of a trie node, the member itself left out.
std::size_t children(Node fields) {
  return fields.size() - (fields.get(".").exists() ? 1 : 0);
}

bool same_fields(Node fields, Node wanted, Node live);

bool same_mapping(Node fields, Node wanted, Node live, std::size_t untracked) {
  if (!live.is_mapping() || children(fields) + untracked != wanted.size()) return false;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string_view key = fields.key(i).text();
    if (key == ".") continue;
    if (!key.starts_with("f:")) return false;
    const std::string_view name = key.substr(2);
    const Node value = wanted.get(name);
    if (!value.exists() || !same_fields(fields.value(i), value, live.get(name))) return false;
  }
  return true;
}

/// Place in `live` of the item that `fields` calls `key` ("k:…" or "v:…"); npos when there is none.
std::size_t find_item(Node sequence, std::string_view key) {
  for (std::size_t i = 0; i < sequence.size(); ++i) {
    if (key.starts_with("k:") && has_item_key(sequence.at(i), key.substr(2))) return i;
    if (!key.starts_with("v:")) continue;
    const auto value = yaml::read_json(key.substr(2));
    if (value && yaml::equal(value->root(), sequence.at(i))) return i;
  }
  return Node::npos;
}

/// The items of ours are there, each as wanted and in the wanted order; others may be in between.
bool same_sequence(Node fields, Node wanted, Node live) {
  if (!live.is_sequence() || children(fields) != wanted.size()) return false;
  std::vector<std::size_t> places(wanted.size(), Node::npos);  // in live, by place in wanted
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string_view key = fields.key(i).text();
    if (key == ".") continue;
    const std::size_t want_at = find_item(wanted, key);
    const std::size_t live_at = find_item(live, key);
    if (want_at == Node::npos || live_at == Node::npos || places[want_at] != Node::npos)
      return false;
    places[want_at] = live_at;
    const bool is_set = key.starts_with("v:");
    if (!is_set && !same_fields(fields.value(i), wanted.at(want_at), live.at(live_at)))
      return false;
  }
  for (std::size_t i = 1; i < places.size(); ++i) {
    if (places[i - 1] >= places[i]) return false;
  }
  return true;
}

bool same_fields(Node fields, Node wanted, Node live) {
  if (!live.exists()) return false;
  if (is_whole(fields)) return yaml::equal(wanted, live);
  if (wanted.is_mapping()) return same_mapping(fields, wanted, live, 0);
  if (wanted.is_sequence()) return same_sequence(fields, wanted, live);
  return false;
}

Node our_entry(Node live, const std::string& field_manager, std::string_view api_version) {
  const Node entries = live.find("metadata", "managedFields");
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Node entry = entries.at(i);
    if (entry.get("manager").text() == field_manager && entry.get("operation").text() == "Apply" &&
        entry.get("subresource").text().empty() && entry.get("apiVersion").text() == api_version)
      return entry.get("fieldsV1");
  }
  return {};
}

}  // namespace

bool has_item_key(Node item, std::string_view key) {
  if (!item.is_mapping()) return false;
  const auto pairs = yaml::read_json(key);
  if (!pairs || pairs->root().size() == 0) return false;
  for (std::size_t i = 0; i < pairs->root().size(); ++i) {
    if (!yaml::equal(item.get(pairs->root().key(i).text()), pairs->root().value(i))) return false;
  }
  return true;
}

bool is_already_applied(Node body, Node live, const std::string& field_manager) {
  const Node fields = our_entry(live, field_manager, body.get("apiVersion").text());
  if (!fields.is_mapping()) return false;
  // apiVersion, kind, metadata.name and metadata.namespace have no owner. Anything else of metadata
  // has; our owner labels see to it that there is always some.
  const Node metadata = body.get("metadata");
  std::size_t untracked = 0;
  for (const char* key : {"name", "namespace"}) {
    if (metadata.get(key).exists()) ++untracked;
  }
  const Node owned_metadata = fields.get("f:metadata");
  if (!owned_metadata.exists() || children(fields) + 2 != body.size() ||
      !same_mapping(owned_metadata, metadata, live.get("metadata"), untracked))
    return false;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string_view key = fields.key(i).text();
    if (key == "f:metadata") continue;
    if (!key.starts_with("f:")) return false;
    const Node wanted = body.get(key.substr(2));
    if (!wanted.exists() || !same_fields(fields.value(i), wanted, live.get(key.substr(2))))
      return false;
  }
  return true;
}

}  // namespace sluice::apply
