#pragma once
/// One kustomization directory, built (api/internal/target/kusttarget.go): resources, generators,
/// components, transformers and validators, depth first.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/result.hpp"

#include "accumulator.hpp"
#include "build_context.hpp"
#include "kustomization_file.hpp"
#include "loader.hpp"
#include "resource_reader.hpp"

namespace sluice::kustomize {

inline constexpr std::string_view kMissingKustomization = "no kustomization file";

class Target {
 public:
  /// Reads the kustomization file of the loader's directory. Errors: kNotFound "unable to find one
  /// of …", kInvalid as read_kustomization.
  static Result<Target> load(Loader loader, BuildContext& context, bool allow_empty = false);
  /// The same with a file that is already decoded.
  Target(Loader loader, KustomizationFile file, BuildContext& context);

  const KustomizationFile& file() const { return file_; }
  KustomizationFile& file() { return file_; }
  const Loader& loader() const { return loader_; }

  /// Sets the OpenAPI schema that the file asks for; `reset` for the root, else the first one that
  /// was set stays.
  Result<void> set_schema(bool reset);

  /// Everything but what happens once, at the root.
  Result<Accumulator> accumulate();
  /// Starts origins at the root, when its file asks for build metadata.
  void track_origins();

 private:
  Result<Accumulator> accumulate(Accumulator all);
  Result<Accumulator> accumulate_into(Accumulator all);
  Result<void> accumulate_paths(Accumulator& all, const std::vector<std::string>& paths,
                                std::string_view field);
  /// The resources of the files among many `paths`, read on all cores. One that cannot be read is
  /// left out: it is read again in its turn, for its error.
  std::vector<std::optional<Resources>> read_ahead(const std::vector<std::string>& paths) const;
  Result<void> accumulate_path(Accumulator& all, const std::string& path,
                               std::optional<Resources> ready = std::nullopt);
  /// Thread-safe.
  Result<Resources> read_file(const std::string& path) const;
  Result<void> accumulate_file(Accumulator& all, const std::string& path);
  Result<void> accumulate_resources(Accumulator& all, const std::string& path, Resources resources);
  Result<void> accumulate_directory(Accumulator& all, Loader loader, const std::string& path,
                                    bool is_component);
  Result<void> run_generators(Accumulator& all);
  Result<void> run_transformers(Accumulator& all);
  Result<void> run_validators(Accumulator& all);
  /// The resources that configure plugins, from paths and inline text.
  Result<ResMap> plugin_configs(const std::vector<std::string>& entries, std::string_view field);

  BuildContext* context_;
  Loader loader_;
  KustomizationFile file_;
  std::optional<Origin> origin_;
  std::string helm_namespace_;  // what charts without a namespace get
};

/// Merges the tables of `configurations:` files. Errors: as kustomize's.
Result<std::shared_ptr<const TransformerConfig>> load_configurations(
    const std::vector<std::string>& paths, const Loader& loader, BuildContext& context);
/// Tables from `crds:`, OpenAPI definitions (loadconfigfromcrds.go).
Result<std::shared_ptr<const TransformerConfig>> load_crds(const std::vector<std::string>& paths,
                                                           const Loader& loader,
                                                           BuildContext& context);

}  // namespace sluice::kustomize
