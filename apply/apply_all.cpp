// Stages and their order: fluxcd/pkg/ssa/manager_apply.go (ApplyAllStaged, ApplyAll), with three
// differences that docs/compat.md lists: all refusals of a stage are reported, nothing is deleted
// before all of a stage was accepted, and objects of one rank are applied side by side.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "sluice/base/parallel.hpp"

#include "apply/applied_cache.hpp"
#include "apply/decide.hpp"
#include "apply/desired.hpp"
#include "apply/ignore_rules.hpp"
#include "apply/kind_order.hpp"
#include "apply/managed_fields.hpp"
#include "apply/stage_wait.hpp"

namespace sluice::apply {
namespace {

using yaml::Document;
using yaml::Node;

constexpr std::chrono::milliseconds kFirstPoll{20};
constexpr std::chrono::milliseconds kLongestPoll{1000};
constexpr std::chrono::seconds kKindAppears{10};  // after its definition was established

/// The kinds that CustomResourceDefinitions of the set define, and whether they are namespaced.
using DefinedKinds = std::unordered_map<std::string, bool>;

std::string kind_key(std::string_view group, std::string_view kind) {
  return std::string(group) + "/" + std::string(kind);
}

DefinedKinds defined_kinds(const kustomize::ResourceSet& resources) {
  DefinedKinds kinds;
  for (const kustomize::Resource& resource : resources.resources) {
    if (resource.id.gvk.group != "apiextensions.k8s.io" ||
        resource.id.gvk.kind != "CustomResourceDefinition")
      continue;
    const Node spec = resource.document.root().get("spec");
    kinds.emplace(kind_key(spec.get("group").text(), spec.find("names", "kind").text()),
                  spec.get("scope").text() == "Namespaced");
  }
  return kinds;
}

/// One object on its way.
struct Item {
  Desired desired;
  Decision decision;
  std::optional<Error> error;
  bool is_settled = false;           ///< applied, or nothing to apply
  std::optional<Document> answered;  ///< the server's answer to applying it
};

class Run {
 public:
  Run(const kustomize::ResourceSet& resources, const ApplyOptions& options, Cluster& cluster,
      const CancelToken& cancel, IgnoreRules ignore, ApplyResult& result)
      : resources_(resources),
        options_(options),
        switches_(options.owner_group),
        ignore_(std::move(ignore)),
        cluster_(cluster),
        cancel_(cancel),
        context_{options,
                 switches_,
                 ignore_,
                 cluster,
                 cluster.cache != nullptr ? &cluster.cache->state() : nullptr,
                 cancel},
        result_(result) {}

  Result<void> go() {
    SLUICE_CHECK(prepare_all());
    std::size_t begin = 0;
    while (begin < items_.size()) {
      const Stage stage = items_[begin].desired.stage;
      std::size_t end = begin;
      while (end < items_.size() && items_[end].desired.stage == stage)
        ++end;
      SLUICE_CHECK(run_stage({items_.data() + begin, end - begin}, stage));
      begin = end;
    }
    return {};
  }

 private:
  using Items = std::span<Item>;

  Result<void> prepare_all();
  Result<void> settle_namespace(Desired& desired);
  Result<void> run_stage(Items items, Stage stage);
  std::unordered_map<ObjectId, Document> list_live(Items items);
  Result<void> decide_all(Items items);
  Result<Decision> decide_one(Desired& desired, std::optional<Document> live);
  bool is_expected(const ObjectId& id) const { return known_.contains(InventoryEntry{id}.id()); }
  Result<void> apply_in_order(Items items);
  Result<void> apply_one(Item& item);
  Result<void> remove_for_recreation(const Item& item);
  Result<void> record();
  void collect(Items items);
  void watch_kinds(Items items);

  const kustomize::ResourceSet& resources_;
  const ApplyOptions& options_;
  const Switches switches_;
  const IgnoreRules ignore_;
  Cluster& cluster_;
  const CancelToken& cancel_;
  const Context context_;
  ApplyResult& result_;
  DefinedKinds defined_;
  std::unordered_set<std::string> known_;  // ids of options_.before
  std::vector<Item> items_;                // by stage, then in apply order
  bool is_recorded_ = false;
  bool has_new_kinds_ = false;
};

/// Cluster-scoped objects lose a namespace that a transformer gave them, as the server would.
Result<void> Run::settle_namespace(Desired& desired) {
  bool is_namespaced = true;
  const auto defined = defined_.find(kind_key(desired.id.gvk.group, desired.id.gvk.kind));
  if (defined != defined_.end()) {
    is_namespaced = defined->second;
  } else if (!desired.id.ns.empty()) {
    auto type = cluster_.client.resolve(desired.id.gvk, cancel_);
    if (type) {
      is_namespaced = type->namespaced;
    } else if (type.error().reason() != kube::kReasonNoMatch) {
      return fail(std::move(type).error());
    }
  }
  if (is_namespaced) return {};
  desired.id.ns.clear();
  desired.body.root().get("metadata").erase("namespace");
  return {};
}

Result<void> Run::prepare_all() {
  defined_ = defined_kinds(resources_);
  for (const InventoryEntry& entry : options_.before) {
    known_.insert(entry.id());
  }
  const Digest options_digest = digest_of(options_);
  items_.resize(resources_.resources.size());
  std::vector<std::optional<Error>> errors(items_.size());
  parallel_for(items_.size(), 64, 0, [&](std::size_t i) {
    auto desired = prepare(resources_.resources[i], options_, switches_, options_digest,
                           resources_.files.get());
    if (desired) {
      items_[i].desired = *std::move(desired);
    } else {
      errors[i] = std::move(desired).error();
    }
  });
  std::optional<Error> first;
  for (auto& error : errors) {
    if (!error) continue;
    if (first) {
      first->add(*std::move(error));
    } else {
      first = std::move(error);
    }
  }
  if (first) return fail(*std::move(first));
  for (Item& item : items_) {
    SLUICE_CHECK(settle_namespace(item.desired));
  }
  std::stable_sort(items_.begin(), items_.end(), [](const Item& a, const Item& b) {
    if (a.desired.stage != b.desired.stage) return a.desired.stage < b.desired.stage;
    return apply_order(a.desired.id, b.desired.id) < 0;
  });
  return {};
}

/// Live objects of kinds of which at least two are in the inventory: one request instead of one for
/// each. What is missing here is looked up when needed; not being allowed to list is no error.
std::unordered_map<ObjectId, Document> Run::list_live(Items items) {
  struct Want {
    std::size_t count = 0;
    std::string ns;  // "" : several
  };
  std::unordered_map<Gvk, Want> wanted;
  for (const Item& item : items) {
    const ObjectId& id = item.desired.id;
    if (!is_expected(id)) continue;
    if (context_.cache != nullptr && context_.cache->is_unchanged(id, item.desired.digest))
      continue;
    // Answers about these are masked, those of a list would not be.
    if (id.gvk.kind != "Secret" && holds_leaves(item.desired)) continue;
    Want& want = wanted[id.gvk];
    want.ns = want.count == 0 || want.ns == id.ns ? id.ns : "";
    ++want.count;
  }
  std::unordered_map<ObjectId, Document> live;
  for (const auto& [gvk, want] : wanted) {
    if (want.count < 2) continue;
    const auto type = cluster_.client.resolve(gvk, cancel_);
    if (!type) continue;
    kube::ListParams params;
    params.ns = want.ns;
    params.label_selector = options_.owner_group + "/name=" + options_.owner_name + "," +
                            options_.owner_group + "/namespace=" + options_.owner_namespace;
    auto list = cluster_.client.list(*type, params, cancel_);
    if (!list) continue;
    for (Document& item : list->items) {
      ObjectId id = kube::object_id(item.root());
      live.insert_or_assign(std::move(id), std::move(item));
    }
  }
  return live;
}

/// decide(), waiting for a kind that was defined a moment ago.
Result<Decision> Run::decide_one(Desired& desired, std::optional<Document> live) {
  const bool may_appear =
      has_new_kinds_ && defined_.contains(kind_key(desired.id.gvk.group, desired.id.gvk.kind));
  const SteadyTime deadline = cluster_.clock.steady() + kKindAppears;
  auto wait = kFirstPoll;
  for (;;) {
    auto decision = decide(desired, live, is_expected(desired.id), context_);
    const bool is_missing = !decision && decision.error().code() == Code::kNotFound &&
                            decision.error().message().find("namespaces \"") == std::string::npos;
    if (!is_missing || !may_appear || cluster_.clock.steady() >= deadline) return decision;
    if (!sleep_for(cluster_.clock, wait, cancel_)) return fail(Code::kCancelled, "cancelled");
    wait = std::min(wait * 2, kLongestPoll);
    cluster_.client.forget_discovery();
  }
}

Result<void> Run::decide_all(Items items) {
  auto live = list_live(items);
  parallel_for(items.size(), 1, std::max(options_.concurrency, 1U), [&](std::size_t i) {
    Item& item = items[i];
    if (cancel_.cancelled()) {
      item.error = Error(Code::kCancelled, "cancelled");
      return;
    }
    std::optional<Document> known;
    // Ids of a stage are unique: no two threads move from the same element.
    if (const auto it = live.find(item.desired.id); it != live.end()) known = std::move(it->second);
    auto decision = decide_one(item.desired, std::move(known));
    if (!decision) {
      item.error = std::move(decision).error();
      return;
    }
    item.decision = *std::move(decision);
    item.is_settled = !item.decision.is_change();
    if (context_.cache != nullptr && item.decision.action == Action::kUnchanged &&
        item.decision.live)
      context_.cache->remember(item.desired.id, item.desired.digest, item.decision.live->root());
  });
  std::optional<Error> first;
  for (Item& item : items) {
    if (!item.error) continue;
    if (item.error->code() == Code::kCancelled) return fail(*std::move(item.error));
    if (first) {
      first->add(*std::move(item.error));
    } else {
      first = std::move(item.error);
    }
  }
  if (first) return fail(*std::move(first));
  return {};
}

Result<void> Run::record() {
  if (std::exchange(is_recorded_, true) || !options_.record) return {};
  Inventory all;
  bool has_new = false;
  for (const Item& item : items_) {
    all.push_back({item.desired.id});
    has_new = has_new || !is_expected(item.desired.id);
  }
  if (!has_new) return {};
  const Inventory stale = difference(options_.before, all);
  all.insert(all.end(), stale.begin(), stale.end());
  return options_.record(all);
}

Result<void> Run::remove_for_recreation(const Item& item) {
  const ObjectId& id = item.desired.id;
  const auto words = [&](const char* what) {
    return id.text() + " immutable field detected, failed to " + what + ": ";
  };
  auto removed = cluster_.client.remove(
      id, {.propagation = "Background", .uid = item.decision.live_uid}, cancel_);
  if (!removed && removed.error().code() != Code::kNotFound)
    return fail(std::move(removed).error().prefix(words("delete object")));
  const SteadyTime deadline = cluster_.clock.steady() + options_.stage_timeout;
  for (auto wait = kFirstPoll;; wait = std::min(wait * 2, kLongestPoll)) {
    const auto live = cluster_.client.get(id, cancel_, kube::View::kMetadata);
    if (!live && live.error().code() == Code::kNotFound) return {};
    if (!live) return fail(Error(live.error()).prefix(words("wait for object to be deleted")));
    if (cluster_.clock.steady() >= deadline)
      return fail(Code::kUnavailable, words("wait for object to be deleted") + "timed out", Where{},
                  "see its finalizers");
    if (!sleep_for(cluster_.clock, wait, cancel_)) return fail(Code::kCancelled, "cancelled");
  }
}

Result<void> Run::apply_one(Item& item) {
  const Desired& desired = item.desired;
  const Decision& decision = item.decision;
  if (decision.is_recreated) SLUICE_CHECK(remove_for_recreation(item));
  const auto patch = [&](const Document& operations, const char* what) -> Result<void> {
    if (operations.root().size() == 0) return {};
    auto patched = cluster_.client.patch(desired.id, kube::PatchType::kJson, operations.root(), "",
                                         options_.field_manager, cancel_);
    if (patched) return {};
    return fail(std::move(patched).error().prefix(desired.id.text() + " " + what + ": "));
  };
  SLUICE_CHECK(patch(decision.migrate, "failed to migrate API version"));
  if (decision.migrate.root().size() != 0 && decision.cleanup.root().size() != 0) {
    // The first patch has moved the object on: compute the second one anew.
    SLUICE_TRY(const Document live,
               cluster_.client.get(desired.id, cancel_, kube::View::kMetadata));
    SLUICE_CHECK(
        patch(cleanup_patch(live.root(), options_), "metadata.managedFields cleanup failed"));
  } else {
    SLUICE_CHECK(patch(decision.cleanup, "metadata.managedFields cleanup failed"));
  }
  Result<Document> answer = [&] {
    if (decision.ignored.root().size() == 0)
      return send(desired, desired.body.root(), false, context_);
    Document body = desired.body;
    IgnoreRules::adjust(body.root(), decision.ignored.root());
    return send(desired, body.root(), false, context_);
  }();
  if (!answer) {
    Error error = std::move(answer).error();
    if (error.reason() == kReasonDecryption || error.code() == Code::kCancelled)
      return fail(std::move(error));
    return fail(std::move(error).prefix(desired.id.text() + " apply failed: "));
  }
  item.answered = *std::move(answer);
  return {};
}

Result<void> Run::apply_in_order(Items items) {
  std::size_t begin = 0;
  while (begin < items.size()) {
    const int rank = kind_rank(items[begin].desired.id.gvk.kind);
    std::vector<Item*> group;
    for (; begin < items.size() && kind_rank(items[begin].desired.id.gvk.kind) == rank; ++begin) {
      if (!items[begin].is_settled) group.push_back(&items[begin]);
    }
    if (group.empty()) continue;
    SLUICE_CHECK(record());
    std::atomic<bool> is_stopped{false};
    parallel_for(group.size(), 1, std::max(options_.concurrency, 1U), [&](std::size_t i) {
      if (is_stopped) return;
      Item& item = *group[i];
      if (context_.cache != nullptr) context_.cache->begin(item.desired.id);
      auto applied =
          cancel_.cancelled() ? Result<void>(fail(Code::kCancelled, "cancelled")) : apply_one(item);
      if (applied) {
        item.is_settled = true;
        if (context_.cache != nullptr)
          context_.cache->remember(item.desired.id, item.desired.digest, item.answered->root());
      } else {
        is_stopped = true;
        item.error = std::move(applied).error();
        if (context_.cache != nullptr) context_.cache->forget(item.desired.id);
      }
    });
    for (Item* item : group) {
      if (item->error) return fail(*std::move(item->error));
    }
  }
  return {};
}

void Run::collect(Items items) {
  for (const Item& item : items) {
    if (!item.is_settled) continue;
    result_.changes.push_back({item.desired.id, item.decision.action});
    result_.inventory.push_back({item.desired.id});
  }
}

void Run::watch_kinds(Items items) {
  if (context_.cache == nullptr) return;
  const Gvk* last = nullptr;
  for (const Item& item : items) {
    if (item.decision.action == Action::kSkipped) continue;
    if (last == nullptr || *last != item.desired.id.gvk) context_.cache->watch(item.desired.id.gvk);
    last = &item.desired.id.gvk;
  }
}

Result<void> Run::run_stage(Items items, Stage stage) {
  SLUICE_CHECK(decide_all(items));
  auto applied = apply_in_order(items);
  collect(items);
  SLUICE_CHECK(std::move(applied));
  watch_kinds(items);
  if (stage != Stage::kDefinitions && stage != Stage::kClasses) return {};
  std::vector<Awaited> awaited;
  for (Item& item : items) {
    if (item.decision.is_change() && item.desired.id.gvk.kind == "CustomResourceDefinition")
      has_new_kinds_ = true;
    if (item.answered) {
      awaited.push_back({item.desired.id, std::move(item.answered)});
    } else if (item.decision.live && item.decision.action == Action::kUnchanged) {
      awaited.push_back({item.desired.id, std::move(item.decision.live)});
    }
  }
  SLUICE_CHECK(wait_established(std::move(awaited), options_.stage_timeout, cluster_, cancel_));
  if (has_new_kinds_) cluster_.client.forget_discovery();
  return {};
}

}  // namespace

Result<ApplyResult> apply_all(const kustomize::ResourceSet& resources, const ApplyOptions& options,
                              Cluster& cluster, const CancelToken& cancel, ApplyResult* partial) {
  SLUICE_TRY(IgnoreRules ignore, IgnoreRules::compile(options.ignore));
  ApplyResult result;
  Run run(resources, options, cluster, cancel, std::move(ignore), result);
  if (auto done = run.go(); !done) {
    if (partial != nullptr) *partial = std::move(result);
    return fail(std::move(done).error());
  }
  return result;
}

}  // namespace sluice::apply
