#pragma once
/// spec.ignore: JSON pointers whose values are left to others (fluxcd/pkg/ssa manager_apply.go,
/// computeDriftedPaths, and jsondiff).

#include <string>
#include <utility>
#include <vector>

#include "sluice/apply/apply.hpp"
#include "sluice/kustomize/object_selector.hpp"
#include "sluice/yaml/document.hpp"

namespace sluice::apply {

class IgnoreRules {
 public:
  /// Errors: kInvalid for an expression, a selector or a pointer that cannot be parsed.
  static Result<IgnoreRules> compile(const std::vector<IgnoreRule>& rules);
  bool empty() const { return rules_.empty(); }

  /// has_drifted() with the ignored fields left out on both sides.
  bool has_drifted(yaml::Node live, yaml::Node dry_run) const;

  /// What to do with ignored fields that differ, as a sequence of {path, value}: without a value
  /// the field is not sent, since another applier owns it; with one, the live value is sent.
  yaml::Document patch_for(yaml::Node live, yaml::Node dry_run,
                           const std::string& field_manager) const;
  static void adjust(yaml::Ref body, yaml::Node patch);

 private:
  struct Rule {
    kustomize::ObjectSelector selector;
    std::vector<std::string> paths;
  };
  /// Paths of all rules that match.
  std::vector<std::string> paths_for(yaml::Node object) const;

  std::vector<Rule> rules_;
};

}  // namespace sluice::apply
