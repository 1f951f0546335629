#pragma once
/// Generators and transformers, configured and waiting to run. All of a directory are configured
/// before the first runs, as in kustomize, so that the first wrong one is reported, not the first
/// that fails.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sluice/base/result.hpp"

#include "accumulator.hpp"
#include "build_context.hpp"
#include "kustomization_file.hpp"
#include "loader.hpp"
#include "res_map.hpp"
#include "resource_reader.hpp"

namespace sluice::kustomize {

struct Transformer {
  std::function<Result<void>(ResMap&)> run;
  std::optional<Origin> origin;  ///< recorded on every resource after the run
  std::string field = {};        ///< of the kustomization file, for BuildOptions::explain
  Where place = {};              ///< of the entry
};

struct Generator {
  std::function<Result<Resources>()> run;
  std::optional<Origin> origin;
  std::string name;        ///< for messages
  std::string field = {};  ///< as in Transformer
  Where place = {};
};

/// Where steps are configured: one kustomization directory.
struct StepContext {
  BuildContext& build;
  const Loader& loader;
  const KustomizationFile& file;
  const std::optional<Origin>& origin;  ///< of the directory, when origins are tracked
  const std::string& helm_namespace;    ///< for charts: of the file, else of whoever uses it

  /// Origin of a builtin generator or transformer.
  std::optional<Origin> builtin(std::string_view kind) const;
};

// --- from the fields of a kustomization file (kusttarget_configplugin.go) ---
Result<std::vector<Generator>> builtin_generators(const StepContext& context);
Result<std::vector<Transformer>> builtin_transformers(const StepContext& context,
                                                      const TransformerConfig& config);

// --- from plugin configs (api/internal/plugins/loader) ---
/// `config` is one resource of `generators:` or `transformers:`. Errors: kInvalid "plugin … fails
/// configuration: …", "external plugins disabled; …", kUnsupported naming a plugin.
Result<Generator> generator_from_plugin(const BuildResource& config, const StepContext& context);
Result<Transformer> transformer_from_plugin(const BuildResource& config,
                                            const StepContext& context);

// --- shared by both ---
Result<Resources> run_config_map_generator(const generators::GeneratorArgs& args,
                                           const StepContext& context, bool is_secret);
/// Reads and parses a patch file or inline patch. `config` is what the messages quote; `written`,
/// if known, is the node of the inline text in a kustomization file.
Result<PatchRule> load_patch(const PatchEntry& entry, const std::string& config,
                             const StepContext& context, yaml::Node written = {});
Result<Resources> load_merge_patch(const std::string& path_or_text, const StepContext& context,
                                   yaml::Node written = {});
Result<Json6902Rule> load_json6902(const Selector& target, const std::string& path,
                                   const std::string& text, const StepContext& context);
Result<std::vector<Replacement>> load_replacements(const std::vector<ReplacementEntry>& entries,
                                                   const StepContext& context);
/// Adds name suffixes to resources that want one (HashTransformer).
Result<void> add_name_suffixes(ResMap& resources, BuildContext& context);

}  // namespace sluice::kustomize
