#include "repo_url.hpp"

#include <algorithm>
#include <utility>

#include "sluice/base/tree_path.hpp"

namespace sluice::kustomize {

namespace {

std::string lowered(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lower;
}

bool drop_prefix(std::string_view& text, std::string_view prefix) {
  if (text.size() < prefix.size() || lowered(text.substr(0, prefix.size())) != prefix) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// "user@" at the start, or "".
std::string_view user_of(std::string_view text) {
  if (text.empty() || !is_alpha(text[0])) return {};
  std::size_t end = 1;
  while (end < text.size() &&
         (is_alpha(text[end]) || (text[end] >= '0' && text[end] <= '9') || text[end] == '-')) {
    ++end;
  }
  if (end == text.size() || text[end] != '@') return {};
  return text.substr(0, end + 1);
}

struct Host {
  std::string host;
  std::string_view rest;
  bool is_file = false;
};

std::optional<Host> split_host(std::string_view text) {
  drop_prefix(text, "git::");
  std::string_view scheme;
  for (const std::string_view known : {"ssh://", "https://", "http://", "file://"}) {
    if (drop_prefix(text, known)) {
      scheme = known;
      break;
    }
  }
  if (scheme == "file://") return Host{std::string(scheme), text, true};
  std::string_view user = user_of(text);
  text.remove_prefix(user.size());
  const std::string lower = lowered(text.substr(0, 11));
  const bool github = lower.starts_with("github.com/") || lower.starts_with("github.com:");
  const bool accepts_scp = scheme.empty() && (!user.empty() || github);
  if (scheme.empty() && !accepts_scp) return std::nullopt;

  std::size_t separator = text.find('/');
  if (accepts_scp) {
    const std::size_t colon = text.find(':');
    if (separator == std::string_view::npos ||
        (colon != std::string_view::npos && colon > 0 && colon < separator)) {
      separator = colon;
    }
  }
  std::string_view host = text;
  std::string_view rest;
  if (separator != std::string_view::npos) {
    host = text.substr(0, separator + 1);
    rest = text.substr(separator + 1);
  }
  if (github) {
    const bool ssh = scheme == "ssh://" || !user.empty();
    if (!ssh) return Host{"https://github.com/", rest};
    return Host{std::string(user) + "github.com:", rest};
  }
  if (host.empty()) return std::nullopt;
  return Host{std::string(scheme) + std::string(user) + std::string(host), rest};
}

// {repository path, path within} by the markers "_git/", "//" and ".git".
std::optional<std::pair<std::string_view, std::string_view>> split_at_marker(
    std::string_view text) {
  constexpr std::string_view kAzure = "_git/";
  if (const std::size_t at = text.find(kAzure); at != std::string_view::npos) {
    const std::size_t end = text.find('/', at + kAzure.size());
    if (end == std::string_view::npos) return std::pair{text, std::string_view()};
    return std::pair{text.substr(0, end), text.substr(end + 1)};
  }
  if (const std::size_t at = text.find("//"); at != std::string_view::npos) {
    return std::pair{text.substr(0, at), text.substr(at + 2)};
  }
  if (const std::size_t at = text.find(".git"); at != std::string_view::npos) {
    return std::pair{text.substr(0, at + 4), text.substr(at + 4)};
  }
  return std::nullopt;
}

// The first two segments are the repository.
std::optional<std::pair<std::string_view, std::string_view>> split_after_two(
    std::string_view text) {
  const std::size_t first = text.find('/');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = text.find('/', first + 1);
  if (second == std::string_view::npos) return std::pair{text, std::string_view()};
  return std::pair{text.substr(0, second), text.substr(second + 1)};
}

std::string_view query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
      return pair.substr(name.size() + 1);
    }
  }
  return {};
}

}  // namespace

std::optional<RepoUrl> parse_repo_url(std::string_view text) {
  if (text.starts_with('/')) return std::nullopt;
  const std::size_t mark = text.find('?');
  const std::string_view query =
      mark == std::string_view::npos ? std::string_view() : text.substr(mark + 1);
  const auto host = split_host(text.substr(0, mark));
  if (!host) return std::nullopt;
  auto parts = split_at_marker(host->rest);
  if (!parts && host->is_file) parts = std::pair{host->rest, std::string_view()};
  if (!parts) parts = split_after_two(host->rest);
  if (!parts || parts->first.empty()) return std::nullopt;
  std::string_view path = parts->second;
  if (path.starts_with('/')) path.remove_prefix(1);
  if (!TreePath::parse(path)) return std::nullopt;  // leaves the repository
  std::string_view ref = query_value(query, "ref");
  if (ref.empty()) ref = query_value(query, "version");
  return RepoUrl{host->host, std::string(parts->first), std::string(path), std::string(ref)};
}

bool is_remote_file(std::string_view text) {
  return drop_prefix(text, "http:") || drop_prefix(text, "https:");
}

}  // namespace sluice::kustomize
