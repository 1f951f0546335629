#pragma once
/// Whether applying would change anything: the live object against the server's dry-run answer
/// (fluxcd/pkg/ssa/manager_diff.go).

#include "sluice/yaml/document.hpp"

namespace sluice::apply {

/// Labels, annotations or anything outside metadata and status differ. Both must come from the same
/// server in the same version.
bool has_drifted(yaml::Node live, yaml::Node dry_run);

}  // namespace sluice::apply
