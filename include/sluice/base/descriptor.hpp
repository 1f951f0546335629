#pragma once
/// File descriptors: owned, read and written whole, and what errno says of them. What these
/// functions move is in no buffer of theirs, so that secrets may pass.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>

#include "sluice/base/result.hpp"

namespace sluice {

/// Owns an open file descriptor, or none (-1), and closes it on every way out.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    Descriptor taken(std::move(other));
    std::swap(fd_, taken.fd_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }

  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }  ///< the caller closes it
  /// False, with errno, when what was written may be lost. Nothing to do when not open.
  bool close();

 private:
  int fd_ = -1;
};

/// read(2), again where a signal ended it: how many bytes came, 0 at the end, -1 with errno.
ssize_t read_some(int fd, std::span<std::byte> into);
/// Writes all of `bytes`, however often the system takes a part only. False with errno.
bool write_all(int fd, std::string_view bytes);

/// What errno says of `what`: "WHAT: No such file or directory". Codes: kNotFound, kDenied,
/// kInvalid for all else.
Error system_error(const std::string& what);
/// The same words in Go's spelling: "no such file or directory".
std::string go_words(int error);

}  // namespace sluice
