#include "reconcile.hpp"

#include <algorithm>
#include <set>

#include "sluice/base/go_duration.hpp"

#include "conditions.hpp"

namespace sluice::reconciler {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Of status and finalizers. Not the manager that applies: a Kustomization that another one applies
/// would lose its finalizer, since what the applying manager updated is taken over.
constexpr char kStatusManager[] = "gotk-kustomize-controller";

apply::Inventory inventory_of(yaml::Node status) {
  apply::Inventory out;
  const yaml::Node entries = status.find("inventory", "entries");
  for (std::size_t i = 0; i < entries.size(); ++i) {
    auto entry =
        apply::InventoryEntry::parse(entries.at(i).get("id").text(), entries.at(i).get("v").text());
    if (entry) out.push_back(*std::move(entry));
  }
  return out;
}

void put_inventory(yaml::Ref status, const apply::Inventory& inventory) {
  const yaml::Ref entries = status.put_mapping("inventory").put_sequence("entries");
  entries.set_sequence();
  for (const auto& entry : inventory) {
    const yaml::Ref item = entries.append_mapping();
    item.put_string("id", entry.id());
    item.put_string("v", entry.object.gvk.version);
  }
}

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

/// The lines of a Progressing event, or "" when nothing in `changes` is worth one.
/// A Kustomization finds only its own builds again.
std::string build_scope(const Key& key) {
  return key.ns + "/" + key.name;
}

std::string change_lines(const apply::ChangeSet& changes) {
  std::string out;
  for (const auto& change : changes) {
    if (change.action == apply::Action::kUnchanged || change.action == apply::Action::kSkipped)
      continue;
    if (!out.empty()) out += '\n';
    out += change.text();
  }
  return out;
}

/// Kinds that are current as soon as they exist (kstatus: no status to look at). Asking for them
/// would cost a request each, and for Secrets bring plaintext back.
bool is_static(const ObjectId& id) {
  static const std::set<std::string> kCore = {"ConfigMap", "Secret", "ServiceAccount", "Endpoints",
                                              "LimitRange"};
  if (id.gvk.group == "rbac.authorization.k8s.io") return true;
  return id.gvk.group.empty() && kCore.contains(id.gvk.kind);
}

/// One Kustomization in one pass. Members are what its steps hand on.
class Pass {
 public:
  Pass(ObjectStore::Object object, Services& services, Memory& memory, const CancelToken& cancel)
      : object_(std::move(object)),
        services_(services),
        memory_(memory),
        cancel_(cancel),
        state_(object_state(object_->root())),
        status_(object_->root(), services.clock, kStatusManager),
        started_(services.clock.steady()) {}

  Outcome run();

 private:
  Outcome finalize(const KustomizationSpec* spec);
  Outcome settle_health();
  Outcome apply_revision();
  Outcome finish(Memory::Applied applied, bool changed);

  /// Ready=False for something that is tried again; Reconciling says which phase it was in, "" for
  /// none.
  Outcome failed(std::string_view reason, const std::string& message, Code code, bool event = true);
  Outcome waiting(std::string_view reason, const std::string& message, Duration again);
  /// Ready=False and Stalled=True for something that only a change of the spec can mend.
  Outcome stalled(std::string_view reason, const std::string& message, Code code);
  std::optional<Outcome> ensure_finalizer();
  std::string unready_dependency(const std::string& revision) const;
  Result<decrypt::KeyServices> key_services();
  std::shared_ptr<decrypt::LeafDecryptor> make_decryptor(std::shared_ptr<decrypt::SopsFiles> files,
                                                         decrypt::KeyServices keys) const;
  apply::ApplyOptions apply_options() const;
  apply::Cluster cluster(decrypt::LeafDecryptor* decryptor) {
    return {services_.client, services_.clock, services_.applied, decryptor};
  }
  Result<void> write_status();
  Outcome unwritten(const Error& error);
  void event(EventType type, std::string_view reason, std::string_view message) {
    services_.events.record(object_->root(), type, reason, message, revision_, cancel_);
  }
  std::string phase_text(std::string_view phase) const {
    return std::string(phase) + " for revision " + revision_ + " with a timeout of " +
           format_go_duration(spec_.timeout);
  }
  Duration jittered(Duration interval) const;

  ObjectStore::Object object_;
  Services& services_;
  Memory& memory_;
  const CancelToken& cancel_;
  ObjectState state_;
  StatusDraft status_;
  SteadyTime started_;
  KustomizationSpec spec_;
  std::shared_ptr<const sources::Artifact> artifact_;
  std::string revision_;
  std::string phase_;  ///< message of Reconciling while this pass goes on
};

// ------------------------------------------------------------------------------------- ending a
// pass

Duration Pass::jittered(Duration interval) const {
  // Spread by name, so that a fleet with one interval does not wake as one; the same each time.
  const double unit = static_cast<double>(hash_combine(0, state_.uid) % 2001) / 1000.0 - 1.0;
  return interval + Duration(static_cast<std::int64_t>(static_cast<double>(interval.count()) *
                                                       services_.options.interval_jitter * unit));
}

Result<void> Pass::write_status() {
  if (!state_.requested_at.empty()) status_.put("lastHandledReconcileAt", state_.requested_at);
  SLUICE_TRY(auto object, status_.write(services_.client, cancel_));
  if (object.root().is_mapping()) {
    services_.kustomizations.put(object);
    object_ = std::make_shared<const yaml::Document>(std::move(object));
  }
  return {};
}

/// The object itself could not be written: the pass counts as failed and is done again soon.
Outcome Pass::unwritten(const Error& error) {
  memory_.health.reset();
  // Deleted meanwhile, or the process is ending: nothing to report.
  if (error.code() == Code::kNotFound || error.code() == Code::kCancelled) return {};
  services_.log.error("object not written", {{"controllerKind", "Kustomization"},
                                             {"namespace", state_.key.ns},
                                             {"name", state_.key.name},
                                             {"error", error.text()}});
  return {Outcome::End::kFailed, seconds(1), "NotWritten", error.text(), error.code()};
}

Outcome Pass::failed(std::string_view reason, const std::string& message, Code code,
                     bool event_too) {
  memory_.applied.reset();
  memory_.health.reset();
  if (code == Code::kCancelled) return {};
  status_.set("Ready", "False", reason, message);
  if (!phase_.empty()) {
    status_.set("Reconciling", "True", "ProgressingWithRetry", phase_);
  } else {
    status_.remove("Reconciling");
  }
  status_.remove("Stalled");
  const bool news = status_.changed();
  if (const auto written = write_status(); !written) return unwritten(written.error());
  services_.log.error(message, {{"controllerKind", "Kustomization"},
                                {"namespace", state_.key.ns},
                                {"name", state_.key.name},
                                {"reason", std::string(reason)},
                                {"revision", revision_}});
  if (event_too && news) event(EventType::kWarning, reason, message);
  // An integrity error stops this revision for good; everything else is tried again.
  std::optional<Duration> again = spec_.retry_interval;
  if (code == Code::kIntegrity) again.reset();
  return {Outcome::End::kFailed, again, std::string(reason), message, code};
}

Outcome Pass::stalled(std::string_view reason, const std::string& message, Code code) {
  memory_.applied.reset();
  memory_.health.reset();
  status_.set("Ready", "False", reason, message);
  status_.set("Stalled", "True", reason, message);
  status_.remove("Reconciling");
  status_.observe_generation();
  const bool news = status_.changed();
  if (const auto written = write_status(); !written) return unwritten(written.error());
  services_.log.error(message, {{"controllerKind", "Kustomization"},
                                {"namespace", state_.key.ns},
                                {"name", state_.key.name},
                                {"reason", std::string(reason)}});
  if (news) event(EventType::kWarning, reason, message);
  return {Outcome::End::kFailed, std::nullopt, std::string(reason), message, code};
}

Outcome Pass::waiting(std::string_view reason, const std::string& message, Duration again) {
  memory_.applied.reset();
  memory_.health.reset();
  status_.set("Ready", "False", reason, message);
  status_.remove("Reconciling");
  status_.remove("Stalled");
  if (const auto written = write_status(); !written) return unwritten(written.error());
  services_.log.info(message, {{"controllerKind", "Kustomization"},
                               {"namespace", state_.key.ns},
                               {"name", state_.key.name},
                               {"reason", std::string(reason)}});
  return {Outcome::End::kWaiting, again, std::string(reason), message, Code::kNotFound};
}

Outcome Pass::finish(Memory::Applied applied, bool changed) {
  status_.set("Ready", "True", "ReconciliationSucceeded", "Applied revision: " + revision_);
  status_.remove("Reconciling");
  status_.remove("Stalled");
  status_.put("lastAppliedRevision", revision_);
  status_.put("lastAttemptedRevision", revision_);
  status_.observe_generation();
  if (const auto written = write_status(); !written) return unwritten(written.error());
  const Duration took = services_.clock.steady() - started_;
  const Duration next = jittered(spec_.interval);
  if (changed) {
    const std::string message = "Reconciliation finished in " +
                                format_go_duration(std::chrono::floor<milliseconds>(took)) +
                                ", next run in " + format_go_duration(spec_.interval);
    services_.log.info(message, {{"controllerKind", "Kustomization"},
                                 {"namespace", state_.key.ns},
                                 {"name", state_.key.name},
                                 {"revision", revision_}});
    event(EventType::kNormal, "ReconciliationSucceeded", message);
  }
  memory_.health.reset();
  memory_.applied = std::move(applied);
  return {Outcome::End::kReady, next, "ReconciliationSucceeded", "Applied revision: " + revision_,
          Code::kInternal};
}

// ----------------------------------------------------------------------------------------- the
// steps

std::optional<Outcome> Pass::ensure_finalizer() {
  if (state_.has_finalizer) return std::nullopt;
  yaml::Document patch;
  patch.root().set_mapping();
  const yaml::Ref metadata = patch.root().put_mapping("metadata");
  // A merge patch replaces the list: the resource version keeps somebody else's finalizer safe.
  metadata.put_string("resourceVersion", state_.resource_version);
  const yaml::Ref finalizers = metadata.put_sequence("finalizers");
  const yaml::Node present = object_->root().find("metadata", "finalizers");
  for (std::size_t i = 0; i < present.size(); ++i)
    finalizers.append(present.at(i));
  finalizers.append_string(kFinalizer);
  auto object = services_.client.patch(kube::object_id(object_->root()), kube::PatchType::kMerge,
                                       patch.root(), "", kStatusManager, cancel_);
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

apply::ApplyOptions Pass::apply_options() const {
  apply::ApplyOptions options;
  options.owner_name = state_.key.name;
  options.owner_namespace = state_.key.ns;
  options.force = spec_.force;
  options.common_labels = spec_.common_labels;
  options.common_annotations = spec_.common_annotations;
  options.before = inventory_of(object_->root().get("status"));
  return options;
}

Result<decrypt::KeyServices> Pass::key_services() {
  if (!spec_.decrypt) return decrypt::KeyServices();
  return services_.keys.keys(state_.key.ns, spec_.decryption_secret, spec_.decryption_account,
                             cancel_);
}

std::shared_ptr<decrypt::LeafDecryptor> Pass::make_decryptor(
    std::shared_ptr<decrypt::SopsFiles> files, decrypt::KeyServices keys) const {
  if (!spec_.decrypt) return nullptr;
  decrypt::Audit audit = [&log = services_.log, who = state_.key,
                          revision = revision_](const decrypt::AuditRecord& record) {
    std::string names;
    for (const std::string& key : record.keys)
      names += (names.empty() ? "" : ", ") + key;
    log.audit("decryption", {{"controllerKind", "Kustomization"},
                             {"namespace", who.ns},
                             {"name", who.name},
                             {"revision", revision},
                             {"file", record.file},
                             {"keys", names},
                             {"purpose", "reconcile"},
                             {"result", record.opened ? "opened" : "refused: " + record.reason}});
  };
  return std::make_shared<decrypt::SopsDecryptor>(
      std::move(files), std::move(keys), decrypt::kDefaultDecryptionOrder, std::move(audit));
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

Outcome Pass::apply_revision() {
  const bool requested = state_.requested_at != state_.last_handled;
  const std::string building = phase_text("Building manifests");
  Memory::Applied applied;
  if (memory_.applied && !requested && memory_.applied->generation == state_.generation &&
      memory_.applied->revision == revision_ && memory_.applied->tree == artifact_->digest &&
      memory_.applied->build->fetched.empty()) {
    // An interval: only drift can have happened, unless something was fetched by URL.
    applied = *memory_.applied;
  } else {
    phase_ = phase_text("Fetching manifests");
    status_.remove("Healthy");
    const auto path = TreePath::parse(spec_.path);
    const auto stat =
        path ? artifact_->tree->stat(*path) : Result<sources::Stat>(fail(path.error()));
    if (!stat) {
      return failed("ArtifactFailed", "kustomization path not found: " + stat.error().text(),
                    stat.error().code());
    }
    status_.put("lastAttemptedRevision", revision_);
    phase_ = building;
    kustomize::BuildOptions options;
    options.load_restrictor = kustomize::LoadRestrictor::kSourceRoot;
    options.lift_encrypted = spec_.decrypt;
    options.refuse_moved_sealed_secrets = true;
    options.sops_files = std::make_shared<decrypt::SopsFiles>();
    options.overrides = spec_.overrides;
    options.cancel = cancel_;
    options.remotes = services_.options.remotes;
    auto keys = key_services();
    if (!keys) return failed("BuildFailed", keys.error().text(), keys.error().code());
    std::shared_ptr<decrypt::LeafDecryptor> decryptor = make_decryptor(options.sops_files, *keys);
    options.decryptor = decryptor.get();
    // The build is pure: a commit that touches nothing of what it read costs no build.
    auto build = services_.builds.get(*artifact_, *path, options, build_scope(state_.key));
    if (!build) {
      // Flux reads the kustomization file itself before it builds; its complaint about one that is
      // no YAML has a head of its own.
      static constexpr std::string_view kUnreadable = "invalid Kustomization: yaml:";
      const bool unreadable = build.error().message().starts_with(kUnreadable);
      return failed("BuildFailed",
                    (unreadable ? "error converting YAML to JSON: " : "kustomize build failed: ") +
                        build.error().text(),
                    build.error().code());
    }
    if ((*build)->encrypted != options.sops_files) {  // from before: its leaves are of its files
      decryptor = make_decryptor((*build)->encrypted, *keys);
    }
    for (const std::string& warning : (*build)->warnings) {
      services_.log.debug(warning, {{"controllerKind", "Kustomization"},
                                    {"namespace", state_.key.ns},
                                    {"name", state_.key.name}});
    }
    applied = {state_.generation, revision_, artifact_->digest, *std::move(build),
               std::move(decryptor)};
  }

  phase_ = phase_text("Detecting drift");
  apply::ApplyOptions options = apply_options();
  const apply::Inventory before = options.before;
  options.record = [this](const apply::Inventory& inventory) -> Result<void> {
    put_inventory(status_.root(), inventory);
    status_.set("Reconciling", "True", "Progressing", phase_);
    if (!status_.is("Ready", "True") ||
        status_.condition("Ready").get("reason").text() == "Progressing") {
      status_.set("Ready", "Unknown", "Progressing", "Reconciliation in progress");
    }
    return write_status();
  };
  apply::Cluster target = cluster(applied.decryptor.get());
  apply::ApplyResult partial;
  auto result = apply::apply_all(applied.build->resources, options, target, cancel_, &partial);
  if (!result) {
    const std::string lines = change_lines(partial.changes);
    if (!lines.empty()) event(EventType::kNormal, "Progressing", lines);
    if (result.error().reason() == apply::kReasonDecryption) {
      phase_ = building;
      return failed("BuildFailed", result.error().text(), result.error().code());
    }
    // Flux puts what was applied behind the refusal, after a line break that is there in any case.
    return failed("ReconciliationFailed", result.error().text() + "\n" + lines,
                  result.error().code());
  }
  const std::string lines = change_lines(result->changes);
  if (!lines.empty()) event(EventType::kNormal, "Progressing", lines);

  const apply::Inventory stale = apply::difference(before, result->inventory);
  const bool news = !lines.empty() || requested || !stale.empty() ||
                    status_.root().get("lastAppliedRevision").string_or("") != revision_ ||
                    !status_.is("Ready", "True") || state_.observed_generation != state_.generation;

  Memory::HealthWait wait;
  wait.generation = state_.generation;
  wait.revision = revision_;
  wait.requested_at = state_.requested_at;
  wait.pass_started = started_;
  wait.started = services_.clock.steady();
  wait.deadline = wait.started + spec_.timeout;
  wait.stale = stale;
  wait.then = std::move(applied);
  wait.changed = news;
  if (spec_.wait) {
    for (const auto& change : result->changes) {
      if (change.action != apply::Action::kSkipped) wait.objects.push_back(change.object);
    }
  } else {
    wait.objects = spec_.health_checks;
  }
  // What is superseded stays listed until it is really gone.
  apply::Inventory kept = result->inventory;
  kept.insert(kept.end(), stale.begin(), stale.end());
  put_inventory(status_.root(), kept);
  memory_.health = std::move(wait);
  return settle_health();
}

Outcome Pass::settle_health() {
  Memory::HealthWait& wait = *memory_.health;
  started_ = wait.pass_started;
  const bool checks = spec_.wait || !spec_.health_checks.empty();
  status_.put("lastAttemptedRevision", revision_);
  if (checks) {
    phase_ = phase_text("Running health checks");
    std::vector<ObjectId> left;
    std::vector<std::string> unhealthy, broken;
    for (const ObjectId& id : wait.objects) {
      apply::Health health{apply::HealthStatus::kCurrent, {}};
      if (!is_static(id)) {
        const auto live = services_.client.get(id, cancel_);
        if (live) {
          health = apply::health_with_pods(live->root(), services_.client, services_.clock.wall(),
                                           cancel_);
        } else if (live.error().code() == Code::kNotFound) {
          health.status = apply::HealthStatus::kNotFound;
        } else if (live.error().code() == Code::kCancelled) {
          return {};
        } else {
          health.status = apply::HealthStatus::kUnknown;
        }
      }
      if (health.status == apply::HealthStatus::kCurrent) continue;
      const std::string text =
          id.text() + " status: '" + std::string(apply::health_name(health.status)) + "'";
      left.push_back(id);
      unhealthy.push_back(text);
      if (health.status == apply::HealthStatus::kFailed) broken.push_back(text);
    }
    wait.objects = std::move(left);
    const SteadyTime now = services_.clock.steady();
    const std::string took =
        format_go_duration(std::chrono::floor<milliseconds>(now - wait.started));
    const auto list = [](const std::vector<std::string>& texts) {
      std::string out = "[";
      for (const std::string& text : texts)
        out += (out.size() > 1 ? ", " : "") + text;
      return out + "]";
    };
    if (!broken.empty() || (!unhealthy.empty() && now >= wait.deadline)) {
      const std::string why = !broken.empty()
                                  ? "failed early due to stalled resources: " + list(broken)
                                  : "timeout waiting for: " + list(unhealthy);
      status_.set("Healthy", "False", "HealthCheckFailed", why);
      return failed("HealthCheckFailed", "health check failed after " + took + ": " + why,
                    Code::kUnavailable);
    }
    if (!unhealthy.empty()) {
      status_.set("Reconciling", "True", "Progressing", phase_);
      status_.set("Ready", "Unknown", "Progressing", phase_);
      status_.set("Healthy", "Unknown", "Progressing", phase_);
      if (const auto written = write_status(); !written) return unwritten(written.error());
      // 0.1 s, 0.2 s … 2 s: quick for what starts quickly, cheap for what does not.
      const milliseconds pause(std::min(100 << std::min(wait.looks++, 5), 2000));
      return {Outcome::End::kHealth, std::min<Duration>(pause, wait.deadline - now), "Progressing",
              phase_, Code::kUnavailable};
    }
    if (!status_.is("Healthy", "True")) {
      const std::string message = "Health check passed in " + took;
      status_.set("Healthy", "True", "Succeeded", message);
      event(EventType::kNormal, "Progressing", message);
    }
  } else {
    status_.remove("Healthy");
  }

  if (spec_.prune && !wait.stale.empty()) {
    phase_ = phase_text("Pruning");
    apply::Cluster target = cluster(nullptr);
    apply::PruneResult partial;
    const auto pruned = apply::prune(wait.stale, apply_options(), target, cancel_, &partial);
    const apply::PruneResult& result = pruned ? *pruned : partial;
    std::string lines;
    for (const auto& change : result.changes)
      lines += (lines.empty() ? "" : "\n") + change.text();
    if (!lines.empty()) event(EventType::kNormal, "Progressing", lines);
    // status holds the new inventory and the stale entries; those that are gone leave it.
    const apply::Inventory gone = apply::difference(wait.stale, result.remaining);
    put_inventory(status_.root(), apply::difference(inventory_of(status_.root()), gone));
    if (!pruned) return failed("PruneFailed", pruned.error().text(), pruned.error().code());
  } else if (!wait.stale.empty()) {
    // prune: false: what is no longer in the source is let go, as Flux does.
    put_inventory(status_.root(), apply::difference(inventory_of(status_.root()), wait.stale));
  }
  Memory::Applied applied = std::move(wait.then);
  const bool changed = wait.changed;
  return finish(std::move(applied), changed);
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
    apply::Cluster target = cluster(nullptr);
    apply::PruneResult partial;
    const auto pruned = apply::prune(inventory, apply_options(), target, cancel_, &partial);
    const apply::PruneResult& result = pruned ? *pruned : partial;
    std::string lines;
    for (const auto& change : result.changes)
      lines += (lines.empty() ? "" : "\n") + change.text();
    if (!pruned) {
      event(EventType::kWarning, "PruneFailed", pruned.error().text());
      return {Outcome::End::kFailed, seconds(10), "PruneFailed", pruned.error().text(),
              pruned.error().code()};
    }
    if (!lines.empty()) event(EventType::kNormal, "ReconciliationSucceeded", lines);
  }
  yaml::Document patch;
  patch.root().set_mapping();
  const yaml::Ref metadata = patch.root().put_mapping("metadata");
  metadata.put_string("resourceVersion", state_.resource_version);
  const yaml::Ref finalizers = metadata.put_sequence("finalizers");
  const yaml::Node present = object_->root().find("metadata", "finalizers");
  for (std::size_t i = 0; i < present.size(); ++i) {
    if (present.at(i).text() != kFinalizer) finalizers.append(present.at(i));
  }
  const auto object =
      services_.client.patch(kube::object_id(object_->root()), kube::PatchType::kMerge,
                             patch.root(), "", kStatusManager, cancel_);
  if (!object) return unwritten(object.error());
  return {};
}

}  // namespace

Outcome reconcile(const Key& key, Services& services, Memory& memory, const CancelToken& cancel) {
  auto object = services.kustomizations.find(key);
  if (!object) {
    memory = {};
    return {};
  }
  return Pass(std::move(object), services, memory, cancel).run();
}

}  // namespace sluice::reconciler
