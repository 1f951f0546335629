#pragma once
/// The flags of `sops encrypt` that say for whom and what: keys of every type, rules, Shamir.

#include <map>
#include <string>
#include <vector>

#include "sluice/base/result.hpp"
#include "sluice/decrypt/sops_config.hpp"

#include "flags.hpp"
#include "sops_files.hpp"

namespace sluice::cli {

/// Lists of keys by type, from --age, --pgp, … or, with a prefix, --add-age, --rm-age, ….
class KeyFlags {
 public:
  /// `prefix`: "", "add-" or "rm-". Only without one the environment is asked too
  /// (SOPS_AGE_RECIPIENTS, SOPS_PGP_FP, …).
  void add_to(Flags& flags, const std::string& prefix);
  /// As `sops groups add` has them: each may be given several times; the environment is not asked.
  void add_repeated_to(Flags& flags);
  bool any() const;
  /// In the order in which sops puts them into a group.
  Result<std::vector<decrypt::MasterKey>> keys(const decrypt::KmsSettings& kms) const;

 private:
  std::map<std::string, std::string> lists_;  // by type
};

struct EncryptFlags {
  KeyFlags keys;
  std::string context, profile;
  decrypt::EncryptSettings rules;
  long threshold = 0;

  void add_to(Flags& flags);
  /// What the file at `place` is encrypted with: flags before the rule of .sops.yaml; `services`
  /// complete the keys. Errors: kInvalid when neither names a key.
  Result<decrypt::EncryptSettings> settings(const SopsPlace& place,
                                            const decrypt::KeyServices& services) const;
};

}  // namespace sluice::cli
