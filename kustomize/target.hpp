#pragma once
/// One kustomization directory, built (api/internal/target/kusttarget.go): resources, generators,
/// components, transformers and validators, depth first.

#include <memory>
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
  /// A base and how messages show it.
  struct Base {
    Accumulator all;
    std::string shown;
  };
  /// What an entry gives, made before its turn; nothing: it is made in its turn.
  struct Ahead {
    std::optional<Resources> file;
    std::optional<Base> base;
    std::unique_ptr<BuildContext> branch;  // of `base`
  };
  /// Reads files and builds bases on all cores where `paths` are many, else gives nothing. What
  /// fails is left out: it is done again in its turn, for its error.
  std::vector<Ahead> work_ahead(const std::vector<std::string>& paths) const;
  /// What is not named as a file and is a directory. Thread-safe.
  bool leads_to_base(const std::string& path) const;
  void build_ahead(const std::string& path, Ahead& ahead) const;
  Result<void> accumulate_path(Accumulator& all, const std::string& path, Ahead ahead = {});
  /// Thread-safe.
  Result<Resources> read_file(const std::string& path) const;
  Result<void> accumulate_file(Accumulator& all, const std::string& path);
  Result<void> accumulate_resources(Accumulator& all, const std::string& path, Resources resources);
  /// The kustomization at `loader`, named by this one as `path`.
  Result<Target> open(Loader loader, const std::string& path, bool is_component,
                      BuildContext& context) const;
  Result<Base> build_base(Loader loader, const std::string& path, BuildContext& context) const;
  Result<void> accumulate_base(Accumulator& all, Loader loader, const std::string& path);
  static Result<void> merge_base(Accumulator& all, Base base);
  Result<void> accumulate_component(Accumulator& all, Loader loader, const std::string& path);
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

}  // namespace sluice::kustomize
