#pragma once
/// `patches`, `patchesStrategicMerge` and `patchesJson6902` over a map of resources
/// (api/internal/builtins/Patch*.go).

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/result.hpp"

#include "kustomize/build_context.hpp"
#include "kustomize/json_patch.hpp"
#include "kustomize/res_map.hpp"
#include "kustomize/selector.hpp"

namespace sluice::kustomize {

/// Reads resources from text as kustomize's SliceFromBytes does; the caller lifts SOPS values.
using ReadResources =
    std::function<Result<std::vector<std::unique_ptr<BuildResource>>>(std::string_view text)>;

/// One entry of `patches`, read.
struct PatchRule {
  std::vector<std::unique_ptr<BuildResource>> merges;  ///< strategic merge patches
  std::optional<JsonPatch> json;
  std::string source;  ///< `[path: "p.yaml"]` or `[patch: "…"]`, Go-quoted
  std::optional<Selector> target;
};

struct PatchOptions {
  bool allow_name_change = false, allow_kind_change = false;
};

/// Decides what `text` is and reads it. `text` of an inline patch must be trimmed (go_trim_space).
/// Errors: kInvalid "unable to parse SM or JSON patch from …", "illegally qualifies as both …".
Result<PatchRule> read_patch(std::string_view text, std::string source,
                             std::optional<Selector> target, const PatchOptions& options,
                             const ReadResources& read);
/// `[path: "…"]`, `[patch: "…"]` with Go's %q.
std::string patch_source(std::string_view kind, std::string_view text);

/// `context` names the places of resources that a JSON patch cannot read (odd_keys.hpp).
Result<void> apply_patch(ResMap& resources, const PatchRule& rule, const BuildContext& context);

/// patchesStrategicMerge: each patch goes to the resource that has or had its id. A patch that
/// deletes removes its resource.
Result<void> apply_merge_patches(ResMap& resources,
                                 std::span<const std::unique_ptr<BuildResource>> patches);

/// One entry of patchesJson6902. `text` is the file's content or the inline operations; `path` is
/// "" for the latter. Errors of the config: "must specify the target name", …
struct Json6902Rule {
  JsonPatch patch;
  Selector target;
};
Result<Json6902Rule> read_json6902(std::string_view text, std::string_view path,
                                   const Selector& target);
Result<void> apply_json6902(ResMap& resources, const Json6902Rule& rule,
                            const BuildContext& context);

}  // namespace sluice::kustomize
