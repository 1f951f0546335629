#pragma once
/// Helper programs of tests: servers that print their port, commands with their output.

#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace sluice::test {

/// A program that runs in the background and is killed, with its children, at the end of the scope
/// (and with this process, should that crash).
class Process {
 public:
  explicit Process(std::vector<std::string> arguments, std::vector<std::string> environment = {});
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();
  /// The next line of its standard output, without the line break; "" at its end.
  std::string read_line();
  void stop();
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  int output_ = -1;
};

struct Finished {
  int status = -1;  ///< exit status, or 128 + signal
  std::string output;
};
/// Runs to the end; standard output and error together.
Finished run(std::vector<std::string> arguments, std::vector<std::string> environment = {});

/// Where `program` is on PATH.
std::optional<std::string> find_program(const std::string& program);

/// A loopback TCP port that nobody listens on now.
int free_port();

}  // namespace sluice::test
