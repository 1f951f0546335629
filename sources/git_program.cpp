#include "git_program.hpp"

#include <fstream>

#include "sluice/base/go_duration.hpp"
#include "sluice/base/process.hpp"
#include "sluice/sources/remote_content.hpp"

#include "upload_pack.hpp"

namespace sluice::sources {
namespace {

constexpr std::size_t kMaxOutput = 1U << 20;  // of what git says

std::string joined(const std::vector<std::string>& arguments) {
  std::string out;
  for (const std::string& argument : arguments) {
    if (!out.empty()) out += ' ';
    out += argument;
  }
  return out;
}

Result<void> run(Program program, std::chrono::milliseconds timeout, const CancelToken& cancel) {
  program.keep_error_output = true;
  program.max_output_bytes = kMaxOutput;
  program.time_limit = std::chrono::ceil<std::chrono::seconds>(timeout);
  const std::string command = joined(program.argv);
  const auto result = run_program(program, cancel);
  if (!result) {
    if (result.error().code() == Code::kUnavailable) return fail(timeout_error(command, timeout));
    return fail(result.error());
  }
  if (result->failure.empty()) return {};
  return fail(Code::kNotFound, "failed to run '" + command + "': " + result->output +
                                   result->error_output + ": " + result->failure);
}

}  // namespace

Error timeout_error(const std::string& command, std::chrono::milliseconds timeout) {
  return Error(Code::kUnavailable,
               "hit " + format_go_duration(timeout) + " timeout running '" + command + "'")
      .reason(std::string(kTimeout));
}

Result<std::string> fetch_with_git(const std::string& program,
                                   const std::vector<std::string>& environment,
                                   const std::string& directory, const std::string& url,
                                   const std::string& ref, std::chrono::milliseconds timeout,
                                   const CancelToken& cancel) {
  // "--" would change the command that people search for; what it protects from cannot be a URL
  // or a ref.
  if (url.starts_with('-') || ref.starts_with('-')) {
    return fail(Code::kInvalid, "not a repository or ref: '" + url + "' '" + ref + "'");
  }
  Program git;
  git.environment = environment;
  git.directory = directory;
  git.argv = {program, "init", "--bare", "--quiet"};
  SLUICE_CHECK(run(git, timeout, cancel));
  git.argv = {program, "fetch", "--depth=1", url, ref};
  SLUICE_CHECK(run(git, timeout, cancel));
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
