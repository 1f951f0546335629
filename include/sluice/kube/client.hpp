#pragma once
/// An API server: discovery, reading, server-side apply, deleting, watching.
///
/// Follows the Kubernetes API conventions. Never retries a refused change, never orders or judges
/// objects, never keeps a body. Thread-safe: one client serves all workers.
///
/// Errors of every call: kNotFound (404), kDenied (401, 403), kConflict (409: Conflict,
/// AlreadyExists), kInvalid (400, 405, 415, 422), kUnavailable (429 after its retries, 5xx,
/// network), kCancelled. Error::reason() is the server's reason ("Invalid"), message() the server's
/// message. Messages of errors about Secrets are stripped of values (the server may quote a field:
/// see redact_status).

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/cancel.hpp"
#include "sluice/base/clock.hpp"
#include "sluice/base/object_id.hpp"
#include "sluice/base/result.hpp"
#include "sluice/http/client.hpp"
#include "sluice/kube/config.hpp"
#include "sluice/yaml/document.hpp"
#include "sluice/yaml/write.hpp"

namespace sluice::kube {

struct ResourceType {
  Gvk gvk;
  std::string plural;
  bool namespaced = false;
};

struct ApplyParams {
  std::string field_manager = "kustomize-controller";
  bool force = true;
  bool dry_run = false;
  std::string subresource;  ///< "status" or ""
};

struct RemoveParams {
  std::string propagation = "Background";
  std::string uid;  ///< precondition; "" : none
};

struct ListParams {
  std::string ns;  ///< "" : all namespaces
  std::string label_selector;
  std::string field_selector;
  bool metadata_only = false;  ///< PartialObjectMetadata: no spec, no data
};

struct List {
  std::string resource_version;
  std::vector<yaml::Document> items;
};

enum class WatchKind : std::uint8_t { kAdded, kModified, kDeleted, kBookmark };
struct WatchEvent {
  WatchKind kind;
  yaml::Document object;
};

enum class PatchType : std::uint8_t { kMerge, kJson };

class Client {
 public:
  Client(Config config, http::Client& http, Clock& clock);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// The resource type that serves `gvk`, from discovery, which is cached; an unknown type asks the
  /// server again (at most once a second). kNotFound, reason "NoKindMatch": `no matches for kind
  /// "X" in version "g/v"`.
  Result<ResourceType> resolve(const Gvk& gvk, const CancelToken& cancel);
  /// Forgets what discovery told; call when a CustomResourceDefinition was applied or removed.
  void forget_discovery();

  Result<yaml::Document> get(const ObjectId& id, const CancelToken& cancel);
  Result<List> list(const ResourceType& type, const ListParams& params, const CancelToken& cancel);

  /// Server-side apply of `body`; leaves are opened by `leaves` (null: a leaf is kInternal)
  /// straight into the request's secret body. Gives the object as the server answers it.
  Result<yaml::Document> apply(const ObjectId& id, yaml::Node body, yaml::LeafReader* leaves,
                               const ApplyParams& params, const CancelToken& cancel);
  Result<yaml::Document> create(const ObjectId& id, yaml::Node body, const CancelToken& cancel);
  Result<yaml::Document> patch(const ObjectId& id, PatchType type, yaml::Node body,
                               const std::string& subresource, const std::string& field_manager,
                               const CancelToken& cancel);
  /// Succeeds also when the server only accepted the deletion. kNotFound when it was not there.
  Result<void> remove(const ObjectId& id, const RemoveParams& params, const CancelToken& cancel);

  /// Streams events from `resource_version` on until the server ends the stream (success: the last
  /// resource version seen), `cancel`, or an error; kConflict with reason "Expired" for 410: list
  /// again. `on_event` is called on another thread, one event at a time.
  Result<std::string> watch(const ResourceType& type, const ListParams& params,
                            const std::string& resource_version,
                            const std::function<void(WatchEvent)>& on_event,
                            const CancelToken& cancel);

  /// GET of any path ("/version"), for checks.
  Result<yaml::Document> raw_get(const std::string& path, const CancelToken& cancel);

  /// Requests sent so far, watches included: for tests, metrics and bench/.
  std::uint64_t requests() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Identity of a live object or manifest: apiVersion, kind, metadata.namespace, metadata.name.
ObjectId object_id(yaml::Node object);

}  // namespace sluice::kube
