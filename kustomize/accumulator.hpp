#pragma once
/// What one kustomization directory has gathered so far (api/internal/accumulator): resources, the
/// tables of its transformers, and vars.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sluice/base/result.hpp"

#include "kustomization_file.hpp"
#include "res_map.hpp"
#include "transformer_config.hpp"

namespace sluice::kustomize {

/// Tables shared between directories: nearly always kustomize's own, which are never copied.
class SharedConfig {
 public:
  /// Errors: kInvalid "… conflicting fieldspecs".
  Result<void> merge(const std::shared_ptr<const TransformerConfig>& other);
  Result<void> merge(const SharedConfig& other) { return merge(other.config_); }
  bool empty() const { return config_ == nullptr; }
  const TransformerConfig& get() const;

 private:
  std::shared_ptr<const TransformerConfig> config_;
  std::shared_ptr<const TransformerConfig> neutral_;  // what changed nothing when it was merged
};

struct Accumulator {
  explicit Accumulator(const Schema& schema) : resources(schema) {}

  ResMap resources;
  SharedConfig config;
  std::map<std::string, VarEntry, std::less<>> vars;

  /// Adds another directory's. Errors: kInvalid, duplicate ids or vars.
  Result<void> merge(Accumulator&& other);
  /// Errors: kInvalid "found 2 resId matches for var …", "var 'X' already encountered".
  Result<void> merge_vars(const std::vector<VarEntry>& incoming);
};

/// Adds a generated resource by its behavior: new, or replacing or merging with the one that has or
/// had its id. Errors: kInvalid in kustomize's words.
Result<void> absorb(ResMap& resources, std::unique_ptr<BuildResource> generated);

/// "[{NAME Kind.v1.[noGrp] {metadata.name}} …]", Go's %v of vars.
std::string vars_text(const std::vector<VarEntry>& vars);

}  // namespace sluice::kustomize
