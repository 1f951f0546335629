// HashiCorp Vault's transit engine, and OpenBao's (SOPS hcvault/keysource.go; Vault's HTTP API).
#include <algorithm>
#include <map>
#include <mutex>

#include "sluice/base/ascii.hpp"
#include "sluice/base/go_bool.hpp"
#include "sluice/http/secret_json.hpp"
#include "sluice/http/url.hpp"

#include "remote_calls.hpp"

namespace sluice::decrypt {
namespace {

constexpr char kTokenHint[] =
    "set VAULT_TOKEN, or log in with `vault login`, which writes ~/.vault-token";

std::string field(const MasterKey& key, const char* name) {
  const auto found = key.fields.find(name);
  return found == key.fields.end() ? std::string() : found->second;
}

crypto::SecretBytes trimmed(const crypto::SecretBytes& bytes) {
  return crypto::SecretBytes::copy_of(trim(bytes.reveal_text()));
}

/// "ENGINE/VERB/KEY", each segment a plain name: a file must not reach other parts of Vault's API
/// with our token.
Result<std::string> transit_path(const MasterKey& key, std::string_view verb) {
  const std::string engine(trim(field(key, "engine_path"), "/"));
  const std::string name = field(key, "key_name");
  const auto is_name = [](std::string_view text) {
    return !text.empty() && text != "." && text != ".." &&
           std::all_of(text.begin(), text.end(), [](char c) {
             return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.';
           });
  };
  bool good = is_name(name);
  std::string_view rest = engine;
  do {
    const std::size_t slash = rest.find('/');
    good = good && is_name(rest.substr(0, slash));
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
  } while (good && !rest.empty());
  if (!good) {
    return fail(Code::kInvalid, "engine_path \"" + engine + "\" and key_name \"" + name +
                                    "\" are no path of a transit key");
  }
  return engine + "/" + std::string(verb) + "/" + name;
}

class VaultService final : public KeyService {
 public:
  VaultService(std::shared_ptr<RemoteContext> context, VaultCredentials credentials)
      : context_(context), cache_(std::move(context)), given_(std::move(credentials)) {
    if (given_.token) note(given_.origin);
  }

  std::string_view type() const override { return "hc_vault"; }

  std::vector<std::string> looked_in() const override {
    const std::lock_guard lock(mutex_);
    return looked_in_;
  }

  Result<crypto::SecretBytes> unwrap(const MasterKey& key, const CancelToken& cancel) override {
    return cache_.get(call_id(key), cancel, [&]() -> Result<crypto::SecretBytes> {
      SLUICE_TRY(const std::string path, transit_path(key, "decrypt"));
      const std::string words =
          "failed to decrypt sops data key from Vault transit backend '" + path + "': ";
      crypto::SecretBuffer body(key.wrapped_key.size() + 64);
      body.append("{\"ciphertext\":");
      http::append_json_string(body, key.wrapped_key);
      body.append("}");
      auto answer = write(key, path, share(std::move(body)), cancel);
      if (!answer) return fail(std::move(answer).error().prefix(words));
      const std::string_view text = answer->secret_body->reveal_text();
      const auto encoded = http::secret_json_string(text, {"data", "plaintext"});
      if (!encoded) return fail(Code::kInvalid, words + "no decrypted data");
      auto data_key = crypto::base64_decode_secret(encoded->reveal_text());
      if (!data_key || data_key->empty()) {
        return fail(Code::kInvalid, words + "cannot decode base64 plaintext into data key bytes");
      }
      return *std::move(data_key);
    });
  }

  Result<std::string> wrap(const MasterKey& key, const crypto::SecretBytes& data_key,
                           const CancelToken& cancel) override {
    SLUICE_TRY(const std::string path, transit_path(key, "encrypt"));
    const std::string words =
        "failed to encrypt sops data key to Vault transit backend '" + path + "': ";
    crypto::SecretBuffer body(256);
    body.append("{\"plaintext\":\"");
    body.append(crypto::base64_encode_secret(data_key.reveal()).reveal_text());
    body.append("\"}");
    auto answer = write(key, path, share(std::move(body)), cancel);
    if (!answer) return fail(std::move(answer).error().prefix(words));
    std::string enc = http::json_text(answer->secret_body->reveal_text(), {"data", "ciphertext"});
    if (enc.empty()) return fail(Code::kInvalid, words + "no encrypted data");
    return enc;
  }

 private:
  struct Token {
    std::shared_ptr<const crypto::SecretBytes> value;
    std::optional<SteadyTime> until;  // of one that we logged in for
    bool ours = false;
  };

  http::Surroundings& surroundings() { return context_->surroundings(); }

  void note(std::string place) {
    if (std::find(looked_in_.begin(), looked_in_.end(), place) == looked_in_.end()) {
      looked_in_.push_back(std::move(place));
    }
  }

  /// Needs `mutex_`. Forgets a token that has ended.
  bool is_logged_in(const std::string& address) {
    const auto found = tokens_.find(address);
    if (found == tokens_.end()) return false;
    if (!found->second.until || *found->second.until > context_->clock().steady()) return true;
    tokens_.erase(found);
    return false;
  }

  Result<void> check_trusted(const std::string& address, bool known_by_login) {
    if (known_by_login || context_->options().trusted.allows(address) ||
        given_.trusted.allows(address)) {
      return {};
    }
    const auto url = http::parse_url(address);
    if (!url) {
      return fail(Code::kInvalid, "vault_address \"" + address +
                                      "\" is not an address as "
                                      "https://vault.example.com:8200");
    }
    const auto own = http::parse_url(surroundings().variable("VAULT_ADDR"));
    if (own && own->origin() == url->origin()) return {};
    return fail(
        Code::kDenied,
        "the file names the server \"" + url->origin() +
            "\", which is not one that may get credentials",
        Where{},
        given_.token
            ? "if it is yours, name it in sops.vault-addresses beside the token, or with sluice "
              "run --key-hosts"
            : "if it is yours, name it in VAULT_ADDR, SOPS_HC_VAULT_ALLOWLIST or "
              "SLUICE_KEY_HOSTS (sluice run: --key-hosts)");
  }

  /// Needs `mutex_`.
  Result<Token> find_token(const std::string& address, std::optional<VaultLogin> login,
                           const CancelToken& cancel) {
    if (given_.token) return Token{given_.token, {}, false};
    if (const auto found = tokens_.find(address); found != tokens_.end()) return found->second;
    if (login) {
      SLUICE_TRY(Token token, log_in(address, *login, cancel));
      tokens_[address] = token;
      return token;
    }
    if (!ambient_) {
      auto value = surroundings().secret_variable("VAULT_TOKEN");
      if (!value.empty()) {
        note("VAULT_TOKEN");
      } else {
        note("VAULT_TOKEN: not set");
        const std::string path = surroundings().home() + "/.vault-token";
        auto file = surroundings().file(path);
        if (file) {
          value = trimmed(*file);
          note(path);
        } else if (file.error().code() == Code::kNotFound) {
          note(path + ": no such file");
        } else {
          return fail(std::move(file).error().prefix("cannot get Vault token: "));
        }
      }
      ambient_ = share(trimmed(value));
    }
    if (ambient_->empty()) {
      return fail(Code::kDenied, "no Vault token was found", Where{}, kTokenHint);
    }
    return Token{ambient_, {}, false};
  }

  Result<Token> log_in(const std::string& address, const VaultLogin& login,
                       const CancelToken& cancel) {
    note("a login at " + address + "/v1/" + login.path + " as role \"" + login.role + "\"");
    crypto::SecretBuffer body(login.jwt.size() + 256);
    body.append("{\"role\":");
    http::append_json_string(body, login.role);
    body.append(",\"jwt\":");
    http::append_json_string(body, login.jwt.reveal_text());
    body.append("}");
    SLUICE_TRY(http::Request request, prepare(address, login.path, share(std::move(body))));
    request.method = "POST";
    SLUICE_TRY(const auto answer, context_->send(std::move(request), cancel));
    const std::string_view text = answer.secret_body->reveal_text();
    if (answer.status != 200) {
      return fail(code_of_status(answer.status),
                  "failed to authenticate with Vault '" + address + "' at login path '" +
                      login.path + "' as role '" + login.role +
                      "': " + std::to_string(answer.status) + " " + words_of(text, {&login.jwt}));
    }
    auto token = http::secret_json_string(text, {"auth", "client_token"});
    if (!token || token->empty()) {
      return fail(Code::kInvalid, "Vault '" + address + "' returned no token for login at '" +
                                      login.path + "' as role '" + login.role + "'");
    }
    const std::string lease = http::json_text(text, {"auth", "lease_duration"});
    const long seconds = std::atol(lease.c_str());
    Token out{share(*std::move(token)), {}, true};
    // A tenth before its end: a call that starts in time ends in time.
    if (seconds > 0) {
      out.until = context_->clock().steady() + std::chrono::seconds(seconds - seconds / 10);
    }
    return out;
  }

  static std::string words_of(std::string_view answer,
                              std::initializer_list<const crypto::SecretBytes*> secrets) {
    if (!http::find_json(answer, {"errors"})) return safe_words(answer, secrets);
    std::string words;
    for (const std::string& line : http::json_list(answer, {"errors"})) {
      words += (words.empty() ? "" : "; ") + safe_words(line, secrets);
    }
    return words;
  }

  Result<http::Request> prepare(const std::string& address, const std::string& path,
                                std::shared_ptr<const crypto::SecretBytes> body) {
    if (!settings_read_) SLUICE_CHECK(read_settings());
    http::Request request;
    request.method = "PUT";  // what Vault's own client writes with
    std::string base = agent_.empty() ? address : agent_;
    while (base.ends_with('/'))
      base.pop_back();
    request.url = base + "/v1/" + path;
    request.headers = {{"Content-Type", "application/json"}, {"X-Vault-Request", "true"}};
    if (!namespace_.empty()) request.headers.emplace_back("X-Vault-Namespace", namespace_);
    request.secret_body = std::move(body);
    request.tls = tls_;
    return request;
  }

  /// Needs `mutex_`.
  Result<void> read_settings() {
    auto tls = std::make_shared<http::Tls>();
    bool any = false;
    const auto text_of = [&](const char* name, std::string& into) -> Result<void> {
      const std::string path = surroundings().variable(name);
      if (path.empty()) return {};
      auto file = surroundings().file(path);
      if (!file) return fail(std::move(file).error().prefix(std::string(name) + ": "));
      into = file->reveal_text();
      any = true;
      return {};
    };
    SLUICE_CHECK(text_of("VAULT_CACERT", tls->ca_pem));
    SLUICE_CHECK(text_of("VAULT_CLIENT_CERT", tls->client_certificate_pem));
    if (const std::string path = surroundings().variable("VAULT_CLIENT_KEY"); !path.empty()) {
      auto file = surroundings().file(path);
      if (!file) return fail(std::move(file).error().prefix("VAULT_CLIENT_KEY: "));
      tls->client_key_pem = share(*std::move(file));
      any = true;
    }
    tls->server_name = surroundings().variable("VAULT_TLS_SERVER_NAME");
    tls->insecure = parse_go_bool(surroundings().variable("VAULT_SKIP_VERIFY")).value_or(false);
    if (any || tls->insecure || !tls->server_name.empty()) tls_ = std::move(tls);
    namespace_ = surroundings().variable("VAULT_NAMESPACE");
    agent_ = surroundings().variable("VAULT_AGENT_ADDR");
    if (!agent_.empty() && !http::parse_url(agent_)) {
      return fail(Code::kInvalid, "VAULT_AGENT_ADDR: \"" + agent_ + "\" is not an address");
    }
    settings_read_ = true;
    return {};
  }

  Result<http::Response> write(const MasterKey& key, const std::string& path,
                               std::shared_ptr<const crypto::SecretBytes> body,
                               const CancelToken& cancel) {
    std::string address = field(key, "vault_address");
    while (address.ends_with('/'))
      address.pop_back();
    for (int round = 0;; ++round) {
      http::Request request;
      Token token;
      {
        // Held while logging in: whoever else needs that token waits for it.
        const std::lock_guard lock(mutex_);
        const bool logged_in = is_logged_in(address);
        std::optional<VaultLogin> login;
        if (!logged_in && !given_.token && given_.login) {
          SLUICE_TRY(login, given_.login(address, cancel));
        }
        SLUICE_CHECK(check_trusted(address, logged_in || login.has_value()));
        SLUICE_TRY(request, prepare(address, path, body));
        SLUICE_TRY(token, find_token(address, std::move(login), cancel));
      }
      request.secret_header_name = "X-Vault-Token";
      request.secret_header_value = token.value;
      const std::string url = request.url;
      SLUICE_TRY(auto answer, context_->send(std::move(request), cancel, [](const auto& response) {
        return response.status == 412;  // this node has not yet what was written
      }));
      if (answer.status == 200) return answer;
      if (answer.status == 403 && token.ours && round == 0) {
        const std::lock_guard lock(mutex_);  // revoked before its time: once more from the start
        tokens_.erase(address);
        continue;
      }
      return fail(code_of_status(answer.status),
                  std::to_string(answer.status) + " " +
                      words_of(answer.secret_body->reveal_text(), {token.value.get()}) + " (PUT " +
                      url + ")");
    }
  }

  std::shared_ptr<RemoteContext> context_;
  CallCache cache_;
  VaultCredentials given_;
  mutable std::mutex mutex_;  // guards everything below
  std::vector<std::string> looked_in_;
  std::shared_ptr<const crypto::SecretBytes> ambient_;  // empty: looked, and there is none
  std::map<std::string, Token> tokens_;                 // by address
  bool settings_read_ = false;
  std::shared_ptr<const http::Tls> tls_;
  std::string namespace_, agent_;
};

}  // namespace

std::shared_ptr<KeyService> make_vault_key_service(std::shared_ptr<RemoteContext> context,
                                                   VaultCredentials credentials) {
  return std::make_shared<VaultService>(std::move(context), std::move(credentials));
}

}  // namespace sluice::decrypt
