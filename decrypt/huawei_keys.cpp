// Huawei Cloud KMS (SOPS hckms/keysource.go; DEW API Reference: decrypt-data, encrypt-data), signed
// with an access key (API Request Signing Guide: SDK-HMAC-SHA256).
#include <algorithm>
#include <map>
#include <mutex>

#include "sluice/base/ascii.hpp"
#include "sluice/base/encoding.hpp"
#include "sluice/crypto/aead.hpp"
#include "sluice/crypto/hash.hpp"
#include "sluice/http/aws_credentials.hpp"
#include "sluice/http/secret_json.hpp"
#include "sluice/http/url.hpp"

#include "remote_calls.hpp"

namespace sluice::decrypt {
namespace {

constexpr std::string_view kAlgorithm = "SDK-HMAC-SHA256";

bool is_plain(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_letter_or_digit(c) || c == '-' || c == '_';
  });
}

struct AccessKey {
  std::string id, project;
  crypto::SecretBytes secret;
  std::shared_ptr<const crypto::SecretBytes> security_token;
};

class HuaweiService final : public KeyService {
 public:
  explicit HuaweiService(std::shared_ptr<RemoteContext> context)
      : context_(context), cache_(std::move(context)) {}

  std::string_view type() const override { return "hckms"; }
  std::vector<std::string> looked_in() const override {
    const std::lock_guard lock(mutex_);
    return looked_in_;
  }

  Result<crypto::SecretBytes> unwrap(const MasterKey& key, const CancelToken& cancel) override {
    return cache_.get(call_id(key), cancel, [&]() -> Result<crypto::SecretBytes> {
      const std::string words = "failed to decrypt sops data key with HuaweiCloud KMS: ";
      SLUICE_TRY(const auto answer,
                 call("decrypt-data", key, "cipher_text", key.wrapped_key, words, cancel));
      auto data_key = data_key_in(answer.secret_body->reveal_text(), {"plain_text"});
      if (!data_key) {
        return fail(Code::kInvalid, words + "decryption response missing plaintext");
      }
      return *std::move(data_key);
    });
  }

  Result<std::string> wrap(const MasterKey& key, const crypto::SecretBytes& data_key,
                           const CancelToken& cancel) override {
    const std::string words = "failed to encrypt sops data key with HuaweiCloud KMS: ";
    const auto encoded = crypto::base64_encode_secret(data_key.reveal());
    SLUICE_TRY(const auto answer,
               call("encrypt-data", key, "plain_text", encoded.reveal_text(), words, cancel));
    std::string enc = http::json_text(answer.secret_body->reveal_text(), {"cipher_text"});
    if (enc.empty()) return fail(Code::kInvalid, words + "encryption response missing ciphertext");
    return enc;
  }

 private:
  Result<std::shared_ptr<const AccessKey>> access_key() {
    const std::lock_guard lock(mutex_);
    if (access_key_) return access_key_;
    http::Surroundings& from = context_->surroundings();
    auto made = std::make_shared<AccessKey>();
    made->id = from.variable("HUAWEICLOUD_SDK_AK");
    made->secret = from.secret_variable("HUAWEICLOUD_SDK_SK");
    made->project = from.variable("HUAWEICLOUD_SDK_PROJECT_ID");
    auto token = from.secret_variable("HUAWEICLOUD_SDK_SECURITY_TOKEN");
    if (!token.empty()) made->security_token = share(std::move(token));
    std::string missing;
    for (const auto& [name, there] : {std::pair{"HUAWEICLOUD_SDK_AK", !made->id.empty()},
                                      {"HUAWEICLOUD_SDK_SK", !made->secret.empty()},
                                      {"HUAWEICLOUD_SDK_PROJECT_ID", is_plain(made->project)}}) {
      if (!there) missing += (missing.empty() ? "" : ", ") + std::string(name);
    }
    looked_in_ = {missing.empty() ? "HUAWEICLOUD_SDK_AK" : missing + ": not set"};
    if (!missing.empty()) {
      return fail(Code::kDenied, "no HuaweiCloud credentials were found", Where{},
                  "set " + missing);
    }
    access_key_ = std::move(made);
    return access_key_;
  }

  void sign(http::Request& request, const AccessKey& key) const {
    std::string time = rfc3339(context_->clock().wall());
    std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
    const auto url = http::parse_url(request.url);
    request.headers.emplace_back("X-Sdk-Date", time);
    request.headers.emplace_back("X-Project-Id", key.project);
    std::map<std::string, std::string> names;
    for (const auto& [name, value] : request.headers)
      names[to_lower(name)] = value;
    names["host"] = url->authority();
    std::string signed_names;
    std::string headers;
    for (const auto& [name, value] : names) {
      signed_names += (signed_names.empty() ? "" : ";") + name;
      headers += name + ":" + value + "\n";
    }
    const std::string path = url->path.ends_with('/') ? url->path : url->path + "/";
    const std::string canonical = request.method + "\n" + path + "\n\n" + headers + "\n" +
                                  signed_names + "\n" +
                                  crypto::sha256(request.secret_body->reveal_text()).hex();
    const std::string to_sign =
        std::string(kAlgorithm) + "\n" + time + "\n" + crypto::sha256(canonical).hex();
    const auto tag = crypto::hmac_sha256(key.secret.reveal(), crypto::as_bytes(to_sign));
    request.headers.emplace_back(
        "Authorization",
        std::string(kAlgorithm) + " Access=" + key.id + ", SignedHeaders=" + signed_names +
            ", Signature=" +
            hex_encode({reinterpret_cast<const std::uint8_t*>(tag.data()), tag.size()}));
    if (key.security_token) {  // not signed: the signature is made with the key that belongs to it
      request.secret_header_name = "X-Security-Token";
      request.secret_header_value = key.security_token;
    }
  }

  Result<http::Response> call(const std::string& verb, const MasterKey& key, std::string_view name,
                              std::string_view value, const std::string& words,
                              const CancelToken& cancel) {
    const std::size_t colon = key.id.find(':');
    const std::string region = key.id.substr(0, colon);
    const std::string id = colon == std::string::npos ? std::string() : key.id.substr(colon + 1);
    if (!http::is_aws_region(region) || !is_plain(id)) {
      return fail(Code::kInvalid,
                  "invalid key ID format: expected 'region:key-uuid', got \"" + key.id + "\"");
    }
    SLUICE_TRY(const auto access, access_key());
    crypto::SecretBuffer body(value.size() + 256);
    body.append("{\"key_id\":\"" + id + "\",\"" + std::string(name) + "\":");
    http::append_json_string(body, value);
    body.append(",\"encryption_algorithm\":\"SYMMETRIC_DEFAULT\"}");
    http::Request request;
    request.method = "POST";
    const std::string domain = region == "eu-west-101" ? "myhuaweicloud.eu" : "myhuaweicloud.com";
    request.url =
        "https://kms." + region + "." + domain + "/v1.0/" + access->project + "/kms/" + verb;
    request.headers = {{"Content-Type", "application/json"}};
    request.secret_body = share(std::move(body));
    sign(request, *access);
    auto answer = context_->send(std::move(request), cancel);
    if (!answer) return fail(std::move(answer).error().prefix(words));
    if (answer->status == 200) return answer;
    const std::string_view text = answer->secret_body->reveal_text();
    std::string reason = http::json_text(text, {"error", "error_msg"});
    if (reason.empty()) reason = http::json_text(text, {"error_msg"});
    std::string code = http::json_text(text, {"error", "error_code"});
    if (code.empty()) code = http::json_text(text, {"error_code"});
    return fail(code_of_status(answer->status),
                words + std::to_string(answer->status) + " " + safe_words(code) +
                    (reason.empty() ? "" : ": " + safe_words(reason, {&access->secret})));
  }

  std::shared_ptr<RemoteContext> context_;
  CallCache cache_;
  mutable std::mutex mutex_;  // guards everything below
  std::vector<std::string> looked_in_;
  std::shared_ptr<const AccessKey> access_key_;
};

}  // namespace

std::shared_ptr<KeyService> make_huawei_key_service(std::shared_ptr<RemoteContext> context) {
  return std::make_shared<HuaweiService>(std::move(context));
}

}  // namespace sluice::decrypt
