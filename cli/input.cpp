#include "input.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "sluice/base/descriptor.hpp"
#include "sluice/crypto/secret_file.hpp"

namespace sluice::cli {

Result<void> read_input(const std::string& path, const std::string& shown, std::size_t limit,
                        ByteSink& out) {
  if (path.empty()) return crypto::read_all(STDIN_FILENO, shown, limit, out);
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return fail(system_error(shown));
  return crypto::read_all(file.get(), shown, limit, out);
}

}  // namespace sluice::cli
