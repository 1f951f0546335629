// GCP KMS over its REST interface (SOPS gcpkms/keysource.go; Cloud KMS API v1: decrypt, encrypt).
#include <algorithm>
#include <array>

#include "sluice/base/ascii.hpp"
#include "sluice/http/gcp_identity.hpp"
#include "sluice/http/secret_json.hpp"
#include "sluice/http/url.hpp"

#include "remote_calls.hpp"

namespace sluice::decrypt {
namespace {

/// CRC-32C (Castagnoli), with which KMS guards both ways against damage.
std::uint32_t crc32c(std::span<const std::byte> bytes) {
  std::uint32_t crc = 0xffffffffU;
  for (const std::byte byte : bytes) {
    crc ^= std::to_integer<std::uint32_t>(byte);
    for (int i = 0; i < 8; ++i)  // no table: its index would be a secret
      crc = (crc >> 1) ^ (0x82f63b78U & (0U - (crc & 1U)));
  }
  return ~crc;
}

/// projects/P/locations/L/keyRings/R/cryptoKeys/K, each name of plain characters: it is part of a
/// URL.
bool is_resource(std::string_view id) {
  for (const std::string_view part : {"projects/", "locations/", "keyRings/", "cryptoKeys/"}) {
    if (!id.starts_with(part)) return false;
    id.remove_prefix(part.size());
    const std::size_t end = std::min(id.find('/'), id.size());
    const std::string_view name = id.substr(0, end);
    const bool good =
        !name.empty() && name != "." && name != ".." &&
        std::all_of(name.begin(), name.end(), [](char c) {
          return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.' || c == ':';
        });
    if (!good) return false;
    id.remove_prefix(end);
    if (part == "cryptoKeys/") return id.empty();
    if (!id.starts_with('/')) return false;
    id.remove_prefix(1);
  }
  return false;
}

class GcpService final : public KeyService {
 public:
  GcpService(std::shared_ptr<RemoteContext> context, GcpKeyCredentials credentials)
      : context_(context),
        cache_(context),
        identity_(context->options().surroundings, exchange_of(context), context->clock(),
                  std::move(credentials.given), std::move(credentials.origin)) {}

  std::string_view type() const override { return "gcp_kms"; }
  std::vector<std::string> looked_in() const override { return identity_.looked_in(); }

  Result<crypto::SecretBytes> unwrap(const MasterKey& key, const CancelToken& cancel) override {
    return cache_.get(call_id(key), cancel, [&]() -> Result<crypto::SecretBytes> {
      const std::string words = "failed to decrypt sops data key with GCP KMS key: ";
      const auto ciphertext = crypto::base64_decode_secret(key.wrapped_key);
      if (!ciphertext || ciphertext->empty()) {
        return fail(Code::kInvalid, words + "enc is not base64");
      }
      crypto::SecretBuffer body(key.wrapped_key.size() + 64);
      body.append("{\"ciphertext\":");
      http::append_json_string(body, key.wrapped_key);
      body.append(",\"ciphertextCrc32c\":\"" + std::to_string(crc32c(ciphertext->reveal())) +
                  "\"}");
      SLUICE_TRY(const auto answer, call("decrypt", key, share(std::move(body)), words, cancel));
      const std::string_view text = answer.secret_body->reveal_text();
      auto data_key = data_key_in(text, {"plaintext"});
      if (!data_key) return fail(Code::kInvalid, words + "no plaintext in it");
      const std::string sum = http::json_text(text, {"plaintextCrc32c"});
      if (!sum.empty() && sum != std::to_string(crc32c(data_key->reveal()))) {
        return fail(Code::kUnavailable, words + "the answer was damaged on its way");
      }
      return *std::move(data_key);
    });
  }

  Result<std::string> wrap(const MasterKey& key, const crypto::SecretBytes& data_key,
                           const CancelToken& cancel) override {
    const std::string words = "failed to encrypt sops data key with GCP KMS key: ";
    crypto::SecretBuffer body(256);
    body.append("{\"plaintext\":\"");
    body.append(crypto::base64_encode_secret(data_key.reveal()).reveal_text());
    body.append("\",\"plaintextCrc32c\":\"" + std::to_string(crc32c(data_key.reveal())) + "\"}");
    SLUICE_TRY(const auto answer, call("encrypt", key, share(std::move(body)), words, cancel));
    std::string enc = http::json_text(answer.secret_body->reveal_text(), {"ciphertext"});
    if (enc.empty()) return fail(Code::kInvalid, words + "no ciphertext in it");
    return enc;
  }

 private:
  /// Where KMS is. The file has no say in it.
  Result<std::string> base() {
    http::Surroundings& surroundings = context_->surroundings();
    std::string endpoint = surroundings.variable("SOPS_GCP_KMS_ENDPOINT");
    if (endpoint.empty()) {
      const std::string domain = surroundings.variable("SOPS_GCP_KMS_UNIVERSE_DOMAIN");
      endpoint = "https://cloudkms." + (domain.empty() ? "googleapis.com" : domain);
    }
    if (endpoint.find("://") == std::string::npos) endpoint = "https://" + endpoint;  // as of gRPC
    const auto url = http::parse_url(endpoint);
    if (!url)
      return fail(Code::kInvalid, "the configured GCP KMS endpoint \"" + endpoint + "\" is no URL");
    return url->origin() + "/v1/";
  }

  Result<http::Response> call(const std::string& verb, const MasterKey& key,
                              std::shared_ptr<const crypto::SecretBytes> body,
                              const std::string& words, const CancelToken& cancel) {
    if (!is_resource(key.id)) {
      return fail(Code::kInvalid, "no valid resource ID found in \"" + key.id + "\"");
    }
    SLUICE_TRY(const std::string url, base());
    for (int round = 0;; ++round) {
      auto token = identity_.token(cancel);
      if (!token) return fail(std::move(token).error().prefix(words));
      http::Request request;
      request.method = "POST";
      request.url = url + key.id + ":" + verb;
      request.headers = {{"Content-Type", "application/json"}};
      request.secret_body = body;
      request.secret_header_name = "Authorization";
      request.secret_header_value = http::bearer_authorization(**token);
      auto answer = context_->send(std::move(request), cancel);
      if (!answer) return fail(std::move(answer).error().prefix(words));
      if (answer->status == 200) return answer;
      if (answer->status == 401 && round == 0) {  // ended early or revoked
        identity_.forget();
        continue;
      }
      const std::string_view text = answer->secret_body->reveal_text();
      const std::string status = http::json_text(text, {"error", "status"});
      const std::string message = http::json_text(text, {"error", "message"});
      return fail(code_of_status(answer->status),
                  words + std::to_string(answer->status) + " " + safe_words(status) +
                      (message.empty() ? "" : ": " + safe_words(message, {token->get()})));
    }
  }

  std::shared_ptr<RemoteContext> context_;
  CallCache cache_;
  http::GcpIdentity identity_;
};

}  // namespace

std::shared_ptr<KeyService> make_gcp_key_service(std::shared_ptr<RemoteContext> context,
                                                 GcpKeyCredentials credentials) {
  return std::make_shared<GcpService>(std::move(context), std::move(credentials));
}

}  // namespace sluice::decrypt
