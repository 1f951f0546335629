#include "repo_url.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "sluice/base/ascii.hpp"
#include "sluice/base/go_bool.hpp"
#include "sluice/base/go_duration.hpp"
#include "sluice/base/tree_path.hpp"

namespace sluice::kustomize {

namespace {

constexpr std::string_view kGitPrefix = "git::";

bool drop_prefix(std::string_view& text, std::string_view prefix) {
  if (text.size() < prefix.size() || to_lower(text.substr(0, prefix.size())) != prefix)
    return false;
  text.remove_prefix(prefix.size());
  return true;
}

// "user@" at the start, or "".
std::string_view user_of(std::string_view text) {
  if (text.empty() || !is_letter(text[0])) return {};
  std::size_t end = 1;
  while (end < text.size() && (is_letter_or_digit(text[end]) || text[end] == '-')) {
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
  drop_prefix(text, kGitPrefix);
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
  const std::string lower = to_lower(text.substr(0, 11));
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

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// url.QueryUnescape; nullopt when it is no escape.
std::optional<std::string> unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = high < 0 ? -1 : hex_digit(text[i + 2]);
      if (low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

// url.ParseQuery and the first value of each name; nullopt when any part does not parse.
std::optional<std::map<std::string, std::string>> parse_query(std::string_view query) {
  std::map<std::string, std::string> values;
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    if (pair.find(';') != std::string_view::npos) return std::nullopt;
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    auto name = unescaped(pair.substr(0, equals));
    auto value =
        unescaped(equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1));
    if (!name || !value) return std::nullopt;
    values.emplace(*std::move(name), *std::move(value));
  }
  return values;
}

// Whole seconds, or a duration as Go writes it; what is neither is ignored.
std::optional<std::chrono::milliseconds> parse_timeout(const std::string& text) {
  constexpr long long kMostSeconds = 1'000'000'000;
  long long seconds = 0;
  const char* const end = text.data() + text.size();
  const char* const start = text.data() + (text.starts_with('+') ? 1 : 0);
  const auto [rest, error] = std::from_chars(start, end, seconds);
  if (error == std::errc() && rest == end && seconds > 0 && start != end && *start != '-') {
    return std::chrono::seconds(std::min(seconds, kMostSeconds));
  }
  const auto duration = parse_go_duration(text);
  if (!duration || duration->count() <= 0) return std::nullopt;
  return std::chrono::ceil<std::chrono::milliseconds>(*duration);
}

void read_query(std::string_view query, RepoUrl& into) {
  const auto values = parse_query(query);
  if (!values) return;
  const auto value = [&](const char* name) {
    const auto found = values->find(name);
    return found == values->end() ? std::string() : found->second;
  };
  into.ref = value("ref");
  if (into.ref.empty()) into.ref = value("version");
  if (const auto timeout = parse_timeout(value("timeout"))) into.timeout = *timeout;
  if (const auto submodules = parse_go_bool(value("submodules"))) into.submodules = *submodules;
}

}  // namespace

bool has_git_prefix(std::string_view text) {
  return drop_prefix(text, kGitPrefix);
}

std::optional<RepoUrl> parse_repo_url(std::string_view text) {
  if (text.starts_with('/')) return std::nullopt;
  // Most entries are local paths: nothing below accepts one without any of these.
  if (text.find_first_of(":@") == std::string_view::npos &&
      !to_lower(text.substr(0, 11)).starts_with("github.com/")) {
    return std::nullopt;
  }
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
  RepoUrl url;
  url.host = host->host;
  url.repo_path = parts->first;
  url.path = path;
  read_query(query, url);
  return url;
}

bool is_remote_file(std::string_view text) {
  return drop_prefix(text, "http:") || drop_prefix(text, "https:");
}

}  // namespace sluice::kustomize
