#pragma once
/// A tree from a literal, for tests; it counts, so that "cost grows with the change" can be
/// asserted.

#include <atomic>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "sluice/sources/tree.hpp"

namespace sluice::sources {

class MemTree final : public Tree {
 public:
  /// Paths to contents; a content "@link:TARGET" is a symbolic link.
  MemTree(std::initializer_list<std::pair<std::string, std::string>> files);
  explicit MemTree(const std::map<std::string, std::string>& files);
  /// Changing a tree while another thread reads it is not allowed.
  void put(const std::string& path, std::string content);
  void remove(const std::string& path);

  Result<Stat> stat(const TreePath& path) const override;
  Result<Blob> read(const TreePath& path) const override;
  Result<std::vector<Entry>> list(const TreePath& path) const override;
  std::string display(const TreePath& path) const override;

  std::size_t reads() const { return reads_; }
  std::size_t lists() const { return lists_; }

 private:
  struct File {
    std::shared_ptr<const std::string> bytes;  // of a link: its target
    Digest digest;
    bool is_link = false;
  };
  Result<TreePath> resolve(const TreePath& path) const;
  bool is_directory(const std::string& real) const;
  Digest directory_digest(const std::string& real) const;

  std::map<std::string, File> files_;
  std::size_t links_ = 0;
  mutable std::mutex directories_mutex_;               // guards directories_
  mutable std::map<std::string, Digest> directories_;  // tree ids computed so far
  mutable std::atomic<std::size_t> reads_{0};
  mutable std::atomic<std::size_t> lists_{0};
};

}  // namespace sluice::sources
