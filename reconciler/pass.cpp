// How a pass ends, and what it tells.
#include "pass.hpp"

namespace sluice::reconciler {

using std::chrono::milliseconds;
using std::chrono::seconds;

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

std::string build_scope(const Key& key) {
  return key.ns + "/" + key.name;
}

std::string prune_lines(const apply::PruneResult& result) {
  std::string out;
  for (const auto& change : result.changes)
    out += (out.empty() ? "" : "\n") + change.text();
  return out;
}

Result<void> Pass::prune(const apply::Inventory& inventory, apply::PruneResult& result) {
  apply::Cluster target = cluster(nullptr);
  SLUICE_TRY(result, apply::prune(inventory, apply_options(), target, cancel_, &result));
  return {};
}

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
  services_.log.error("object not written", about({{"error", error.text()}}));
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
  services_.log.error(message, about({{"reason", std::string(reason)}, {"revision", revision_}}));
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
  services_.log.error(message, about({{"reason", std::string(reason)}}));
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
  services_.log.info(message, about({{"reason", std::string(reason)}}));
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
    services_.log.info(message, about({{"revision", revision_}}));
    event(EventType::kNormal, "ReconciliationSucceeded", message);
  }
  memory_.health.reset();
  memory_.applied = std::move(applied);
  return {Outcome::End::kReady, next, "ReconciliationSucceeded", "Applied revision: " + revision_,
          Code::kInternal};
}

}  // namespace sluice::reconciler
