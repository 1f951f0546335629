#include "sluice/http/url.hpp"

#include <algorithm>

#include "sluice/base/ascii.hpp"

namespace sluice::http {
namespace {

bool is_host(std::string_view host) {
  if (host.starts_with('[')) {
    return host.size() > 4 && host.ends_with(']') &&
           host.find_first_not_of("0123456789abcdef:.", 1) == host.size() - 1;
  }
  return !host.empty() && !host.starts_with('.') && host.find("..") == std::string_view::npos &&
         std::all_of(host.begin(), host.end(), [](char c) {
           return is_lower(c) || is_digit(c) || c == '-' || c == '.' || c == '_';
         });
}

}  // namespace

std::optional<Url> parse_url(std::string_view text) {
  for (const char c : text) {
    if (c <= ' ' || c == 0x7f || c == '\\' || c == '#' || c == '"' || c == '<' || c == '>') {
      return std::nullopt;  // char is signed here: this also refuses what is not ASCII
    }
  }
  Url url;
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) return std::nullopt;
  url.scheme = to_lower(text.substr(0, colon));
  if (url.scheme != "http" && url.scheme != "https") return std::nullopt;
  text.remove_prefix(colon + 3);
  const std::size_t end = std::min(text.find_first_of("/?"), text.size());
  std::string authority = to_lower(text.substr(0, end));
  text.remove_prefix(end);
  const std::size_t bracket = authority.find(']');
  const std::size_t port = authority.find(':', bracket == std::string::npos ? 0 : bracket);
  if (port != std::string::npos) {
    url.port = authority.substr(port + 1);
    authority.resize(port);
    if (url.port.empty() || url.port.size() > 5 ||
        !std::all_of(url.port.begin(), url.port.end(), is_digit)) {
      return std::nullopt;
    }
  }
  if (!is_host(authority)) return std::nullopt;
  url.host = std::move(authority);
  if (url.port == (url.scheme == "https" ? "443" : "80")) url.port.clear();
  const std::size_t question = std::min(text.find('?'), text.size());
  url.path = text.substr(0, question);
  if (url.path.empty()) url.path = "/";
  if (question < text.size()) url.query = text.substr(question + 1);
  return url;
}

}  // namespace sluice::http
