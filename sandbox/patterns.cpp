#include "sandbox/patterns.hpp"

#include <map>
#include <memory>
#include <mutex>

#include <re2/re2.h>

namespace sluice::sandbox {
namespace {

/// Compiled once per pattern. Guarded by its mutex.
class Patterns {
 public:
  const re2::RE2& get(const std::string& pattern) {
    const std::lock_guard lock(mutex_);
    std::unique_ptr<re2::RE2>& slot = compiled_[pattern];
    if (!slot) slot = std::make_unique<re2::RE2>(pattern, re2::RE2::Quiet);
    return *slot;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<re2::RE2>> compiled_;
};

const re2::RE2& compiled(const std::string& pattern) {
  static Patterns patterns;
  return patterns.get(pattern);
}

bool full(std::string_view text, const char* pattern) {
  return re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), compiled(pattern));
}

constexpr const char* kLabel = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
constexpr const char* kSubdomain =
    R"([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)";
constexpr const char* kQualified = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
constexpr const char* kLabelValue = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";

std::string at_most(std::size_t limit) {
  return "must be no more than " + std::to_string(limit) + " bytes";
}

}  // namespace

bool matches_pattern(const std::string& pattern, std::string_view text) {
  const re2::RE2& expression = compiled(pattern);
  return !expression.ok() ||
         re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), expression);
}

bool is_valid_pattern(const std::string& pattern) {
  return compiled(pattern).ok();
}

bool is_rfc3339(std::string_view text) {
  return full(text, R"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d))");
}

std::string bad_dns_label(std::string_view name) {
  if (name.size() > 63) return at_most(63);
  if (full(name, kLabel)) return {};
  return "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
         "and "
         "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex "
         "used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
}

std::string bad_dns_subdomain(std::string_view name) {
  if (name.size() > 253) return at_most(253);
  if (full(name, kSubdomain)) return {};
  return "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' "
         "or "
         "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex "
         "used "
         "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
}

std::string bad_path_segment(std::string_view name) {
  if (name == "." || name == "..") return "may not be '" + std::string(name) + "'";
  for (const char* part : {"/", "%"}) {
    if (name.find(part) != std::string_view::npos)
      return std::string("may not contain '") + part + "'";
  }
  return {};
}

std::string bad_label_value(std::string_view value) {
  if (value.size() > 63) return at_most(63);
  if (full(value, kLabelValue)) return {};
  return "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
         "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or "
         "'my_value',  or '12345', regex used for validation is "
         "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
}

std::string bad_qualified_name(std::string_view name) {
  const std::size_t slash = name.find('/');
  if (slash != std::string_view::npos) {
    const std::string_view prefix = name.substr(0, slash);
    if (prefix.empty()) return "prefix part must be non-empty";
    if (const std::string bad = bad_dns_subdomain(prefix); !bad.empty())
      return "prefix part " + bad;
    name.remove_prefix(slash + 1);
  }
  if (name.empty()) return "name part must be non-empty";
  if (name.size() > 63) return "name part " + at_most(63);
  if (full(name, kQualified)) return {};
  return "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and "
         "end "
         "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used "
         "for "
         "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
}

std::string bad_config_map_key(std::string_view key) {
  if (key.size() > 253) return at_most(253);
  if (key == ".") return "must not be '.'";
  if (key == "..") return "must not be '..'";
  if (key.starts_with("..")) return "must not start with '..'";
  if (full(key, "[-._a-zA-Z0-9]+")) return {};
  return "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. "
         "'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is "
         "'[-._a-zA-Z0-9]+')";
}

}  // namespace sluice::sandbox
