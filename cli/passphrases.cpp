#include "passphrases.hpp"

#include <fcntl.h>
#include <memory>
#include <mutex>
#include <optional>
#include <termios.h>
#include <vector>

#include "sluice/base/descriptor.hpp"
#include "sluice/crypto/secret_file.hpp"

#include "environment.hpp"
#include "flags.hpp"

namespace sluice::cli {
namespace {

constexpr unsigned kPrompts = 3;
constexpr std::size_t kMaxPassphrase = 1024;
constexpr std::string_view kHint =
    "give it by SLUICE_PASSPHRASE_FD=N, one on each line of that file";

/// The terminal without echo; as it was when destroyed.
class Terminal {
 public:
  Terminal() : tty_(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    if (!tty_.is_open() || ::tcgetattr(tty_.get(), &before_) != 0) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    quiet.c_lflag |= ICANON | ISIG;
    is_quiet_ = ::tcsetattr(tty_.get(), TCSAFLUSH, &quiet) == 0;
  }
  ~Terminal() {
    if (is_quiet_) ::tcsetattr(tty_.get(), TCSAFLUSH, &before_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  bool is_quiet() const { return is_quiet_; }

  void print(const std::string& text) const { static_cast<void>(write_all(tty_.get(), text)); }
  /// Without its end of line; nullopt at the end of input.
  std::optional<crypto::SecretBytes> read_line() const {
    crypto::SecretBytes line(kMaxPassphrase);
    std::size_t size = 0;
    while (size < line.size()) {
      if (read_some(tty_.get(), line.writable().subspan(size, 1)) <= 0) return std::nullopt;
      if (line.writable()[size] == std::byte{'\n'}) break;
      ++size;
    }
    line.shrink(size);
    return line;
  }

 private:
  Descriptor tty_;
  termios before_{};
  bool is_quiet_ = false;
};

Result<crypto::SecretBytes> prompt(const std::string& what, unsigned attempt) {
  if (attempt >= kPrompts) {
    return fail(Code::kNotFound,
                what + ": wrong passphrase, " + std::to_string(attempt) + " times");
  }
  const Terminal terminal;
  if (!terminal.is_quiet()) {
    return fail(Code::kNotFound,
                what + " is protected by a passphrase, and there is no terminal to ask on", Where{},
                std::string(kHint));
  }
  terminal.print((attempt == 0 ? "sluice: passphrase of " : "sluice: wrong; passphrase of ") +
                 what + ": ");
  auto line = terminal.read_line();
  terminal.print("\n");
  if (!line) return fail(Code::kNotFound, what + ": no passphrase was entered");
  return std::move(*line);
}

/// The lines of a file descriptor.
struct Lines {
  std::mutex mutex;  // guards `lines`
  std::optional<std::vector<crypto::SecretBytes>> lines;

  Result<void> read(const std::string& number) {
    if (const auto fd = parse_number(number, 0, 1 << 20); !fd) {
      return fail(Error(fd.error()).prefix("SLUICE_PASSPHRASE_FD: "));
    }
    SLUICE_TRY(const auto text, crypto::read_secret_file("/dev/fd/" + number));
    lines.emplace();
    for (std::string_view rest = text.reveal_text(); !rest.empty();) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      lines->push_back(crypto::SecretBytes::copy_of(rest.substr(0, end)));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return {};
  }
};

}  // namespace

decrypt::AskPassphrase passphrases() {
  return [lines = std::make_shared<Lines>()](const std::string& what,
                                             unsigned attempt) -> Result<crypto::SecretBytes> {
    const std::lock_guard lock(lines->mutex);
    const std::string number = environment("SLUICE_PASSPHRASE_FD");
    if (number.empty()) return prompt(what, attempt);
    if (!lines->lines) SLUICE_CHECK(lines->read(number));
    if (attempt >= lines->lines->size()) {
      return fail(Code::kNotFound, what + ": none of the " + std::to_string(lines->lines->size()) +
                                       " passphrase(s) from file descriptor " + number + " fits");
    }
    return (*lines->lines)[attempt].clone();
  };
}

}  // namespace sluice::cli
