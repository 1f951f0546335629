#pragma once
/// Master keys as people name them: on the command line, in .sops.yaml, in messages. Follows the
/// keysource.go files of SOPS 3.13. Knows no key material and asks nobody.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/result.hpp"
#include "sluice/decrypt/decryptor.hpp"

namespace sluice::decrypt {

/// What a list of AWS keys is given beside their ARNs.
struct KmsSettings {
  std::map<std::string, std::string> context;
  std::string profile;
};

/// The keys of a comma-separated list: age recipients, fingerprints, `ARN[+ROLE]`, resource ids,
/// `region:id`, key URLs. `type` as in MasterKey. "" gives none. An Azure key may lack its version:
/// see complete_keys(). Errors: kInvalid naming the entry.
Result<std::vector<MasterKey>> parse_master_keys(std::string_view type, std::string_view list,
                                                 const KmsSettings& kms = {});

inline constexpr std::string_view kReasonContext = "encryption context";  // sops ends with 6
/// `a:1,b:2` of --encryption-context. Errors: kInvalid with kReasonContext.
Result<std::map<std::string, std::string>> parse_kms_context(std::string_view text);

/// How SOPS prints the key, which is also what makes two keys the same: `age1…`, a fingerprint,
/// `ARN+ROLE|context|profile`.
std::string master_key_text(const MasterKey& key);

/// Sets `id` from the fields; for keys that were built by hand.
void name_master_key(MasterKey& key);

}  // namespace sluice::decrypt
