// fluxcd/pkg/ssa/manager_delete.go, with a UID precondition: what is deleted is what was looked at.
#include <algorithm>
#include <utility>

#include "sluice/base/parallel.hpp"

#include "apply/applied_cache.hpp"
#include "apply/kind_order.hpp"
#include "apply/metadata.hpp"

namespace sluice::apply {
namespace {

using yaml::Node;

struct Outcome {
  std::optional<Action> action;  ///< kDeleted or kSkipped
  std::optional<Error> error;
};

class Pruner {
 public:
  Pruner(const ApplyOptions& options, Cluster& cluster, const CancelToken& cancel)
      : options_(options), switches_(options.owner_group), cluster_(cluster), cancel_(cancel) {}

  Outcome prune(const ObjectId& id) {
    constexpr int kAttempts = 3;
    for (int attempt = 1;; ++attempt) {
      const auto live = cluster_.client.get(id, cancel_, kube::View::kMetadata);
      if (!live) return looked(id, live.error());
      const Node object = live->root();
      if (!is_ours(object) || switches_.is_kept(object)) return {Action::kSkipped, {}};
      if (cluster_.cache != nullptr) cluster_.cache->state().forget(id);
      auto removed = cluster_.client.remove(
          id,
          {.propagation = "Background", .uid = std::string(object.find("metadata", "uid").text())},
          cancel_);
      if (removed || removed.error().code() == Code::kNotFound) return {Action::kDeleted, {}};
      // Deleted and made again between the two requests: look once more whose it is.
      if (removed.error().code() == Code::kConflict && attempt < kAttempts) continue;
      if (removed.error().code() == Code::kCancelled) return {{}, removed.error()};
      return {{}, Error(removed.error()).prefix(id.text() + " delete failed: ")};
    }
  }

 private:
  Outcome looked(const ObjectId& id, const Error& error) const {
    // A kind that is no longer served has no objects.
    if (error.code() == Code::kNotFound || error.reason() == "NoNamespace") {
      if (cluster_.cache != nullptr) cluster_.cache->state().forget(id);
      return {Action::kDeleted, {}};
    }
    if (error.code() == Code::kCancelled) return {{}, error};
    return {{}, Error(error).prefix(id.text() + " query failed: ")};
  }

  bool is_ours(Node object) const {
    const Node labels = object.find("metadata", "labels");
    return labels.get(options_.owner_group + "/name").text() == options_.owner_name &&
           labels.get(options_.owner_group + "/namespace").text() == options_.owner_namespace;
  }

  const ApplyOptions& options_;
  const Switches switches_;
  Cluster& cluster_;
  const CancelToken& cancel_;
};

/// "delete failed, errors: a;b;", with the code of the first.
Error all_of(const std::vector<Outcome>& outcomes) {
  std::string text = "delete failed, errors: ";
  const Error* first = nullptr;
  for (const Outcome& outcome : outcomes) {
    if (!outcome.error) continue;
    if (outcome.error->code() == Code::kCancelled) return *outcome.error;
    if (first == nullptr) first = &*outcome.error;
    text += outcome.error->message() + ";";
  }
  return Error(first->code(), std::move(text)).reason(first->reason());
}

}  // namespace

Result<PruneResult> prune(const Inventory& stale, const ApplyOptions& options, Cluster& cluster,
                          const CancelToken& cancel, PruneResult* partial) {
  Inventory sorted = stale;
  std::sort(sorted.begin(), sorted.end(), [](const InventoryEntry& a, const InventoryEntry& b) {
    return apply_order(b.object, a.object) < 0;
  });
  Pruner pruner(options, cluster, cancel);
  std::vector<Outcome> outcomes(sorted.size());
  // Within a rank nothing refers to another; what was deleted stays deleted when one fails, and the
  // others are still tried, as Flux does.
  for (std::size_t begin = 0; begin < sorted.size();) {
    std::size_t end = begin;
    while (end < sorted.size() &&
           kind_rank(sorted[end].object.gvk.kind) == kind_rank(sorted[begin].object.gvk.kind))
      ++end;
    parallel_for(end - begin, 1, std::max(options.concurrency, 1U), [&](std::size_t i) {
      outcomes[begin + i] = pruner.prune(sorted[begin + i].object);
    });
    begin = end;
  }
  PruneResult result;
  bool has_failed = false;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (outcomes[i].action) {
      result.changes.push_back({sorted[i].object, *outcomes[i].action});
    } else {
      result.remaining.push_back(sorted[i]);
      has_failed = true;
    }
  }
  if (!has_failed) return result;
  if (partial != nullptr) *partial = std::move(result);
  return fail(all_of(outcomes));
}

}  // namespace sluice::apply
