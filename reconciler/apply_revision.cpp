// Build, apply, wait for health, prune.
#include <algorithm>
#include <set>

#include "pass.hpp"

namespace sluice::reconciler {
namespace {

using std::chrono::milliseconds;

/// Kinds that are current as soon as they exist (kstatus: no status to look at). Asking for them
/// would cost a request each, and for Secrets bring plaintext back.
bool is_static(const ObjectId& id) {
  static const std::set<std::string> kCore = {"ConfigMap", "Secret", "ServiceAccount", "Endpoints",
                                              "LimitRange"};
  if (id.gvk.group == "rbac.authorization.k8s.io") return true;
  return id.gvk.group.empty() && kCore.contains(id.gvk.kind);
}

}  // namespace

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

}  // namespace sluice::reconciler
