// AWS KMS (SOPS kms/keysource.go; AWS KMS API Reference: Decrypt, Encrypt, CommonErrors).
#include <algorithm>

#include "sluice/base/ascii.hpp"
#include "sluice/http/aws_credentials.hpp"
#include "sluice/http/secret_json.hpp"

#include "remote_calls.hpp"

namespace sluice::decrypt {
namespace {

constexpr std::string_view kContext = "context.";

std::string field(const MasterKey& key, const char* name) {
  const auto found = key.fields.find(name);
  return found == key.fields.end() ? std::string() : found->second;
}

/// The region of arn:PARTITION:kms:REGION:ACCOUNT:key/ID; "" when it is no such ARN. The region
/// becomes a part of a host's name, so it is held to its alphabet.
std::string region_of(std::string_view arn) {
  std::vector<std::string_view> parts;
  for (std::size_t i = 0; i < 5; ++i) {
    const std::size_t colon = arn.find(':');
    if (colon == std::string_view::npos) return {};
    parts.push_back(arn.substr(0, colon));
    arn.remove_prefix(colon + 1);
  }
  const bool good = parts[0] == "arn" && parts[1].starts_with("aws") && parts[2] == "kms" &&
                    http::is_aws_region(parts[3]) && !parts[4].empty() &&
                    parts[4].find_first_not_of("0123456789") == std::string_view::npos &&
                    ((arn.starts_with("key/") && arn.size() > 4) ||
                     (arn.starts_with("alias/") && arn.size() > 6));
  return good ? std::string(parts[3]) : std::string();
}

/// "AccessDeniedException" of {"__type": "com.amazonaws.kms#AccessDeniedException"}.
std::string error_type(std::string_view body) {
  const std::string type = http::json_text(body, {"__type"});
  const std::size_t hash = type.rfind('#');
  return hash == std::string::npos ? type : type.substr(hash + 1);
}

bool is_throttling(std::string_view type) {
  return type == "ThrottlingException" || type == "Throttling" || type == "RequestLimitExceeded" ||
         type == "TooManyRequestsException" || type == "LimitExceededException" ||
         type == "RequestThrottled" || type == "DependencyTimeoutException" ||
         type == "KMSInternalException" || type == "KeyUnavailableException";
}
bool is_stale(std::string_view type) {
  return type == "ExpiredTokenException" || type == "ExpiredToken" ||
         type == "UnrecognizedClientException" || type == "InvalidClientTokenId";
}

Code code_of(std::string_view type, int status) {
  if (is_throttling(type)) return Code::kUnavailable;
  if (type == "AccessDeniedException" || is_stale(type)) return Code::kDenied;
  if (type == "NotFoundException") return Code::kNotFound;
  return code_of_status(status);
}

class AwsService final : public KeyService {
 public:
  AwsService(std::shared_ptr<RemoteContext> context, AwsKeyCredentials credentials)
      : context_(context),
        cache_(context),
        use_profile_(credentials.use_profile_of_file),
        identity_(context->options().surroundings, exchange_of(context), context->clock(),
                  std::move(credentials.given), std::move(credentials.origin)) {}

  std::string_view type() const override { return "kms"; }
  std::vector<std::string> looked_in() const override { return identity_.looked_in(); }

  Result<crypto::SecretBytes> unwrap(const MasterKey& key, const CancelToken& cancel) override {
    return cache_.get(call_id(key), cancel, [&]() -> Result<crypto::SecretBytes> {
      if (!base64_is_plain(key.wrapped_key)) {
        return fail(Code::kInvalid, "error base64-decoding encrypted data key");
      }
      crypto::SecretBuffer body(key.wrapped_key.size() + 256);
      body.append("{\"CiphertextBlob\":");
      http::append_json_string(body, key.wrapped_key);
      append_rest(key, body);
      const std::string words = "failed to decrypt sops data key with AWS KMS: ";
      auto answer = call("Decrypt", key, share(std::move(body)), cancel);
      if (!answer) return fail(std::move(answer).error().prefix(words));
      const std::string_view text = answer->secret_body->reveal_text();
      // The key that opened it: it was asked for by name, so another one is a lie.
      const std::string opened_by = http::json_text(text, {"KeyId"});
      if (key.id.find(":key/") != std::string::npos && !opened_by.empty() && opened_by != key.id) {
        return fail(Code::kInvalid,
                    words + "the answer is of another key, " + safe_words(opened_by));
      }
      auto data_key = data_key_in(text, {"Plaintext"});
      if (!data_key) return fail(Code::kInvalid, words + "no plaintext in it");
      return *std::move(data_key);
    });
  }

  Result<std::string> wrap(const MasterKey& key, const crypto::SecretBytes& data_key,
                           const CancelToken& cancel) override {
    crypto::SecretBuffer body(512);
    body.append("{\"Plaintext\":\"");
    body.append(crypto::base64_encode_secret(data_key.reveal()).reveal_text());
    body.append("\"");
    append_rest(key, body);
    const std::string words = "failed to encrypt sops data key with AWS KMS: ";
    auto answer = call("Encrypt", key, share(std::move(body)), cancel);
    if (!answer) return fail(std::move(answer).error().prefix(words));
    std::string enc = http::json_text(answer->secret_body->reveal_text(), {"CiphertextBlob"});
    if (enc.empty()) return fail(Code::kInvalid, words + "no ciphertext in it");
    return enc;
  }

 private:
  static bool base64_is_plain(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
      return is_letter_or_digit(c) || c == '+' || c == '/' || c == '=' || c == '\n' || c == '\r';
    });
  }

  /// Context and key; ends the object.
  static void append_rest(const MasterKey& key, crypto::SecretBuffer& body) {
    bool any = false;
    for (const auto& [name, value] : key.fields) {
      if (!name.starts_with(kContext)) continue;
      body.append(any ? "," : ",\"EncryptionContext\":{");
      any = true;
      http::append_json_string(body, std::string_view(name).substr(kContext.size()));
      body.append(":");
      http::append_json_string(body, value);
    }
    body.append(any ? "},\"KeyId\":" : ",\"KeyId\":");
    http::append_json_string(body, key.id);
    body.append("}");
  }

  Result<http::Response> call(const std::string& action, const MasterKey& key,
                              std::shared_ptr<const crypto::SecretBytes> body,
                              const CancelToken& cancel) {
    const std::string region = region_of(key.id);
    if (region.empty()) return fail(Code::kInvalid, "no valid ARN found in '" + key.id + "'");
    const std::string profile = use_profile_ ? field(key, "aws_profile") : std::string();
    const std::string role = field(key, "role");
    for (int round = 0;; ++round) {
      SLUICE_TRY(const auto credentials, identity_.credentials(profile, region, role, cancel));
      http::Request request;
      request.method = "POST";
      SLUICE_TRY(request.url, identity_.endpoint("kms", region, profile));
      SLUICE_TRY(request.tls, identity_.tls());
      request.headers = {{"Content-Type", "application/x-amz-json-1.1"},
                         {"X-Amz-Target", "TrentService." + action}};
      request.secret_body = body;
      SLUICE_CHECK(http::sign_aws(request, *credentials, region, "kms", context_->clock().wall()));
      SLUICE_TRY(auto answer, context_->send(std::move(request), cancel, [](const auto& response) {
        return response.status == 400 &&
               is_throttling(error_type(response.secret_body->reveal_text()));
      }));
      if (answer.status == 200) return answer;
      const std::string_view text = answer.secret_body->reveal_text();
      const std::string type = error_type(text);
      if (is_stale(type) && round == 0) {  // ended before its time: look for new ones once
        identity_.forget(profile, region, role);
        continue;
      }
      std::string message = http::json_text(text, {"message"});
      if (message.empty()) message = http::json_text(text, {"Message"});
      std::string words = type.empty() ? "status " + std::to_string(answer.status) : type;
      if (!message.empty()) {
        words += ": " + safe_words(message, {credentials->session_token.get(),
                                             &credentials->secret_access_key});
      }
      return fail(code_of(type, answer.status), words);
    }
  }

  std::shared_ptr<RemoteContext> context_;
  CallCache cache_;
  bool use_profile_;
  http::AwsIdentity identity_;
};

}  // namespace

std::shared_ptr<KeyService> make_aws_key_service(std::shared_ptr<RemoteContext> context,
                                                 AwsKeyCredentials credentials) {
  return std::make_shared<AwsService>(std::move(context), std::move(credentials));
}

}  // namespace sluice::decrypt
