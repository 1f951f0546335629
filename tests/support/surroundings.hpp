#pragma once
/// Variables and files of a test, and what was asked for.

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "sluice/http/surroundings.hpp"

namespace sluice::test {

class TestSurroundings final : public http::Surroundings {
 public:
  std::map<std::string, std::string> variables;
  std::map<std::string, std::string> files;

  std::string variable(const std::string& name) override {
    note(name);
    const auto found = variables.find(name);
    return found == variables.end() ? std::string() : found->second;
  }
  crypto::SecretBytes secret_variable(const std::string& name) override {
    return crypto::SecretBytes::copy_of(std::string_view(variable(name)));
  }
  Result<crypto::SecretBytes> file(const std::string& path) override {
    note(path);
    const auto found = files.find(path);
    if (found == files.end()) return fail(Code::kNotFound, path + ": No such file or directory");
    return crypto::SecretBytes::copy_of(std::string_view(found->second));
  }
  std::string host_name() override { return "build host_1.example"; }
  std::string home() override { return "/home/me"; }

  std::set<std::string> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  void note(const std::string& what) {
    const std::lock_guard lock(mutex_);
    asked_.insert(what);
  }
  mutable std::mutex mutex_;  // guards asked_
  std::set<std::string> asked_;
};

}  // namespace sluice::test
