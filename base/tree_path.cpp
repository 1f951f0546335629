#include "sluice/base/tree_path.hpp"

#include <vector>

namespace sluice {
namespace {

std::vector<std::string_view> segments(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t slash = text.find('/');
    const std::string_view part = text.substr(0, slash);
    if (!part.empty()) out.push_back(part);
    if (slash == std::string_view::npos) break;
    text.remove_prefix(slash + 1);
  }
  return out;
}

}  // namespace

Result<TreePath> TreePath::parse(std::string_view text) {
  return TreePath().join(text);
}

Result<TreePath> TreePath::join(std::string_view relative) const {
  if (relative.find('\0') != std::string_view::npos) {
    return fail(Code::kInvalid, "a path must not contain a NUL byte");
  }
  TreePath out;
  if (relative.empty() || relative.front() != '/') out.text_ = text_;
  for (const std::string_view part : segments(relative)) {
    if (part == ".") continue;
    if (part == "..") {
      if (out.is_root()) {
        return fail(Code::kInvalid,
                    "path \"" + std::string(relative) + "\" leaves the source root");
      }
      out = out.parent();
      continue;
    }
    if (!out.text_.empty()) out.text_ += '/';
    out.text_ += part;
  }
  return out;
}

TreePath TreePath::parent() const {
  TreePath out;
  const std::size_t slash = text_.rfind('/');
  if (slash != std::string::npos) out.text_ = text_.substr(0, slash);
  return out;
}

std::string_view TreePath::name() const {
  const std::size_t slash = text_.rfind('/');
  return slash == std::string::npos ? std::string_view(text_)
                                    : std::string_view(text_).substr(slash + 1);
}

bool TreePath::is_in_or_below(const TreePath& other) const {
  if (other.is_root()) return true;
  return text_.starts_with(other.text_) &&
         (text_.size() == other.text_.size() || text_[other.text_.size()] == '/');
}

std::string TreePath::relative_to(const TreePath& from) const {
  const auto to = segments(text_);
  const auto start = segments(from.text_);
  std::size_t common = 0;
  while (common < to.size() && common < start.size() && to[common] == start[common])
    ++common;
  std::string out;
  const auto add = [&out](std::string_view part) {
    if (!out.empty()) out += '/';
    out += part;
  };
  for (std::size_t i = common; i < start.size(); ++i)
    add("..");
  for (std::size_t i = common; i < to.size(); ++i)
    add(to[i]);
  return out.empty() ? "." : out;
}

}  // namespace sluice
