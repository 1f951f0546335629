// Child processes behave as Go's os/exec, which the upstreams use.

#include "sluice/base/process.hpp"

#include <csignal>
#include <fcntl.h>
#include <unistd.h>

#include "support/test.hpp"

using namespace sluice;

namespace {

Program shell(const std::string& script) {
  Program program;
  program.argv = {"/bin/sh", "-c", script};
  program.environment = {"PATH=/usr/bin:/bin"};
  return program;
}

ProgramResult run(const Program& program) {
  auto result = run_program(program, CancelToken());
  REQUIRE_OK(result);
  return *std::move(result);
}

}  // namespace

TEST_CASE("run_program: what goes in comes out, of any size") {
  std::string input(3 << 20, 'x');
  input += "end";
  Program program = shell("cat");
  program.input = input;
  const ProgramResult result = run(program);
  CHECK(result.failure.empty());
  CHECK(result.output == input);
}

TEST_CASE("run_program: a program need not read its input") {
  const std::string input(1 << 20, 'x');
  Program program = shell("exec 0<&-; echo done");
  program.input = input;
  CHECK(run(program).output == "done\n");
}

TEST_CASE("run_program: failures are said as Go says them") {
  CHECK(run(shell("exit 0")).failure.empty());
  CHECK(run(shell("exit 3")).failure == "exit status 3");
  CHECK(run(shell("kill -9 $$")).failure == "signal: killed");
  CHECK(run(shell("kill -TERM $$")).failure == "signal: terminated");
}

TEST_CASE("run_program: a program that cannot be started is an error in Go's words") {
  const auto words = [](const std::string& name, const std::string& directory = {}) {
    Program program;
    program.argv = {name};
    program.environment = {"PATH=/usr/bin:/bin"};
    program.directory = directory;
    const auto result = run_program(program, CancelToken());
    REQUIRE_FALSE(result.has_value());
    return result.error().message();
  };
  CHECK(words("no-such-program") ==
        "exec: \"no-such-program\": executable file not found in $PATH");
  CHECK(words("./none", "/") == "fork/exec ./none: no such file or directory");
  CHECK(words("/etc/passwd") == "fork/exec /etc/passwd: permission denied");
  CHECK(words("/bin/true", "/no/such") == "chdir /no/such: no such file or directory");
  CHECK(words("") == "exec: no command");
}

TEST_CASE("run_program: of equal variables the last counts, and nothing else is inherited") {
  ::setenv("SLUICE_TEST_SECRET", "canary", 1);
  Program program = shell("env; echo $A");
  program.environment.insert(program.environment.end(), {"A=1", "B=2", "A=3"});
  const std::string output = run(program).output;
  CHECK(output.find("A=3\n") != std::string::npos);
  CHECK(output.find("A=1") == std::string::npos);
  CHECK(output.find("canary") == std::string::npos);
  ::unsetenv("SLUICE_TEST_SECRET");
}

TEST_CASE("run_program: a child has three descriptors, though ours are open") {
  const int open_here = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  const std::string listed = run(shell("ls /proc/self/fd | tr '\\n' ' '")).output;
  ::close(open_here);
  CHECK(listed == "0 1 2 3 ");  // the last is the directory that ls reads
}

TEST_CASE("run_program: a child starts with no signal blocked or ignored") {
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const std::string status = run(shell("grep -E 'SigBlk|SigIgn' /proc/self/status")).output;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  // 32 and 33 belong to the C library, which has its own ideas about them.
  const bool none = status == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n";
  CHECK((none || status == "SigBlk:\t0000000000000000\nSigIgn:\t0000000180000000\n"));
}

TEST_CASE("run_program: standard error is collected when asked for") {
  Program program = shell("echo out; echo err >&2");
  program.keep_error_output = true;
  const ProgramResult result = run(program);
  CHECK(result.output == "out\n");
  CHECK(result.error_output == "err\n");
}

TEST_CASE("run_program: it runs in the directory it is given") {
  Program program = shell("pwd");
  program.directory = "/usr";
  CHECK(run(program).output == "/usr\n");
}

TEST_CASE("run_program: a program that does not end is killed at its time limit") {
  Program program = shell("exec sleep 100");
  program.time_limit = std::chrono::seconds(1);
  const auto result = run_program(program, CancelToken());
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().code() == Code::kUnavailable);
  CHECK(result.error().message() == "\"/bin/sh\" did not end within 1 s");
}

TEST_CASE("run_program: one byte more than max_output_bytes is refused") {
  Program program = shell("printf 12345");
  program.max_output_bytes = 5;
  CHECK(run(program).output == "12345");
  program.max_output_bytes = 4;
  const auto result = run_program(program, CancelToken());
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().code() == Code::kUnsupported);
}

TEST_CASE("run_program: cancelling ends it") {
  CancelSource source;
  source.cancel();
  const auto result = run_program(shell("exec sleep 100"), source.token());
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().code() == Code::kCancelled);
}

TEST_CASE("run_program: a sink takes what is printed, and the limit holds for it, too") {
  std::string printed;
  StringSink sink(printed);
  Program program = shell("echo one; echo two");
  program.output = &sink;
  const ProgramResult result = run(program);
  CHECK(result.output.empty());
  CHECK(printed == "one\ntwo\n");
  program.max_output_bytes = 7;
  CHECK(run_program(program, CancelToken()).error().code() == Code::kUnsupported);
}

namespace {

/// Says "N\n" for each line it hears, until it hears "end".
class Counter final : public Dialogue {
 public:
  Result<void> hear(std::string_view output) override {
    heard += output;
    if (heard.find("bad") != std::string::npos) return fail(Code::kInvalid, "bad word");
    std::size_t lines = 0;
    for (const char c : heard)
      lines += c == '\n' ? 1 : 0;
    while (answered < lines)
      words_ += std::to_string(++answered) + "\n";
    return {};
  }
  std::string_view words() override { return words_; }
  void said(std::size_t bytes) override { words_.erase(0, bytes); }
  bool is_over() const override { return heard.find("end") != std::string::npos; }

  std::string heard;
  std::size_t answered = 0;

 private:
  std::string words_;
};

}  // namespace

TEST_CASE("run_program: a dialogue hears, answers, ends the input, and may refuse") {
  Counter counter;
  Program program = shell("echo a; read x; echo got $x; read y; echo got $y; echo end; exit 3");
  program.dialogue = &counter;
  const ProgramResult result = run(program);
  CHECK(result.failure == "exit status 3");
  CHECK(counter.heard == "a\ngot 1\ngot 2\nend\n");
  Counter refusing;
  Program bad = shell("echo bad; exec sleep 600");
  bad.dialogue = &refusing;
  CHECK(run_program(bad, CancelToken()).error().message() == "bad word");
}
