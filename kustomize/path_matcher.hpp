#pragma once
/// kyaml's PathMatcher (kyaml/yaml/match.go): all nodes that a path leads to, through lists by `*`,
/// index or `[field=regex]`, and through text fields that hold YAML or JSON.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/base/result.hpp"
#include "sluice/yaml/document.hpp"

#include "kustomize/path_getter.hpp"

namespace sluice::kustomize {

class PathMatcher {
 public:
  /// `create` says what becomes of a missing end of the path.
  PathMatcher(std::vector<std::string> path, Create create)
      : path_(std::move(path)), create_(create) {}

  /// The nodes below `root`, in order; none is no error. Once only. Errors: kInvalid in kyaml's
  /// words ("wrong node kind: …", "index 3 specified but only 1 elements found"), refuse_splice().
  Result<std::vector<yaml::Ref>> run(yaml::Ref root) {
    SLUICE_CHECK(match(root, 0));
    return std::move(targets_);
  }
  /// Text that was read to go on inside it; must outlive the targets.
  std::vector<std::unique_ptr<yaml::Document>>& texts() { return texts_; }

 private:
  std::string_view next_part(std::size_t depth) const {
    return depth + 1 < path_.size() ? std::string_view(path_[depth + 1]) : std::string_view();
  }
  Result<void> match(yaml::Ref node, std::size_t depth);
  Result<void> match_field(yaml::Ref node, std::size_t depth);
  /// kustomize adds the field or item to a node that stays null, so that it is never seen.
  Result<void> match_lost(yaml::Ref null, std::size_t depth);
  /// kustomize reads the text, sets the value in what it read, and forgets it.
  Result<void> match_in_text(yaml::Ref scalar, std::size_t depth);
  Result<void> match_index(yaml::Ref node, std::size_t depth);
  Result<void> match_items(yaml::Ref node, std::size_t depth);
  Result<void> visit_items(yaml::Ref node, std::size_t depth, const std::string& name,
                           const std::string& pattern);

  std::vector<std::string> path_;
  Create create_;
  std::vector<yaml::Ref> targets_;
  std::vector<std::unique_ptr<yaml::Document>> texts_;
};

/// For a path that goes on inside an encrypted value. kUnsupported.
tl::unexpected<Error> refuse_splice();

}  // namespace sluice::kustomize
