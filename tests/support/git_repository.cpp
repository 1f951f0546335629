#include "support/git_repository.hpp"

#include <fstream>
#include <stdexcept>
#include <stdlib.h>

namespace sluice::test {

namespace fs = std::filesystem;

namespace {

const std::vector<std::string>& environment() {
  static const std::vector<std::string> fixed{"GIT_AUTHOR_NAME=t",
                                              "GIT_AUTHOR_EMAIL=t@example.com",
                                              "GIT_COMMITTER_NAME=t",
                                              "GIT_COMMITTER_EMAIL=t@example.com",
                                              "GIT_CONFIG_NOSYSTEM=1",
                                              "GIT_CONFIG_GLOBAL=/dev/null",
                                              "GIT_AUTHOR_DATE=2026-01-01T00:00:00Z",
                                              "GIT_COMMITTER_DATE=2026-01-01T00:00:00Z"};
  return fixed;
}

}  // namespace

bool have_git() {
  return find_program("git").has_value() && find_program("python3").has_value();
}

GitRepository::GitRepository(const std::string& name) : name_(name) {
  std::string pattern = fs::temp_directory_path() / "sluice-git-XXXXXX";
  top_ = ::mkdtemp(pattern.data());
  root_ = top_ / "served";
  work_ = top_ / "work";
  fs::create_directories(root_);
  fs::create_directories(work_);
  git({"init", "-q", "-b", "main", work_});
  git({"init", "-q", "--bare", "-b", "main", bare()});
}

GitRepository::~GitRepository() {
  std::error_code ignored;
  fs::remove_all(top_, ignored);
}

std::string GitRepository::git(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {"git", "-C", work_});
  Finished done = run(arguments, environment());
  if (done.status != 0) throw std::runtime_error("git " + arguments[3] + ": " + done.output);
  while (done.output.ends_with('\n'))
    done.output.pop_back();
  return done.output;
}

std::string GitRepository::commit(const std::map<std::string, std::string>& files,
                                  const std::string& message) {
  for (const auto& [name, content] : files) {
    const fs::path file = work_ / name;
    fs::create_directories(file.parent_path());
    fs::remove(file);
    if (content == "@remove") continue;
    if (content.starts_with("@link:")) {
      fs::create_symlink(content.substr(6), file);
    } else {
      std::ofstream(file, std::ios::binary) << content;
    }
  }
  git({"add", "-A"});
  git({"commit", "-q", "--allow-empty", "-m", message});
  push();
  return git({"rev-parse", "HEAD"});
}

void GitRepository::push() const {
  git({"push", "-q", "--force", "--all", bare()});
  git({"push", "-q", "--force", "--tags", bare()});
}

GitServer::GitServer(const GitRepository& repository, std::vector<std::string> options)
    : log_file_(repository.root().parent_path() / "log"),
      process_([&] {
        std::vector<std::string> all{"python3", SLUICE_SOURCE_DIR "/tests/support/git_server.py",
                                     "--root",  repository.root(),
                                     "--log",   log_file_};
        all.insert(all.end(), options.begin(), options.end());
        return all;
      }()),
      port_(process_.read_line()) {}

std::vector<std::string> GitServer::log() const {
  std::vector<std::string> lines;
  std::ifstream in(log_file_);
  for (std::string line; std::getline(in, line);)
    lines.push_back(line);
  return lines;
}

}  // namespace sluice::test
