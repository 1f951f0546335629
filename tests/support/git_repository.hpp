#pragma once
/// Git repositories for tests, made with the git program, and a server for them.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "support/process.hpp"

namespace sluice::test {

/// A work tree and the bare repository it pushes to, in a directory of their own. Authors and dates
/// are fixed, so commit ids are the same everywhere.
class GitRepository {
 public:
  explicit GitRepository(const std::string& name = "fleet");
  GitRepository(const GitRepository&) = delete;
  GitRepository& operator=(const GitRepository&) = delete;
  ~GitRepository();
  /// Runs git in the work tree; its output without the last line break. Throws when it fails.
  std::string git(std::vector<std::string> arguments) const;
  /// Writes files ("@link:TARGET" makes a link, "@remove" removes), commits, pushes; the commit id.
  std::string commit(const std::map<std::string, std::string>& files,
                     const std::string& message = "change");
  /// Pushes all branches and tags.
  void push() const;

  std::filesystem::path root() const { return root_; }  ///< what a server serves
  std::filesystem::path bare() const { return root_ / (name_ + ".git"); }
  std::filesystem::path work() const { return work_; }

 private:
  std::string name_;
  std::filesystem::path top_, root_, work_;
};

/// tests/support/git_server.py on a free port.
class GitServer {
 public:
  GitServer(const GitRepository& repository, std::vector<std::string> options = {});
  std::string url(const std::string& path = "/fleet.git") const {
    return "http://127.0.0.1:" + port_ + path;
  }
  /// Lines "METHOD path bytes-in bytes-out" so far.
  std::vector<std::string> log() const;
  void stop() { process_.stop(); }

 private:
  std::string log_file_;
  Process process_;
  std::string port_;
};

bool have_git();

}  // namespace sluice::test
