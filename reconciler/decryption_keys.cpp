#include "decryption_keys.hpp"

#include "sluice/decrypt/pgp_keys.hpp"
#include "sluice/kube/secret_data.hpp"

namespace sluice::reconciler {
namespace {

/// Entries of the Secret that Flux gives to other key services.
bool is_other_key(std::string_view entry) {
  return entry == "sops.vault-token" || entry == "sops.aws-kms" || entry == "sops.azure-kv" ||
         entry == "sops.gcp-kms";
}

}  // namespace

Result<decrypt::KeyServices> decryption_keys(kube::Client& client, const std::string& ns,
                                             const std::string& name, const CancelToken& cancel) {
  const auto age = decrypt::make_age_key_service();
  const auto pgp = decrypt::make_pgp_key_service();  // nobody is there to ask for a passphrase
  if (name.empty()) {
    age->note_missing("spec.decryption.secretRef: not set");
    return decrypt::KeyServices{age, pgp};
  }
  SLUICE_TRY(const auto data, kube::get_secret_data(client, ns, name, cancel));
  std::string others;
  bool has_pgp = false;
  for (const auto& [entry, value] : data) {
    const std::string origin = "Secret " + ns + "/" + name + " entry \"" + entry + "\"";
    if (entry.ends_with(".agekey")) {
      SLUICE_CHECK(age->add_identities(value, origin));
    } else if (entry.ends_with(".asc")) {
      SLUICE_CHECK(pgp->add_keys(value, origin));
      has_pgp = true;
    } else {
      age->note_missing(origin + ": not a *.agekey or *.asc");
      if (is_other_key(entry)) others += (others.empty() ? "" : ", ") + entry;
    }
  }
  if (age->identities() == 0 && !has_pgp && !others.empty()) {
    return fail(Code::kUnsupported,
                "Secret " + ns + "/" + name +
                    " holds only keys that this version of sluice cannot use: " + others,
                Where{}, "add an age key as an entry that ends in .agekey");
  }
  return decrypt::KeyServices{age, pgp};
}

}  // namespace sluice::reconciler
