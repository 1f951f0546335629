#include "apply/applied_cache.hpp"

#include <utility>

#include "sluice/yaml/scalar.hpp"

#include "apply/managed_fields.hpp"

namespace sluice::apply {
namespace {

using yaml::Document;
using yaml::Node;

/// What is_unchanged() needs of an object, in a document of its own: the watch's text is not kept
/// alive.
Document trim(const Document& object) {
  const Node metadata = object.root().get("metadata");
  Document out;
  out.root().set_mapping();
  const yaml::Ref kept = out.root().put_mapping("metadata");
  for (const char* key : {"namespace", "name", "resourceVersion"}) {
    if (metadata.get(key).exists()) kept.put_string(key, metadata.get(key).text());
  }
  out.root().put_string("signature", signature(object.root()));
  return out;
}

std::string_view version_of(Node object) {
  return object.find("metadata", "resourceVersion").text();
}

/// Resource versions are numbers that grow; should a server use others, nothing is older.
bool is_older(std::string_view a, std::string_view b) {
  const auto x = yaml::uint64_value(a);
  const auto y = yaml::uint64_value(b);
  return x && y && *x < *y;
}

}  // namespace

AppliedCache::AppliedCache(kube::Client& client, Clock& clock, std::string owner_group,
                           std::function<void(const Drift&)> on_drift)
    : state_(std::make_unique<State>(client, clock, std::move(owner_group), std::move(on_drift))) {}
AppliedCache::~AppliedCache() = default;

AppliedCache::State::State(kube::Client& client, Clock& clock, std::string owner_group,
                           std::function<void(const Drift&)> on_drift)
    : client_(client),
      clock_(clock),
      owner_group_(std::move(owner_group)),
      on_drift_(std::move(on_drift)) {}

std::shared_ptr<const Document> AppliedCache::State::seen(const ObjectId& id,
                                                          bool& is_trusted) const {
  const auto watch = watches_.find(id.gvk);
  is_trusted = watch != watches_.end() && watch->second->synced() && !watch->second->failure();
  return is_trusted ? watch->second->find(id.ns, id.name) : nullptr;
}

bool AppliedCache::State::is_unchanged(const ObjectId& id, const Digest& digest) const {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(id);
  if (entry == entries_.end() || entry->second.is_changing || entry->second.digest != digest)
    return false;
  bool is_trusted = false;
  const auto object = seen(id, is_trusted);
  if (!object) return false;  // deleted, or the watch has not heard of it yet
  // The watch may be behind our own change.
  return object->root().get("signature").text() == entry->second.signature ||
         is_older(version_of(object->root()), entry->second.resource_version);
}

bool AppliedCache::State::is_seen(const ObjectId& id) const {
  const std::lock_guard lock(mutex_);
  bool is_trusted = false;
  return seen(id, is_trusted) != nullptr;
}

void AppliedCache::State::begin(const ObjectId& id) {
  const std::lock_guard lock(mutex_);
  entries_[id].is_changing = true;
}

void AppliedCache::State::remember(const ObjectId& id, const Digest& digest, Node live) {
  Entry entry;
  entry.digest = digest;
  entry.signature = signature(live);
  entry.resource_version = version_of(live);
  const Node labels = live.find("metadata", "labels");
  entry.owner_name = labels.get(owner_group_ + "/name").text();
  entry.owner_namespace = labels.get(owner_group_ + "/namespace").text();
  const std::lock_guard lock(mutex_);
  entries_.insert_or_assign(id, std::move(entry));
}

void AppliedCache::State::forget(const ObjectId& id) {
  const std::lock_guard lock(mutex_);
  entries_.erase(id);
}

void AppliedCache::State::watch(const Gvk& gvk) {
  const std::lock_guard lock(mutex_);
  auto& watch = watches_[gvk];
  if (watch) return;
  kube::ListParams params;
  params.label_selector = owner_group_ + "/name";
  params.metadata_only = true;
  watch = std::make_unique<kube::WatchCache>(
      client_, gvk, std::move(params), clock_,
      [this](const kube::Change& change) { changed(change); }, trim);
}

void AppliedCache::State::changed(const kube::Change& change) {
  Drift drift;
  {
    const std::lock_guard lock(mutex_);
    const auto entry = entries_.find(change.id);
    if (entry == entries_.end() || entry->second.is_changing) return;
    if (change.after) {
      const Node after = change.after->root();
      if (after.get("signature").text() == entry->second.signature ||
          !is_older(entry->second.resource_version, version_of(after)))
        return;
    } else if (is_older(version_of(change.before->root()), entry->second.resource_version)) {
      return;  // the deletion of an earlier object of that name
    }
    drift = {change.id, entry->second.owner_name, entry->second.owner_namespace,
             change.after == nullptr};
    if (!change.after) entries_.erase(entry);
  }
  if (on_drift_) on_drift_(drift);
}

}  // namespace sluice::apply
