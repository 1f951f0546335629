#pragma once
/// Line breaks that block scalars gain and lose beside comments. kustomize prints every resource
/// with go-yaml v3, comments included, and reads that again: a comment behind the header of a block
/// scalar takes the first of its empty lines, and one that ends the document is set off by a line
/// that a scalar which keeps its last breaks (`|+`) then has.

#include <span>
#include <string_view>
#include <vector>

#include "sluice/base/result.hpp"
#include "sluice/yaml/document.hpp"
#include "sluice/yaml/read.hpp"

namespace sluice::kustomize {

/// Gives the block scalars of `documents` the text that is read again of them, and notes the
/// documents whose last comment sets itself off. `pieces` are the parts of the text that the
/// documents were read from with `options`, one each; parts without a document have none. A search
/// for '#' and '+' when there are none. Errors: those of the reader. Thread-safe.
Result<void> move_comment_lines(std::span<const std::string_view> pieces,
                                const yaml::ReadOptions& options,
                                std::vector<yaml::Document>& documents);

/// The last of it, when the resource `root` is printed: its last scalar, whatever that is by then,
/// gains the line in front of the comment that ends its document. Once for each document.
void set_off_end_comment(yaml::Ref root);

}  // namespace sluice::kustomize
