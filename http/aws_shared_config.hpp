#pragma once
/// The two INI files that AWS's tools share: ~/.aws/config and ~/.aws/credentials.

#include <map>
#include <string>

#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"
#include "sluice/http/surroundings.hpp"

namespace sluice::http {

/// The settings of one profile; secret ones apart.
struct AwsProfile {
  std::map<std::string, std::string> settings;
  std::map<std::string, crypto::SecretBytes> secrets;  ///< aws_secret_access_key, aws_session_token
  std::string get(const std::string& name) const {
    const auto found = settings.find(name);
    return found == settings.end() ? std::string() : found->second;
  }
  const crypto::SecretBytes* secret(const std::string& name) const {
    const auto found = secrets.find(name);
    return found == secrets.end() ? nullptr : &found->second;
  }
};

using AwsProfiles = std::map<std::string, AwsProfile>;

/// Adds what `text` says, over what is there. In the config file a profile's section is
/// "[profile NAME]" (or "[default]"), in the credentials file "[NAME]"; other sections are passed
/// over.
void read_aws_profiles(std::string_view text, bool is_config, AwsProfiles& into);

}  // namespace sluice::http
