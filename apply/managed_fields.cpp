#include "apply/managed_fields.hpp"

#include <array>
#include <span>
#include <utility>

#include "sluice/base/digest.hpp"
#include "sluice/crypto/hash.hpp"
#include "sluice/yaml/write.hpp"

namespace sluice::apply {
namespace {

using yaml::Document;
using yaml::Node;
using yaml::Ref;

constexpr std::string_view kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";
constexpr std::array<std::string_view, 3> kOldAnnotations = {
    kLastApplied, "kustomize.toolkit.fluxcd.io/checksum", "fluxcd.io/sync-checksum"};
constexpr std::array<std::string_view, 1> kOldLabels = {"fluxcd.io/sync-gc-mark"};

bool is_main_resource(Node entry) {
  return entry.get("subresource").text().empty();
}

/// True when the fields of `entry` are to become ours. Prefixes are Flux's: "kubectl" stands for
/// kubectl-client-side-apply, kubectl-edit and so on.
bool is_taken_over(Node entry, const ApplyOptions& options) {
  if (!is_main_resource(entry)) return false;
  const std::string_view manager = entry.get("manager").text();
  const bool is_update = entry.get("operation").text() == "Update";
  if (manager.starts_with("kubectl")) return true;
  if (is_update &&
      (manager.starts_with("before-first-apply") || manager.starts_with(options.field_manager)))
    return true;
  for (const std::string& override_manager : options.override_managers) {
    if (manager.starts_with(override_manager)) return true;
  }
  return false;
}

void remove_keys(Ref patch, Node metadata, const char* where,
                 std::span<const std::string_view> keys) {
  for (const std::string_view key : keys) {
    if (!metadata.get(where).get(key).exists()) continue;
    std::string path = std::string("/metadata/") + where + "/";
    for (const char c : key) {  // RFC 6901
      if (c == '/') {
        path += "~1";
      } else {
        path.push_back(c);
      }
    }
    const Ref operation = patch.append_mapping();
    operation.put_string("op", "remove");
    operation.put_string("path", path);
  }
}

/// The entries of `live` with those to be taken over merged into ours; false: nothing to do.
bool take_over(Node live, const ApplyOptions& options, Ref out) {
  const Node entries = live.find("metadata", "managedFields");
  std::size_t ours = Node::npos;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Node entry = entries.at(i);
    if (is_main_resource(entry) && entry.get("manager").text() == options.field_manager &&
        entry.get("operation").text() == "Apply")
      ours = i;
  }
  Document merged;
  if (ours != Node::npos) merged.root().assign(entries.at(ours));
  bool is_edited = false;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i == ours) continue;
    const Node entry = entries.at(i);
    if (!is_taken_over(entry, options)) {
      out.append(entry);
      continue;
    }
    is_edited = true;
    if (merged.root().is_null()) {  // the first of them becomes ours
      merged.root().assign(entry);
      merged.root().put_string("manager", options.field_manager);
      merged.root().put_string("operation", "Apply");
    } else if (entry.get("fieldsV1").exists()) {
      merge_fields(merged.root().put_mapping("fieldsV1"), entry.get("fieldsV1"));
    }
  }
  if (is_edited) out.append(merged.root());
  return is_edited;
}

/// Makes the server refuse the patch when the object has changed since.
void lock(Ref patch, Node live) {
  const Ref operation = patch.append_mapping();
  operation.put_string("op", "replace");
  operation.put_string("path", "/metadata/resourceVersion");
  operation.put_string("value", live.find("metadata", "resourceVersion").text());
}

void replace_managed_fields(Ref patch, Node entries) {
  const Ref operation = patch.append_mapping();
  operation.put_string("op", "replace");
  operation.put_string("path", "/metadata/managedFields");
  operation.put("value", entries);
}

}  // namespace

void merge_fields(Ref into, Node other) {
  // {} is a member without children; "." marks a member that has children too.
  const bool was_member = into.size() == 0;
  const bool other_is_member = other.size() == 0;
  for (std::size_t i = 0; i < other.size(); ++i) {
    const std::string key(other.key(i).text());
    if (const Ref mine = into.get(key); mine.exists()) {
      merge_fields(mine, other.value(i));
    } else {
      into.put(key, other.value(i));
    }
  }
  if (was_member != other_is_member && !into.get(".").exists()) into.put_mapping(".");
}

Document cleanup_patch(Node live, const ApplyOptions& options) {
  Document patch;
  const Ref root = patch.root();
  root.set_sequence();
  const Node metadata = live.get("metadata");
  remove_keys(root, metadata, "annotations", kOldAnnotations);
  remove_keys(root, metadata, "labels", kOldLabels);
  Document entries;
  entries.root().set_sequence();
  if (take_over(live, options, entries.root())) replace_managed_fields(root, entries.root());
  if (root.size() != 0) lock(root, live);
  return patch;
}

Document migrate_patch(Node live, std::string_view api_version) {
  Document patch;
  patch.root().set_sequence();
  Document entries;
  entries.root().assign(live.find("metadata", "managedFields"));
  bool is_edited = false;
  for (std::size_t i = 0; i < entries.root().size(); ++i) {
    const Ref entry = entries.root().at(i);
    if (entry.get("apiVersion").text() == api_version) continue;
    entry.put_string("apiVersion", api_version);
    is_edited = true;
  }
  if (is_edited) {
    replace_managed_fields(patch.root(), entries.root());
    lock(patch.root(), live);
  }
  return patch;
}

std::string signature(Node live) {
  const Node metadata = live.get("metadata");
  const Node generation = metadata.get("generation");
  if (!generation.exists()) return "rv " + std::string(metadata.get("resourceVersion").text());
  crypto::Hash hash(crypto::HashAlgorithm::kSha256);
  const auto add = [&](Node node) {
    if (node.exists()) (void)yaml::write_go_json(node, hash);
    hash.append(std::string_view("\n"));
  };
  add(generation);
  add(metadata.get("deletionTimestamp"));
  add(metadata.get("labels"));
  const Node annotations = metadata.get("annotations");
  for (std::size_t i = 0; i < annotations.size(); ++i) {
    if (annotations.key(i).text() == kLastApplied) continue;  // of Secrets it is masked or not
    add(annotations.key(i));
    add(annotations.value(i));
  }
  const Node entries = metadata.get("managedFields");
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Node entry = entries.at(i);
    if (!is_main_resource(entry)) continue;
    add(entry.get("manager"));
    add(entry.get("operation"));
    add(entry.get("fieldsV1"));
  }
  const auto bytes = hash.finish();
  return Digest(DigestAlgorithm::kSha256, std::span(bytes).first(32)).text();
}

}  // namespace sluice::apply
