#include "git_program.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <optional>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "sluice/base/go_duration.hpp"
#include "sluice/sources/remote_content.hpp"

#include "upload_pack.hpp"

extern char** environ;

namespace sluice::sources {
namespace {

constexpr std::size_t kMaxOutput = 64U << 10;  // of what git says; the rest is read and dropped

struct Descriptor {
  int fd = -1;
  Descriptor() = default;
  explicit Descriptor(int opened) : fd(opened) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { reset(); }
  void reset() {
    if (fd >= 0) ::close(std::exchange(fd, -1));
  }
};

struct Actions {
  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
  Actions() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
  ~Actions() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
};

std::string joined(const std::vector<std::string>& arguments) {
  std::string out;
  for (const std::string& argument : arguments) {
    if (!out.empty()) out += ' ';
    out += argument;
  }
  return out;
}

class GitRun {
 public:
  GitRun(std::vector<std::string> arguments, std::string directory)
      : arguments_(std::move(arguments)), directory_(std::move(directory)) {}

  Result<std::string> run(std::chrono::milliseconds timeout, const CancelToken& cancel) {
    SLUICE_CHECK(start());
    auto registration =
        std::make_optional(cancel.on_cancel([this] { ::kill(-child_, SIGKILL); }));
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    std::string output;
    char buffer[8192];
    bool late = false;
    for (;;) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          deadline - std::chrono::steady_clock::now());
      late = left.count() <= 0;
      if (late) break;
      pollfd waiting{output_.fd, POLLIN, 0};
      const int ready = ::poll(&waiting, 1,
                               static_cast<int>(std::min<long long>(
                                   left.count(), std::chrono::milliseconds(3'600'000).count())));
      if (ready < 0 && errno == EINTR) continue;
      if (ready <= 0) continue;
      const ssize_t got = ::read(output_.fd, buffer, sizeof buffer);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) break;
      output.append(buffer, std::min(static_cast<std::size_t>(got),
                                     kMaxOutput - std::min(kMaxOutput, output.size())));
    }
    if (late) ::kill(-child_, SIGKILL);
    registration.reset();  // from here on the number may become another process's
    int status = 0;
    while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {
    }
    if (cancel.cancelled()) return fail(Code::kCancelled, "cancelled");
    if (late) return fail(timeout_error(joined(arguments_), timeout));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return output;
    const std::string end = WIFEXITED(status)
                                ? "exit status " + std::to_string(WEXITSTATUS(status))
                                : "signal: " + std::string(::strsignal(WTERMSIG(status)));
    return fail(Code::kNotFound,
                "failed to run '" + joined(arguments_) + "': " + output + ": " + end);
  }

 private:
  Result<void> start() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
      return fail(Code::kUnavailable, "cannot run git: " + std::string(std::strerror(errno)));
    }
    output_.fd = ends[0];
    const Descriptor write_end(ends[1]);
    Actions spawn;
    posix_spawn_file_actions_addopen(&spawn.actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&spawn.actions, write_end.fd, 1);
    posix_spawn_file_actions_adddup2(&spawn.actions, write_end.fd, 2);
    posix_spawn_file_actions_addchdir_np(&spawn.actions, directory_.c_str());
    // A group of its own, so that ssh and helpers end with it; signals as a fresh program has them.
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setpgroup(&spawn.attributes, 0);
    posix_spawnattr_setsigmask(&spawn.attributes, &none);
    posix_spawnattr_setsigdefault(&spawn.attributes, &all);
    posix_spawnattr_setflags(
        &spawn.attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    std::vector<char*> raw;
    for (std::string& argument : arguments_)
      raw.push_back(argument.data());
    raw.push_back(nullptr);
    const int error =
        ::posix_spawn(&child_, raw[0], &spawn.actions, &spawn.attributes, raw.data(), environ);
    if (error == 0) return {};
    return fail(Code::kUnavailable,
                "cannot run '" + arguments_[0] + "': " + std::string(std::strerror(error)));
  }

  std::vector<std::string> arguments_;
  std::string directory_;
  Descriptor output_;
  pid_t child_ = -1;
};

}  // namespace

Error timeout_error(const std::string& command, std::chrono::milliseconds timeout) {
  return Error(Code::kUnavailable,
               "hit " + format_go_duration(timeout) + " timeout running '" + command + "'")
      .reason(std::string(kTimeout));
}

Result<std::string> fetch_with_git(const std::string& program, const std::string& directory,
                                   const std::string& url, const std::string& ref,
                                   std::chrono::milliseconds timeout, const CancelToken& cancel) {
  SLUICE_CHECK(GitRun({program, "init", "--bare", "--quiet"}, directory).run(timeout, cancel));
  // "--" would change the command that people search for; what it protects from cannot be a URL
  // or a ref.
  if (url.starts_with('-') || ref.starts_with('-')) {
    return fail(Code::kInvalid, "not a repository or ref: '" + url + "' '" + ref + "'");
  }
  SLUICE_CHECK(GitRun({program, "fetch", "--depth=1", url, ref}, directory).run(timeout, cancel));
  std::ifstream file(directory + "/FETCH_HEAD");
  std::string id;
  file >> id;
  if (!is_object_id(id)) {
    return fail(Code::kUnsupported,
                "'" + program + " fetch' left no commit id that sluice can read");
  }
  return id;
}

}  // namespace sluice::sources
