#include "aws_shared_config.hpp"

#include <algorithm>

#include "sluice/base/ascii.hpp"

namespace sluice::http {
namespace {

/// "profile name" or "name" of a section; "" for one that is no profile.
std::string profile_of(std::string_view section, bool is_config) {
  section = trim(section);
  if (!is_config) return std::string(section);
  constexpr std::string_view kProfile = "profile";
  if (section.starts_with(kProfile) && section.size() > kProfile.size() &&
      (section[kProfile.size()] == ' ' || section[kProfile.size()] == '\t')) {
    return std::string(trim(section.substr(kProfile.size())));
  }
  return section == "default" ? std::string(section) : std::string();
}

}  // namespace

void read_aws_profiles(std::string_view text, bool is_config, AwsProfiles& into) {
  AwsProfile* profile = nullptr;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view raw = text.substr(0, end);
    text.remove_prefix(std::min(text.size(), end + 1));
    const std::string_view line = trim(raw);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      const std::string name = profile_of(line.substr(1, line.find(']') - 1), is_config);
      profile = name.empty() ? nullptr : &into[name];
      continue;
    }
    // An indented line belongs to a nested setting (s3 =, services =), of which none is ours.
    if (profile == nullptr || raw.front() == ' ' || raw.front() == '\t') continue;
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string name = to_lower(trim(line.substr(0, equals)));
    std::string_view value = trim(line.substr(equals + 1));
    for (const std::string_view comment : {" #", " ;", "\t#", "\t;"}) {
      value = trim(value.substr(0, value.find(comment)));
    }
    if (name == "aws_secret_access_key" || name == "aws_session_token") {
      profile->secrets[name] = crypto::SecretBytes::copy_of(value);
    } else {
      profile->settings[name] = std::string(value);
    }
  }
}

}  // namespace sluice::http
