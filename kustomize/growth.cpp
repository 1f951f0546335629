#include "growth.hpp"

#include <algorithm>
#include <string>

namespace sluice::kustomize {

namespace {

constexpr std::size_t kNodeBytes = 4;  // a line break and some of the indentation

}  // namespace

Extent extent(yaml::Node node) {
  Extent all{kNodeBytes + node.text().size(), 0};
  for (std::size_t i = 0; i < node.size(); ++i) {
    if (node.is_mapping()) all.bytes += node.key(i).text().size();
    const Extent inner = extent(node.is_mapping() ? node.value(i) : node.at(i));
    all.bytes += inner.bytes;
    all.levels = std::max(all.levels, inner.levels + 1);
  }
  return all;
}

Result<void> check_growth(std::size_t bytes, std::size_t parts, const Extent& copied) {
  if (copied.bytes > kMaxGrownBytes || bytes > kMaxGrownBytes - copied.bytes) {
    return fail(Code::kUnsupported, "copies make the document larger than " +
                                        std::to_string(kMaxGrownBytes) + " bytes");
  }
  if (parts + copied.levels > kMaxLevels) {
    return fail(Code::kUnsupported,
                "copies nest the document deeper than " + std::to_string(kMaxLevels) + " levels");
  }
  return {};
}

Result<void> check_path_parts(std::size_t parts, std::string_view path) {
  if (parts <= kMaxPathParts) return {};
  return fail(Code::kUnsupported, "the path \"" + std::string(path.substr(0, 80)) +
                                      "…\" has more than " + std::to_string(kMaxPathParts) +
                                      " parts");
}

}  // namespace sluice::kustomize
