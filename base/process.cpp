#include "sluice/base/process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <unordered_set>
#include <utility>

#include "sluice/base/ascii.hpp"
#include "sluice/base/descriptor.hpp"

namespace sluice {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLook{50};  // how often cancellation is looked at
constexpr std::size_t kChunk = std::size_t{64} << 10;

struct Pipe {
  Descriptor read, write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return fail(Code::kUnavailable, std::string("pipe: ") + std::strerror(errno));
  }
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

void set_nonblocking(const Descriptor& descriptor) {
  ::fcntl(descriptor.get(), F_SETFL, O_NONBLOCK);
}

/// While it lives, writing to a pipe that nobody reads is an error and no signal for this thread.
class NoBrokenPipeSignal {
 public:
  NoBrokenPipeSignal() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~NoBrokenPipeSignal() {
    if (sigismember(&before_, SIGPIPE) != 0) return;
    const timespec none{0, 0};
    while (::sigtimedwait(&pipe_, nullptr, &none) > 0) {
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoBrokenPipeSignal(const NoBrokenPipeSignal&) = delete;
  NoBrokenPipeSignal& operator=(const NoBrokenPipeSignal&) = delete;

 private:
  sigset_t pipe_{}, before_{};
};

/// os/exec dedupEnv: the last of equal names stays, where it stands.
std::vector<const std::string*> effective(const std::vector<std::string>& environment) {
  std::vector<const std::string*> kept;
  std::unordered_set<std::string_view> seen;
  for (auto entry = environment.rbegin(); entry != environment.rend(); ++entry) {
    const std::string_view name = std::string_view(*entry).substr(0, entry->find('='));
    if (seen.insert(name).second) kept.push_back(&*entry);
  }
  std::reverse(kept.begin(), kept.end());
  return kept;
}

std::string_view lookup(const std::vector<std::string>& environment, std::string_view name) {
  for (auto entry = environment.rbegin(); entry != environment.rend(); ++entry) {
    if (entry->size() > name.size() && entry->starts_with(name) && (*entry)[name.size()] == '=') {
      return std::string_view(*entry).substr(name.size() + 1);
    }
  }
  return {};
}

/// os/exec LookPath.
Result<std::string> find_executable(const std::string& name, std::string_view path) {
  std::string_view why = "executable file not found in $PATH";
  for (;;) {
    const std::size_t end = path.find(':');
    const std::string_view folder = path.substr(0, end);
    // Go refuses what is found relative to the current directory, and so does this.
    if (folder.starts_with('/')) {
      std::string file = std::string(folder) + "/" + name;
      struct stat info {};
      if (::stat(file.c_str(), &info) == 0 && S_ISREG(info.st_mode)) {
        if (::access(file.c_str(), X_OK) == 0) return file;
        why = "permission denied";
      }
    }
    if (end == std::string_view::npos) break;
    path.remove_prefix(end + 1);
  }
  return fail(Code::kNotFound, "exec: \"" + name + "\": " + std::string(why));
}

std::string failure_text(int status) {
  if (WIFEXITED(status)) {
    const int code = WEXITSTATUS(status);
    return code == 0 ? std::string() : "exit status " + std::to_string(code);
  }
  const int number = WTERMSIG(status);
  std::string name = ::strsignal(number);  // Go has the names in lower case
  if (!name.empty()) name[0] = to_lower(name[0]);
  return "signal: " + name + (WCOREDUMP(status) ? " (core dumped)" : "");
}

class SpawnSettings {
 public:
  SpawnSettings() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
    // The child starts with no signal blocked or ignored, whatever this thread does.
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnSettings() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  void give(const Descriptor& from, int as) {
    ::posix_spawn_file_actions_adddup2(&actions_, from.get(), as);
  }
  /// After the last give().
  void close_others() { ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1); }
  void enter(const std::string& directory) {
    ::posix_spawn_file_actions_addchdir_np(&actions_, directory.c_str());
  }
  int spawn(pid_t& pid, const std::string& file, char* const* argv, char* const* environment) {
    return ::posix_spawn(&pid, file.c_str(), &actions_, &attributes_, argv, environment);
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

/// A started child with this process's ends of its pipes. Killed and waited for when it goes out of
/// scope unfinished.
class Child {
 public:
  static Result<Child> start(const Program& program) {
    const std::string& name = program.argv.front();
    std::string file = name;
    if (name.find('/') == std::string::npos) {
      SLUICE_TRY(file, find_executable(name, lookup(program.environment, "PATH")));
    }
    SLUICE_TRY(Pipe in, make_pipe());
    SLUICE_TRY(Pipe out, make_pipe());
    Pipe error;
    SpawnSettings settings;
    if (!program.directory.empty()) {
      struct stat info {};
      if (::stat(program.directory.c_str(), &info) != 0) {
        return fail(Code::kNotFound, "chdir " + program.directory + ": no such file or directory");
      }
      settings.enter(program.directory);
    }
    settings.give(in.read, STDIN_FILENO);
    settings.give(out.write, STDOUT_FILENO);
    if (program.keep_error_output) {
      SLUICE_TRY(error, make_pipe());
      settings.give(error.write, STDERR_FILENO);
    }
    settings.close_others();
    std::vector<char*> argv, environment;
    for (const std::string& argument : program.argv)
      argv.push_back(const_cast<char*>(argument.c_str()));
    for (const std::string* entry : effective(program.environment))
      environment.push_back(const_cast<char*>(entry->c_str()));
    argv.push_back(nullptr);
    environment.push_back(nullptr);

    Child child;
    const int failed = settings.spawn(child.pid_, file, argv.data(), environment.data());
    if (failed != 0) {
      child.pid_ = -1;
      return fail(failed == ENOENT ? Code::kNotFound : Code::kInvalid,
                  "fork/exec " + file + ": " + go_words(failed));
    }
    child.in = std::move(in.write);
    child.out = std::move(out.read);
    child.error = std::move(error.read);
    return child;
  }

  Child(Child&& other) noexcept
      : in(std::move(other.in)),
        out(std::move(other.out)),
        error(std::move(other.error)),
        pid_(std::exchange(other.pid_, -1)) {}
  Child& operator=(Child&&) = delete;
  ~Child() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
  }

  /// Its wait status once it has ended.
  bool has_ended(int& status) {
    const pid_t ended = ::waitpid(pid_, &status, WNOHANG);
    if (ended != pid_) return false;
    pid_ = -1;
    return true;
  }

  Descriptor in, out, error;

 private:
  Child() = default;

  pid_t pid_ = -1;
};

class Conversation {
 public:
  Conversation(Child& child, const Program& program, const CancelToken& cancel)
      : child_(child),
        program_(program),
        cancel_(cancel),
        deadline_(Clock::now() + program.time_limit) {}

  Result<ProgramResult> run() {
    ProgramResult result;
    set_nonblocking(child_.in);
    set_nonblocking(child_.out);
    if (child_.error.is_open()) set_nonblocking(child_.error);
    if (program_.dialogue == nullptr && program_.input.empty()) child_.in.close();
    while (child_.in.is_open() || child_.out.is_open() || child_.error.is_open()) {
      SLUICE_CHECK(may_go_on());
      if (program_.dialogue != nullptr && program_.dialogue->is_over()) child_.in.close();
      const bool speaks = program_.dialogue == nullptr || !program_.dialogue->words().empty();
      std::array<pollfd, 3> wait{{{speaks ? child_.in.get() : -1, POLLOUT, 0},
                                  {child_.out.get(), POLLIN, 0},
                                  {child_.error.get(), POLLIN, 0}}};
      ::poll(wait.data(), wait.size(), static_cast<int>(kLook.count()));
      if (wait[0].revents != 0) write_some();
      if (wait[1].revents != 0) SLUICE_CHECK(read_output(result.output));
      if (wait[2].revents != 0) SLUICE_CHECK(read_some(child_.error, result.error_output));
      // Nobody reads its input any more when both of its outputs are closed.
      if (!child_.out.is_open() && !child_.error.is_open() && child_.in.is_open()) {
        int status = 0;
        if (child_.has_ended(status)) return ended(std::move(result), status);
      }
    }
    int status = 0;
    for (std::chrono::microseconds pause{100}; !child_.has_ended(status);
         pause = std::min<std::chrono::microseconds>(pause * 2, kLook)) {
      SLUICE_CHECK(may_go_on());
      std::this_thread::sleep_for(pause);
    }
    return ended(std::move(result), status);
  }

 private:
  static ProgramResult ended(ProgramResult result, int status) {
    result.failure = failure_text(status);
    return result;
  }

  Result<void> may_go_on() const {
    if (cancel_.cancelled()) return fail(Code::kCancelled, "cancelled");
    if (Clock::now() < deadline_) return {};
    return fail(Code::kUnavailable, "\"" + program_.argv.front() + "\" did not end within " +
                                        std::to_string(program_.time_limit.count()) + " s");
  }

  void write_some() {
    if (Dialogue* const dialogue = program_.dialogue) {
      const std::string_view words = dialogue->words();
      const ssize_t count = ::write(child_.in.get(), words.data(), std::min(words.size(), kChunk));
      if (count > 0) dialogue->said(static_cast<std::size_t>(count));
      if (count < 0 && errno != EAGAIN && errno != EINTR) child_.in.close();
      return;
    }
    const std::string_view rest = program_.input.substr(written_);
    const ssize_t count = ::write(child_.in.get(), rest.data(), std::min(rest.size(), kChunk));
    if (count > 0) written_ += static_cast<std::size_t>(count);
    // Like os/exec: a program need not read all of its input.
    const bool failed = count < 0 && errno != EAGAIN && errno != EINTR;
    if (failed || written_ == program_.input.size()) child_.in.close();
  }

  /// Without a trace where somebody takes it.
  Result<void> read_output(std::string& into) {
    if (program_.output == nullptr && program_.dialogue == nullptr) {
      return read_some(child_.out, into);
    }
    std::array<char, 4096> piece;
    const ssize_t count = ::read(child_.out.get(), piece.data(), piece.size());
    const int error = errno;
    if (count == 0 || (count < 0 && error != EAGAIN && error != EINTR)) child_.out.close();
    if (count <= 0) return {};
    const std::string_view text(piece.data(), static_cast<std::size_t>(count));
    heard_ += text.size();
    Result<void> taken;
    if (heard_ > program_.max_output_bytes) {
      taken = too_much();
    } else if (program_.dialogue != nullptr) {
      taken = program_.dialogue->hear(text);
    } else {
      program_.output->append(text);
    }
    ::explicit_bzero(piece.data(), piece.size());
    return taken;
  }

  Result<void> too_much() const {
    return fail(Code::kUnsupported, "\"" + program_.argv.front() + "\" printed more than " +
                                        std::to_string(program_.max_output_bytes) + " bytes");
  }

  Result<void> read_some(Descriptor& from, std::string& into) {
    const std::size_t before = into.size();
    into.resize(before + kChunk);
    const ssize_t count = ::read(from.get(), into.data() + before, kChunk);
    const int error = errno;
    into.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count == 0 || (count < 0 && error != EAGAIN && error != EINTR)) from.close();
    if (into.size() <= program_.max_output_bytes) return {};
    return too_much();
  }

  Child& child_;
  const Program& program_;
  const CancelToken& cancel_;
  Clock::time_point deadline_;
  std::size_t written_ = 0;
  std::size_t heard_ = 0;
};

}  // namespace

Result<ProgramResult> run_program(const Program& program, const CancelToken& cancel) {
  if (program.argv.empty() || program.argv.front().empty()) {
    return fail(Code::kInvalid, "exec: no command");
  }
  const NoBrokenPipeSignal quiet;
  SLUICE_TRY(Child child, Child::start(program));
  return Conversation(child, program, cancel).run();
}

}  // namespace sluice
