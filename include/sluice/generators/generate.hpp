#pragma once
/// ConfigMaps and Secrets from files, env files and literals: kustomize's configMapGenerator and
/// secretGenerator (api/kv/kv.go, api/internal/generators, kyaml/yaml/datamap.go). SOPS-encrypted
/// inputs become encrypted leaves; plaintext of a secret never passes through here.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/file_table.hpp"
#include "sluice/base/result.hpp"
#include "sluice/decrypt/sops_file.hpp"
#include "sluice/sources/tree.hpp"
#include "sluice/yaml/document.hpp"

namespace sluice::generators {

using StringMap = std::map<std::string, std::string, std::less<>>;

/// `generatorOptions`, or the `options` of one generator.
struct GeneratorOptions {
  StringMap labels, annotations;
  bool disable_name_suffix_hash = false;
  bool immutable = false;
};
/// What the options of a generator become under those of the file: per key the local value wins,
/// booleans are or-ed.
std::optional<GeneratorOptions> merge_options(std::optional<GeneratorOptions> local,
                                              const std::optional<GeneratorOptions>& global);

/// One entry of configMapGenerator or secretGenerator.
struct GeneratorArgs {
  std::string name, ns, behavior;
  std::vector<std::string> literals, files, envs;
  std::string env;   ///< deprecated spelling; whoever decodes appends it to `envs`
  std::string type;  ///< of a Secret; "" is "Opaque"
  std::optional<GeneratorOptions> options;
  FileId file = FileId::kNone;  ///< where the entry is written
  Position position;
};

/// Reads a file that a generator names, under the caller's load restrictions.
using LoadFile = std::function<Result<sources::Blob>(std::string_view path)>;

/// Says whether an encrypted file at this path is to be lifted.
using ShouldLift = std::function<bool(const sources::Blob& blob)>;

struct GenerateContext {
  LoadFile load;
  decrypt::SopsFiles* sops = nullptr;  ///< null: SOPS files are plain content
  ShouldLift should_lift;              ///< unset: every encrypted file
  /// How messages name a file that was loaded; unset: as the kustomization does.
  std::function<std::string(const sources::Blob&)> display;
};

/// The ConfigMap: text values under `data`, others under `binaryData` in base64. Keys are in byte
/// order. Errors: kInvalid in kustomize's words ("configmap x illegally repeats the key `k`",
/// "loading KV pairs: …"), those of `load`, kInvalid for a broken SOPS file.
Result<yaml::Document> generate_config_map(const GeneratorArgs& args,
                                           const GenerateContext& context);
/// The Secret: every value under `data` in base64, broken every 70 characters as kustomize does.
Result<yaml::Document> generate_secret(const GeneratorArgs& args, const GenerateContext& context);

/// `[key=]path` of a `files` entry. Errors: kInvalid.
struct FileSource {
  std::string key, path;
};
Result<FileSource> parse_file_source(std::string_view source);

/// Base64 with a line break after every 70 characters and at the end, when longer than that.
std::string wrapped_base64(std::string_view bytes);

}  // namespace sluice::generators
