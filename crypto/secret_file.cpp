#include "sluice/crypto/secret_file.hpp"

#include <fcntl.h>

#include "sluice/base/descriptor.hpp"

namespace sluice::crypto {

Result<void> read_all(int fd, const std::string& shown, std::size_t limit_bytes, ByteSink& out) {
  SecretBytes piece(std::size_t{64} << 10);
  for (std::size_t total = 0;;) {
    const ssize_t got = read_some(fd, piece.writable());
    if (got < 0) return fail(system_error(shown));
    if (got == 0) return {};
    total += static_cast<std::size_t>(got);
    if (total > limit_bytes) {
      return fail(Code::kUnsupported,
                  shown + ": larger than the limit of " + std::to_string(limit_bytes) + " bytes");
    }
    out.append(
        {reinterpret_cast<const char*>(piece.writable().data()), static_cast<std::size_t>(got)});
  }
}

Result<SecretBytes> read_secret_file(const std::string& path, std::size_t limit_bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return fail(system_error(path));
  SecretBuffer bytes;
  SLUICE_CHECK(read_all(file.get(), path, limit_bytes, bytes));
  return std::move(bytes).take();
}

}  // namespace sluice::crypto
