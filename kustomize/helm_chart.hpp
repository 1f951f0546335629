#pragma once
/// `helmCharts` and HelmChartInflationGenerator: charts rendered by the `helm` program, called as
/// kustomize 5.8.2 calls it (api/internal/builtins/HelmChartInflationGenerator.go), with the same
/// arguments, environment and values files. Never fetches by itself; `helm pull` may, and writes
/// the chart into the kustomization's chart home as kustomize has it do.

#include <functional>
#include <string>

#include "sluice/base/result.hpp"

#include "kustomization_file.hpp"
#include "steps.hpp"

namespace sluice::kustomize {

/// The configuration as kustomize prints it in messages.
std::string helm_config_text(const HelmGlobals& globals, const HelmChart& chart);

/// Checks the configuration; the result renders the chart when it is called. Errors: kInvalid in
/// kustomize's words: "must specify --enable-helm", "chart name cannot be empty", …; kUnsupported
/// where no program may be started.
Result<std::function<Result<Resources>()>> configure_helm_chart(const HelmGlobals& globals,
                                                                const HelmChart& chart,
                                                                const StepContext& context);

}  // namespace sluice::kustomize
