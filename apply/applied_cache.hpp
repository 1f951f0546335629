#pragma once
/// The state behind AppliedCache; used by apply_all.cpp and prune.cpp.

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "sluice/apply/apply.hpp"
#include "sluice/base/digest.hpp"
#include "sluice/kube/watch_cache.hpp"

namespace sluice::apply {

struct AppliedCache::State {
  State(kube::Client& client, Clock& clock, std::string owner_group,
        std::function<void(const Drift&)> on_drift);

  /// True when `id` was last applied from `digest` and nobody has changed it since, as far as a
  /// healthy watch tells.
  bool is_unchanged(const ObjectId& id, const Digest& digest) const;
  /// True when the watch sees the object: it exists. False says nothing.
  bool is_seen(const ObjectId& id) const;
  /// Between this and remember() or forget(), changes of `id` are our own and no drift.
  void begin(const ObjectId& id);
  /// `live` is the object as the server holds it after applying (metadata suffices).
  void remember(const ObjectId& id, const Digest& digest, yaml::Node live);
  void forget(const ObjectId& id);
  /// Starts a metadata-only watch of the objects of `gvk` that have an owner, unless there is one.
  void watch(const Gvk& gvk);

 private:
  struct Entry {
    Digest digest;
    std::string signature, resource_version;
    std::string owner_name, owner_namespace;
    bool is_changing = false;
  };
  void changed(const kube::Change& change);
  std::shared_ptr<const yaml::Document> seen(const ObjectId& id, bool& is_trusted) const;

  kube::Client& client_;
  Clock& clock_;
  const std::string owner_group_;
  const std::function<void(const Drift&)> on_drift_;
  mutable std::mutex mutex_;  // guards entries_ and watches_; not held while a watch calls back
  std::unordered_map<ObjectId, Entry> entries_;
  std::unordered_map<Gvk, std::unique_ptr<kube::WatchCache>> watches_;  // last: stops first
};

}  // namespace sluice::apply
