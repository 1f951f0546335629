#include "kube/status_error.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "sluice/kube/client.hpp"
#include "sluice/yaml/read.hpp"
#include "sluice/yaml/scalar.hpp"

namespace sluice::kube {
namespace {

using yaml::Node;

constexpr std::string_view kHidden = "(redacted)";

Code code_of(int http_status) {
  switch (http_status) {
    case 401:
    case 403:
      return Code::kDenied;
    case 404:
      return Code::kNotFound;
    case 409:
    case 410:
    case 412:
      return Code::kConflict;
    case 408:
    case 429:
      return Code::kUnavailable;
    default:
      return http_status >= 500 ? Code::kUnavailable : Code::kInvalid;
  }
}

/// Reasons as apimachinery names them, for answers that are no Status.
std::string_view reason_of(int http_status) {
  switch (http_status) {
    case 400:
      return "BadRequest";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "NotFound";
    case 405:
      return "MethodNotAllowed";
    case 406:
      return "NotAcceptable";
    case 409:
      return "Conflict";
    case 410:
      return "Expired";
    case 415:
      return "UnsupportedMediaType";
    case 422:
      return "Invalid";
    case 429:
      return "TooManyRequests";
    case 503:
      return "ServiceUnavailable";
    case 504:
      return "Timeout";
    default:
      return http_status >= 500 ? "InternalError" : "";
  }
}

/// Webhooks and policies have only their own words; the two forms that Flux knows
/// (fluxcd/pkg/ssa/errors/immutable.go).
bool says_immutable_in_prose(std::string_view message) {
  return message.find("is immutable") != std::string_view::npos ||
         message.find("immutable field") != std::string_view::npos;
}

bool is_immutable(Node status, int http_status, std::string_view message) {
  if (http_status != 422 && http_status != 403) return false;
  const Node causes = status.find("details", "causes");
  if (causes.size() == 0) return says_immutable_in_prose(message);
  for (std::size_t i = 0; i < causes.size(); ++i) {
    if (!says_immutable(causes.at(i).get("message").text())) return false;
  }
  return true;
}

/// Position just past the Go-quoted string that starts at `at`.
std::size_t skip_quoted(std::string_view text, std::size_t at) {
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i + 1;
    }
  }
  return text.size();
}

/// Position just past the JSON value, Go value or word that starts at `at`.
std::size_t skip_value(std::string_view text, std::size_t at) {
  if (at < text.size() && text[at] == '"') return skip_quoted(text, at);
  std::size_t depth = 0;
  for (std::size_t i = at; i < text.size();) {
    const char c = text[i];
    if (c == '"') {
      i = skip_quoted(text, i);
      continue;
    }
    if (c == '{' || c == '[' || c == '(') {
      ++depth;
    } else if (c == '}' || c == ']' || c == ')') {
      if (depth == 0) return i;
      if (--depth == 0) return i + 1;
    } else if (depth == 0 &&
               (text.substr(i).starts_with(": ") || text.substr(i).starts_with(", "))) {
      return i;
    }
    ++i;
  }
  return text.size();
}

/// True when the words before a quoted string say that it is no value: `User "system:x" cannot get
/// resource "secrets" in API group "" in the namespace "apps"`.
bool is_name_introduced(std::string_view before) {
  static constexpr std::array<std::string_view, 7> kWords = {
      "User ", "resource ", "API group ", "namespace ", "webhook ", "kind ", "version "};
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](std::string_view word) { return before.ends_with(word); });
}

}  // namespace

bool says_immutable(std::string_view message) {
  // Validation of the built-in types has no one word for it (pkg/apis/*/validation).
  static constexpr std::array<std::string_view, 8> kWords = {
      "immutable",     "may not be changed", "may not change",   "cannot be changed",
      "cannot change", "can not be changed", "can not be unset", "may not be unset"};
  const auto has = [&](std::string_view word) {
    return message.find(word) != std::string_view::npos;
  };
  return std::any_of(kWords.begin(), kWords.end(), has) ||
         ((has("updates to ") || has("updates may not ")) && has("orbidden")) ||
         has("updates may not change");
}

std::string redact_status(std::string_view message, const std::vector<std::string>& names) {
  // What a webhook wrote may hold anything in any form.
  for (const std::string_view denied : {"denied the request: ", "denied request: "}) {
    if (const auto at = message.find(denied); at != std::string_view::npos)
      return redact_status(message.substr(0, at), names) +
             std::string(denied.substr(0, denied.size() - 2)) +
             " (its words are withheld: they may quote the object)" +
             (says_immutable_in_prose(message) ? ": field is immutable" : "");
  }
  std::string out;
  for (std::size_t i = 0; i < message.size();) {
    const std::string_view rest = message.substr(i);
    // "Invalid value: ", "Unsupported value: ", "Duplicate value: ", "valueUnstructured{Value:".
    if (rest.starts_with("alue: ") || rest.starts_with("Value:")) {
      const std::size_t start = i + 6;
      out.append(message.substr(i, 6)).append(kHidden);
      i = skip_value(message, start);
    } else if (rest.front() == '"') {
      const std::size_t end = skip_quoted(message, i);
      const std::string_view inner =
          end - i >= 2 ? message.substr(i + 1, end - i - 2) : std::string_view();
      const bool is_name = inner.empty() || is_name_introduced(out) ||
                           std::find(names.begin(), names.end(), inner) != names.end();
      out.append(is_name ? message.substr(i, end - i) : kHidden);
      i = end;
    } else {
      out.push_back(message[i++]);
    }
  }
  return out;
}

Error status_error(Node status, const Asked& asked) {
  const auto code = static_cast<int>(yaml::int64_value(status.get("code").text()).value_or(500));
  const std::string message(status.get("message").text());
  std::string reason(status.get("reason").text());
  if (reason.empty() || code == 410) reason = reason_of(code);
  const Node causes = status.find("details", "causes");
  for (std::size_t i = 0; i < causes.size(); ++i) {
    if (causes.at(i).get("reason").text() == kReasonConflict) reason = kReasonConflict;
  }
  if (is_immutable(status, code, message)) reason = kReasonImmutable;
  std::string shown = message;
  if (shown.empty())
    shown =
        "the server answered " + std::to_string(code) + " to " + asked.method + " " + asked.path;
  return Error(code_of(code), std::move(shown)).reason(std::move(reason));
}

Error status_error(const http::Response& response, const Asked& asked) {
  auto document = yaml::read_json(response.body);
  if (document && document->root().get("kind").text() == "Status") {
    yaml::Ref root = document->root();
    if (!root.get("code").exists()) root.put_int("code", response.status);
    return status_error(Node(root), asked);
  }
  const std::string at = asked.method + " " + asked.path;
  std::string message = response.status == 404 ? "the server could not find the requested resource"
                                               : "the server answered " +
                                                     std::to_string(response.status) + " to " + at;
  return Error(code_of(response.status), std::move(message))
      .reason(std::string(reason_of(response.status)));
}

}  // namespace sluice::kube
