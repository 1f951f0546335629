#include "sluice/http/aws_signature.hpp"

#include <algorithm>
#include <map>

#include "sluice/base/ascii.hpp"
#include "sluice/base/encoding.hpp"
#include "sluice/crypto/aead.hpp"
#include "sluice/crypto/hash.hpp"
#include "sluice/http/url.hpp"

namespace sluice::http {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

std::string sha256_hex(std::string_view text) {
  return crypto::sha256(text).hex();
}

crypto::SecretBytes hmac(const crypto::SecretBytes& key, std::string_view message) {
  auto tag = crypto::hmac_sha256(key.reveal(), crypto::as_bytes(message));
  auto secret = crypto::SecretBytes::copy_of(std::span<const std::byte>(tag));
  crypto::wipe(tag.data(), tag.size());
  return secret;
}

/// Parameters sorted by name, then value; one without '=' gets it.
std::string canonical_query(std::string_view query) {
  std::vector<std::string> parts;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    std::string part(query.substr(0, end));
    if (part.find('=') == std::string::npos) part += '=';
    parts.push_back(std::move(part));
    query.remove_prefix(std::min(query.size(), end + 1));
  }
  std::sort(parts.begin(), parts.end());
  std::string out;
  for (const std::string& part : parts)
    out += (out.empty() ? "" : "&") + part;
  return out;
}

}  // namespace

Result<void> sign_aws(Request& request, const AwsCredentials& credentials, std::string_view region,
                      std::string_view service, WallTime now) {
  const auto url = parse_url(request.url);
  if (!url) return fail(Code::kInvalid, "\"" + request.url + "\" is not a URL that can be signed");
  const std::string body_hash = sha256_hex(request.secret_body ? request.secret_body->reveal_text()
                                                               : std::string_view(request.body));
  std::string time = rfc3339(now);  // 2026-01-01T00:00:00Z
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  const std::string date = time.substr(0, 8);
  request.headers.emplace_back("X-Amz-Date", time);
  request.headers.emplace_back("X-Amz-Content-Sha256", body_hash);

  std::map<std::string, std::string> names;  // lower case
  for (const auto& [name, value] : request.headers)
    names[to_lower(name)] = trim(value, " ");
  names["host"] = url->authority();
  // Secret: it goes into the hash from where it lies.
  constexpr std::string_view kToken = "x-amz-security-token";
  if (credentials.session_token) names[std::string(kToken)] = {};

  crypto::Hash canonical(crypto::HashAlgorithm::kSha256);
  canonical.append(request.method + "\n" + url->path + "\n" + canonical_query(url->query) + "\n");
  std::string signed_names;
  for (const auto& [name, value] : names) {
    canonical.append(name + ":");
    canonical.append(name == kToken ? credentials.session_token->reveal_text()
                                    : std::string_view(value));
    canonical.append("\n");
    signed_names += (signed_names.empty() ? "" : ";") + name;
  }
  canonical.append("\n" + signed_names + "\n" + body_hash);
  const auto canonical_hash = canonical.finish();

  const std::string scope =
      date + "/" + std::string(region) + "/" + std::string(service) + "/aws4_request";
  const std::string to_sign = std::string(kAlgorithm) + "\n" + time + "\n" + scope + "\n" +
                              hex_encode(std::span(canonical_hash).first(32));
  crypto::SecretBuffer start(credentials.secret_access_key.size() + 4);
  start.append("AWS4");
  start.append(credentials.secret_access_key.reveal_text());
  auto key = std::move(start).take();
  for (const std::string_view part :
       {std::string_view(date), region, service, std::string_view("aws4_request")}) {
    key = hmac(key, part);
  }
  const auto signature = crypto::hmac_sha256(key.reveal(), crypto::as_bytes(to_sign));
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(signature.data());
  request.headers.emplace_back(
      "Authorization", std::string(kAlgorithm) + " Credential=" + credentials.access_key_id + "/" +
                           scope + ", SignedHeaders=" + signed_names +
                           ", Signature=" + hex_encode({bytes, signature.size()}));
  if (credentials.session_token) {
    request.secret_header_name = "X-Amz-Security-Token";
    request.secret_header_value = credentials.session_token;
  }
  return {};
}

}  // namespace sluice::http
