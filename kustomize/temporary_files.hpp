#pragma once
/// Files that a program is given by name, or runs among: they exist as long as it does.

#include <string>
#include <string_view>

#include "sluice/base/result.hpp"
#include "sluice/sources/tree.hpp"

namespace sluice::kustomize {

/// A directory that only this user can enter; removed with all in it at the end.
class TemporaryDirectory {
 public:
  /// In `parent`; the name starts with `prefix`. Errors: kUnavailable.
  static Result<TemporaryDirectory> make(const std::string& parent, const std::string& prefix);
  TemporaryDirectory() = default;
  TemporaryDirectory(TemporaryDirectory&& other) noexcept;
  TemporaryDirectory& operator=(TemporaryDirectory&& other) noexcept;
  ~TemporaryDirectory();
  const std::string& path() const { return path_; }

 private:
  void remove();
  std::string path_;
};

/// A file that only this user can read; removed at the end.
class TemporaryFile {
 public:
  static Result<TemporaryFile> make(const std::string& parent, const std::string& prefix,
                                    std::string_view content);
  TemporaryFile(TemporaryFile&& other) noexcept;
  TemporaryFile& operator=(TemporaryFile&&) = delete;
  ~TemporaryFile();
  const std::string& path() const { return path_; }

 private:
  explicit TemporaryFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

/// Writes a file anew. Errors: kUnavailable.
Result<void> write_new_file(const std::string& path, std::string_view content,
                            bool executable = false);

/// All of `tree` as files below `directory`, which is there and empty, as `git checkout` leaves
/// them: a link inside of the tree stays a link, one that leads nowhere or out of it is left out.
/// Errors: those of the tree; kUnavailable.
Result<void> write_tree(const sources::Tree& tree, const std::string& directory);

}  // namespace sluice::kustomize
