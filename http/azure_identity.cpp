#include "sluice/http/azure_identity.hpp"

#include <algorithm>
#include <mutex>
#include <set>

#include "sluice/base/ascii.hpp"
#include "sluice/base/encoding.hpp"
#include "sluice/crypto/aead.hpp"
#include "sluice/crypto/hash.hpp"
#include "sluice/http/secret_json.hpp"
#include "sluice/http/url.hpp"

#include "bearer.hpp"
#include "identity.hpp"

namespace sluice::http {
namespace {

using crypto::SecretBytes;
using std::chrono::seconds;

constexpr char kPublicCloud[] = "https://login.microsoftonline.com";
constexpr char kHint[] =
    "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or give the machine an identity";

/// The clouds' own authorities.
bool is_authority(const Url& url) {
  static const std::set<std::string> kHosts = {
      "login.microsoftonline.com", "login.windows.net",        "login.chinacloudapi.cn",
      "login.microsoftonline.us",  "login.microsoftonline.de", "login.partner.microsoftonline.cn"};
  return url.scheme == "https" && url.port.empty() && kHosts.contains(url.host);
}

bool is_tenant(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_letter_or_digit(c) || c == '-' || c == '.';
  });
}

std::string random_id() {
  const auto bytes = crypto::random_bytes(16);
  const auto view = bytes.reveal();
  return hex_encode({reinterpret_cast<const std::uint8_t*>(view.data()), view.size()});
}

}  // namespace

struct AzureIdentity::State : IdentityState<AzureCredentials> {
  using IdentityState::IdentityState;
  std::map<std::string, Bearer> kept;  // by resource

  /// "https://login.microsoftonline.com/TENANT/oauth2/v2.0/token".
  Result<std::string> token_url(std::string authority, const std::string& tenant, bool any_host) {
    if (authority.empty()) authority = kPublicCloud;
    const auto url = parse_url(authority);
    const bool loopback = url && (url->host == "127.0.0.1" || url->host == "localhost");
    if (!url || !(is_authority(*url) || (any_host && (url->scheme == "https" || loopback)))) {
      return fail(Code::kDenied,
                  "\"" + authority + "\" is not an authority of one of Azure's clouds");
    }
    if (!is_tenant(tenant))
      return fail(Code::kInvalid, "\"" + tenant + "\" is not an Azure tenant");
    return url->origin() + "/" + tenant + "/oauth2/v2.0/token";
  }

  Result<Bearer> post(const std::string& url, const std::string& client,
                      const std::string& resource, std::string_view parameter,
                      const SecretBytes& proof, const std::string& what,
                      const CancelToken& cancel) {
    crypto::SecretBuffer form(proof.size() + 512);
    form.append("grant_type=client_credentials&client_id=");
    append_percent(form, client);
    form.append("&scope=");
    append_percent(form, resource + "/.default");
    form.append(parameter);
    append_percent(form, proof.reveal_text());
    Request request;
    request.method = "POST";
    request.url = url;
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded"},
                       {"Accept", "application/json"}};
    request.secret_body = std::make_shared<const SecretBytes>(std::move(form).take());
    auto answer = exchange.retried(std::move(request), cancel);
    if (!answer) return fail(std::move(answer).error().prefix(what + ": "));
    return read_bearer(*answer, what, clock.wall());
  }

  Result<Bearer> with_secret(const std::string& authority, bool any_host, const std::string& tenant,
                             const std::string& client, const SecretBytes& secret,
                             const std::string& resource, const CancelToken& cancel) {
    SLUICE_TRY(const std::string url, token_url(authority, tenant, any_host));
    return post(url, client, resource, "&client_secret=", secret, "client secret of " + client,
                cancel);
  }

  Result<Bearer> with_assertion(const std::string& url, const std::string& client,
                                const SecretBytes& assertion, const std::string& resource,
                                const std::string& what, const CancelToken& cancel) {
    return post(url, client, resource,
                "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3A"
                "jwt-bearer&client_assertion=",
                assertion, what, cancel);
  }

  Result<Bearer> with_certificate(const std::string& authority, bool any_host,
                                  const std::string& tenant, const std::string& client,
                                  const SecretBytes& certificate, const SecretBytes& password,
                                  bool send_chain, const std::string& resource,
                                  const CancelToken& cancel) {
    SLUICE_TRY(const std::string url, token_url(authority, tenant, any_host));
    auto read = crypto::read_certified_key(certificate, password);
    if (!read)
      return fail(std::move(read).error().prefix("client certificate of " + client + ": "));
    const Digest print = crypto::sha256(read->certificates.front());
    const auto bytes = print.bytes();
    std::string header = "{\"alg\":\"PS256\",\"typ\":\"JWT\",\"x5t#S256\":\"" +
                         base64url({reinterpret_cast<const char*>(bytes.data()), bytes.size()}) +
                         "\"";
    if (send_chain) {
      header += ",\"x5c\":[";
      for (std::size_t i = 0; i < read->certificates.size(); ++i)
        header += (i == 0 ? "\"" : ",\"") + base64_encode(read->certificates[i]) + "\"";
      header += "]";
    }
    header += "}";
    const auto now = std::chrono::duration_cast<seconds>(clock.wall().time_since_epoch()).count();
    const std::string payload =
        "{\"aud\":" + json_string(url) + ",\"exp\":" + std::to_string(now + 600) +
        ",\"iss\":" + json_string(client) + ",\"jti\":\"" + random_id() +
        "\",\"nbf\":" + std::to_string(now) + ",\"sub\":" + json_string(client) + "}";
    SLUICE_TRY(const auto jwt, sign_jwt(header, payload, read->key, crypto::RsaSignature::kPss));
    return with_assertion(url, client, jwt, resource, "client certificate of " + client, cancel);
  }

  Result<Bearer> managed(const std::string& client, const std::string& resource,
                         const CancelToken& cancel) {
    Request request;
    std::string place;
    const std::string endpoint = variable("IDENTITY_ENDPOINT");
    if (!endpoint.empty()) {  // App Service
      auto header = surroundings->secret_variable("IDENTITY_HEADER");
      request.url = endpoint + "?api-version=2019-08-01&resource=" + percent_encoded(resource);
      request.secret_header_name = "X-IDENTITY-HEADER";
      request.secret_header_value = std::make_shared<const SecretBytes>(std::move(header));
      place = "the managed identity at IDENTITY_ENDPOINT";
    } else {
      std::string base = variable("AZURE_POD_IDENTITY_AUTHORITY_HOST");
      if (base.empty()) base = "http://169.254.169.254";
      while (base.ends_with('/'))
        base.pop_back();
      request.url = base + "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=" +
                    percent_encoded(resource);
      request.headers = {{"Metadata", "true"}};
      request.connect_timeout = seconds(1);
      place = "the managed identity of this machine (" + base + ")";
    }
    if (!client.empty()) request.url += "&client_id=" + percent_encoded(client);
    const auto answer = exchange.once(std::move(request), cancel);
    if (!answer && answer.error().code() == Code::kCancelled) return fail(answer.error());
    if (!answer || (answer->status != 200 && !client_error_of_metadata(*answer))) {
      note(place + ": " +
           (answer ? "status " + std::to_string(answer->status) : answer.error().message()));
      return fail(Code::kDenied, "no Azure credentials were found", Where{}, kHint);
    }
    note(place);
    return read_bearer(*answer, place, clock.wall());
  }
  /// The metadata service's own words, rather than somebody else's page on that address.
  static bool client_error_of_metadata(const Response& answer) {
    return answer.status == 400 && !json_text(answer.secret_body->reveal_text(), {"error"}).empty();
  }

  Result<Bearer> from_given(const std::string& resource, const CancelToken& cancel) {
    const AzureCredentials& is = *given;
    if (is.tenant.empty()) return managed(is.client, resource, cancel);
    if (!is.secret.empty()) {
      return with_secret(is.authority_host, false, is.tenant, is.client, is.secret, resource,
                         cancel);
    }
    return with_certificate(is.authority_host, false, is.tenant, is.client, is.certificate,
                            is.certificate_password, is.send_chain, resource, cancel);
  }

  Result<Bearer> fetch(const std::string& resource, const CancelToken& cancel) {
    if (given) return from_given(resource, cancel);
    const std::string tenant = variable("AZURE_TENANT_ID");
    const std::string client = variable("AZURE_CLIENT_ID");
    const std::string authority = variable("AZURE_AUTHORITY_HOST");
    if (!tenant.empty() && !client.empty()) {
      const auto secret = surroundings->secret_variable("AZURE_CLIENT_SECRET");
      if (!secret.empty()) {
        note("AZURE_CLIENT_SECRET");
        return with_secret(authority, true, tenant, client, secret, resource, cancel);
      }
      if (const std::string path = variable("AZURE_CLIENT_CERTIFICATE_PATH"); !path.empty()) {
        auto file = surroundings->file(path);
        if (!file) return fail(std::move(file).error().prefix("AZURE_CLIENT_CERTIFICATE_PATH: "));
        note("AZURE_CLIENT_CERTIFICATE_PATH " + path);
        const std::string chain = variable("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN");
        return with_certificate(authority, true, tenant, client, *file,
                                surroundings->secret_variable("AZURE_CLIENT_CERTIFICATE_PASSWORD"),
                                chain == "1" || chain == "true", resource, cancel);
      }
      if (const std::string path = variable("AZURE_FEDERATED_TOKEN_FILE"); !path.empty()) {
        auto file = surroundings->file(path);
        if (!file) return fail(std::move(file).error().prefix("AZURE_FEDERATED_TOKEN_FILE: "));
        note("AZURE_FEDERATED_TOKEN_FILE " + path);
        SLUICE_TRY(const std::string url, token_url(authority, tenant, true));
        return with_assertion(url, client, without_blanks_around(*file), resource,
                              "workload identity of " + client, cancel);
      }
      note(
          "AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH, AZURE_FEDERATED_TOKEN_FILE: not "
          "set");
    } else {
      note("AZURE_TENANT_ID and AZURE_CLIENT_ID: not set");
    }
    return managed(client, resource, cancel);
  }
};

AzureIdentity::AzureIdentity(std::shared_ptr<Surroundings> surroundings, SecretExchange exchange,
                             Clock& clock, std::shared_ptr<const AzureCredentials> given,
                             std::string origin)
    : state_(new State(std::move(surroundings), std::move(exchange), clock, std::move(given),
                       std::move(origin))) {}
AzureIdentity::~AzureIdentity() = default;

Result<std::shared_ptr<const SecretBytes>> AzureIdentity::token(const std::string& resource,
                                                                const CancelToken& cancel) {
  const std::lock_guard lock(state_->mutex);
  Bearer& kept = state_->kept[resource];
  if (!kept.fresh(state_->clock)) {
    kept = {};
    SLUICE_TRY(kept, state_->fetch(resource, cancel));
  }
  return kept.token;
}

void AzureIdentity::forget() {
  const std::lock_guard lock(state_->mutex);
  state_->kept.clear();
}

std::vector<std::string> AzureIdentity::looked_in() const {
  return state_->places();
}

}  // namespace sluice::http
