#pragma once
/// `kustomize build`: (tree, directory, options) to a ResourceSet. A pure function: the controller,
/// the plugin and CI agree. Follows kustomize 5.8 (api/internal/target/kusttarget.go and what it
/// calls). Never touches clusters, clocks, networks or plaintext: generated names get their suffix
/// from a LeafDecryptor that is handed in. Linear in the number of resources.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/cancel.hpp"
#include "sluice/base/file_table.hpp"
#include "sluice/base/process.hpp"
#include "sluice/base/result.hpp"
#include "sluice/base/tree_path.hpp"
#include "sluice/decrypt/decryptor.hpp"
#include "sluice/decrypt/sops_file.hpp"
#include "sluice/kustomize/provenance.hpp"
#include "sluice/kustomize/resource_set.hpp"
#include "sluice/sources/remote_content.hpp"
#include "sluice/sources/tree.hpp"
#include "sluice/yaml/read.hpp"

namespace sluice::kustomize {

enum class LoadRestrictor : std::uint8_t {
  kRootOnly,    ///< kustomize's default: files only in or below the kustomization that names them
  kNone,        ///< kustomize's LoadRestrictionsNone
  kSourceRoot,  ///< the controller: anything inside the tree
};

enum class Reorder : std::uint8_t { kUnspecified, kLegacy, kNone };

/// What Flux's Kustomization.spec adds to the kustomization file at the path (flux.md section 2,
/// step 6). Each text is YAML as in a kustomization file.
struct Overrides {
  std::string target_namespace;
  std::string name_prefix, name_suffix;
  yaml::Document patches;  ///< sequence, or null
  yaml::Document images;   ///< sequence, merged field-wise; or null
  std::vector<std::string> components;
  bool ignore_missing_components = false;
  std::vector<std::string> build_metadata;
  /// A directory without a kustomization file is built from the YAML files below it (Flux generates
  /// one).
  bool generate_kustomization = false;
};

/// What a build may start, and with what: exec functions, legacy plugins and helm. They run in the
/// real directory of their kustomization, so the tree must show paths of this machine.
struct Programs {
  RunProgram run;  ///< run_program, or a stand-in
  /// "NAME=value", for every child; HOME and others also say where plugins are. Asked for when a
  /// program is met, since it may hold secrets, which are better not copied.
  std::function<std::vector<std::string>()> environment;
  std::vector<std::string> function_environment;  ///< of exec functions only: `--env`
  std::string temporary_directory = "/tmp";
};

/// A field that can change a result belongs into options_key() (build_cache.cpp), too.
struct BuildOptions {
  LoadRestrictor load_restrictor = LoadRestrictor::kRootOnly;
  Reorder reorder = Reorder::kUnspecified;
  bool enable_alpha_plugins = false;
  bool enable_exec = false;
  bool enable_helm = false;
  std::string helm_command = "helm";
  std::string helm_kube_version;
  std::vector<std::string> helm_api_versions;
  bool helm_debug = false;
  /// Null: no program is ever started, what needs one is refused (the controller).
  std::shared_ptr<const Programs> programs;
  bool add_managed_by_label = false;
  /// Lift SOPS values into leaves. Off: SOPS files are plain YAML, as kustomize sees them.
  bool lift_encrypted = false;
  /// Opens leaves for name suffixes; null: suffixes of encrypted content come from ciphertext
  /// digests, with a warning.
  decrypt::LeafDecryptor* decryptor = nullptr;
  /// Where lifted files are registered; null: a new one.
  std::shared_ptr<decrypt::SopsFiles> sops_files;
  /// A SealedSecret that leaves the scope it was sealed for is an error; off: a warning.
  bool refuse_moved_sealed_secrets = false;
  yaml::Engine yaml_engine = yaml::Engine::kLibyaml;
  Overrides overrides;
  std::size_t max_resources = 1'000'000;
  /// Bases and components, each counted as often as it is named: two that name each other's bases
  /// twice double them at each level.
  std::size_t max_directories = 200'000;
  std::size_t max_base_depth = 200;  ///< of a base of a base of …
  /// Fetches what is named by URL; null: such a name is refused. Outlives the build.
  sources::RemoteContent* remotes = nullptr;
  unsigned threads = 0;  ///< for parsing and printing; 0: the machine's cores
  /// Record what each layer does to each object: BuildResult::histories.
  bool explain = false;
  CancelToken cancel;
  /// Called with each warning as it is found, so that they are seen when the build fails, too.
  std::function<void(std::string_view line)> on_warning;
};

struct BuildResult {
  ResourceSet resources;
  std::shared_ptr<decrypt::SopsFiles> encrypted;  ///< files whose leaves are in `resources`
  std::vector<std::string> warnings;  ///< as kustomize prints on stderr, without newline
  std::vector<TreePath> reads;        ///< files and directories looked at, misses included
  std::vector<History> histories;     ///< of each resource; empty without BuildOptions::explain
  std::size_t documents_parsed = 0;   ///< YAML documents of the files that were read
  /// What was fetched by URL ("URL@commit", "URL"), in byte order. A build that fetched something
  /// can give another result for the same tree.
  std::vector<std::string> fetched;
};

/// Builds `directory` of `tree`. Errors carry kustomize's wording in message() and the place in
/// where(): kInvalid, kNotFound, kUnsupported (named: plugins, helm …, remote bases without
/// `remotes`), kIntegrity and kDenied (opening leaves for suffixes), kUnavailable (what is named by
/// URL), kCancelled.
Result<BuildResult> build(const sources::Tree& tree, const TreePath& directory,
                          const BuildOptions& options);

/// True when `kustomize build TARGET` would take `target` for a repository, whatever is on disk.
bool is_repository(std::string_view target);
/// Builds the directory of a repository that `target` names ("https://host/org/repo//path?ref=v1").
/// Errors: as build(); kInvalid when it names none.
Result<BuildResult> build_repository(std::string_view target, const BuildOptions& options);

}  // namespace sluice::kustomize
