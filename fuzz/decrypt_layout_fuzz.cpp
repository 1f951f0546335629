// Encrypting a text and keeping its layout: what comes out opens and says what the text said, and
// editing it without a change gives the same ciphertexts.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sluice/crypto/aead.hpp"
#include "sluice/decrypt/encryptor.hpp"

#include "decrypt/bech32.hpp"

namespace {

using namespace sluice;
using namespace sluice::decrypt;

// Keeps the data key in the clear: the fuzzer is not about keys, and age would take most of the
// time.
class OpenKeys final : public KeyService {
 public:
  std::string_view type() const override { return "pgp"; }
  std::vector<std::string> looked_in() const override { return {}; }
  Result<crypto::SecretBytes> unwrap(const MasterKey& key, const CancelToken&) override {
    auto bytes = crypto::base64_decode_secret(key.wrapped_key);
    if (!bytes) return fail(Code::kInvalid, "not base64");
    return std::move(*bytes);
  }
  Result<std::string> wrap(const MasterKey&, const crypto::SecretBytes& data_key,
                           const CancelToken&) override {
    return std::string(crypto::base64_encode_secret(data_key.reveal()).reveal_text());
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  static const KeyServices services = {std::make_shared<OpenKeys>()};
  const auto format = static_cast<Format>(data[0] % 4);
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  EncryptFileOptions options{format, format};
  options.settings.groups = {parse_master_keys("pgp", "ABCD").value()};
  const std::string rules[] = {"", "a", "x", "."};
  const std::string& rule = rules[data[1] / 4 % 4];
  switch (data[1] % 4) {
    case 0:
      options.settings.encrypted_regex = rule;
      break;
    case 1:
      // Nothing that could match a ciphertext by chance, which is refused.
      options.settings.unencrypted_comment_regex = rule.empty() || rule == "." ? "" : "!" + rule;
      break;
    case 2:
      options.settings.encrypted_comment_regex = rule;
      break;
    default:
      options.settings.unencrypted_suffix = rule;
  }
  options.now = "2026-01-01T00:00:00Z";
  const auto file = encrypt_file(crypto::SecretBytes::copy_of(text), "f", options, services, {});
  if (!file) return 0;
  RewriteOptions rewrite{format};
  rewrite.now = "2026-01-01T00:00:01Z";
  const auto edit = Edit::open(*file, "f", rewrite, services, {});
  if (!edit) std::abort();
  if (!decrypt_file(*file, "f", {format, format}, services, {}) && format != Format::kJson) {
    std::abort();
  }
  static_cast<void>(edit->finish(edit->text()).has_value());
  if (!rotate_file(*file, "f", rewrite, {}, {}, services, {})) std::abort();
  return 0;
}
