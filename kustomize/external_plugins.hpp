#pragma once
/// Plugins that are programs: KRM exec functions (api/internal/plugins/fnplugin, kyaml/runfn) and
/// legacy exec plugins below KUSTOMIZE_PLUGIN_HOME (api/internal/plugins/execplugin). Container
/// functions and Go plugins are refused by name.
///
/// A program is started only through BuildOptions::programs, and never sees an encrypted value.

#include <functional>
#include <memory>
#include <string>

#include "sluice/base/result.hpp"

#include "steps.hpp"

namespace sluice::kustomize {

/// One configured program, in both of its roles.
class ExternalPlugin {
 public:
  virtual ~ExternalPlugin() = default;
  virtual Result<Resources> generate(const StepContext& context) = 0;
  virtual Result<void> transform(ResMap& resources, const StepContext& context) = 0;
};

/// Errors: kInvalid "external plugins disabled; …", "loader: failed to get FunctionSpec: …",
/// "unexecutable plugin at: …", "expected file with Go object code at: …", "plugin … fails
/// configuration: …"; kUnsupported naming what cannot be run.
Result<std::shared_ptr<ExternalPlugin>> load_external_plugin(const BuildResource& config,
                                                             const StepContext& context);

/// The two kinds; the first gives null for a config that names no function.
Result<std::shared_ptr<ExternalPlugin>> load_function(const BuildResource& config,
                                                      const StepContext& context);
Result<std::shared_ptr<ExternalPlugin>> load_legacy_plugin(const BuildResource& config,
                                                           const StepContext& context);

/// What a transformer's error looks like: kustomize prints the (empty) output behind it.
Error transform_error(Error error);

}  // namespace sluice::kustomize
