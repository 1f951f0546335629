#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sluice/yaml/document.hpp"

#include "kustomization_file.hpp"

namespace sluice::kustomize {

/// The config that kustomize hands to a builtin transformer: its error messages quote it.
class ConfigText {
 public:
  ConfigText() { doc_.root().set_mapping(); }
  yaml::Ref root() { return doc_.root(); }
  /// Nothing is put for an empty text or a part that is absent.
  void put(yaml::Ref map, std::string_view key, const std::string& text);
  void put(std::string_view key, const std::string& text) { put(root(), key, text); }
  void put(const std::optional<Selector>& target);
  void put(const std::optional<PatchOptions>& options);
  std::string text() const;

 private:
  yaml::Document doc_;
};

/// The config of a PatchTransformer.
std::string patch_config(const PatchEntry& entry);

}  // namespace sluice::kustomize
