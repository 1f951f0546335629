#pragma once
/// Checks on text: the patterns of schemas (Go's regexp syntax, through RE2) and the names that
/// Kubernetes allows.

#include <string>
#include <string_view>

namespace sluice::sandbox {

/// True when `pattern` is found in `text`. A pattern that does not compile matches everything:
/// kube-apiserver refuses it with the definition.
bool matches_pattern(const std::string& pattern, std::string_view text);
bool is_valid_pattern(const std::string& pattern);
bool is_rfc3339(std::string_view text);

// The reason why not, in kube-apiserver's words; "" when valid.
std::string bad_dns_label(std::string_view name);
std::string bad_dns_subdomain(std::string_view name);
std::string bad_path_segment(std::string_view name);
std::string bad_label_value(std::string_view value);
std::string bad_qualified_name(std::string_view name);
std::string bad_config_map_key(std::string_view key);

}  // namespace sluice::sandbox
