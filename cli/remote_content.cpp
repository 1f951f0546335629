#include "remote_content.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdlib.h>
#include <string_view>
#include <unistd.h>
#include <utility>

#include "sluice/base/ascii.hpp"

#include "flags.hpp"

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

/// "host:port", "[::1]:port", or either without a port. A bare IPv6 address has none.
std::pair<std::string, std::string> split_port(const std::string& text) {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string::npos) return {text, {}};
    const bool has_port = end + 1 < text.size() && text[end + 1] == ':';
    return {text.substr(1, end - 1), has_port ? text.substr(end + 2) : std::string()};
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos || text.find(':', colon + 1) != std::string::npos) {
    return {text, {}};
  }
  return {text.substr(0, colon), text.substr(colon + 1)};
}

/// Whether the address `host` is in "10.0.0.0/8" or "fd00::/8".
bool in_network(const std::string& host, const std::string& network) {
  const std::size_t slash = network.find('/');
  if (slash == std::string::npos) return false;
  const int family = network.find(':') == std::string::npos ? AF_INET : AF_INET6;
  std::array<unsigned char, 16> address{}, prefix{};
  const auto bits = parse_number(network.substr(slash + 1), 0, family == AF_INET ? 32 : 128);
  if (!bits || ::inet_pton(family, host.c_str(), address.data()) != 1 ||
      ::inet_pton(family, network.substr(0, slash).c_str(), prefix.data()) != 1) {
    return false;
  }
  for (long bit = 0; bit < *bits; ++bit) {
    const auto byte = static_cast<std::size_t>(bit / 8);
    const unsigned mask = 0x80U >> (bit % 8);
    if ((address[byte] & mask) != (prefix[byte] & mask)) return false;
  }
  return true;
}

}  // namespace

std::string proxy_for(const std::string& url,
                      const std::function<std::string(const char*)>& environment) {
  const auto either = [&](const char* name) {
    std::string value = environment(name);
    return value.empty() ? environment(to_lower(name).c_str()) : value;
  };
  const std::size_t start = url.find("://");
  if (start == std::string::npos) return {};
  std::string authority = url.substr(start + 3, url.find_first_of("/?#", start + 3) - (start + 3));
  authority.erase(0, authority.rfind('@') + 1);
  auto [host, port] = split_port(to_lower(authority));
  if (port.empty()) port = url.starts_with("https:") ? "443" : "80";
  if (host == "localhost" || host == "::1" || host.starts_with("127.")) return {};
  const std::string proxy = either(url.starts_with("https:") ? "HTTPS_PROXY" : "HTTP_PROXY");
  if (proxy.empty()) return {};
  const std::string exceptions = either("NO_PROXY");
  std::string_view rest = exceptions;
  while (!rest.empty()) {
    const std::size_t end = rest.find(',');
    std::string one = to_lower(std::string(rest.substr(0, end)));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    std::erase(one, ' ');
    if (one == "*") return {};
    if (in_network(host, one)) return {};
    const auto [excepted, only_port] = split_port(one);
    one = excepted;
    if (one.starts_with("*.")) one.erase(0, 1);
    if (one.empty() || (!only_port.empty() && only_port != port)) continue;
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
