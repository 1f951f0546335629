#include "sluice/reconciler/controller.hpp"

#include <algorithm>
#include <exception>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <unordered_map>

#include "sluice/graph/graph.hpp"
#include "sluice/kube/watch_cache.hpp"

#include "git_repository.hpp"
#include "object_store.hpp"
#include "reconcile.hpp"
#include "work_queue.hpp"

namespace sluice::reconciler {
namespace {

const char* kind_name(Kind kind) {
  return kind == Kind::kKustomization ? "Kustomization" : "GitRepository";
}

/// What of an object a watch event must have changed to be worth a pass; status is our own doing.
bool worth_a_pass(const kube::Change& change) {
  if (!change.before || !change.after) return true;
  const ObjectState was = object_state(change.before->root());
  const ObjectState now = object_state(change.after->root());
  return was.generation != now.generation || was.requested_at != now.requested_at ||
         was.deleting != now.deleting || was.uid != now.uid;
}

std::vector<Key> dependencies_of(yaml::Node kustomization) {
  std::vector<Key> out;
  const std::string ns = key_of(kustomization).ns;
  const yaml::Node entries = kustomization.find("spec", "dependsOn");
  for (std::size_t i = 0; i < entries.size(); ++i) {
    out.push_back({std::string(entries.at(i).get("namespace").string_or(ns)),
                   std::string(entries.at(i).get("name").string_or(""))});
  }
  return out;
}

Key source_of(yaml::Node kustomization) {
  const yaml::Node source = kustomization.find("spec", "sourceRef");
  return {std::string(source.get("namespace").string_or(key_of(kustomization).ns)),
          std::string(source.get("name").string_or(""))};
}

}  // namespace

struct Controller::State {
  State(ControllerOptions options_in, kube::Client& client_in, sources::SourceStore& store_in,
        Clock& clock_in, Log& log_in)
      : options(std::move(options_in)),
        client(client_in),
        store(store_in),
        clock(clock_in),
        log(log_in),
        events(client_in, clock_in, log_in),
        keys(client_in, options.decryption),
        queue(clock_in),
        applied(client_in, clock_in, std::string(kKustomizeGroup),
                [this](const apply::AppliedCache::Drift& drift) {
                  wake_health({drift.owner_namespace, drift.owner_name});
                }) {}

  // --- what watches say
  void kustomization_changed(const kube::Change& change);
  void repository_changed(const kube::Change& change);
  void wake_dependants(const Key& key);
  void wake_users_of_source(const Key& source);
  void wake_health(const Key& key);

  // --- dependency cycles
  std::string cycle_of(const Key& key);
  void refresh_cycles();  // needs `mutex`

  // --- workers
  void work(const CancelToken& cancel);
  void work_on(const Item& item, const CancelToken& cancel);
  bool settled();
  RunSummary summary();

  struct Slot {
    Memory memory;
    SourceMemory source;
    std::optional<Outcome> outcome;
    int failures = 0;
  };

  const ControllerOptions options;
  kube::Client& client;
  sources::SourceStore& store;
  Clock& clock;
  Log& log;
  EventRecorder events;
  KeyRing keys;
  ObjectStore kustomizations, repositories;
  WorkQueue queue;

  std::mutex mutex;  // guards everything below, but not the Memory of an item being worked on
  std::map<Item, std::shared_ptr<Slot>> slots;
  std::map<Key, std::shared_ptr<const sources::Artifact>> artifacts;
  std::map<Key, std::set<Key>> users_of_source;  // source -> Kustomizations
  std::map<Key, std::set<Key>> dependants;       // dependency -> who names it
  std::map<Key, std::vector<Key>> dependencies;  // Kustomization -> what it names
  bool cycles_stale = false;
  std::map<Key, std::string> cycles;  // member -> text of the loop

  kustomize::BuildCache builds;
  apply::AppliedCache applied;  // last: its watches call back into the above
};

// --------------------------------------------------------------------------------------- watch
// events

void Controller::State::kustomization_changed(const kube::Change& change) {
  const Key key{change.id.ns, change.id.name};
  {
    const std::lock_guard lock(mutex);
    const auto unlink = [&](const Key& source, const std::vector<Key>& named) {
      users_of_source[source].erase(key);
      for (const Key& dependency : named)
        dependants[dependency].erase(key);
    };
    if (change.before)
      unlink(source_of(change.before->root()), dependencies_of(change.before->root()));
    std::vector<Key> named;
    if (change.after) {
      named = dependencies_of(change.after->root());
      users_of_source[source_of(change.after->root())].insert(key);
      for (const Key& dependency : named)
        dependants[dependency].insert(key);
    }
    auto& known = dependencies[key];
    if (known != named) {
      known = named;
      cycles_stale = true;
    }
    if (!change.after) {
      dependencies.erase(key);
      cycles_stale = true;
    }
    if (cycles_stale) refresh_cycles();
  }
  if (change.after) {
    kustomizations.put(change.after);
  } else {
    kustomizations.remove(key);
    wake_dependants(key);
  }
  if (worth_a_pass(change)) queue.add({Kind::kKustomization, key});
}

void Controller::State::repository_changed(const kube::Change& change) {
  const Key key{change.id.ns, change.id.name};
  if (change.after) {
    repositories.put(change.after);
  } else {
    repositories.remove(key);
    const std::lock_guard lock(mutex);
    artifacts.erase(key);
  }
  if (!worth_a_pass(change)) return;
  queue.add({Kind::kGitRepository, key});
  if (!change.before || !change.after) wake_users_of_source(key);
}

void Controller::State::wake_dependants(const Key& key) {
  const std::lock_guard lock(mutex);
  if (const auto found = dependants.find(key); found != dependants.end()) {
    for (const Key& dependant : found->second)
      queue.add({Kind::kKustomization, dependant});
  }
}

void Controller::State::wake_users_of_source(const Key& source) {
  const std::lock_guard lock(mutex);
  if (const auto found = users_of_source.find(source); found != users_of_source.end()) {
    for (const Key& user : found->second)
      queue.add({Kind::kKustomization, user});
  }
}

/// An applied object changed: who waits for its health looks again now. Drift itself is put right
/// at the interval, as Flux does.
void Controller::State::wake_health(const Key& key) {
  const Item item{Kind::kKustomization, key};
  const std::lock_guard lock(mutex);
  const auto found = slots.find(item);
  if (found == slots.end() || !found->second->outcome) return;
  if (found->second->outcome->end == Outcome::End::kHealth) queue.add(item);
}

// ----------------------------------------------------------------------------------------------
// cycles

void Controller::State::refresh_cycles() {
  cycles_stale = false;
  graph::FleetGraph graph;
  bool any = false;
  for (const auto& [key, named] : dependencies) {
    for (const Key& dependency : named) {
      // An edge to nobody cannot close a loop.
      if (!dependencies.contains(dependency)) continue;
      graph.add_dependency({key.ns, key.name}, {dependency.ns, dependency.name});
      any = true;
    }
  }
  std::map<Key, std::string> found;
  if (any) {
    auto loops = graph::find_cycles(graph);
    if (!loops.empty()) {
      // Rare, and worth the reading: where in the sources is each edge written?
      std::map<std::pair<Key, Key>, Where> places;
      for (const auto& [source, artifact] : artifacts) {
        for (auto& declared : graph::declared_dependencies(*artifact->tree)) {
          places.try_emplace(
              {{declared.from.ns, declared.from.name}, {declared.to.ns, declared.to.name}},
              std::move(declared.where));
        }
      }
      for (graph::Cycle& loop : loops) {
        for (std::size_t i = 0; i < loop.steps.size(); ++i) {
          const auto& from = loop.steps[i].kustomization;
          const auto& to = loop.steps[(i + 1) % loop.steps.size()].kustomization;
          const Key target{to.ns, to.name};
          // A file often leaves the namespace to the Kustomization that applies it.
          for (const Key& written : {Key{from.ns, from.name}, Key{"", from.name}}) {
            for (const Key& named : {target, Key{"", to.name}}) {
              const auto place = places.find({written, named});
              if (place != places.end() && loop.steps[i].where.empty()) {
                loop.steps[i].where = place->second;
              }
            }
          }
        }
        for (const auto& member : loop.members)
          found[{member.ns, member.name}] = loop.text();
      }
    }
  }
  for (const auto& [key, text] : found) {
    if (const auto was = cycles.find(key); was == cycles.end() || was->second != text) {
      queue.add({Kind::kKustomization, key});
    }
  }
  for (const auto& [key, text] : cycles) {
    if (!found.contains(key)) queue.add({Kind::kKustomization, key});
  }
  cycles = std::move(found);
}

std::string Controller::State::cycle_of(const Key& key) {
  const std::lock_guard lock(mutex);
  const auto found = cycles.find(key);
  return found == cycles.end() ? std::string() : found->second;
}

// ---------------------------------------------------------------------------------------------
// workers

void Controller::State::work(const CancelToken& cancel) {
  while (auto item = queue.next()) {
    if (!cancel.cancelled()) {
      try {
        work_on(*item, cancel);
      } catch (const std::exception& error) {  // a bug of ours must not end the loop for the others
        log.error("internal error",
                  {{"namespace", item->key.ns}, {"name", item->key.name}, {"error", error.what()}});
        queue.add(*item, std::chrono::minutes(1), Due::kTimer);
      }
    }
    queue.done(*item);
  }
}

void Controller::State::work_on(const Item& item, const CancelToken& cancel) {
  std::shared_ptr<Slot> slot;
  {
    const std::lock_guard lock(mutex);
    auto& held = slots[item];
    if (!held) held = std::make_shared<Slot>();
    slot = held;
  }
  Outcome outcome;
  if (item.kind == Kind::kGitRepository) {
    SourceServices services{options, client, clock, log, events, repositories, store};
    const auto before = slot->source.artifact;
    outcome = reconcile_repository(item.key, services, slot->source, cancel);
    if (slot->source.artifact != before) {
      {
        const std::lock_guard lock(mutex);
        if (slot->source.artifact) {
          artifacts[item.key] = slot->source.artifact;
        } else {
          artifacts.erase(item.key);
        }
      }
    }
    // A new artifact, or none at all and no hope of one soon: those who wait for it must know.
    const bool hopeless = !slot->source.artifact && outcome.end == Outcome::End::kFailed;
    if (slot->source.artifact != before || hopeless) wake_users_of_source(item.key);
  } else {
    Services services{options,
                      client,
                      clock,
                      log,
                      events,
                      keys,
                      &applied,
                      options.builds != nullptr ? *options.builds : builds,
                      kustomizations,
                      repositories,
                      [this](const Key& key) -> std::shared_ptr<const sources::Artifact> {
                        const std::lock_guard lock(mutex);
                        const auto found = artifacts.find(key);
                        return found == artifacts.end() ? nullptr : found->second;
                      },
                      [this](const Key& key) { return cycle_of(key); }};
    outcome = reconcile(item.key, services, slot->memory, cancel);
  }

  log.debug("pass ended", log_fields(kind_name(item.kind), item.key.ns, item.key.name,
                                     {{"reason", outcome.reason}, {"message", outcome.message}}));
  const bool gone = outcome.end == Outcome::End::kGone;
  const bool ready = outcome.end == Outcome::End::kReady;
  if (outcome.again) {
    Duration again = *outcome.again;
    // The API server was away or busy, not the user's input wrong: sooner than the retry interval,
    // with backoff, and the interval as the longest.
    const bool world = outcome.code == Code::kUnavailable || outcome.code == Code::kConflict;
    slot->failures = outcome.end == Outcome::End::kFailed && world ? slot->failures + 1 : 0;
    if (slot->failures > 0 && outcome.reason != "HealthCheckFailed") {
      const auto backoff = std::chrono::milliseconds(500) * (1 << std::min(slot->failures, 11));
      again = std::min<Duration>(again, backoff);
    }
    queue.add(item, again, outcome.end == Outcome::End::kHealth ? Due::kWork : Due::kTimer);
  }
  {
    const std::lock_guard lock(mutex);
    slot->outcome = std::move(outcome);
    const bool exists = item.kind == Kind::kKustomization ? kustomizations.find(item.key) != nullptr
                                                          : repositories.find(item.key) != nullptr;
    if (gone && !exists) slots.erase(item);
  }
  if (ready && item.kind == Kind::kKustomization) wake_dependants(item.key);
}

// ------------------------------------------------------------------------------------------------
// once

/// Nothing is being done, nothing is queued but timers, and every custom resource that a
/// Kustomization has applied has reached its own watch.
bool Controller::State::settled() {
  if (!queue.idle()) return false;
  for (const auto& object : kustomizations.all()) {
    const yaml::Node entries = object->root().find("status", "inventory", "entries");
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const auto entry = apply::InventoryEntry::parse(entries.at(i).get("id").text(),
                                                      entries.at(i).get("v").text());
      if (!entry) continue;
      const Key key{entry->object.ns, entry->object.name};
      const Gvk& gvk = entry->object.gvk;
      if (gvk == kustomization_gvk() && !kustomizations.find(key)) return false;
      if (gvk == git_repository_gvk() && !repositories.find(key)) return false;
    }
  }
  return queue.idle();
}

RunSummary Controller::State::summary() {
  RunSummary out;
  const std::lock_guard lock(mutex);
  for (const auto& [item, slot] : slots) {
    if (!slot->outcome || slot->outcome->end == Outcome::End::kGone) continue;
    const Outcome& outcome = *slot->outcome;
    if (outcome.end == Outcome::End::kReady) {
      ++out.ready;
    } else {
      out.failures.push_back({std::string(kind_name(item.kind)) + "/" + item.key.text(),
                              outcome.reason, outcome.message, outcome.code});
    }
  }
  return out;
}

// ------------------------------------------------------------------------------------------
// Controller

Controller::Controller(ControllerOptions options, kube::Client& client, sources::SourceStore& store,
                       Clock& clock, Log& log)
    : state_(std::make_unique<State>(std::move(options), client, store, clock, log)) {}
Controller::~Controller() = default;

Result<RunSummary> Controller::run(const CancelToken& cancel) {
  State& state = *state_;
  CancelSource stop(cancel);
  const auto close = stop.token().on_cancel([&state] { state.queue.close(); });
  {
    kube::WatchCache repositories(
        state.client, git_repository_gvk(), {}, state.clock,
        [&state](const kube::Change& change) { state.repository_changed(change); });
    kube::WatchCache kustomizations(
        state.client, kustomization_gvk(), {}, state.clock,
        [&state](const kube::Change& change) { state.kustomization_changed(change); });
    const auto timeout = std::chrono::milliseconds(state.options.sync_timeout);
    for (const kube::WatchCache* cache : {&repositories, &kustomizations}) {
      if (cache->wait_synced(timeout, stop.token()) || stop.token().cancelled()) continue;
      auto failure = cache->failure();
      stop.cancel();
      if (failure) return fail(*std::move(failure));
      return fail(Code::kUnavailable, "the API server did not list Flux's custom resources in time",
                  Where{}, "are the custom resource definitions in deploy/crds applied?");
    }
    state.log.info("started", {{"concurrent", std::to_string(state.options.concurrent)}});
    std::vector<std::jthread> workers;
    for (unsigned i = 0; i < std::max(1U, state.options.concurrent); ++i) {
      workers.emplace_back([&state, token = stop.token()] { state.work(token); });
    }
    while (!stop.token().cancelled()) {
      if (state.options.once && state.settled()) break;
      state.queue.wait_change(std::chrono::milliseconds(200));
    }
    stop.cancel();
  }
  return state.summary();
}

}  // namespace sluice::reconciler
