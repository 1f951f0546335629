#pragma once
/// What has to be done for one object, found out without changing anything.

#include <optional>
#include <string>

#include "sluice/apply/apply.hpp"

#include "apply/applied_cache.hpp"
#include "apply/desired.hpp"
#include "apply/ignore_rules.hpp"

namespace sluice::apply {

/// What all objects of one call share.
struct Context {
  const ApplyOptions& options;
  const Switches& switches;
  const IgnoreRules& ignore;
  Cluster& cluster;
  AppliedCache::State* cache;  ///< may be null
  const CancelToken& cancel;
};

struct Decision {
  Action action = Action::kUnchanged;
  bool is_recreated = false;  ///< delete first: only an immutable field stands in the way
  std::string live_uid;
  yaml::Document cleanup;  ///< JSON patches for the live object, or null
  yaml::Document migrate;
  yaml::Document ignored;  ///< JSON patch for what is sent: fields left to others, or null
  /// The object as it is now, when it was looked at.
  std::optional<yaml::Document> live;

  bool is_change() const { return action == Action::kCreated || action == Action::kConfigured; }
};

/// `known_live`: the live object when a list has told it. `is_expected`: it should exist, so that
/// it pays to look at it first: an object that is as we applied it needs no dry-run. May drop
/// fields from `desired.body` that the server does not know, as Flux's typed conversion does.
/// Errors are worded as Flux's.
Result<Decision> decide(Desired& desired, std::optional<yaml::Document> known_live,
                        bool is_expected, const Context& context);

/// Sends `body`, opening its leaves.
Result<yaml::Document> send(const Desired& desired, yaml::Node body, bool dry_run,
                            const Context& context);

/// True when answers about the object must be masked.
bool holds_leaves(const Desired& desired);

}  // namespace sluice::apply
