#pragma once
/// A local copy of all objects of one type, kept true by one list and one watch (bookmarks, resume
/// from the last resource version, list again after 410, backoff when the server is away).
///
/// Has threads of its own. Readers see immutable documents. `on_change` is called on one of
/// them, one change at a time, after the store was updated, without any lock held.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sluice/kube/client.hpp"

namespace sluice::kube {

struct Change {
  ObjectId id;
  std::shared_ptr<const yaml::Document> before;  ///< null: added
  std::shared_ptr<const yaml::Document> after;   ///< null: deleted
};

class WatchCache {
 public:
  /// Reduces an object to what its readers need, to save memory; must keep metadata.namespace, name
  /// and resourceVersion.
  using Trim = std::function<yaml::Document(const yaml::Document&)>;
  /// Starts at once. A type that the server does not (yet) serve is asked for again with backoff.
  WatchCache(Client& client, Gvk gvk, ListParams params, Clock& clock,
             std::function<void(const Change&)> on_change = {}, Trim trim = {});
  ~WatchCache();  ///< stops and joins
  WatchCache(const WatchCache&) = delete;
  WatchCache& operator=(const WatchCache&) = delete;

  /// Waits until the first list is in and on_change was told of all of it, or `cancel`, or
  /// `timeout`; false then.
  bool wait_synced(std::chrono::milliseconds timeout, const CancelToken& cancel) const;
  bool synced() const;
  std::shared_ptr<const yaml::Document> find(const std::string& ns, const std::string& name) const;
  std::vector<std::shared_ptr<const yaml::Document>> all() const;
  /// The last failure of listing or watching, while it lasts.
  std::optional<Error> failure() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::kube
