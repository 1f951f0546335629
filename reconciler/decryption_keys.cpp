#include "decryption_keys.hpp"

#include "sluice/kube/secret_data.hpp"

namespace sluice::reconciler {
namespace {

/// Entries of the Secret that Flux gives to other key services.
bool is_other_key(std::string_view entry) {
  return entry.ends_with(".asc") || entry == "sops.vault-token" || entry == "sops.aws-kms" ||
         entry == "sops.azure-kv" || entry == "sops.gcp-kms";
}

}  // namespace

Result<decrypt::KeyServices> decryption_keys(kube::Client& client, const std::string& ns,
                                             const std::string& name, const CancelToken& cancel) {
  const auto age = decrypt::make_age_key_service();
  if (name.empty()) {
    age->note_missing("spec.decryption.secretRef: not set");
    return decrypt::KeyServices{age};
  }
  SLUICE_TRY(const auto data, kube::get_secret_data(client, ns, name, cancel));
  std::string others;
  for (const auto& [entry, value] : data) {
    const std::string origin = "Secret " + ns + "/" + name + " entry \"" + entry + "\"";
    if (entry.ends_with(".agekey")) {
      SLUICE_CHECK(age->add_identities(value, origin));
    } else {
      age->note_missing(origin + ": not a *.agekey");
      if (is_other_key(entry)) others += (others.empty() ? "" : ", ") + entry;
    }
  }
  if (age->identities() == 0 && !others.empty()) {
    return fail(Code::kUnsupported,
                "Secret " + ns + "/" + name +
                    " holds only keys that this version of sluice cannot use: " + others,
                Where{}, "add an age key as an entry that ends in .agekey");
  }
  return decrypt::KeyServices{age};
}

}  // namespace sluice::reconciler
