#pragma once
/// `.sops.yaml`: which keys and which rule a new file gets, and how stores print. Follows SOPS
/// config/config.go. Reads no files itself; destination_rules (publishing) are ignored.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/result.hpp"
#include "sluice/decrypt/master_keys.hpp"
#include "sluice/yaml/document.hpp"

namespace sluice::decrypt {

/// What a file is encrypted with. Of the suffixes and expressions at most one may be set.
struct EncryptSettings {
  std::vector<std::vector<MasterKey>> groups;
  std::int64_t shamir_threshold = 0;  ///< 0: all groups
  std::string unencrypted_suffix, encrypted_suffix;
  std::string unencrypted_regex, encrypted_regex;
  std::string unencrypted_comment_regex, encrypted_comment_regex;
  bool mac_only_encrypted = false;
};

class SopsConfig {
 public:
  /// `path` is absolute: rules match paths relative to its folder. Errors: kInvalid with the place.
  static Result<SopsConfig> read(std::string_view text, std::string path);

  const std::string& path() const { return path_; }
  /// Of `stores:`; as PrintOptions has them.
  int yaml_indent() const { return yaml_indent_; }
  int json_indent() const { return json_indent_; }
  int binary_indent() const { return binary_indent_; }

  /// The first rule whose path_regex matches `file`, an absolute path; nullopt when there are no
  /// creation_rules at all. `context` goes to AWS keys outside of key groups. Errors: kNotFound (no
  /// rule matches), kInvalid, kUnsupported.
  Result<std::optional<EncryptSettings>> settings_for(
      std::string_view file, const std::map<std::string, std::string>& context = {}) const;

 private:
  yaml::Document document_;
  std::string path_;
  int yaml_indent_ = 0;
  int json_indent_ = -1;
  int binary_indent_ = -1;
};

}  // namespace sluice::decrypt
