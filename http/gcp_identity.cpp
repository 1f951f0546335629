#include "sluice/http/gcp_identity.hpp"

#include <algorithm>
#include <mutex>

#include "sluice/http/secret_json.hpp"
#include "sluice/http/url.hpp"

#include "bearer.hpp"
#include "identity.hpp"

namespace sluice::http {
namespace {

using crypto::SecretBytes;
using std::chrono::seconds;

constexpr char kScopes[] =
    "https://www.googleapis.com/auth/cloud-platform https://www.googleapis.com/auth/cloudkms";
constexpr char kTokenUri[] = "https://oauth2.googleapis.com/token";
constexpr char kHint[] =
    "run `gcloud auth application-default login`, or set "
    "GOOGLE_APPLICATION_CREDENTIALS";

bool is_google(const std::string& text) {
  const auto url = parse_url(text);
  return url && url->scheme == "https" && url->port.empty() &&
         (url->host == "accounts.google.com" || url->host.ends_with(".googleapis.com"));
}

std::int64_t unix_seconds(WallTime time) {
  return std::chrono::duration_cast<seconds>(time.time_since_epoch()).count();
}

}  // namespace

struct GcpIdentity::State : IdentityState<SecretBytes> {
  using IdentityState::IdentityState;
  Bearer kept;

  Result<Bearer> post_form(const std::string& url, crypto::SecretBuffer form,
                           const std::string& what, const CancelToken& cancel) {
    Request request;
    request.method = "POST";
    request.url = url;
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
    request.secret_body = std::make_shared<const SecretBytes>(std::move(form).take());
    auto answer = exchange.retried(std::move(request), cancel);
    if (!answer) return fail(std::move(answer).error().prefix(what + ": "));
    return read_bearer(*answer, what, clock.wall());
  }

  Result<std::string> token_uri(std::string_view json) {
    std::string uri = json_text(json, {"token_uri"});
    if (uri.empty()) uri = kTokenUri;
    if (given && !is_google(uri)) {
      return fail(Code::kDenied,
                  origin + ": token_uri \"" + uri + "\" is not a server of Google's");
    }
    return uri;
  }

  Result<Bearer> service_account(std::string_view json, const CancelToken& cancel) {
    const std::string email = json_text(json, {"client_email"});
    const auto pem = secret_json_string(json, {"private_key"});
    if (email.empty() || !pem) {
      return fail(Code::kInvalid,
                  origin + ": a service account needs client_email and private_key");
    }
    auto key = crypto::read_private_key(*pem);
    if (!key) return fail(std::move(key).error().prefix(origin + ": "));
    SLUICE_TRY(const std::string uri, token_uri(json));
    const std::int64_t now = unix_seconds(clock.wall());
    const std::string id = json_text(json, {"private_key_id"});
    const std::string header = "{\"alg\":\"RS256\",\"typ\":\"JWT\"" +
                               (id.empty() ? std::string() : ",\"kid\":" + json_string(id)) + "}";
    const std::string payload = "{\"iss\":" + json_string(email) + ",\"scope\":\"" + kScopes +
                                "\",\"aud\":" + json_string(uri) +
                                ",\"iat\":" + std::to_string(now) +
                                ",\"exp\":" + std::to_string(now + 3600) + "}";
    SLUICE_TRY(const auto jwt, sign_jwt(header, payload, *key, crypto::RsaSignature::kPkcs1));
    crypto::SecretBuffer form(jwt.size() + 128);
    form.append("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=");
    append_percent(form, jwt.reveal_text());
    return post_form(uri, std::move(form), "service account " + email, cancel);
  }

  Result<Bearer> authorized_user(std::string_view json, const CancelToken& cancel) {
    const auto secret = secret_json_string(json, {"client_secret"});
    const auto refresh = secret_json_string(json, {"refresh_token"});
    if (!secret || !refresh) {
      return fail(Code::kInvalid, origin + ": a user needs client_secret and refresh_token");
    }
    SLUICE_TRY(const std::string uri, token_uri(json));
    crypto::SecretBuffer form(1024);
    form.append("grant_type=refresh_token&client_id=");
    append_percent(form, json_text(json, {"client_id"}));
    form.append("&client_secret=");
    append_percent(form, secret->reveal_text());
    form.append("&refresh_token=");
    append_percent(form, refresh->reveal_text());
    return post_form(uri, std::move(form), "the user's refresh token", cancel);
  }

  Result<SecretBytes> subject_token(std::string_view json, const CancelToken& cancel) {
    const auto source = find_json(json, {"credential_source"});
    if (!source) return fail(Code::kInvalid, origin + ": no credential_source");
    if (find_json(*source, {"executable"})) {
      return fail(Code::kUnsupported,
                  origin + ": credential_source.executable is a program, and sluice starts none");
    }
    if (find_json(*source, {"environment_id"})) {
      return fail(Code::kUnsupported, origin + ": credential_source of AWS is not supported");
    }
    SecretBytes text;
    if (const std::string file = json_text(*source, {"file"}); !file.empty()) {
      SLUICE_TRY(text, surroundings->file(file));
      note(file);
    } else if (const std::string url = json_text(*source, {"url"}); !url.empty()) {
      Request request;
      request.url = url;
      if (const auto headers = find_json(*source, {"headers"})) {
        JsonScanner scanner(*headers);
        std::string_view name, value;
        if (scanner.take('{')) {
          while (scanner.string(name) && scanner.take(':') && scanner.string(value)) {
            request.headers.emplace_back(name, value);
            if (!scanner.take(',')) break;
          }
        }
      }
      SLUICE_TRY(const auto answer, exchange.retried(std::move(request), cancel));
      if (answer.status != 200) {
        return fail(Code::kDenied, origin + ": the credential source answered with status " +
                                       std::to_string(answer.status));
      }
      text = answer.secret_body->clone();
    } else {
      return fail(Code::kUnsupported, origin + ": credential_source is neither a file nor a URL");
    }
    const std::string name = json_text(*source, {"format", "subject_token_field_name"});
    if (json_text(*source, {"format", "type"}) == "json") {
      auto token = secret_json_string(text.reveal_text(), {std::string_view(name)});
      if (!token)
        return fail(Code::kInvalid, origin + ": no \"" + name + "\" in the credential source");
      return *std::move(token);
    }
    return without_blanks_around(text);
  }

  Result<Bearer> external_account(std::string_view json, const CancelToken& cancel) {
    if (given) {
      return fail(Code::kUnsupported,
                  origin +
                      ": external_account could name any file and server, so it is taken from "
                      "the operator's own configuration only",
                  Where{}, "use a service account's key, or workload identity of the controller");
    }
    SLUICE_TRY(const SecretBytes subject, subject_token(json, cancel));
    std::string url = json_text(json, {"token_url"});
    if (url.empty()) url = "https://sts.googleapis.com/v1/token";
    const std::string impersonate = json_text(json, {"service_account_impersonation_url"});
    crypto::SecretBuffer form(subject.size() + 1024);
    form.append(
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange"
        "&requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token"
        "&audience=");
    append_percent(form, json_text(json, {"audience"}));
    form.append("&scope=");
    append_percent(form, kScopes);
    form.append("&subject_token_type=");
    append_percent(form, json_text(json, {"subject_token_type"}));
    form.append("&subject_token=");
    append_percent(form, subject.reveal_text());
    SLUICE_TRY(Bearer bearer,
               post_form(url, std::move(form), "workload identity federation", cancel));
    if (impersonate.empty()) return bearer;
    return impersonated(impersonate, bearer, cancel);
  }

  Result<Bearer> impersonated(const std::string& url, const Bearer& by, const CancelToken& cancel) {
    Request request;
    request.method = "POST";
    request.url = url;
    request.headers = {{"Content-Type", "application/json"}};
    request.secret_header_name = "Authorization";
    request.secret_header_value = bearer_authorization(*by.token);
    request.body =
        R"({"lifetime":"3600s","scope":["https://www.googleapis.com/auth/cloud-platform","https://www.googleapis.com/auth/cloudkms"]})";
    SLUICE_TRY(const auto answer, exchange.retried(std::move(request), cancel));
    const std::string_view text = answer.secret_body->reveal_text();
    auto token = secret_json_string(text, {"accessToken"});
    if (answer.status != 200 || !token) {
      const std::string words = json_text(text, {"error", "message"}).substr(0, 300);
      return fail(answer.status >= 500 ? Code::kUnavailable : Code::kDenied,
                  "cannot impersonate the service account: " +
                      (words.empty() ? "status " + std::to_string(answer.status) : words));
    }
    return Bearer{std::make_shared<const SecretBytes>(*std::move(token)),
                  clock.wall() + std::chrono::minutes(55)};
  }

  Result<Bearer> from_file(std::string_view json, const CancelToken& cancel, int depth = 0) {
    const std::string type = json_text(json, {"type"});
    if (type == "service_account") return service_account(json, cancel);
    if (type == "authorized_user") return authorized_user(json, cancel);
    if (type == "external_account") return external_account(json, cancel);
    if (type == "impersonated_service_account" && !given && depth == 0) {
      const auto source = find_json(json, {"source_credentials"});
      if (!source) return fail(Code::kInvalid, origin + ": no source_credentials");
      SLUICE_TRY(const Bearer by, from_file(*source, cancel, depth + 1));
      return impersonated(json_text(json, {"service_account_impersonation_url"}), by, cancel);
    }
    if (type.empty())
      return fail(Code::kInvalid, origin + ": not a Google credentials file in JSON");
    return fail(Code::kUnsupported,
                origin + ": credentials of type \"" + type.substr(0, 60) + "\" are not supported");
  }

  Result<Bearer> metadata_server(const CancelToken& cancel) {
    std::string host = surroundings->variable("GCE_METADATA_HOST");
    if (host.empty()) host = "169.254.169.254";
    Request request;
    request.url = "http://" + host +
                  "/computeMetadata/v1/instance/service-accounts/default/token?scopes=" +
                  percent_encoded(kScopes);
    request.headers = {{"Metadata-Flavor", "Google"}};
    request.connect_timeout = seconds(1);
    request.timeout = seconds(3);
    const auto answer = exchange.once(std::move(request), cancel);
    const std::string place = "the metadata server " + host;
    if (!answer && answer.error().code() == Code::kCancelled) return fail(answer.error());
    if (!answer || answer->header("metadata-flavor") != "Google") {
      note(place + ": " + (answer ? "not Google's" : answer.error().message()));
      return fail(Code::kDenied, "could not find default credentials", Where{}, kHint);
    }
    note(place);
    return read_bearer(*answer, place, clock.wall());
  }

  Result<Bearer> fetch(const CancelToken& cancel) {
    if (given) {
      return from_file(given->reveal_text(), cancel);
    }
    auto credentials = surroundings->secret_variable("GOOGLE_CREDENTIALS");
    if (!credentials.empty()) {
      origin = "GOOGLE_CREDENTIALS";
      note(origin);
      if (!credentials.reveal_text().starts_with('{')) {  // a path
        const std::string path(credentials.reveal_text());
        auto text = surroundings->file(path);
        if (!text) return fail(std::move(text).error().prefix("GOOGLE_CREDENTIALS: "));
        credentials = *std::move(text);
      }
      return from_file(credentials.reveal_text(), cancel);
    }
    note("GOOGLE_CREDENTIALS: not set");
    auto token = surroundings->secret_variable("GOOGLE_OAUTH_ACCESS_TOKEN");
    if (!token.empty()) {
      note("GOOGLE_OAUTH_ACCESS_TOKEN");
      return Bearer{std::make_shared<const SecretBytes>(std::move(token)), {}};
    }
    std::string path = surroundings->variable("GOOGLE_APPLICATION_CREDENTIALS");
    const bool named = !path.empty();
    if (!named) {
      std::string folder = surroundings->variable("CLOUDSDK_CONFIG");
      if (folder.empty()) folder = surroundings->home() + "/.config/gcloud";
      path = folder + "/application_default_credentials.json";
    }
    auto text = surroundings->file(path);
    if (text) {
      origin = path;
      note(path);
      return from_file(text->reveal_text(), cancel);
    }
    if (named || text.error().code() != Code::kNotFound) {
      return fail(std::move(text).error().prefix(named ? "GOOGLE_APPLICATION_CREDENTIALS: " : ""));
    }
    note(path + ": no such file");
    return metadata_server(cancel);
  }
};

GcpIdentity::GcpIdentity(std::shared_ptr<Surroundings> surroundings, SecretExchange exchange,
                         Clock& clock, std::shared_ptr<const SecretBytes> given, std::string origin)
    : state_(new State(std::move(surroundings), std::move(exchange), clock, std::move(given),
                       std::move(origin))) {}
GcpIdentity::~GcpIdentity() = default;

Result<std::shared_ptr<const SecretBytes>> GcpIdentity::token(const CancelToken& cancel) {
  const std::lock_guard lock(state_->mutex);
  if (!state_->kept.fresh(state_->clock)) {
    state_->kept = {};
    SLUICE_TRY(state_->kept, state_->fetch(cancel));
  }
  return state_->kept.token;
}

void GcpIdentity::forget() {
  const std::lock_guard lock(state_->mutex);
  state_->kept = {};
}

std::vector<std::string> GcpIdentity::looked_in() const {
  return state_->places();
}

}  // namespace sluice::http
