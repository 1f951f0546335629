#include "service_account_keys.hpp"

#include <algorithm>
#include <array>

#include "sluice/base/ascii.hpp"
#include "sluice/yaml/write.hpp"

namespace sluice::reconciler {
namespace {

constexpr char kRoleArn[] = "eks.amazonaws.com/role-arn";
constexpr char kTenant[] = "azure.workload.identity/tenant-id";
constexpr char kClient[] = "azure.workload.identity/client-id";
constexpr char kProvider[] = "gcp.auth.fluxcd.io/workload-identity-provider";
constexpr char kEmail[] = "iam.gke.io/gcp-service-account";

constexpr char kAwsToken[] = "/serviceaccount/token/aws";
constexpr char kAzureToken[] = "/serviceaccount/token/azure";
constexpr char kGcpToken[] = "/serviceaccount/token/gcp";

/// What the cloud services see instead of the controller's surroundings: variables and files that
/// say "workload identity", with tokens that are asked for when they are read. Of the controller's
/// variables only those that say where servers are.
class AccountSurroundings final : public http::Surroundings {
 public:
  AccountSurroundings(kube::Client& client, std::string ns, std::string name,
                      std::shared_ptr<http::Surroundings> base,
                      std::map<std::string, std::string> variables, std::string gcp_credentials,
                      std::string gcp_audience)
      : client_(client),
        ns_(std::move(ns)),
        name_(std::move(name)),
        base_(std::move(base)),
        variables_(std::move(variables)),
        gcp_credentials_(std::move(gcp_credentials)),
        gcp_audience_(std::move(gcp_audience)) {}

  std::string variable(const std::string& name) override {
    if (const auto found = variables_.find(name); found != variables_.end()) return found->second;
    static constexpr std::array<std::string_view, 18> kServers = {"AWS_ENDPOINT_URL",
                                                                  "AWS_ENDPOINT_URL_KMS",
                                                                  "AWS_ENDPOINT_URL_STS",
                                                                  "AWS_USE_FIPS_ENDPOINT",
                                                                  "AWS_STS_REGIONAL_ENDPOINTS",
                                                                  "AWS_USE_DUALSTACK_ENDPOINT",
                                                                  "AWS_REGION",
                                                                  "AWS_DEFAULT_REGION",
                                                                  "AZURE_AUTHORITY_HOST",
                                                                  "SOPS_GCP_KMS_ENDPOINT",
                                                                  "SOPS_GCP_KMS_UNIVERSE_DOMAIN",
                                                                  "VAULT_CACERT",
                                                                  "VAULT_CAPATH",
                                                                  "VAULT_CLIENT_CERT",
                                                                  "VAULT_CLIENT_KEY",
                                                                  "VAULT_TLS_SERVER_NAME",
                                                                  "VAULT_SKIP_VERIFY",
                                                                  "VAULT_NAMESPACE"};
    const bool is_server = std::find(kServers.begin(), kServers.end(), name) != kServers.end();
    return is_server ? base_->variable(name) : std::string();
  }
  crypto::SecretBytes secret_variable(const std::string& name) override {
    if (name != "GOOGLE_CREDENTIALS" || gcp_credentials_.empty()) return {};
    return crypto::SecretBytes::copy_of(std::string_view(gcp_credentials_));  // holds no secret
  }
  Result<crypto::SecretBytes> file(const std::string& path) override {
    const std::string audience = path == kAwsToken     ? "sts.amazonaws.com"
                                 : path == kAzureToken ? "api://AzureADTokenExchange"
                                 : path == kGcpToken   ? gcp_audience_
                                                       : std::string();
    if (!audience.empty()) return client_.request_token(ns_, name_, audience, CancelToken());
    const bool is_server_file =
        std::any_of(std::begin(kFiles), std::end(kFiles),
                    [&](const char* variable) { return base_->variable(variable) == path; });
    if (is_server_file && !path.empty()) return base_->file(path);
    return fail(Code::kNotFound, path + ": not for a service account");
  }
  std::string host_name() override { return base_->host_name(); }
  std::string home() override { return {}; }

 private:
  static constexpr const char* kFiles[] = {"VAULT_CACERT", "VAULT_CLIENT_CERT", "VAULT_CLIENT_KEY"};

  kube::Client& client_;
  std::string ns_, name_;
  std::shared_ptr<http::Surroundings> base_;
  std::map<std::string, std::string> variables_;
  std::string gcp_credentials_, gcp_audience_;
};

/// Stands for a cloud that the ServiceAccount is not set up for.
class NotSetUp final : public decrypt::KeyService {
 public:
  NotSetUp(std::string type, Error error, std::string place)
      : type_(std::move(type)), error_(std::move(error)), place_(std::move(place)) {}
  std::string_view type() const override { return type_; }
  std::vector<std::string> looked_in() const override { return {place_}; }
  Result<crypto::SecretBytes> unwrap(const decrypt::MasterKey&, const CancelToken&) override {
    return fail(error_);
  }

 private:
  std::string type_;
  Error error_;
  std::string place_;
};

bool is_word(char c) {
  return is_letter_or_digit(c) || c == '-';
}

/// `^arn:aws[\w-]*:iam::[0-9]{1,30}:role/.{1,200}$`
bool is_role_arn(std::string_view text) {
  if (!text.starts_with("arn:aws")) return false;
  const std::size_t partition = text.find(':', 4);
  constexpr std::string_view kService = ":iam::";
  if (partition == std::string_view::npos || !text.substr(partition).starts_with(kService)) {
    return false;
  }
  const auto in_partition = text.substr(7, partition - 7);
  text.remove_prefix(partition + kService.size());
  const std::size_t end = text.find(":role/");
  if (end == std::string_view::npos || end == 0 || end > 30) return false;
  const std::string_view account = text.substr(0, end), role = text.substr(end + 6);
  return std::all_of(account.begin(), account.end(), is_digit) && !role.empty() &&
         role.size() <= 200 && role.find('\n') == std::string_view::npos &&
         std::all_of(in_partition.begin(), in_partition.end(),
                     [](char c) { return is_word(c) || c == '_'; });
}

/// `^projects/\d{1,30}/locations/global/workloadIdentityPools/[^/]{1,100}/providers/[^/]{1,100}$`
bool is_workload_provider(std::string_view text) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t slash = text.find('/');
    parts.push_back(text.substr(0, slash));
    if (slash == std::string_view::npos) break;
    text.remove_prefix(slash + 1);
  }
  const auto short_enough = [](std::string_view part, std::size_t most) {
    return !part.empty() && part.size() <= most;
  };
  return parts.size() == 8 && parts[0] == "projects" && short_enough(parts[1], 30) &&
         std::all_of(parts[1].begin(), parts[1].end(), is_digit) && parts[2] == "locations" &&
         parts[3] == "global" && parts[4] == "workloadIdentityPools" &&
         short_enough(parts[5], 100) && parts[6] == "providers" && short_enough(parts[7], 100);
}

/// `^[a-zA-Z0-9-]{1,100}@[a-zA-Z0-9-]{1,100}\.iam\.gserviceaccount\.com$`
bool is_google_account(std::string_view text) {
  constexpr std::string_view kDomain = ".iam.gserviceaccount.com";
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos || !text.ends_with(kDomain)) return false;
  const std::string_view name = text.substr(0, at);
  const std::string_view project = text.substr(at + 1, text.size() - at - 1 - kDomain.size());
  const auto plain = [](std::string_view part) {
    return !part.empty() && part.size() <= 100 && std::all_of(part.begin(), part.end(), is_word);
  };
  return plain(name) && plain(project);
}

/// The credentials file that Google's libraries would be given.
std::string google_credentials(const std::string& audience, const std::string& email) {
  yaml::Document json;
  const yaml::Ref root = json.root();
  root.set_mapping();
  root.put_string("type", "external_account");
  root.put_string("audience", audience);
  root.put_string("subject_token_type", "urn:ietf:params:oauth:token-type:jwt");
  root.put_string("token_url", "https://sts.googleapis.com/v1/token");
  if (!email.empty()) {
    root.put_string("service_account_impersonation_url",
                    "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/" + email +
                        ":generateAccessToken");
  }
  root.put_mapping("credential_source").put_string("file", kGcpToken);
  std::string text;
  (void)yaml::write_go_json(std::as_const(json).root(), text, {});
  return text;
}

}  // namespace

decrypt::KeyServices service_account_keys(kube::Client& client, const std::string& ns,
                                          const std::string& name, yaml::Node object,
                                          const std::shared_ptr<decrypt::RemoteContext>& remote,
                                          std::function<Result<std::optional<decrypt::VaultLogin>>(
                                              const std::string&, const CancelToken&)>
                                              vault_login) {
  const auto annotation = [&object](const char* key) {
    return std::string(object.find("metadata", "annotations", key).string_or(""));
  };
  const std::string place = "ServiceAccount " + ns + "/" + name;
  const auto not_set_up = [&](const char* type, const char* key, const std::string& value) {
    const std::string what = value.empty() ? "has no annotation " + std::string(key)
                                           : "has an annotation " + std::string(key) + " \"" +
                                                 value + "\" that is not of its form";
    return std::make_shared<NotSetUp>(type, Error(Code::kInvalid, place + " " + what), place);
  };

  const std::string role = annotation(kRoleArn);
  const std::string tenant = annotation(kTenant), client_id = annotation(kClient);
  const std::string provider = annotation(kProvider), email = annotation(kEmail);
  const std::string audience = "//iam.googleapis.com/" + provider;
  std::map<std::string, std::string> variables = {{"AWS_EC2_METADATA_DISABLED", "true"}};
  if (is_role_arn(role)) {
    variables["AWS_ROLE_ARN"] = role;
    variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = kAwsToken;
    variables["AWS_ROLE_SESSION_NAME"] = (name + "." + ns + ".fluxcd.io").substr(0, 64);
  }
  if (!tenant.empty() && !client_id.empty()) {
    variables["AZURE_TENANT_ID"] = tenant;
    variables["AZURE_CLIENT_ID"] = client_id;
    variables["AZURE_FEDERATED_TOKEN_FILE"] = kAzureToken;
  }
  const bool has_google =
      is_workload_provider(provider) && (email.empty() || is_google_account(email));
  const auto context =
      decrypt::with_surroundings(remote, [&](std::shared_ptr<http::Surroundings> base) {
        return std::make_shared<AccountSurroundings>(
            client, ns, name, std::move(base), std::move(variables),
            has_google ? google_credentials(audience, email) : std::string(), audience);
      });

  decrypt::KeyServices services;
  if (is_role_arn(role)) {
    services.push_back(decrypt::make_aws_key_service(context, {nullptr, {}, false}));
  } else {
    services.push_back(not_set_up("kms", kRoleArn, role));
  }
  if (has_google) {
    services.push_back(decrypt::make_gcp_key_service(context));
  } else {
    services.push_back(is_workload_provider(provider) ? not_set_up("gcp_kms", kEmail, email)
                                                      : not_set_up("gcp_kms", kProvider, provider));
  }
  if (!tenant.empty() && !client_id.empty()) {
    services.push_back(decrypt::make_azure_key_service(context));
  } else {
    services.push_back(not_set_up("azure_kv", tenant.empty() ? kTenant : kClient, {}));
  }
  decrypt::VaultCredentials vault;
  vault.login = std::move(vault_login);
  services.push_back(decrypt::make_vault_key_service(context, std::move(vault)));
  return services;
}

}  // namespace sluice::reconciler
