#include "input.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "sluice/base/descriptor.hpp"
#include "sluice/crypto/secret.hpp"

namespace sluice::cli {

Result<void> read_input(const std::string& path, const std::string& shown, std::size_t limit,
                        ByteSink& out) {
  const Descriptor file(path.empty() ? -1 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!path.empty() && !file.is_open()) return fail(system_error(shown));
  crypto::SecretBytes buffer(std::size_t{64} << 10);
  for (std::size_t total = 0;;) {
    const ssize_t got = read_some(path.empty() ? STDIN_FILENO : file.get(), buffer.writable());
    if (got < 0) return fail(system_error(shown));
    if (got == 0) return {};
    total += static_cast<std::size_t>(got);
    if (total > limit) {
      return fail(Code::kUnsupported,
                  shown + ": larger than the limit of " + std::to_string(limit) + " bytes");
    }
    out.append(
        {reinterpret_cast<const char*>(buffer.writable().data()), static_cast<std::size_t>(got)});
  }
}

}  // namespace sluice::cli
