#include "remote_content.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdlib.h>
#include <string_view>
#include <unistd.h>
#include <utility>

namespace sluice::cli {
namespace {

namespace fs = std::filesystem;

std::string find_on_path(const std::string& program) {
  const std::string path = environment("PATH");
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::size_t end = rest.find(':');
    const std::string candidate = std::string(rest.substr(0, end)) + "/" + program;
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (candidate.starts_with('/') && ::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return {};
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

}  // namespace

std::string proxy_for(const std::string& url,
                      const std::function<std::string(const char*)>& environment) {
  const auto either = [&](const char* name) {
    std::string value = environment(name);
    return value.empty() ? environment(lower(name).c_str()) : value;
  };
  const std::size_t start = url.find("://");
  if (start == std::string::npos) return {};
  std::string host = url.substr(start + 3, url.find_first_of("/?#", start + 3) - (start + 3));
  host.erase(0, host.rfind('@') + 1);
  if (host.starts_with('[')) {
    host = host.substr(1, host.find(']') - 1);
  } else {
    host = host.substr(0, host.find(':'));
  }
  host = lower(host);
  if (host == "localhost" || host == "::1" || host.starts_with("127.")) return {};
  const std::string proxy = either(url.starts_with("https:") ? "HTTPS_PROXY" : "HTTP_PROXY");
  if (proxy.empty()) return {};
  const std::string exceptions = either("NO_PROXY");
  std::string_view rest = exceptions;
  while (!rest.empty()) {
    const std::size_t end = rest.find(',');
    std::string one = lower(std::string(rest.substr(0, end)));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    std::erase(one, ' ');
    if (one == "*") return {};
    if (one.starts_with("*.")) one.erase(0, 1);
    if (one.empty()) continue;
    if (host == one) return {};
    if (host.ends_with(one.starts_with('.') ? one : "." + one)) return {};
  }
  return proxy;
}

CommandRemotes::CommandRemotes(CancelSource& stop) : stop_(stop) {}

CommandRemotes::~CommandRemotes() {
  content_.reset();
  store_.reset();
  http_.reset();
  if (directory_.empty()) return;
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

Result<void> CommandRemotes::start() {
  const std::lock_guard lock(mutex_);
  if (content_) return {};
  signals_ = std::make_unique<SignalWatch>(stop_);
  std::error_code error;
  std::string pattern = (fs::temp_directory_path(error) / "sluice-remote-XXXXXX").string();
  if (error || ::mkdtemp(pattern.data()) == nullptr) {
    return fail(Code::kUnavailable,
                "cannot make a temporary directory for remote bases: " +
                    (error ? error.message() : std::string(std::strerror(errno))));
  }
  directory_ = pattern;
  http_ = http::make_curl_client();
  store_ = sources::make_source_store(directory_ + "/objects", *http_);
  sources::RemoteOptions options;
  options.allow_local = true;
  options.git_program = find_on_path("git");
  options.git_environment = whole_environment();
  options.scratch_directory = directory_;
  options.proxy = [](const std::string& url) { return proxy_for(url, environment); };
  content_ = sources::make_remote_content(*store_, *http_, std::move(options));
  return {};
}

Result<sources::Artifact> CommandRemotes::repository(const sources::RemoteRepository& wanted,
                                                     const CancelToken& cancel) {
  SLUICE_CHECK(start());
  return content_->repository(wanted, cancel);
}

Result<sources::RemoteFile> CommandRemotes::file(const std::string& url,
                                                 const CancelToken& cancel) {
  SLUICE_CHECK(start());
  return content_->file(url, cancel);
}

}  // namespace sluice::cli
