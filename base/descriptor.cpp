#include "sluice/base/descriptor.hpp"

#include <cerrno>
#include <cstring>
#include <unistd.h>

#include "sluice/base/ascii.hpp"

namespace sluice {

bool Descriptor::close() {
  return fd_ < 0 || ::close(release()) == 0;
}

ssize_t read_some(int fd, std::span<std::byte> into) {
  ssize_t got = 0;
  do {
    got = ::read(fd, into.data(), into.size());
  } while (got < 0 && errno == EINTR);
  return got;
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

Error system_error(const std::string& what) {
  const int error = errno;
  const Code code = error == ENOENT || error == ENOTDIR ? Code::kNotFound
                    : error == EACCES || error == EPERM ? Code::kDenied
                                                        : Code::kInvalid;
  return {code, what + ": " + std::strerror(error)};
}

std::string go_words(int error) {
  std::string text = std::strerror(error);
  const bool is_acronym = text.size() > 1 && !is_lower(text[1]);  // "RFS specific error"
  if (!text.empty() && !is_acronym) text[0] = to_lower(text[0]);
  return text;
}

}  // namespace sluice
