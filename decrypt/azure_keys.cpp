// Azure Key Vault (SOPS azkv/keysource.go; Key Vault REST API: decrypt, encrypt).
#include <algorithm>
#include <map>
#include <mutex>

#include "sluice/decrypt/master_keys.hpp"
#include "sluice/http/azure_identity.hpp"
#include "sluice/http/secret_json.hpp"
#include "sluice/http/url.hpp"

#include "remote_calls.hpp"

namespace sluice::decrypt {
namespace {

constexpr char kApiVersion[] = "7.4";

std::string field(const MasterKey& key, const char* name) {
  const auto found = key.fields.find(name);
  return found == key.fields.end() ? std::string() : found->second;
}

/// What a token must be for, by the vault's own domain; "" for a host of nobody's cloud.
std::string resource_of(const http::Url& vault) {
  if (vault.scheme != "https" || !vault.port.empty()) return {};
  for (const std::string_view domain :
       {"vault.azure.net", "vault.azure.cn", "vault.usgovcloudapi.net", "vault.microsoftazure.de",
        "managedhsm.azure.net", "managedhsm.azure.cn", "managedhsm.usgovcloudapi.net"}) {
    if (vault.host.size() > domain.size() + 1 && vault.host.ends_with(domain) &&
        vault.host[vault.host.size() - domain.size() - 1] == '.') {
      return "https://" + std::string(domain);
    }
  }
  return {};
}

/// resource="https://vault.azure.net" (or scope="…/.default") of a challenge, when the vault
/// belongs to that domain: else somebody asks for a token that is good elsewhere.
std::string challenged_resource(std::string_view challenge, const http::Url& vault) {
  for (const std::string_view name : {"resource=\"", "scope=\""}) {
    const std::size_t begin = challenge.find(name);
    if (begin == std::string_view::npos) continue;
    std::string_view value = challenge.substr(begin + name.size());
    value = value.substr(0, value.find('"'));
    constexpr std::string_view kDefault = "/.default";
    if (value.ends_with(kDefault)) value.remove_suffix(kDefault.size());
    const auto url = http::parse_url(value);
    if (!url) continue;
    if (vault.host == url->host || vault.host.ends_with("." + url->host)) return url->origin();
  }
  return {};
}

bool is_segment(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

/// base64url without padding to plain base64 with it; nullopt for anything else.
std::optional<std::string> plain_base64(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && c != '-' && c != '_') return std::nullopt;
    out += c == '-' ? '+' : c == '_' ? '/' : c;
  }
  while (out.size() % 4 != 0)
    out += '=';
  return out;
}

class AzureService final : public KeyService {
 public:
  AzureService(std::shared_ptr<RemoteContext> context, AzureKeyCredentials credentials)
      : context_(context),
        cache_(context),
        identity_(context->options().surroundings, exchange_of(context), context->clock(),
                  std::move(credentials.given), std::move(credentials.origin)) {}

  std::string_view type() const override { return "azure_kv"; }
  std::vector<std::string> looked_in() const override { return identity_.looked_in(); }

  Result<crypto::SecretBytes> unwrap(const MasterKey& key, const CancelToken& cancel) override {
    return cache_.get(call_id(key), cancel, [&]() -> Result<crypto::SecretBytes> {
      if (!plain_base64(key.wrapped_key) || key.wrapped_key.empty()) {
        return fail(Code::kInvalid, "failed to base64 decode Azure Key Vault encrypted key");
      }
      const std::string words =
          "failed to decrypt sops data key with Azure Key Vault key '" + key.id + "': ";
      return operate("decrypt", key, share(body_of(key.wrapped_key)), words, cancel);
    });
  }

  Result<std::string> wrap(const MasterKey& key, const crypto::SecretBytes& data_key,
                           const CancelToken& cancel) override {
    const auto encoded = crypto::base64_encode_secret(data_key.reveal());
    crypto::SecretBytes url_safe = encoded.clone();
    std::size_t size = 0;
    for (std::byte& byte : url_safe.writable()) {
      const char c = static_cast<char>(byte);
      if (c == '=') break;
      byte = static_cast<std::byte>(c == '+' ? '-' : c == '/' ? '_' : c);
      ++size;
    }
    url_safe.shrink(size);
    const std::string words =
        "failed to encrypt sops data key with Azure Key Vault key '" + key.id + "': ";
    SLUICE_TRY(const auto bytes,
               operate("encrypt", key, share(body_of(url_safe.reveal_text())), words, cancel));
    // Ciphertext: no secret any more.
    std::string text(crypto::base64_encode_secret(bytes.reveal()).reveal_text());
    while (text.ends_with('='))
      text.pop_back();
    std::replace(text.begin(), text.end(), '+', '-');
    std::replace(text.begin(), text.end(), '/', '_');
    return text;
  }

  /// The vault's latest version, which goes into the file: that key's, not whatever is the latest
  /// one day.
  Result<void> complete(MasterKey& key, const CancelToken& cancel) override {
    if (!field(key, "version").empty()) return {};
    const std::string words =
        "failed to fetch the version of Azure Key Vault key '" + key.id + "': ";
    const std::string name = field(key, "name");
    if (!is_segment(name)) return fail(Code::kInvalid, words + "its name is not plain");
    SLUICE_TRY(const auto answer, request("GET", "/keys/" + name, key, nullptr, words, cancel));
    const std::string id = http::json_text(answer.secret_body->reveal_text(), {"key", "kid"});
    const std::string version = id.substr(id.rfind('/') + 1);
    if (id.find("/keys/" + name + "/") == std::string::npos || !is_segment(version)) {
      return fail(Code::kInvalid, words + "the vault's answer names no version");
    }
    key.fields["version"] = version;
    name_master_key(key);
    return {};
  }

 private:
  static crypto::SecretBuffer body_of(std::string_view value) {
    crypto::SecretBuffer body(value.size() + 64);
    body.append("{\"alg\":\"RSA-OAEP-256\",\"value\":\"");
    body.append(value);
    body.append("\"}");
    return body;
  }

  Result<http::Url> vault_of(const MasterKey& key) {
    const std::string text = field(key, "vault_url");
    const auto url = http::parse_url(text);
    if (!url || url->path != "/" || !url->query.empty()) {
      return fail(Code::kInvalid, "vault_url \"" + text +
                                      "\" is not an address as "
                                      "https://NAME.vault.azure.net");
    }
    if (resource_of(*url).empty() && !context_->options().trusted.allows(text)) {
      return fail(Code::kDenied,
                  "the file names the server \"" + url->origin() +
                      "\", which is neither Azure's nor one that may get credentials",
                  Where{}, "if it is yours, name it in SLUICE_KEY_HOSTS (sluice run: --key-hosts)");
    }
    return *url;
  }

  /// Of a trusted vault that is not under Azure's domains: what it asks for without a token.
  Result<std::string> ask_resource(const http::Url& vault, const std::string& method,
                                   const std::string& url, const CancelToken& cancel) {
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = resources_.find(vault.origin()); found != resources_.end()) {
        return found->second;
      }
    }
    http::Request request;
    request.method = method;
    request.url = url;
    request.headers = {{"Content-Type", "application/json"}};
    SLUICE_TRY(const auto answer, context_->send(std::move(request), cancel));
    std::string resource = challenged_resource(answer.header("www-authenticate"), vault);
    if (answer.status != 401 || resource.empty()) {
      return fail(Code::kDenied, vault.origin() + " asks for no token of its own domain");
    }
    const std::lock_guard lock(mutex_);
    resources_[vault.origin()] = resource;
    return resource;
  }

  Result<crypto::SecretBytes> operate(const std::string& verb, const MasterKey& key,
                                      std::shared_ptr<const crypto::SecretBytes> body,
                                      const std::string& words, const CancelToken& cancel) {
    const std::string name = field(key, "name");
    const std::string version = field(key, "version");
    if (!is_segment(name) || !is_segment(version)) {
      return fail(Code::kInvalid, words + "its name or version is missing or not plain", Where{},
                  "name the key's version, too");
    }
    SLUICE_TRY(const auto answer, request("POST", "/keys/" + name + "/" + version + "/" + verb, key,
                                          std::move(body), words, cancel));
    return decode(http::secret_json_string(answer.secret_body->reveal_text(), {"value"}), words);
  }

  /// An answer with status 200.
  Result<http::Response> request(const std::string& method, const std::string& path,
                                 const MasterKey& key,
                                 std::shared_ptr<const crypto::SecretBytes> body,
                                 const std::string& words, const CancelToken& cancel) {
    SLUICE_TRY(const http::Url vault, vault_of(key));
    const std::string url = vault.origin() + path + "?api-version=" + kApiVersion;
    std::string resource = resource_of(vault);
    if (resource.empty()) {
      SLUICE_TRY(resource, ask_resource(vault, method, url, cancel));
    }
    for (int round = 0;; ++round) {
      auto token = identity_.token(resource, cancel);
      if (!token) return fail(std::move(token).error().prefix(words));
      http::Request request;
      request.method = method;
      request.url = url;
      request.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
      request.secret_body = body;
      request.secret_header_name = "Authorization";
      request.secret_header_value = http::bearer_authorization(**token);
      auto answer = context_->send(std::move(request), cancel);
      if (!answer) return fail(std::move(answer).error().prefix(words));
      const std::string_view text = answer->secret_body->reveal_text();
      if (answer->status == 401 && round == 0) {
        identity_.forget();
        continue;
      }
      if (answer->status != 200) {
        const std::string code = http::json_text(text, {"error", "code"});
        const std::string message = http::json_text(text, {"error", "message"});
        return fail(code_of_status(answer->status),
                    words + std::to_string(answer->status) + " " + safe_words(code) +
                        (message.empty() ? "" : ": " + safe_words(message, {token->get()})));
      }
      return std::move(*answer);
    }
  }

  static Result<crypto::SecretBytes> decode(const std::optional<crypto::SecretBytes>& value,
                                            const std::string& words) {
    if (!value || value->empty()) return fail(Code::kInvalid, words + "no value in the answer");
    crypto::SecretBytes plain((value->size() + 3) / 4 * 4);
    const std::string_view text = value->reveal_text();
    for (std::size_t i = 0; i < plain.size(); ++i) {
      const char c = i < text.size() ? text[i] : '=';
      plain.writable()[i] = static_cast<std::byte>(c == '-' ? '+' : c == '_' ? '/' : c);
    }
    auto bytes = crypto::base64_decode_secret(plain.reveal_text());
    if (!bytes || bytes->empty()) return fail(Code::kInvalid, words + "the value is not base64");
    return *std::move(bytes);
  }

  std::shared_ptr<RemoteContext> context_;
  CallCache cache_;
  http::AzureIdentity identity_;
  std::mutex mutex_;                              // guards resources_
  std::map<std::string, std::string> resources_;  // of trusted vaults, by origin
};

}  // namespace

std::shared_ptr<KeyService> make_azure_key_service(std::shared_ptr<RemoteContext> context,
                                                   AzureKeyCredentials credentials) {
  return std::make_shared<AzureService>(std::move(context), std::move(credentials));
}

}  // namespace sluice::decrypt
