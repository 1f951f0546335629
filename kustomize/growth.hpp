#pragma once
/// How large a document may become while it is built. What is read has limits of its own
/// (yaml::Limits); copies of a document's own parts could double it again and again.

#include <cstddef>
#include <string_view>

#include "sluice/base/result.hpp"
#include "sluice/yaml/document.hpp"

namespace sluice::kustomize {

/// Parts of one path: a JSON pointer, a field path of a replacement, a field spec.
inline constexpr std::size_t kMaxPathParts = 500;
/// Levels of a document; one that was just read has 500 at most.
inline constexpr std::size_t kMaxLevels = 1'000;
/// Text and structure of a document that copies made larger; text that vars or replacements made.
inline constexpr std::size_t kMaxGrownBytes = 64U << 20;

/// Items and keys that the operations of one JSON patch pass in all: each insertion at the front of
/// a list moves the others. A second or two.
inline constexpr std::size_t kMaxPassed = 1'000'000'000;

struct Extent {
  std::size_t bytes = 0;   ///< of text and structure, near what is printed
  std::size_t levels = 0;  ///< 0 for a scalar
};
Extent extent(yaml::Node node);

/// Whether `copied` may be put below `parts` levels of a document of `bytes`. Errors: kUnsupported.
Result<void> check_growth(std::size_t bytes, std::size_t parts, const Extent& copied);
/// Errors: kUnsupported.
Result<void> check_path_parts(std::size_t parts, std::string_view path);

}  // namespace sluice::kustomize
