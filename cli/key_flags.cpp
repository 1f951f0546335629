#include "key_flags.hpp"

#include <algorithm>
#include <cstdio>

#include "environment.hpp"

namespace sluice::cli {
namespace {

struct KeyType {
  const char* type;
  const char* flag;
  char letter;
  const char* variable;
};
constexpr KeyType kTypes[] = {{"kms", "kms", 'k', "SOPS_KMS_ARN"},
                              {"gcp_kms", "gcp-kms", 0, "SOPS_GCP_KMS_IDS"},
                              {"hckms", "hckms", 0, "SOPS_HUAWEICLOUD_KMS_IDS"},
                              {"azure_kv", "azure-kv", 0, "SOPS_AZURE_KEYVAULT_URLS"},
                              {"pgp", "pgp", 'p', "SOPS_PGP_FP"},
                              {"hc_vault", "hc-vault-transit", 0, "SOPS_VAULT_URIS"},
                              {"age", "age", 'a', "SOPS_AGE_RECIPIENTS"}};

}  // namespace

void KeyFlags::add_to(Flags& flags, const std::string& prefix) {
  for (const KeyType& key : kTypes) {
    std::string& list = lists_[key.type];
    if (prefix.empty()) {
      list = environment(key.variable);
      if (key.letter != 0) flags.alias(key.letter, key.flag);
    }
    flags.text(prefix + key.flag, list);
  }
}

void KeyFlags::add_repeated_to(Flags& flags) {
  for (const KeyType& key : kTypes) {
    std::string& list = lists_[key.type];
    flags.value(key.flag, [&list](std::string_view text) -> Result<void> {
      list += (list.empty() ? "" : ",") + std::string(text);
      return {};
    });
  }
}

bool KeyFlags::any() const {
  return std::any_of(lists_.begin(), lists_.end(),
                     [](const auto& list) { return !list.second.empty(); });
}

Result<std::vector<decrypt::MasterKey>> KeyFlags::keys(const decrypt::KmsSettings& kms) const {
  std::vector<decrypt::MasterKey> all;
  for (const KeyType& type : kTypes) {
    SLUICE_TRY(auto keys, decrypt::parse_master_keys(type.type, lists_.at(type.type), kms));
    std::move(keys.begin(), keys.end(), std::back_inserter(all));
  }
  return all;
}

void EncryptFlags::add_to(Flags& flags) {
  keys.add_to(flags, "");
  flags.text("encryption-context", context);
  flags.text("aws-profile", profile);
  flags.text("unencrypted-suffix", rules.unencrypted_suffix);
  flags.text("encrypted-suffix", rules.encrypted_suffix);
  flags.text("unencrypted-regex", rules.unencrypted_regex);
  flags.text("encrypted-regex", rules.encrypted_regex);
  flags.text("unencrypted-comment-regex", rules.unencrypted_comment_regex);
  flags.text("encrypted-comment-regex", rules.encrypted_comment_regex);
  flags.on("mac-only-encrypted", rules.mac_only_encrypted);
  flags.value("shamir-secret-sharing-threshold", [this](std::string_view text) -> Result<void> {
    SLUICE_TRY(threshold, parse_number(text, 0, 255));
    return {};
  });
}

Result<decrypt::EncryptSettings> EncryptFlags::settings(
    const SopsPlace& place, const decrypt::KeyServices& services) const {
  decrypt::EncryptSettings settings = rules;
  SLUICE_TRY(const auto kms_context, decrypt::parse_kms_context(context));
  std::optional<decrypt::EncryptSettings> rule;
  if (place.config) {
    SLUICE_TRY(rule, place.config->settings_for(place.name, kms_context));
  }
  if (rule) {
    const auto fall_back = [](std::string& flag, const std::string& configured) {
      if (flag.empty()) flag = configured;
    };
    fall_back(settings.unencrypted_suffix, rule->unencrypted_suffix);
    fall_back(settings.encrypted_suffix, rule->encrypted_suffix);
    fall_back(settings.unencrypted_regex, rule->unencrypted_regex);
    fall_back(settings.encrypted_regex, rule->encrypted_regex);
    fall_back(settings.unencrypted_comment_regex, rule->unencrypted_comment_regex);
    fall_back(settings.encrypted_comment_regex, rule->encrypted_comment_regex);
    settings.mac_only_encrypted = settings.mac_only_encrypted || rule->mac_only_encrypted;
  }
  if (place.input == decrypt::Format::kBinary &&
      !(settings.unencrypted_suffix + settings.encrypted_suffix + settings.unencrypted_regex +
        settings.encrypted_regex + settings.encrypted_comment_regex)
           .empty()) {
    std::fprintf(stderr,
                 "sluice: warning: a binary file has one value, which is always encrypted: the "
                 "suffix or regex is ignored\n");
  }
  settings.shamir_threshold = threshold != 0 ? threshold : rule ? rule->shamir_threshold : 0;
  if (keys.any()) {
    SLUICE_TRY(auto group, keys.keys({kms_context, profile}));
    settings.groups = {std::move(group)};
  } else if (rule) {
    settings.groups = std::move(rule->groups);
  } else {
    return fail(Code::kInvalid, "no keys to encrypt for", Where{},
                "give --age RECIPIENT, or write a creation rule into .sops.yaml");
  }
  for (auto& group : settings.groups)
    SLUICE_CHECK(decrypt::complete_keys(group, services, CancelToken()));
  return settings;
}

}  // namespace sluice::cli
