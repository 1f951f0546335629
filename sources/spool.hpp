#pragma once
/// Bytes on their way from the network to the object database: in memory while few, else in an
/// unnamed file. Receiving must be quick (it happens on the HTTP client's thread), indexing is not.

#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "sluice/base/result.hpp"

namespace sluice::sources {

class Spool {
 public:
  /// `directory` is where a file would lie; it never has a name there.
  explicit Spool(std::string directory) : directory_(std::move(directory)) {}
  /// False when the bytes cannot be kept (see error()).
  bool append(std::string_view bytes);
  std::size_t size() const { return size_; }
  /// Calls `each` with all bytes in order, in pieces.
  Result<void> read(const std::function<Result<void>(std::string_view)>& each);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::string directory_;
  std::string memory_;
  std::unique_ptr<std::FILE, Close> file_;
  std::size_t size_ = 0;
  bool failed_ = false;
};

}  // namespace sluice::sources
