#pragma once
/// Flux's switches on single objects: labels or annotations of the owner's group, such as
/// `kustomize.toolkit.fluxcd.io/ssa: Merge`.

#include <string>
#include <string_view>

#include "sluice/yaml/document.hpp"

namespace sluice::apply {

/// True when label or annotation `key` of `object` is `value`, letter case aside.
bool has_switch(yaml::Node object, std::string_view key, std::string_view value);

struct Switches {
  explicit Switches(const std::string& owner_group)
      : reconcile(owner_group + "/reconcile"),
        ssa(owner_group + "/ssa"),
        force(owner_group + "/force"),
        prune(owner_group + "/prune"),
        decrypt(owner_group + "/decrypt") {}

  bool is_excluded(yaml::Node object) const {
    return has_switch(object, reconcile, "disabled") || has_switch(object, ssa, "Ignore");
  }
  bool is_merge(yaml::Node object) const { return has_switch(object, ssa, "Merge"); }
  bool is_if_not_present(yaml::Node object) const {
    return has_switch(object, ssa, "IfNotPresent");
  }
  bool is_forced(yaml::Node object) const { return has_switch(object, force, "enabled"); }
  bool is_kept(yaml::Node object) const {
    return has_switch(object, prune, "disabled") || is_excluded(object);
  }

  std::string reconcile, ssa, force, prune, decrypt;
};

}  // namespace sluice::apply
