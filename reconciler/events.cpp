#include "events.hpp"

#include <cstdio>

#include "sluice/reconciler/spec.hpp"

namespace sluice::reconciler {
namespace {

// core/v1 Event: note and message are bounded by the server at 1024 bytes in events.k8s.io, and
// etcd objects at 1.5 MB; Flux cuts at 39,000.
constexpr std::size_t kMaxMessage = 39'000;

}  // namespace

void EventRecorder::record(yaml::Node object, EventType type, std::string_view reason,
                           std::string_view message, std::string_view revision,
                           const CancelToken& cancel) {
  const ObjectId id = kube::object_id(object);
  const ObjectState state = object_state(object);
  const bool source = id.gvk.group == kSourceGroup;
  const std::string_view component = source ? "source-controller" : "kustomize-controller";
  const WallTime now = clock_.wall();
  char suffix[32];
  std::snprintf(suffix, sizeof suffix, ".%llx",
                static_cast<unsigned long long>(now.time_since_epoch().count()));

  yaml::Document event;
  const yaml::Ref root = event.root();
  root.set_mapping();
  root.put_string("apiVersion", "v1");
  root.put_string("kind", "Event");
  const yaml::Ref metadata = root.put_mapping("metadata");
  metadata.put_string("name", id.name + suffix);
  metadata.put_string("namespace", id.ns);
  if (!revision.empty()) {
    metadata.put_mapping("annotations").put_string(id.gvk.group + "/revision", revision);
  }
  const yaml::Ref involved = root.put_mapping("involvedObject");
  involved.put_string("apiVersion", id.gvk.api_version());
  involved.put_string("kind", id.gvk.kind);
  involved.put_string("namespace", id.ns);
  involved.put_string("name", id.name);
  involved.put_string("uid", state.uid);
  involved.put_string("resourceVersion", state.resource_version);
  root.put_string("type", type == EventType::kNormal ? "Normal" : "Warning");
  root.put_string("reason", reason);
  root.put_string("message", message.substr(0, kMaxMessage));
  root.put_mapping("source").put_string("component", component);
  root.put_string("reportingComponent", component);
  root.put_string("reportingInstance", "sluice");
  root.put_string("firstTimestamp", rfc3339(now));
  root.put_string("lastTimestamp", rfc3339(now));
  root.put_int("count", 1);
  const ObjectId event_id{{"", "v1", "Event"}, id.ns, id.name + suffix};
  if (const auto created = client_.create(event_id, root, cancel); !created) {
    log_.debug("event not recorded", {{"namespace", id.ns},
                                      {"name", id.name},
                                      {"reason", std::string(reason)},
                                      {"error", created.error().text()}});
  }
}

}  // namespace sluice::reconciler
