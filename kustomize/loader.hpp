#pragma once
/// Files as one kustomization sees them: relative to its directory, under the load restrictions,
/// and the chain of directories that led to it, so that no base contains its own user
/// (api/internal/loader).

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sluice/base/result.hpp"
#include "sluice/sources/tree.hpp"

#include "build_context.hpp"

namespace sluice::kustomize {

class Loader {
 public:
  /// The loader of the directory that is built. Errors: kNotFound, kInvalid ("must build at
  /// directory: …").
  static Result<Loader> at(const TreePath& directory, BuildContext& context);

  /// Real path of the directory.
  const TreePath& root() const { return root_; }
  /// As messages show it.
  const std::string& display() const { return display_; }

  /// A file named in the kustomization. Errors: kNotFound and kInvalid in kustomize's words
  /// ("evalsymlink failure on …", "security; file … is not in or below …", "… must resolve to a
  /// file"), kUnsupported for a URL.
  Result<sources::Blob> load(std::string_view path) const;
  /// The same without load restrictions, for what a program would open by itself. Never a URL.
  Result<sources::Blob> load_anywhere(std::string_view path) const;
  /// The file `name` of this directory, or nothing when load() would fail: for looking for one of
  /// several names without the cost of the message.
  std::optional<sources::Blob> find(std::string_view name) const;
  /// A directory named in the kustomization. Errors: as at(), "cycle detected: …", kUnsupported for
  /// a Git repository.
  Result<Loader> descend(std::string_view path) const;

 private:
  Loader(BuildContext& context, TreePath root, const Loader* referrer);
  Result<TreePath> join(std::string_view path) const;
  Result<TreePath> resolve(std::string_view path) const;

  BuildContext* context_;
  TreePath root_;
  std::string display_;
  const Loader* referrer_;  // outlives this
};

/// True for an error that a file was expected and a directory found.
bool is_directory_error(const Error& error);

}  // namespace sluice::kustomize
