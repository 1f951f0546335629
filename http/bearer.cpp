#include "bearer.hpp"

#include <algorithm>
#include <cstdlib>

#include "sluice/base/encoding.hpp"
#include "sluice/http/retry.hpp"
#include "sluice/http/secret_json.hpp"

namespace sluice::http {

std::string base64url(std::string_view bytes) {
  std::string text = base64_encode(bytes);
  while (text.ends_with('='))
    text.pop_back();
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

Result<crypto::SecretBytes> sign_jwt(std::string_view header, std::string_view payload,
                                     const crypto::SecretBytes& key, crypto::RsaSignature scheme) {
  const std::string start = base64url(header) + "." + base64url(payload);
  SLUICE_TRY(const std::string signature, crypto::sign_rsa_sha256(key, scheme, start));
  crypto::SecretBuffer out(start.size() + 1024);
  out.append(start);
  out.append(".");
  out.append(base64url(signature));
  return std::move(out).take();
}

Result<Bearer> read_bearer(const Response& answer, const std::string& what, WallTime now) {
  const std::string_view text = answer.secret_body->reveal_text();
  if (answer.status != 200) {
    std::string words = json_text(text, {"error"});
    if (words.empty()) words = json_text(text, {"error", "message"});
    if (words.empty()) words = "status " + std::to_string(answer.status);
    std::string more = json_text(text, {"error_description"});
    more = more.substr(0, more.find_first_of("\r\n"));
    if (more.size() > 300) more.resize(300);
    if (!more.empty()) words += ": " + more;
    return fail(is_retryable(answer.status) ? Code::kUnavailable : Code::kDenied,
                what + ": " + words);
  }
  auto token = secret_json_string(text, {"access_token"});
  if (!token || token->empty()) return fail(Code::kInvalid, what + ": the answer holds no token");
  Bearer out{std::make_shared<const crypto::SecretBytes>(*std::move(token)), {}};
  const long seconds = std::atol(json_text(text, {"expires_in"}).c_str());
  if (seconds > 0) out.expires = now + std::chrono::seconds(seconds);
  return out;
}

crypto::SecretBytes without_blanks_around(const crypto::SecretBytes& bytes) {
  std::string_view text = bytes.reveal_text();
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ')
    text.remove_suffix(1);
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ')
    text.remove_prefix(1);
  return crypto::SecretBytes::copy_of(text);
}

}  // namespace sluice::http
