#include "reconcile.hpp"

#include "pass.hpp"

namespace sluice::reconciler {
namespace {

using std::chrono::seconds;

constexpr char kNoArtifact[] = "Source is not ready, artifact not found";

/// Status of condition Ready, "" when there is none.
std::string_view ready_status(yaml::Node object) {
  const yaml::Node conditions = object.find("status", "conditions");
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    if (conditions.at(i).get("type").text() == "Ready")
      return conditions.at(i).get("status").text();
  }
  return {};
}
bool is_ready(yaml::Node object) {
  return ready_status(object) == "True";
}
bool is_unready(yaml::Node object) {
  return ready_status(object) == "False";
}
bool is_suspended(yaml::Node object) {
  return object.find("spec", "suspend").text() == "true";
}

}  // namespace

Result<yaml::Document> Pass::patch_finalizers(bool with_ours) {
  yaml::Document patch;
  patch.root().set_mapping();
  const yaml::Ref metadata = patch.root().put_mapping("metadata");
  // A merge patch replaces the list: the resource version keeps somebody else's finalizer safe.
  metadata.put_string("resourceVersion", state_.resource_version);
  const yaml::Ref finalizers = metadata.put_sequence("finalizers");
  const yaml::Node present = object_->root().find("metadata", "finalizers");
  for (std::size_t i = 0; i < present.size(); ++i) {
    if (present.at(i).text() != kFinalizer) finalizers.append(present.at(i));
  }
  if (with_ours) finalizers.append_string(kFinalizer);
  return services_.client.patch(kube::object_id(object_->root()), kube::PatchType::kMerge,
                                patch.root(), "", kStatusManager, cancel_);
}

std::optional<Outcome> Pass::ensure_finalizer() {
  if (state_.has_finalizer) return std::nullopt;
  auto object = patch_finalizers(true);
  if (!object) return unwritten(object.error());
  services_.kustomizations.put(*object);
  object_ = std::make_shared<const yaml::Document>(*std::move(object));
  state_ = object_state(object_->root());
  return std::nullopt;
}

/// Why a dependency is not ready, in Flux's words; "" when all are.
std::string Pass::unready_dependency(const std::string& revision) const {
  for (const Key& dependency : spec_.depends_on) {
    const std::string quoted = "dependency '" + dependency.text() + "'";
    const auto object = services_.kustomizations.find(dependency);
    if (!object) {
      return quoted + " not found: kustomizations.kustomize.toolkit.fluxcd.io \"" +
             dependency.name + "\" not found";
    }
    const yaml::Node root = object->root();
    const ObjectState state = object_state(root);
    if (state.observed_generation != state.generation || !is_ready(root)) {
      return quoted + " is not ready";
    }
    const yaml::Node source = root.find("spec", "sourceRef");
    const bool same_source = source.get("kind").string_or("") == spec_.source_kind &&
                             source.get("name").string_or("") == spec_.source.name &&
                             source.get("namespace").string_or(dependency.ns) == spec_.source.ns;
    if (same_source && root.find("status", "lastAppliedRevision").string_or("") != revision) {
      return quoted + " revision is not up to date";
    }
  }
  return {};
}

Outcome Pass::run() {
  auto spec = parse_kustomization(object_->root());
  if (state_.deleting) return finalize(spec ? &*spec : nullptr);
  if (!spec) return stalled("InvalidSpec", spec.error().text(), spec.error().code());
  spec_ = *std::move(spec);
  if (spec_.suspend) {
    memory_ = {};
    // A suspended object keeps the status it had; that it was seen so is noted, as Flux does.
    if (status_.is("Ready", "True")) status_.observe_generation();
    if (const auto written = write_status(); !written) return unwritten(written.error());
    return {};
  }
  if (auto ended = ensure_finalizer()) return *std::move(ended);

  if (const std::string cycle = services_.cycle(state_.key); !cycle.empty()) {
    return stalled("DependencyCycle", "dependency cycle: " + cycle, Code::kInvalid);
  }
  if (services_.options.no_cross_namespace_refs && spec_.source.ns != state_.key.ns) {
    return stalled("AccessDenied",
                   "can't access '" + spec_.source_kind + "/" + spec_.source.text() +
                       "', cross-namespace references have been blocked",
                   Code::kDenied);
  }
  const auto repository = services_.repositories.find(spec_.source);
  if (!repository) {
    return waiting("ArtifactFailed",
                   "GitRepository.source.toolkit.fluxcd.io \"" + spec_.source.name + "\" not found",
                   spec_.retry_interval);
  }
  artifact_ = services_.artifact(spec_.source);
  if (!artifact_) {
    // This process has not pulled it yet: nothing is wrong, and the artifact wakes us. A source
    // that failed or is suspended will not, so that is said.
    const bool pending = !is_unready(repository->root()) && !is_suspended(repository->root());
    if (pending)
      return {Outcome::End::kWaiting, {}, "ArtifactFailed", kNoArtifact, Code::kNotFound};
    return waiting("ArtifactFailed", kNoArtifact, services_.options.requeue_dependency);
  }
  revision_ = artifact_->revision;
  if (std::string why = unready_dependency(revision_); !why.empty()) {
    const bool news = memory_.waiting_for != why;
    memory_.waiting_for = why;
    Outcome outcome = waiting("DependencyNotReady", why, services_.options.requeue_dependency);
    if (news) {
      event(EventType::kNormal, "DependencyNotReady",
            "Dependencies do not meet ready condition, retrying in " +
                format_go_duration(services_.options.requeue_dependency));
    }
    return outcome;
  }
  memory_.waiting_for.clear();

  if (memory_.health) {
    const auto& wait = *memory_.health;
    if (wait.generation == state_.generation && wait.revision == revision_ &&
        wait.requested_at == state_.requested_at) {
      return settle_health();
    }
    memory_.health.reset();  // a new revision or spec: what was waited for no longer matters
  }
  return apply_revision();
}

/// Deletes what is ours (spec.deletionPolicy), then lets the object go.
Outcome Pass::finalize(const KustomizationSpec* spec) {
  memory_ = {};
  services_.builds.forget(build_scope(state_.key));
  if (!state_.has_finalizer) return {};
  const apply::Inventory inventory = inventory_of(object_->root().get("status"));
  const std::string policy = spec ? spec->deletion_policy : "MirrorPrune";
  const bool wanted = policy == "Delete" || policy == "WaitForTermination" ||
                      (policy == "MirrorPrune" && spec && spec->prune);
  revision_ = std::string(object_->root().find("status", "lastAppliedRevision").string_or(""));
  if (wanted && !inventory.empty() && !(spec && spec->suspend)) {
    apply::PruneResult result;
    if (const auto pruned = prune(inventory, result); !pruned) {
      event(EventType::kWarning, "PruneFailed", pruned.error().text());
      return {Outcome::End::kFailed, seconds(10), "PruneFailed", pruned.error().text(),
              pruned.error().code()};
    }
    if (const std::string lines = prune_lines(result); !lines.empty())
      event(EventType::kNormal, "ReconciliationSucceeded", lines);
  }
  if (const auto object = patch_finalizers(false); !object) return unwritten(object.error());
  return {};
}

Outcome reconcile(const Key& key, Services& services, Memory& memory, const CancelToken& cancel) {
  auto object = services.kustomizations.find(key);
  if (!object) {
    memory = {};
    return {};
  }
  return Pass(std::move(object), services, memory, cancel).run();
}

}  // namespace sluice::reconciler
