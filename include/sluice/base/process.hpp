#pragma once
/// Child processes: the only place of the program that starts one.
///
/// Behaves as Go's os/exec, which the upstreams use, in what can be seen: how a name is looked up,
/// that of a repeated variable the last value counts, and the words of a failure. A child gets the
/// three standard descriptors and no other, default signal handling, and an environment that the
/// caller lists. Never looks at this process's own environment, never puts anything into argv by
/// itself. What a child prints is copied into ordinary memory (see docs/adr/0030) unless a sink or
/// a dialogue takes it.

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/byte_sink.hpp"
#include "sluice/base/cancel.hpp"
#include "sluice/base/result.hpp"

namespace sluice {

/// This side of a conversation with a program, for protocols on its standard input and output.
class Dialogue {
 public:
  virtual ~Dialogue() = default;
  /// What the program printed, in pieces as they come; they are wiped after the call. An error ends
  /// the program and is the result.
  virtual Result<void> hear(std::string_view output) = 0;
  /// What is to be written next, "" while it is the program's turn; stays valid until said().
  virtual std::string_view words() = 0;
  virtual void said(std::size_t bytes) = 0;  ///< so many of them were written
  virtual bool is_over() const = 0;          ///< nothing more will be said: its input is closed
};

struct Program {
  /// argv[0] is a path when it has a slash, relative to `directory`; else it is searched in the
  /// PATH of `environment`.
  std::vector<std::string> argv;
  std::vector<std::string> environment;  ///< "NAME=value"; of equal names the last one counts
  std::string directory;                 ///< to run in; "": where this process is
  std::string_view input;                ///< for its standard input
  ByteSink* output = nullptr;            ///< takes its standard output; the result has none then
  Dialogue* dialogue = nullptr;          ///< has its standard input and output; no `input` then
  bool keep_error_output = false;        ///< collect standard error instead of passing it on
  std::chrono::seconds time_limit{600};
  std::size_t max_output_bytes = std::size_t{256} << 20;  ///< of each stream
};

struct ProgramResult {
  std::string output;
  std::string error_output;
  /// "" after exit status 0; else as Go says it: "exit status 2", "signal: killed".
  std::string failure;
};

/// Runs it to its end. A failing program is a result; errors are those of running one at all, in
/// Go's words: kNotFound `exec: "x": executable file not found in $PATH`, kInvalid "fork/exec
/// ./x: permission denied", kUnsupported for too much output, kUnavailable when the time is over
/// (the child is then killed), kCancelled. Thread-safe; blocks.
Result<ProgramResult> run_program(const Program& program, const CancelToken& cancel);

/// run_program(), or a test's stand-in.
using RunProgram = std::function<Result<ProgramResult>(const Program&, const CancelToken&)>;

}  // namespace sluice
