#include "decryption_keys.hpp"

#include <optional>
#include <set>

#include "sluice/base/ascii.hpp"
#include "sluice/base/encoding.hpp"
#include "sluice/decrypt/flux_credentials.hpp"
#include "sluice/decrypt/pgp_keys.hpp"
#include "sluice/http/secret_json.hpp"
#include "sluice/kube/secret_data.hpp"
#include "sluice/yaml/read.hpp"

#include "service_account_keys.hpp"

namespace sluice::reconciler {
namespace {

using decrypt::KeyServices;

constexpr char kVaultToken[] = "sops.vault-token";
constexpr char kVaultAddresses[] = "sops.vault-addresses";
constexpr char kAws[] = "sops.aws-kms";
constexpr char kAzure[] = "sops.azure-kv";
constexpr char kGcp[] = "sops.gcp-kms";

std::shared_ptr<const crypto::SecretBytes> trimmed(const crypto::SecretBytes& bytes) {
  return std::make_shared<const crypto::SecretBytes>(
      crypto::SecretBytes::copy_of(trim(bytes.reveal_text())));
}

/// What Flux says of an entry that it cannot use.
Error unusable(Error error, const std::string& entry, const std::string& secret) {
  return std::move(error).prefix("failed to import '" + entry +
                                 "' data from sops decryption Secret '" + secret + "': ");
}

}  // namespace

KeyRing::KeyRing(kube::Client& client, DecryptionOptions options)
    : client_(client), options_(std::move(options)) {
  if (const auto& remote = options_.remote) {
    own_ = {decrypt::make_aws_key_service(remote, {nullptr, {}, /*use_profile_of_file=*/false}),
            decrypt::make_gcp_key_service(remote), decrypt::make_azure_key_service(remote),
            decrypt::make_huawei_key_service(remote)};
    decrypt::VaultCredentials vault;
    if (!options_.vault_config.empty()) {
      vault.login = [this](const std::string& address, const CancelToken& cancel) {
        return vault_login(address, options_.service_account_namespace, options_.service_account,
                           cancel);
      };
    }
    own_.push_back(decrypt::make_vault_key_service(remote, std::move(vault)));
  }
}

/// kustomize-controller's ConfigMap: `config.yaml` with `instances: [{address, loginPath}]`. The
/// role is NAMESPACE_NAME of the service account, the token's audience the server's address.
Result<std::optional<decrypt::VaultLogin>> KeyRing::vault_login(const std::string& address,
                                                                const std::string& ns,
                                                                const std::string& service_account,
                                                                const CancelToken& cancel) {
  const std::string& config_ns = options_.vault_config_namespace;
  const std::string place = "ConfigMap '" + config_ns + "/" + options_.vault_config + "'";
  auto map = client_.get({Gvk::from("v1", "ConfigMap"), config_ns, options_.vault_config}, cancel);
  if (!map) return fail(std::move(map).error().prefix("failed to get Vault " + place + ": "));
  const yaml::Node text = map->root().find("data", "config.yaml");
  if (!text.is_string()) {
    return fail(Code::kInvalid, "Vault " + place + " is missing the 'config.yaml' key");
  }
  auto config = yaml::read_yaml(text.text(), FileId::kNone);
  if (!config) {
    return fail(
        std::move(config).error().prefix("failed to parse 'config.yaml' in Vault " + place + ": "));
  }
  const yaml::Node instances =
      config->empty() ? yaml::Node() : config->front().root().get("instances");
  for (std::size_t i = 0; i < instances.size(); ++i) {
    std::string_view known = instances.at(i).get("address").text();
    while (known.ends_with('/'))
      known.remove_suffix(1);
    if (known != address) continue;
    decrypt::VaultLogin login;
    login.path = std::string(instances.at(i).get("loginPath").text());
    while (login.path.starts_with('/'))
      login.path.erase(0, 1);
    login.role = ns + "_" + service_account;
    auto jwt = client_.request_token(ns, service_account, address, cancel);
    if (!jwt) {
      return fail(std::move(jwt).error().prefix(
          "failed to issue Kubernetes token for Vault authentication: "));
    }
    login.jwt = *std::move(jwt);
    return std::optional(std::move(login));
  }
  return std::optional<decrypt::VaultLogin>();
}

Result<std::pair<std::string, std::string>> service_account_of(const crypto::SecretBytes& token) {
  std::string_view text = token.reveal_text();
  const std::size_t first = text.find('.');
  const std::size_t second = text.find('.', first == std::string_view::npos ? 0 : first + 1);
  const auto broken = [] {
    return fail(Code::kInvalid,
                "the token of the controller's service account is none of Kubernetes");
  };
  if (first == std::string_view::npos || second == std::string_view::npos) return broken();
  std::string claims;
  for (const char c : text.substr(first + 1, second - first - 1))
    claims += c == '-' ? '+' : c == '_' ? '/' : c;
  while (claims.size() % 4 != 0)
    claims += '=';
  const auto json =
      base64_decode(claims);  // the middle part is no secret: the signature makes it one
  const std::string subject = json ? http::json_text(*json, {"sub"}) : std::string();
  constexpr std::string_view kPrefix = "system:serviceaccount:";
  const std::size_t colon = subject.find(':', kPrefix.size());
  if (!subject.starts_with(kPrefix) || colon == std::string::npos || colon == kPrefix.size() ||
      colon + 1 == subject.size()) {
    return broken();
  }
  return std::pair(subject.substr(kPrefix.size(), colon - kPrefix.size()),
                   subject.substr(colon + 1));
}

Result<KeyRing::Clouds> KeyRing::clouds(const std::string& ns, const std::string& service_account,
                                        const CancelToken& cancel) {
  if (service_account.empty() || !options_.remote) return Clouds{own_, {}, {}};
  auto object = client_.get({Gvk::from("v1", "ServiceAccount"), ns, service_account}, cancel);
  if (!object) {
    return fail(std::move(object).error().prefix("failed to get service account '" + ns + "/" +
                                                 service_account + "': "));
  }
  const yaml::Node root = std::as_const(*object).root();
  const std::string version(root.find("metadata", "resourceVersion").string_or(""));
  Clouds found;
  found.held_as = "ServiceAccount " + service_account;
  found.version = version;
  {
    const std::lock_guard lock(mutex_);
    const auto held = accounts_.find(ns + "/" + service_account);
    if (held != accounts_.end() && !version.empty() && held->second.resource_version == version) {
      found.services = held->second.services;
      return found;
    }
  }
  const auto login = [this, ns, service_account](
                         const std::string& address,
                         const CancelToken& token) -> Result<std::optional<decrypt::VaultLogin>> {
    if (options_.vault_config.empty()) return std::optional<decrypt::VaultLogin>();
    return vault_login(address, ns, service_account, token);
  };
  found.services = service_account_keys(client_, ns, service_account, root, options_.remote, login);
  const std::lock_guard lock(mutex_);
  accounts_[ns + "/" + service_account] = {version, found.services};
  return found;
}

Result<KeyServices> KeyRing::keys(const std::string& ns, const std::string& name,
                                  const std::string& service_account, const CancelToken& cancel) {
  SLUICE_TRY(const Clouds clouds, this->clouds(ns, service_account, cancel));
  if (!name.empty()) return read(ns, name, /*age_only=*/false, clouds, cancel);
  if (!options_.age_secret.empty()) {
    return read(options_.age_secret_namespace, options_.age_secret, /*age_only=*/true, clouds,
                cancel);
  }
  const auto age = decrypt::make_age_key_service();
  const auto pgp = decrypt::make_pgp_key_service();
  age->note_missing("spec.decryption.secretRef: not set");
  pgp->note_missing("spec.decryption.secretRef: not set");
  KeyServices services{age, pgp};
  services.insert(services.end(), clouds.services.begin(), clouds.services.end());
  return services;
}

Result<KeyServices> KeyRing::read(const std::string& ns, const std::string& name, bool age_only,
                                  const Clouds& clouds, const CancelToken& cancel) {
  const std::string secret = ns + "/" + name;
  std::string version;
  SLUICE_TRY(const auto data, kube::get_secret_data(client_, ns, name, cancel, &version));
  // A Secret's entries are the same whoever else is asked, but the services stand in one list.
  const std::string held_as = secret + (age_only ? " age " : " ") + clouds.held_as;
  {
    const std::lock_guard lock(mutex_);
    const auto found = held_.find(held_as);
    if (found != held_.end() && !version.empty() &&
        found->second.resource_version == version + " " + clouds.version) {
      return found->second.services;
    }
  }
  const auto age = decrypt::make_age_key_service();
  const auto pgp = decrypt::make_pgp_key_service();  // nobody is there to ask for a passphrase
  KeyServices services{age, pgp};
  std::set<std::string_view> given;  // types
  for (const auto& [entry, value] : data) {
    const std::string origin = "Secret " + secret + " entry \"" + entry + "\"";
    if (entry.ends_with(".agekey")) {
      SLUICE_CHECK(age->add_identities(value, origin));
      continue;
    }
    age->note_missing(origin + ": not a *.agekey");
    if (age_only) continue;
    if (entry.ends_with(".asc")) {
      SLUICE_CHECK(pgp->add_keys(value, origin));
      continue;
    }
    if (!options_.remote) continue;
    std::shared_ptr<decrypt::KeyService> service;
    if (entry == kVaultToken) {
      decrypt::VaultCredentials credentials{trimmed(value), origin, {}, {}};
      if (const auto addresses = data.find(kVaultAddresses); addresses != data.end()) {
        auto trusted = decrypt::TrustedHosts::parse(addresses->second.reveal_text());
        if (!trusted) return fail(unusable(std::move(trusted).error(), kVaultAddresses, secret));
        credentials.trusted = *std::move(trusted);
      }
      service = decrypt::make_vault_key_service(options_.remote, std::move(credentials));
    } else if (entry == kAws) {
      auto credentials = decrypt::read_aws_credentials(value);
      if (!credentials) return fail(unusable(std::move(credentials).error(), entry, secret));
      service = decrypt::make_aws_key_service(
          options_.remote, {*std::move(credentials), origin, /*use_profile_of_file=*/false});
    } else if (entry == kAzure) {
      auto credentials = decrypt::read_azure_credentials(value);
      if (!credentials) return fail(unusable(std::move(credentials).error(), entry, secret));
      service = decrypt::make_azure_key_service(options_.remote, {*std::move(credentials), origin});
    } else if (entry == kGcp) {
      service = decrypt::make_gcp_key_service(options_.remote, {trimmed(value), origin});
    } else {
      continue;
    }
    given.insert(service->type());
    services.push_back(std::move(service));
  }
  // What the Secret has goes before what the controller has; of one kind only the Secret's is used.
  for (const auto& service : clouds.services) {
    if (!given.contains(service->type())) services.push_back(service);
  }
  const std::lock_guard lock(mutex_);
  held_[held_as] = {version + " " + clouds.version, services};
  return services;
}

}  // namespace sluice::reconciler
