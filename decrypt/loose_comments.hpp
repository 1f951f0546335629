#pragma once
/// Comments of a YAML text that go-yaml attaches to nothing, such as those between the brackets of
/// an empty list: they are in the text and not in its tree, so SOPS neither encrypts nor prints
/// them.

#include <string_view>
#include <vector>

#include "sluice/base/result.hpp"

#include "metadata.hpp"
#include "tree.hpp"

namespace sluice::decrypt {

struct LooseComment {
  std::size_t begin = 0, end = 0;  ///< from its '#' to the end of its line
  bool selected = false;           ///< the rule encrypts comments where it stands
};

/// Those of `text`, whose tree is `tree`, in order. Errors: those of the reader and of walk().
Result<std::vector<LooseComment>> loose_comments(std::string_view text, const Tree& tree,
                                                 const Rule& rule);

}  // namespace sluice::decrypt
