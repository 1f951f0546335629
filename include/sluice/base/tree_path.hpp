#pragma once
/// A path inside a tree: relative to the tree's root, normalized, never escaping it.
/// The root is "" (shown as "."). There is no "..", no ".", no empty segment, no NUL in a TreePath,
/// so no read needs a check of its own.

#include <compare>
#include <functional>
#include <string>
#include <string_view>

#include "sluice/base/result.hpp"

namespace sluice {

class TreePath {
 public:
  TreePath() = default;  ///< the root
  /// Normalizes `text` ("a//b/./c/../d" is "a/b/d"; a leading "/" means the root).
  /// Errors: kInvalid when ".." leaves the tree or `text` holds a NUL.
  static Result<TreePath> parse(std::string_view text);
  /// This path joined with `relative`, which may hold "..". A leading "/" starts at the root.
  Result<TreePath> join(std::string_view relative) const;
  /// The path one segment up; the root's parent is the root.
  TreePath parent() const;
  /// Last segment; "" for the root.
  std::string_view name() const;
  const std::string& text() const { return text_; }
  bool is_root() const { return text_.empty(); }
  /// True when this is `other` or below it.
  bool is_in_or_below(const TreePath& other) const;
  /// How to reach `this` from `from`, both directories: "../../base". "." when equal.
  std::string relative_to(const TreePath& from) const;
  friend bool operator==(const TreePath&, const TreePath&) = default;
  friend auto operator<=>(const TreePath&, const TreePath&) = default;

 private:
  std::string text_;
};

}  // namespace sluice

template <>
struct std::hash<sluice::TreePath> {
  std::size_t operator()(const sluice::TreePath& path) const noexcept {
    return std::hash<std::string>{}(path.text());
  }
};
