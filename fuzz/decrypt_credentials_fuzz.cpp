// What tenants and servers send to the key services: entries of a decryption Secret, JSON answers,
// addresses, profile files. What is read as JSON must be found again when it is written.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sluice/decrypt/flux_credentials.hpp"
#include "sluice/decrypt/remote_keys.hpp"
#include "sluice/http/secret_json.hpp"
#include "sluice/http/url.hpp"

#include "decrypt/remote_calls.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto secret = crypto::SecretBytes::copy_of(text);
  static_cast<void>(decrypt::read_flat_secrets(secret).has_value());
  static_cast<void>(decrypt::read_aws_credentials(secret).has_value());
  static_cast<void>(decrypt::read_azure_credentials(secret).has_value());
  static_cast<void>(http::secret_json_string(text, {"data", "plaintext"}));
  static_cast<void>(http::json_list(text, {"errors"}));
  if (const auto url = http::parse_url(text)) {
    const auto again = http::parse_url(url->origin() + url->path);
    if (!again || again->origin() != url->origin()) std::abort();
  }
  static_cast<void>(decrypt::TrustedHosts::parse(text).has_value());
  if (decrypt::safe_words(text, {&secret}).size() > 310) std::abort();
  crypto::SecretBuffer json(size + 64);
  json.append("{\"k\":");
  http::append_json_string(json, text);
  json.append("}");
  const auto written = std::move(json).take();
  const auto found = http::secret_json_string(written.reveal_text(), {"k"});
  if (!found || found->reveal_text() != text) std::abort();
  return 0;
}
