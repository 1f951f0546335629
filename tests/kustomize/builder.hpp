#pragma once
/// Builds of trees in memory, for tests.

#include <map>
#include <string>
#include <string_view>

#include "sluice/kustomize/build.hpp"
#include "sluice/sources/mem_tree.hpp"

#include "support/test.hpp"

namespace sluice::test {

using Files = std::map<std::string, std::string>;

inline Result<kustomize::BuildResult> build(const sources::Tree& tree,
                                            const std::string& directory = "",
                                            const kustomize::BuildOptions& options = {}) {
  const auto path = TreePath::parse(directory);
  REQUIRE_OK(path);
  return kustomize::build(tree, *path, options);
}

inline std::string build_text(const Files& files, const std::string& directory = "",
                              const kustomize::BuildOptions& options = {}) {
  const sources::MemTree tree(files);
  const auto built = build(tree, directory, options);
  REQUIRE_OK(built);
  const auto text = built->resources.to_yaml();
  REQUIRE_OK(text);
  return *text;
}

/// The error of a build that must fail.
inline Error build_error(const Files& files, const std::string& directory = "",
                         const kustomize::BuildOptions& options = {}) {
  const sources::MemTree tree(files);
  auto built = build(tree, directory, options);
  REQUIRE_FALSE(built.has_value());
  return std::move(built).error();
}

inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

inline const std::string kConfigMap = R"(apiVersion: v1
kind: ConfigMap
metadata:
  name: cm
data:
  a: b
)";

}  // namespace sluice::test
