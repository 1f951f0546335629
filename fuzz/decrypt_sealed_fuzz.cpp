// Sealed values and the objects around them: whatever comes in, nothing opens that was not sealed
// for the key, and leaves are given out for opened values only.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "sluice/base/encoding.hpp"
#include "sluice/crypto/aead.hpp"
#include "sluice/crypto/hash.hpp"
#include "sluice/decrypt/sealed_secret.hpp"
#include "sluice/yaml/read.hpp"

namespace {

using namespace sluice;

// The shortest that is accepted: a longer one would take nearly all of the time.
constexpr std::string_view kKey = R"(-----BEGIN PRIVATE KEY-----
MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBAJM8XllRrPoEQCCZ
QbLmh/L0WdbbQW3S4FiU7/hiSBPvndKmlGX4SOKs9f+5lmp4dtJc8shh+i9MaqDm
5CJhlvWbpFZY3Axhk6B87EG6PbEbH9qSOwmjkCNwX4PEyxw+DZEJa14TRTbnZZwh
i1RaZoyYlRvVtpKByo97e/WOzHiDAgMBAAECgYEAipDwAoOZlZrWd1eEu0e2fnJ0
8n5ar28c8IEK7uogB5MlJxDa7LSkc6BvzAHvi7hfq08KtodvG4CBgXiLD8hkdshY
VkmmaMtpEQGxlfwX0J8VQ2xZzubhI9nN7QzpV0j+44AAMe+c0DvJTJ6uBK4weIDm
wzVy1b9c0brTreKzYlECQQDDsU+107IgwLDGGKxNEmO4dTRFnhcUF0D2ineWjyKM
eUr5HJFurXYW/KMQPzxqDRjID2ANnAvaDdi9yGFRj6onAkEAwJwtJ4Q6qwFBViPm
H57RiVNeciVY5P2iUguskG1iFn7yJtal/lNNZF0mfd+9q8bkahBjO2xjIjf7Vcow
Qh0ERQJAfCwZiSWwBKpgQQLM6ga+MgBkz7v1pvDubsIECgv+/yXD1fgzrAfzQ7jA
+4E0o5J15BQlfd1Dg/R/UEVCw08mxwJAVG1g4Zx1dvXS5OZRffTI1lAj6xbx01ZW
K26QkrJPt5qnnFykYEm1d9PZBn3njv9cqh1K0gZdoec2FVHOO3yqnQJAJiD+zAlm
/3elCE3tUHH9oQiMFsAvNzJpmynqfvHv3sfi2bdOZIaV36GiOD+3GdNFw7rY29MO
Q6OW1Jquog5Ayw==
-----END PRIVATE KEY-----
)";
constexpr std::string_view kSession = "0123456789abcdef0123456789abcdef";

/// A value as kubeseal makes it, of `plaintext` for "prod/db".
std::string seal(std::string_view plaintext) {
  static const std::string wrapped = [] {
    const auto key = crypto::RsaPrivateKey::from_pem(crypto::SecretBytes::copy_of(kKey));
    auto sealed = crypto::rsa_seal_oaep_sha256(
        crypto::as_bytes(key->modulus()), crypto::as_bytes(key->exponent()),
        crypto::as_bytes(kSession), crypto::as_bytes("prod/db"));
    return std::string{0, static_cast<char>(sealed->size())} + *sealed;
  }();
  static constexpr std::array<std::byte, 12> kZeroNonce{};
  return wrapped + crypto::aes256_gcm_seal(crypto::as_bytes(kSession), kZeroNonce, {},
                                           crypto::as_bytes(plaintext));
}

std::string object_with(std::string_view value) {
  return "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: db, namespace: "
         "prod}\nspec:\n  encryptedData:\n    k: " +
         base64_encode(value) + "\n";
}

/// Reading the key takes longer than opening a value, and an opener keeps all that it opened.
decrypt::SealedOpener& fresh_opener() {
  constexpr int kRuns = 1000;
  static std::unique_ptr<decrypt::SealedOpener> current;
  static int runs = 0;
  if (runs++ % kRuns == 0) {
    decrypt::SealedKeys keys;
    if (!keys.add(crypto::SecretBytes::copy_of(kKey), "key")) std::abort();
    current = std::make_unique<decrypt::SealedOpener>(std::move(keys));
  }
  return *current;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  enum { kValue, kPlaintext, kObject, kKinds };
  const int kind = data[0] % kKinds;
  const std::string object(kind == kValue       ? object_with(text)
                           : kind == kPlaintext ? object_with(seal(text))
                                                : std::string(text));
  const auto documents = yaml::read_yaml(object, FileId::kNone);
  if (!documents) return 0;
  decrypt::SealedOpener& opener = fresh_opener();
  for (const auto& document : *documents) {
    if (!decrypt::is_sealed_secret(document.root())) continue;
    static_cast<void>(decrypt::sealed_scope(document.root()));
    const auto secret = opener.unseal(document.root(), {}, {});
    if (!secret && kind == kPlaintext) std::abort();
    if (!secret) continue;
    for (const yaml::EncryptedLeaf& leaf : secret->leaves()) {
      const auto opened = opener.open(leaf, {});
      if (!opened || (kind == kPlaintext && opened->reveal_text() != text)) std::abort();
    }
  }
  return 0;
}
