#pragma once
/// Where a rendered object came from, and what each layer did to it: `sluice build --explain`.
///
/// Every node of a rendered document keeps the file, line and column at which its value was
/// written. What the layers did is recorded only when BuildOptions::explain asks for it, by
/// comparing each object before and after each step. Never holds a value of a field, only paths.

#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/error.hpp"
#include "sluice/base/result.hpp"

namespace sluice::kustomize {

struct BuildResult;

/// One layer's work on one object. Paths are those of replacements:
/// "spec.template.spec.containers.[name=web].image", a list index where items have no names.
struct Touch {
  Where where;       ///< of the entry in a kustomization file that asks for it or made it necessary
  std::string step;  ///< the field of the kustomization file, or "name suffix", "name references" …
  std::vector<std::string> added, changed, removed;
  bool is_empty() const { return added.empty() && changed.empty() && removed.empty(); }
};

/// Oldest first; the first one made the object.
using History = std::vector<Touch>;

/// What `--explain KIND/NAME[:path]` prints: each object of that kind whose name is or was NAME,
/// where it was read, the layers it went through with the fields that each added, changed or
/// removed, and the place of each field; with a path, what concerns that field.
/// "KIND/NAMESPACE/NAME" says which of several. `result` comes from a build with
/// BuildOptions::explain. Errors: kNotFound when nothing matches, kInvalid for a query of another
/// form.
Result<std::string> explain(const BuildResult& result, std::string_view query);

}  // namespace sluice::kustomize
