#pragma once
/// The parts of an absolute URL, read strictly: what a server's address in a file may look like,
/// and what a signature covers. Pure.

#include <optional>
#include <string>
#include <string_view>

namespace sluice::http {

struct Url {
  std::string scheme;  ///< "http" or "https"
  std::string host;    ///< lower case; an IPv6 address with its brackets
  std::string port;    ///< "" when it is the scheme's own
  std::string path;    ///< starts with '/'; "/" when there is none
  std::string query;   ///< without '?'
  /// "host" or "host:port", as a Host header has it.
  std::string authority() const { return port.empty() ? host : host + ":" + port; }
  std::string origin() const { return scheme + "://" + authority(); }
};

/// nullopt for anything but http(s)://HOST[:PORT][/PATH][?QUERY] of plain characters: no user, no
/// fragment, no backslash, blank, control or non-ASCII character, no empty host.
std::optional<Url> parse_url(std::string_view text);

}  // namespace sluice::http
