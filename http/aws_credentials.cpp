#include "sluice/http/aws_credentials.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "sluice/base/ascii.hpp"
#include "sluice/http/secret_json.hpp"
#include "sluice/http/url.hpp"

#include "aws_shared_config.hpp"
#include "bearer.hpp"
#include "identity.hpp"

namespace sluice::http {
namespace {

using Credentials = std::shared_ptr<const AwsCredentials>;
using std::chrono::seconds;

constexpr auto kBeforeEnd = std::chrono::minutes(5);
constexpr char kMetadata[] = "http://169.254.169.254";
constexpr std::size_t kSessionName = 64;  // sops kms/keysource.go: roleSessionNameLengthLimit

bool is_true(std::string_view text) {
  return text == "true" || text == "True" || text == "TRUE" || text == "1";
}

/// "2026-11-23T15:00:00Z", as all of AWS prints it.
std::optional<WallTime> parse_time(const std::string& text) {
  int year = 0;
  unsigned month = 0, day = 0;
  int hour = 0, minute = 0, second = 0;
  if (std::sscanf(text.c_str(), "%4d-%2u-%2uT%2d:%2d:%2d", &year, &month, &day, &hour, &minute,
                  &second) != 6) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         seconds(second);
}

/// The text of the first element `name` (STS answers in XML, without attributes or CDATA here).
std::string_view element(std::string_view xml, std::string_view name) {
  const std::string open = "<" + std::string(name) + ">";
  const std::size_t begin = xml.find(open);
  if (begin == std::string_view::npos) return {};
  const std::size_t end = xml.find("</" + std::string(name) + ">", begin);
  if (end == std::string_view::npos) return {};
  return xml.substr(begin + open.size(), end - begin - open.size());
}

Result<Credentials> credentials_of_xml(std::string_view xml, const std::string& what) {
  const std::string_view block = element(xml, "Credentials");
  auto out = std::make_shared<AwsCredentials>();
  out->access_key_id = element(block, "AccessKeyId");
  out->secret_access_key = crypto::SecretBytes::copy_of(element(block, "SecretAccessKey"));
  out->session_token = std::make_shared<const crypto::SecretBytes>(
      crypto::SecretBytes::copy_of(element(block, "SessionToken")));
  out->expires = parse_time(std::string(element(block, "Expiration")));
  if (out->access_key_id.empty() || out->secret_access_key.empty() || out->session_token->empty()) {
    return fail(Code::kInvalid, what + ": the answer holds no credentials");
  }
  return Credentials(std::move(out));
}

Result<Credentials> credentials_of_json(std::string_view json, const std::string& what) {
  auto out = std::make_shared<AwsCredentials>();
  out->access_key_id = json_text(json, {"AccessKeyId"});
  if (auto key = secret_json_string(json, {"SecretAccessKey"})) {
    out->secret_access_key = *std::move(key);
  }
  if (auto token = secret_json_string(json, {"Token"}); token && !token->empty()) {
    out->session_token = std::make_shared<const crypto::SecretBytes>(*std::move(token));
  }
  out->expires = parse_time(json_text(json, {"Expiration"}));
  if (out->access_key_id.empty() || out->secret_access_key.empty()) {
    return fail(Code::kInvalid, what + ": the answer holds no credentials");
  }
  return Credentials(std::move(out));
}

/// The words of an STS error: <Code>AccessDenied</Code><Message>…</Message>.
std::string words_of_xml(std::string_view xml) {
  std::string words(element(xml, "Code"));
  const std::string_view message = element(xml, "Message");
  if (!message.empty()) words += ": " + std::string(message.substr(0, 300));
  return words.empty() ? "no reason given" : words;
}

Credentials static_credentials(std::string id, crypto::SecretBytes secret,
                               crypto::SecretBytes token) {
  auto out = std::make_shared<AwsCredentials>();
  out->access_key_id = std::move(id);
  out->secret_access_key = std::move(secret);
  if (!token.empty()) {
    out->session_token = std::make_shared<const crypto::SecretBytes>(std::move(token));
  }
  return out;
}

}  // namespace

bool is_aws_region(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return is_lower(c) || is_digit(c) || c == '-';
  });
}

struct AwsIdentity::State : IdentityState<AwsCredentials> {
  using IdentityState::IdentityState;
  std::optional<AwsProfiles> profiles;
  std::map<std::string, Credentials> kept;  // by profile, region, role
  std::optional<std::shared_ptr<const Tls>> tls;

  Result<const AwsProfiles*> load_profiles() {
    if (profiles) return &*profiles;
    AwsProfiles read;
    for (const bool is_config : {true, false}) {
      std::string path = variable(is_config ? "AWS_CONFIG_FILE" : "AWS_SHARED_CREDENTIALS_FILE");
      if (path.empty())
        path = surroundings->home() + (is_config ? "/.aws/config" : "/.aws/credentials");
      auto text = surroundings->file(path);
      if (text) {
        read_aws_profiles(text->reveal_text(), is_config, read);
        note(path);
      } else if (text.error().code() == Code::kNotFound) {
        note(path + ": no such file");
      } else {
        return fail(std::move(text).error());
      }
    }
    profiles = std::move(read);
    return &*profiles;
  }

  std::string profile_name(const std::string& asked) {
    if (!asked.empty()) return asked;
    for (const char* name : {"AWS_PROFILE", "AWS_DEFAULT_PROFILE"}) {
      if (std::string set = variable(name); !set.empty()) return set;
    }
    return "default";
  }

  Result<std::string> endpoint(const std::string& service, const std::string& region,
                               const AwsProfile* profile) {
    if (!is_aws_region(region)) {
      return fail(Code::kInvalid, "\"" + region + "\" is not an AWS region");
    }
    const auto configured = [&]() -> std::string {
      if (is_true(variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"))) return {};
      for (const std::string& name :
           {"AWS_ENDPOINT_URL_" + to_upper(service), std::string("AWS_ENDPOINT_URL")}) {
        if (std::string url = variable(name); !url.empty()) return url;
      }
      return profile == nullptr ? std::string() : profile->get("endpoint_url");
    }();
    if (!configured.empty()) {
      if (!parse_url(configured)) {
        return fail(Code::kInvalid, "the configured AWS endpoint \"" + configured + "\" is no URL");
      }
      return configured.ends_with('/') ? configured : configured + "/";
    }
    const auto starts = [&region](std::string_view prefix) { return region.starts_with(prefix); };
    const bool dual = is_true(variable("AWS_USE_DUALSTACK_ENDPOINT"));
    std::string suffix = starts("cn-")
                             ? (dual ? "api.amazonwebservices.com.cn" : "amazonaws.com.cn")
                         : starts("us-iso-")  ? "c2s.ic.gov"
                         : starts("us-isob-") ? "sc2s.sgov.gov"
                         : starts("us-isof-") ? "csp.hci.ic.gov"
                         : starts("eu-isoe-") ? "cloud.adc-e.uk"
                         : starts("eusc-")    ? "amazonaws.eu"
                         : dual               ? "api.aws"
                                              : "amazonaws.com";
    const std::string fips = is_true(variable("AWS_USE_FIPS_ENDPOINT")) ? "-fips" : "";
    return "https://" + service + fips + "." + region + "." + suffix + "/";
  }

  Result<std::shared_ptr<const Tls>> load_tls() {
    if (tls) return *tls;
    std::shared_ptr<const Tls> made;
    if (const std::string path = variable("AWS_CA_BUNDLE"); !path.empty()) {
      auto text = surroundings->file(path);
      if (!text) return fail(std::move(text).error().prefix("AWS_CA_BUNDLE: "));
      auto with = std::make_shared<Tls>();
      with->ca_pem = text->reveal_text();
      made = std::move(with);
    }
    tls = made;
    return made;
  }

  // --- STS

  Result<Credentials> call_sts(const std::string& region, crypto::SecretBuffer form,
                               const AwsCredentials* signer, const AwsProfile* profile,
                               const std::string& what, const CancelToken& cancel) {
    Request request;
    request.method = "POST";
    SLUICE_TRY(request.url, endpoint("sts", region, profile));
    SLUICE_TRY(request.tls, load_tls());
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
    request.secret_body = std::make_shared<const crypto::SecretBytes>(std::move(form).take());
    if (signer != nullptr) SLUICE_CHECK(sign_aws(request, *signer, region, "sts", clock.wall()));
    auto answer = exchange.retried(std::move(request), cancel);
    if (!answer) return fail(std::move(answer).error().prefix(what + ": "));
    const std::string_view xml = answer->secret_body->reveal_text();
    if (answer->status != 200) {
      return fail(answer->status >= 500 ? Code::kUnavailable : Code::kDenied,
                  what + ": " + words_of_xml(xml));
    }
    return credentials_of_xml(xml, what);
  }

  std::string session_name() {
    std::string name = "sops@";
    for (const char c : surroundings->host_name()) {
      const bool good =
          is_letter_or_digit(c) || std::string_view("=,.@-_").find(c) != std::string_view::npos;
      if (good) name += c;
    }
    name.resize(std::min(name.size(), kSessionName));
    return name;
  }

  Result<Credentials> assume_role(const std::string& role, const std::string& session,
                                  const AwsCredentials& base, const std::string& region,
                                  const AwsProfile* profile, const CancelToken& cancel) {
    crypto::SecretBuffer form(512);
    form.append("Action=AssumeRole&Version=2011-06-15&RoleArn=");
    append_percent(form, role);
    form.append("&RoleSessionName=");
    append_percent(form, session);
    if (profile != nullptr) {
      for (const auto& [setting, parameter] :
           {std::pair{"external_id", "&ExternalId="}, {"duration_seconds", "&DurationSeconds="}}) {
        const std::string value = profile->get(setting);
        if (value.empty()) continue;
        form.append(parameter);
        append_percent(form, value);
      }
    }
    return call_sts(region, std::move(form), &base, profile, "failed to assume role '" + role + "'",
                    cancel);
  }

  Result<Credentials> web_identity(const std::string& file, const std::string& role,
                                   std::string session, const std::string& region,
                                   const AwsProfile* profile, const CancelToken& cancel) {
    if (role.empty()) {
      return fail(Code::kInvalid, "a web identity token file is set, but no role (AWS_ROLE_ARN)");
    }
    SLUICE_TRY(const auto token, surroundings->file(file));
    note(file + " for role " + role);
    if (session.empty()) session = session_name();
    crypto::SecretBuffer form(token.size() + 512);
    form.append("Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=");
    append_percent(form, role);
    form.append("&RoleSessionName=");
    append_percent(form, session);
    form.append("&WebIdentityToken=");
    append_percent(form, without_blanks_around(token).reveal_text());
    return call_sts(region, std::move(form), nullptr, profile,
                    "failed to assume role '" + role + "' with the web identity of " + file,
                    cancel);
  }

  // --- containers and instances

  Result<Credentials> container(const CancelToken& cancel) {
    std::string url = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    if (!url.empty()) {
      url = "http://169.254.170.2" + (url.starts_with('/') ? url : "/" + url);
    } else {
      url = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
      const auto parts = parse_url(url);
      static const std::set<std::string> kLocal = {
          "localhost", "127.0.0.1", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"};
      if (!parts || (parts->scheme == "http" && !kLocal.contains(parts->host))) {
        return fail(Code::kInvalid,
                    "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor a local address");
      }
    }
    note("container credentials at " + url);
    Request request;
    request.url = url;
    request.connect_timeout = seconds(2);
    request.headers = {{"Accept", "application/json"}};
    auto token = surroundings->secret_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    if (const std::string file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
        !file.empty()) {
      SLUICE_TRY(token, surroundings->file(file));
    }
    if (!token.empty()) {
      request.secret_header_name = "Authorization";
      request.secret_header_value =
          std::make_shared<const crypto::SecretBytes>(without_blanks_around(token));
    }
    SLUICE_TRY(const auto answer, exchange.retried(std::move(request), cancel));
    if (answer.status != 200) {
      return fail(Code::kDenied, "container credentials: status " + std::to_string(answer.status));
    }
    return credentials_of_json(answer.secret_body->reveal_text(), "container credentials");
  }

  Result<Credentials> instance(const CancelToken& cancel) {
    if (is_true(variable("AWS_EC2_METADATA_DISABLED"))) {
      note("the instance's metadata: turned off by AWS_EC2_METADATA_DISABLED");
      return none_found();
    }
    std::string base = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    if (base.empty()) base = kMetadata;
    while (base.ends_with('/'))
      base.pop_back();
    const auto get = [&](const std::string& path,
                         std::shared_ptr<const crypto::SecretBytes> token) -> Result<Response> {
      Request request;
      request.url = base + path;
      // Off the cloud nobody answers there: a second is plenty on it.
      request.connect_timeout = seconds(1);
      request.timeout = seconds(3);
      if (token) {
        request.secret_header_name = "X-aws-ec2-metadata-token";
        request.secret_header_value = std::move(token);
      } else {
        request.method = "PUT";
        request.headers = {{"X-aws-ec2-metadata-token-ttl-seconds", "21600"}};
      }
      return exchange.once(std::move(request), cancel);
    };
    const auto token = get("/latest/api/token", nullptr);
    if (!token || token->status != 200) {
      if (!token && token.error().code() == Code::kCancelled) return fail(token.error());
      note("the instance's metadata (" + base +
           "): " + (token ? "status " + std::to_string(token->status) : token.error().message()));
      return none_found();
    }
    const std::string path = "/latest/meta-data/iam/security-credentials/";
    SLUICE_TRY(const auto roles, get(path, token->secret_body));
    std::string role(roles.secret_body->reveal_text());
    role = role.substr(0, role.find('\n'));
    if (roles.status != 200 || role.empty() || role.find_first_of("/?#\\ ") != std::string::npos) {
      note("the instance's metadata (" + base + "): the instance has no role");
      return none_found();
    }
    note("the instance's role " + role);
    SLUICE_TRY(const auto answer, get(path + role, token->secret_body));
    if (answer.status != 200) {
      return fail(Code::kDenied,
                  "the instance's role " + role + ": status " + std::to_string(answer.status));
    }
    return credentials_of_json(answer.secret_body->reveal_text(), "the instance's role " + role);
  }

  static tl::unexpected<Error> none_found() {
    return fail(Code::kDenied, "no AWS credentials were found", Where{},
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE");
  }

  // --- the chain

  Result<Credentials> from_environment() {
    for (const auto& [id, secret] : {std::pair{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"},
                                     {"AWS_ACCESS_KEY", "AWS_SECRET_KEY"}}) {
      std::string key = variable(id);
      if (key.empty()) continue;
      auto secret_key = surroundings->secret_variable(secret);
      if (secret_key.empty()) continue;
      note(id);
      return static_credentials(std::move(key), std::move(secret_key),
                                surroundings->secret_variable("AWS_SESSION_TOKEN"));
    }
    note("AWS_ACCESS_KEY_ID: not set");
    return Credentials();
  }

  Result<Credentials> ambient(const std::string& profile, const std::string& region,
                              const CancelToken& cancel) {
    // A profile named by the caller (aws_profile in the file) goes before the environment, one
    // named by AWS_PROFILE after it: so does the SDK.
    if (profile.empty()) {
      SLUICE_TRY(Credentials found, from_environment());
      if (found) return found;
      if (const std::string file = variable("AWS_WEB_IDENTITY_TOKEN_FILE"); !file.empty()) {
        return web_identity(file, variable("AWS_ROLE_ARN"), variable("AWS_ROLE_SESSION_NAME"),
                            region, nullptr, cancel);
      }
    }
    SLUICE_TRY(const AwsProfiles* all, load_profiles());
    std::set<std::string> seen;
    return from_profile(*all, profile_name(profile), !profile.empty(), region, seen, cancel);
  }

  Result<Credentials> from_profile(const AwsProfiles& all, const std::string& name, bool must_exist,
                                   const std::string& region, std::set<std::string>& seen,
                                   const CancelToken& cancel) {
    const auto found = all.find(name);
    if (found == all.end() && (must_exist || name != "default")) {
      return fail(Code::kInvalid, "failed to get shared config profile, " + name);
    }
    static const AwsProfile kNone;
    const AwsProfile& profile = found == all.end() ? kNone : found->second;
    const std::string role = profile.get("role_arn");
    const std::string source = profile.get("source_profile");
    const std::string credential_source = profile.get("credential_source");
    const auto refuse = [&name](const char* setting, const char* why) {
      return fail(Code::kUnsupported,
                  "AWS profile \"" + name + "\" has " + setting + ", which " + why);
    };
    if (!profile.get("mfa_serial").empty())
      return refuse("mfa_serial", "needs a code from a person");
    const crypto::SecretBytes* const secret = profile.secret("aws_secret_access_key");
    const std::string region_of = profile.get("region").empty() ? region : profile.get("region");
    Result<Credentials> base = Credentials();
    if (!role.empty() && !source.empty() && source != name) {
      if (!seen.insert(name).second || seen.size() > 16) {
        return fail(Code::kInvalid, "AWS profiles: source_profile goes in a circle at " + name);
      }
      base = from_profile(all, source, true, region, seen, cancel);
    } else if (secret != nullptr && !profile.get("aws_access_key_id").empty()) {
      const crypto::SecretBytes* const token = profile.secret("aws_session_token");
      note("profile \"" + name + "\"");
      base = static_credentials(profile.get("aws_access_key_id"), secret->clone(),
                                token == nullptr ? crypto::SecretBytes() : token->clone());
    } else if (!credential_source.empty()) {
      base = credential_source == "Environment"           ? from_environment()
             : credential_source == "Ec2InstanceMetadata" ? instance(cancel)
             : credential_source == "EcsContainer"
                 ? container(cancel)
                 : Result<Credentials>(
                       fail(Code::kInvalid, "AWS profile \"" + name + "\": credential_source \"" +
                                                credential_source + "\" is unknown"));
      if (base && !*base) return none_found();
    } else if (const std::string file = profile.get("web_identity_token_file"); !file.empty()) {
      return web_identity(file, role, profile.get("role_session_name"), region_of, &profile,
                          cancel);
    } else if (!profile.get("sso_session").empty() || !profile.get("sso_start_url").empty()) {
      return refuse("an SSO session", "needs a browser: run `aws configure export-credentials`");
    } else if (!profile.get("credential_process").empty()) {
      return refuse("credential_process", "is a program, and sluice starts none");
    } else if (!variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").empty() ||
               !variable("AWS_CONTAINER_CREDENTIALS_FULL_URI").empty()) {
      base = container(cancel);
    } else {
      base = instance(cancel);
    }
    if (!base || role.empty()) return base;
    const std::string session = profile.get("role_session_name");
    return assume_role(role, session.empty() ? session_name() : session, **base, region_of,
                       &profile, cancel);
  }

  bool fresh(const Credentials& credentials) const {
    return credentials &&
           (!credentials->expires || *credentials->expires - kBeforeEnd > clock.wall());
  }
};

AwsIdentity::AwsIdentity(std::shared_ptr<Surroundings> surroundings, SecretExchange exchange,
                         Clock& clock, std::shared_ptr<const AwsCredentials> given,
                         std::string origin)
    : state_(new State(std::move(surroundings), std::move(exchange), clock, std::move(given),
                       std::move(origin))) {}
AwsIdentity::~AwsIdentity() = default;

namespace {
std::string kept_key(const std::string& profile, const std::string& region,
                     const std::string& role) {
  return profile + "\n" + region + "\n" + role;
}
}  // namespace

Result<Credentials> AwsIdentity::credentials(const std::string& profile, const std::string& region,
                                             const std::string& role, const CancelToken& cancel) {
  State& state = *state_;
  const std::lock_guard lock(state.mutex);
  Credentials& kept = state.kept[kept_key(profile, region, role)];
  if (state.fresh(kept)) return kept;
  kept.reset();
  Credentials& base = state.kept[kept_key(profile, region, "")];
  if (!state.fresh(base)) {
    base.reset();
    if (state.given) {
      base = state.given;
    } else {
      SLUICE_TRY(base, state.ambient(profile, region, cancel));
    }
  }
  if (role.empty()) return base;
  SLUICE_TRY(Credentials assumed,
             state.assume_role(role, state.session_name(), *base, region, nullptr, cancel));
  kept = assumed;
  return assumed;
}

void AwsIdentity::forget(const std::string& profile, const std::string& region,
                         const std::string& role) {
  const std::lock_guard lock(state_->mutex);
  state_->kept.erase(kept_key(profile, region, role));
  state_->kept.erase(kept_key(profile, region, ""));
}

Result<std::string> AwsIdentity::endpoint(const std::string& service, const std::string& region,
                                          const std::string& profile) {
  const std::lock_guard lock(state_->mutex);
  if (state_->given) return state_->endpoint(service, region, nullptr);
  SLUICE_TRY(const AwsProfiles* all, state_->load_profiles());
  const auto found = all->find(state_->profile_name(profile));
  return state_->endpoint(service, region, found == all->end() ? nullptr : &found->second);
}

Result<std::shared_ptr<const Tls>> AwsIdentity::tls() {
  const std::lock_guard lock(state_->mutex);
  return state_->load_tls();
}

std::vector<std::string> AwsIdentity::looked_in() const {
  return state_->places();
}

}  // namespace sluice::http
