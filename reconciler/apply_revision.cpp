// Build, apply, wait for health, prune.
#include <algorithm>
#include <set>

#include "pass.hpp"

namespace sluice::reconciler {
namespace {

using std::chrono::milliseconds;

constexpr char kBuilding[] = "Building manifests";

/// Kinds that are current as soon as they exist (kstatus: no status to look at). Asking for them
/// would cost a request each, and for Secrets bring plaintext back.
bool is_static(const ObjectId& id) {
  static const std::set<std::string> kCore = {"ConfigMap", "Secret", "ServiceAccount", "Endpoints",
                                              "LimitRange"};
  if (id.gvk.group == "rbac.authorization.k8s.io") return true;
  return id.gvk.group.empty() && kCore.contains(id.gvk.kind);
}

std::string list_text(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts)
    out += (out.size() > 1 ? ", " : "") + text;
  return out + "]";
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
  // Outlives the pass, with what was built.
  decrypt::Audit audit = [&log = services_.log, who = about({{"revision", revision_}})](
                             const decrypt::AuditRecord& record) {
    std::string names;
    for (const std::string& key : record.keys)
      names += (names.empty() ? "" : ", ") + key;
    Log::Fields fields = who;
    fields.insert(fields.end(),
                  {{"file", record.file},
                   {"keys", names},
                   {"purpose", "reconcile"},
                   {"result", record.opened ? "opened" : "refused: " + record.reason}});
    log.audit("decryption", fields);
  };
  return std::make_shared<decrypt::SopsDecryptor>(
      std::move(files), std::move(keys), decrypt::kDefaultDecryptionOrder, std::move(audit));
}

/// An interval, with nothing new to build: only drift can have happened. What was fetched by URL
/// may have changed without a commit.
bool Pass::is_built() const {
  const auto& last = memory_.applied;
  return last && state_.requested_at == state_.last_handled &&
         last->generation == state_.generation && last->revision == revision_ &&
         last->tree == artifact_->digest && last->build->fetched.empty();
}

std::optional<Outcome> Pass::build(Memory::Applied& applied) {
  phase_ = phase_text("Fetching manifests");
  status_.remove("Healthy");
  const auto path = TreePath::parse(spec_.path);
  const auto stat = path ? artifact_->tree->stat(*path) : Result<sources::Stat>(fail(path.error()));
  if (!stat) {
    return failed("ArtifactFailed", "kustomization path not found: " + stat.error().text(),
                  stat.error().code());
  }
  status_.put("lastAttemptedRevision", revision_);
  phase_ = phase_text(kBuilding);
  auto keys = key_services();
  if (!keys) return failed("BuildFailed", keys.error().text(), keys.error().code());
  kustomize::BuildOptions options;
  options.load_restrictor = kustomize::LoadRestrictor::kSourceRoot;
  options.lift_encrypted = spec_.decrypt;
  options.refuse_moved_sealed_secrets = true;
  options.sops_files = std::make_shared<decrypt::SopsFiles>();
  options.overrides = spec_.overrides;
  options.cancel = cancel_;
  options.remotes = services_.options.remotes;
  std::shared_ptr<decrypt::LeafDecryptor> decryptor = make_decryptor(options.sops_files, *keys);
  options.decryptor = decryptor.get();
  // The build is pure: a commit that touches nothing of what it read costs no build.
  auto built = services_.builds.get(*artifact_, *path, options, build_scope(state_.key));
  if (!built) {
    // Flux reads the kustomization file itself before it builds; its complaint about one that is
    // no YAML has a head of its own.
    static constexpr std::string_view kUnreadable = "invalid Kustomization: yaml:";
    const bool unreadable = built.error().message().starts_with(kUnreadable);
    return failed("BuildFailed",
                  (unreadable ? "error converting YAML to JSON: " : "kustomize build failed: ") +
                      built.error().text(),
                  built.error().code());
  }
  if ((*built)->encrypted != options.sops_files) {  // from before: its leaves are of its files
    decryptor = make_decryptor((*built)->encrypted, *keys);
  }
  for (const std::string& warning : (*built)->warnings)
    services_.log.debug(warning, about());
  applied = {state_.generation, revision_, artifact_->digest, *std::move(built),
             std::move(decryptor)};
  return std::nullopt;
}

/// Before anything is sent: what is about to be applied is in the inventory, so that it is found
/// again should this process end.
Result<void> Pass::record(const apply::Inventory& inventory) {
  put_inventory(status_.root(), inventory);
  status_.set("Reconciling", "True", "Progressing", phase_);
  if (!status_.is("Ready", "True") ||
      status_.condition("Ready").get("reason").text() == "Progressing") {
    status_.set("Ready", "Unknown", "Progressing", "Reconciliation in progress");
  }
  return write_status();
}

Outcome Pass::apply_revision() {
  Memory::Applied applied;
  if (is_built()) {
    applied = *memory_.applied;
  } else if (auto ended = build(applied)) {
    return *std::move(ended);
  }
  phase_ = phase_text("Detecting drift");
  apply::ApplyOptions options = apply_options();
  options.record = [this](const apply::Inventory& inventory) { return record(inventory); };
  apply::Cluster target = cluster(applied.decryptor.get());
  apply::ApplyResult partial;
  auto result = apply::apply_all(applied.build->resources, options, target, cancel_, &partial);
  const std::string lines = change_lines(result ? result->changes : partial.changes);
  if (!lines.empty()) event(EventType::kNormal, "Progressing", lines);
  if (!result) {
    if (result.error().reason() == apply::kReasonDecryption) {
      phase_ = phase_text(kBuilding);
      return failed("BuildFailed", result.error().text(), result.error().code());
    }
    // Flux puts what was applied behind the refusal, after a line break that is there in any case.
    return failed("ReconciliationFailed", result.error().text() + "\n" + lines,
                  result.error().code());
  }

  Memory::HealthWait wait;
  wait.generation = state_.generation;
  wait.revision = revision_;
  wait.requested_at = state_.requested_at;
  wait.pass_started = started_;
  wait.started = services_.clock.steady();
  wait.deadline = wait.started + spec_.timeout;
  wait.stale = apply::difference(options.before, result->inventory);
  wait.then = std::move(applied);
  wait.changed = !lines.empty() || !wait.stale.empty() || !status_.is("Ready", "True") ||
                 state_.requested_at != state_.last_handled ||
                 state_.observed_generation != state_.generation ||
                 status_.root().get("lastAppliedRevision").string_or("") != revision_;
  if (spec_.wait) {
    for (const auto& change : result->changes) {
      if (change.action != apply::Action::kSkipped) wait.objects.push_back(change.object);
    }
  } else {
    wait.objects = spec_.health_checks;
  }
  // What is superseded stays listed until it is really gone.
  apply::Inventory kept = result->inventory;
  kept.insert(kept.end(), wait.stale.begin(), wait.stale.end());
  put_inventory(status_.root(), kept);
  memory_.health = std::move(wait);
  return settle_health();
}

Outcome Pass::settle_health() {
  Memory::HealthWait& wait = *memory_.health;
  started_ = wait.pass_started;
  status_.put("lastAttemptedRevision", revision_);
  if (!spec_.wait && spec_.health_checks.empty()) {
    status_.remove("Healthy");
  } else if (auto ended = check_health(wait)) {
    return *std::move(ended);
  }
  if (auto ended = let_go(wait.stale)) return *std::move(ended);
  Memory::Applied applied = std::move(wait.then);
  const bool changed = wait.changed;
  return finish(std::move(applied), changed);
}

/// Errors: kCancelled. An object that cannot be asked for is kUnknown.
Result<apply::HealthStatus> Pass::health_of(const ObjectId& id) {
  if (is_static(id)) return apply::HealthStatus::kCurrent;
  const auto live = services_.client.get(id, cancel_);
  if (live) {
    return apply::health_with_pods(live->root(), services_.client, services_.clock.wall(), cancel_)
        .status;
  }
  if (live.error().code() == Code::kCancelled) return fail(live.error());
  return live.error().code() == Code::kNotFound ? apply::HealthStatus::kNotFound
                                                : apply::HealthStatus::kUnknown;
}

/// nullopt when all are healthy.
std::optional<Outcome> Pass::check_health(Memory::HealthWait& wait) {
  phase_ = phase_text("Running health checks");
  std::vector<ObjectId> left;
  std::vector<std::string> unhealthy, broken;
  for (const ObjectId& id : wait.objects) {
    const auto health = health_of(id);
    if (!health) return Outcome();
    if (*health == apply::HealthStatus::kCurrent) continue;
    left.push_back(id);
    unhealthy.push_back(id.text() + " status: '" + std::string(apply::health_name(*health)) + "'");
    if (*health == apply::HealthStatus::kFailed) broken.push_back(unhealthy.back());
  }
  wait.objects = std::move(left);
  const SteadyTime now = services_.clock.steady();
  const std::string took = format_go_duration(std::chrono::floor<milliseconds>(now - wait.started));
  if (!broken.empty() || (!unhealthy.empty() && now >= wait.deadline)) {
    const std::string why = !broken.empty()
                                ? "failed early due to stalled resources: " + list_text(broken)
                                : "timeout waiting for: " + list_text(unhealthy);
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
    return Outcome{Outcome::End::kHealth, std::min<Duration>(pause, wait.deadline - now),
                   "Progressing", phase_, Code::kUnavailable};
  }
  if (!status_.is("Healthy", "True")) {
    const std::string message = "Health check passed in " + took;
    status_.set("Healthy", "True", "Succeeded", message);
    event(EventType::kNormal, "Progressing", message);
  }
  return std::nullopt;
}

/// Prunes what is no longer in the source; with prune: false it is only no longer listed, as Flux
/// does. nullopt when all of it went.
std::optional<Outcome> Pass::let_go(const apply::Inventory& stale) {
  if (stale.empty()) return std::nullopt;
  apply::Inventory gone = stale;
  std::optional<Error> refused;
  if (spec_.prune) {
    phase_ = phase_text("Pruning");
    apply::PruneResult result;
    if (auto pruned = prune(stale, result); !pruned) refused = std::move(pruned).error();
    if (const std::string lines = prune_lines(result); !lines.empty())
      event(EventType::kNormal, "Progressing", lines);
    gone = apply::difference(stale, result.remaining);
  }
  // status holds the new inventory and the stale entries.
  put_inventory(status_.root(), apply::difference(inventory_of(status_.root()), gone));
  if (refused) return failed("PruneFailed", refused->text(), refused->code());
  return std::nullopt;
}

}  // namespace sluice::reconciler
