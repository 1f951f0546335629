#pragma once
/// An API server: discovery, reading, server-side apply, deleting, watching.
///
/// Follows the Kubernetes API conventions. Never retries a refused change, never orders or judges
/// objects, never keeps a body. Thread-safe: one client serves all workers.
///
/// Errors of every call: kNotFound (404), kDenied (401, 403), kConflict (409: Conflict,
/// AlreadyExists; 410: Expired), kInvalid (400, 405, 413, 415, 422), kUnavailable (429 after its
/// retries, 5xx, network), kCancelled. Error::message() is the server's message, reason() its
/// reason
/// ("Invalid"), but:
///   kReasonImmutable   an Invalid or a denial whose every cause says that a field cannot be
///   changed kReasonConflict    a Conflict with other field managers, "FieldManagerConflict"
/// Values of Secrets, and of objects applied with opened leaves, never leave secret memory: in
/// every answer below they are masked (equal values look equal, see kube/masked_json.hpp), and
/// messages about them have quoted values replaced. get_secret_data() reads a Secret.

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

inline constexpr std::string_view kReasonImmutable = "Immutable";
inline constexpr std::string_view kReasonConflict = "FieldManagerConflict";
inline constexpr std::string_view kReasonNoMatch = "NoKindMatch";

struct ResourceType {
  Gvk gvk;
  std::string plural;
  bool namespaced = false;
  friend bool operator==(const ResourceType&, const ResourceType&) = default;
};

struct ApplyParams {
  std::string field_manager = "kustomize-controller";
  bool force = true;
  bool dry_run = false;
  std::string subresource{};  ///< "status" or ""
};

struct CreateParams {
  std::string field_manager{};
  bool dry_run = false;
};

struct RemoveParams {
  std::string propagation = "Background";
  std::string uid{};  ///< precondition; "" : none
};

enum class View : std::uint8_t {
  kWhole,
  kMetadata,  ///< PartialObjectMetadata: no spec, no data
  kMasked,    ///< as Secrets always are, for objects of other kinds that hold opened leaves
};

struct ListParams {
  std::string ns{};  ///< "" : all namespaces
  std::string label_selector{};
  std::string field_selector{};
  bool metadata_only = false;  ///< PartialObjectMetadata: no spec, no data
  unsigned page = 500;         ///< objects asked for at a time; 0: all at once
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
  /// A client of the same server that acts for `user` ("system:serviceaccount:ns:name"). Shares
  /// discovery, connections and the counter. May outlive this one.
  std::unique_ptr<Client> impersonate(std::string user) const;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// The resource type that serves `gvk`, from discovery, which is cached; an unknown type asks the
  /// server again (at most once a second). kNotFound, reason "NoKindMatch": `no matches for kind
  /// "X" in version "g/v"`.
  Result<ResourceType> resolve(const Gvk& gvk, const CancelToken& cancel);
  /// Forgets what discovery told; call when a CustomResourceDefinition was applied or removed.
  void forget_discovery();

  /// The namespace of a cluster-scoped `id` is ignored here and in all calls below; an empty one of
  /// a namespaced type is kInvalid, reason "NoNamespace", without a request.
  Result<yaml::Document> get(const ObjectId& id, const CancelToken& cancel,
                             View view = View::kWhole);
  Result<List> list(const ResourceType& type, const ListParams& params, const CancelToken& cancel);

  /// Server-side apply of `body`; leaves are opened by `leaves` (null: a leaf is kInternal)
  /// straight into the request's secret body. Gives the object as the server answers it.
  Result<yaml::Document> apply(const ObjectId& id, yaml::Node body, yaml::LeafReader* leaves,
                               const ApplyParams& params, const CancelToken& cancel);
  Result<yaml::Document> create(const ObjectId& id, yaml::Node body, const CancelToken& cancel,
                                const CreateParams& params = {},
                                yaml::LeafReader* leaves = nullptr);
  Result<yaml::Document> patch(const ObjectId& id, PatchType type, yaml::Node body,
                               const std::string& subresource, const std::string& field_manager,
                               const CancelToken& cancel);
  /// Succeeds also when the server only accepted the deletion. kNotFound when it was not there.
  Result<void> remove(const ObjectId& id, const RemoveParams& params, const CancelToken& cancel);

  /// Streams events (of Secrets always metadata only) from `resource_version` on until the server
  /// ends the stream (success: the last resource version seen), `cancel`, or an error; kConflict
  /// with reason "Expired" for 410: list again. `on_event` is called on the calling thread, one
  /// event at a time. The stream lasts 5 to 10 minutes; one that says nothing for 3 minutes (the
  /// server sends bookmarks) is given up.
  Result<std::string> watch(const ResourceType& type, const ListParams& params,
                            const std::string& resource_version,
                            const std::function<void(WatchEvent)>& on_event,
                            const CancelToken& cancel);

  /// GET of any path ("/version"), for checks.
  Result<yaml::Document> raw_get(const std::string& path, const CancelToken& cancel);
  /// GET of a path whose answer is secret: the body goes straight into secret memory (on_body of
  /// the request), at most 4 MiB. See secret_data.hpp.
  Result<crypto::SecretBytes> get_secret_body(const std::string& path, const CancelToken& cancel);

  /// A token of service account `ns`/`name` for `audience`, good for an hour (TokenRequest).
  Result<crypto::SecretBytes> request_token(const std::string& ns, const std::string& name,
                                            const std::string& audience, const CancelToken& cancel);

  /// Requests sent so far, watches included: for tests, metrics and bench/.
  std::uint64_t requests() const;

 private:
  struct State;
  explicit Client(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Identity of a live object or manifest: apiVersion, kind, metadata.namespace, metadata.name.
ObjectId object_id(yaml::Node object);

}  // namespace sluice::kube
