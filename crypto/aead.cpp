#define OPENSSL_SUPPRESS_DEPRECATED  // HMAC_*, see hmac_sha256
#include "sluice/crypto/aead.hpp"

#include <limits>
#include <memory>
#include <new>
#include <stdexcept>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "few_algorithms.hpp"

namespace sluice::crypto {
namespace {

struct Deleter {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(HMAC_CTX* context) const { HMAC_CTX_free(context); }
};
template <class T>
using Owned = std::unique_ptr<T, Deleter>;

const unsigned char* raw(Bytes bytes) {
  // OpenSSL takes a null input for "no call at all" in places, so an empty one needs an address.
  static constexpr unsigned char kNothing = 0;
  return bytes.empty() ? &kNothing : reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* mutable_raw(std::span<std::byte> bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

bool fits_int(std::size_t size) {
  return size <= static_cast<std::size_t>(std::numeric_limits<int>::max());
}

// Decrypts into `out`, as large as `ciphertext`; zeroizes it when the tag does not fit.
bool open(const EVP_CIPHER* cipher, Bytes key, Bytes iv, Bytes aad, Bytes ciphertext, Bytes tag,
          std::span<std::byte> out) {
  if (tag.size() != kAeadTagSize || key.size() != 32 || iv.empty() || iv.size() > 128 ||
      !fits_int(aad.size()) || !fits_int(ciphertext.size())) {
    return false;
  }
  const Owned<EVP_CIPHER_CTX> context(EVP_CIPHER_CTX_new());
  if (cipher == nullptr || context == nullptr) throw std::bad_alloc();
  int size = 0;
  unsigned char scratch[EVP_MAX_BLOCK_LENGTH];  // GCM and ChaCha20 write nothing at the end
  const bool ok =
      EVP_DecryptInit_ex2(context.get(), cipher, nullptr, nullptr, nullptr) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_IVLEN, static_cast<int>(iv.size()),
                          nullptr) == 1 &&
      EVP_DecryptInit_ex2(context.get(), nullptr, raw(key), raw(iv), nullptr) == 1 &&
      (aad.empty() || EVP_DecryptUpdate(context.get(), nullptr, &size, raw(aad),
                                        static_cast<int>(aad.size())) == 1) &&
      (ciphertext.empty() ||
       EVP_DecryptUpdate(context.get(), mutable_raw(out), &size, raw(ciphertext),
                         static_cast<int>(ciphertext.size())) == 1) &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag.size()),
                          const_cast<unsigned char*>(raw(tag))) == 1 &&
      EVP_DecryptFinal_ex(context.get(), scratch, &size) == 1;
  if (!ok) wipe(out.data(), out.size());
  return ok;
}

// Ciphertext and tag.
std::string seal(const EVP_CIPHER* cipher, Bytes key, Bytes iv, Bytes aad, Bytes plaintext) {
  if (key.size() != 32 || iv.empty() || iv.size() > 128 || !fits_int(aad.size()) ||
      !fits_int(plaintext.size())) {
    throw std::invalid_argument("seal: a length that cannot be");
  }
  const Owned<EVP_CIPHER_CTX> context(EVP_CIPHER_CTX_new());
  if (cipher == nullptr || context == nullptr) throw std::bad_alloc();
  std::string out(plaintext.size() + kAeadTagSize, '\0');
  auto* const bytes = reinterpret_cast<unsigned char*>(out.data());
  int size = 0;
  unsigned char scratch[EVP_MAX_BLOCK_LENGTH];
  const bool ok =
      EVP_EncryptInit_ex2(context.get(), cipher, nullptr, nullptr, nullptr) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_IVLEN, static_cast<int>(iv.size()),
                          nullptr) == 1 &&
      EVP_EncryptInit_ex2(context.get(), nullptr, raw(key), raw(iv), nullptr) == 1 &&
      (aad.empty() || EVP_EncryptUpdate(context.get(), nullptr, &size, raw(aad),
                                        static_cast<int>(aad.size())) == 1) &&
      (plaintext.empty() || EVP_EncryptUpdate(context.get(), bytes, &size, raw(plaintext),
                                              static_cast<int>(plaintext.size())) == 1) &&
      EVP_EncryptFinal_ex(context.get(), scratch, &size) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(kAeadTagSize),
                          bytes + plaintext.size()) == 1;
  if (!ok) throw std::runtime_error("OpenSSL cannot encrypt");
  return out;
}

const EVP_CIPHER* fetch(const char* name) {
  return EVP_CIPHER_fetch(few_algorithms(), name, nullptr);
}

// The public half is computed when it is not given, which takes as long as an agreement.
Owned<EVP_PKEY> x25519_key(Bytes scalar, Bytes point) {
  const Owned<EVP_PKEY_CTX> context(
      EVP_PKEY_CTX_new_from_name(few_algorithms(), "X25519", nullptr));
  OSSL_PARAM parts[3];
  OSSL_PARAM* end = parts;
  const auto add = [&end](const char* name, Bytes bytes) {
    if (bytes.size() != 32) return;
    *end++ = OSSL_PARAM_construct_octet_string(name, const_cast<unsigned char*>(raw(bytes)),
                                               bytes.size());
  };
  add(OSSL_PKEY_PARAM_PUB_KEY, point);
  add(OSSL_PKEY_PARAM_PRIV_KEY, scalar);
  *end = OSSL_PARAM_construct_end();
  const int selection = scalar.empty() ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEYPAIR;
  EVP_PKEY* key = nullptr;
  if (context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, selection, parts) != 1) {
    return nullptr;
  }
  return Owned<EVP_PKEY>(key);
}

}  // namespace

std::optional<SecretBytes> aes256_gcm_open(Bytes key, Bytes iv, Bytes aad, Bytes ciphertext,
                                           Bytes tag) {
  static const EVP_CIPHER* const cipher = fetch("AES-256-GCM");
  SecretBytes out(ciphertext.size());
  if (!open(cipher, key, iv, aad, ciphertext, tag, out.writable())) return std::nullopt;
  return out;
}

std::string aes256_gcm_seal(Bytes key, Bytes iv, Bytes aad, Bytes plaintext) {
  static const EVP_CIPHER* const cipher = fetch("AES-256-GCM");
  return seal(cipher, key, iv, aad, plaintext);
}

bool chacha20_poly1305_open(Bytes key, Bytes nonce, Bytes sealed, std::span<std::byte> out) {
  static const EVP_CIPHER* const cipher = fetch("ChaCha20-Poly1305");
  if (nonce.size() != 12 || sealed.size() < kAeadTagSize) return false;
  const std::size_t size = sealed.size() - kAeadTagSize;
  if (out.size() < size) return false;
  return open(cipher, key, nonce, {}, sealed.first(size), sealed.subspan(size), out.first(size));
}

std::string chacha20_poly1305_seal(Bytes key, Bytes nonce, Bytes plaintext) {
  static const EVP_CIPHER* const cipher = fetch("ChaCha20-Poly1305");
  return seal(cipher, key, nonce, {}, plaintext);
}

SecretBytes random_bytes(std::size_t size) {
  SecretBytes bytes(size);
  if (!fits_int(size) ||
      (size != 0 && RAND_priv_bytes(mutable_raw(bytes.writable()), static_cast<int>(size)) != 1)) {
    throw std::runtime_error("OpenSSL has no random bytes");
  }
  return bytes;
}

std::array<std::byte, 32> hmac_sha256(Bytes key, Bytes message) {
  // The older functions take the digest as it is; EVP_MAC looks one up by name for each message.
  static const EVP_MD* const sha256 = EVP_MD_fetch(few_algorithms(), "SHA256", nullptr);
  const Owned<HMAC_CTX> context(HMAC_CTX_new());
  std::array<std::byte, 32> mac{};
  unsigned size = 0;
  if (!fits_int(key.size()) || sha256 == nullptr || context == nullptr ||
      HMAC_Init_ex(context.get(), raw(key), static_cast<int>(key.size()), sha256, nullptr) != 1 ||
      HMAC_Update(context.get(), raw(message), message.size()) != 1 ||
      HMAC_Final(context.get(), mutable_raw(mac), &size) != 1) {
    throw std::bad_alloc();
  }
  return mac;
}

SecretBytes hkdf_sha256(Bytes secret, Bytes salt, std::string_view info) {
  static constexpr std::array<std::byte, 32> kNoSalt{};
  auto extracted = hmac_sha256(salt.empty() ? Bytes(kNoSalt) : salt, secret);
  SecretBuffer message(info.size() + 1);
  message.append(info);
  message.append(std::string_view("\x01", 1));  // one block is all we need
  auto expanded = hmac_sha256(extracted, std::move(message).take().reveal());
  SecretBytes out = SecretBytes::copy_of(expanded);
  wipe(extracted.data(), extracted.size());
  wipe(expanded.data(), expanded.size());
  return out;
}

std::optional<SecretBytes> x25519(Bytes scalar, Bytes point, Bytes own_point) {
  if (scalar.size() != 32 || point.size() != 32) return std::nullopt;
  const auto ours = x25519_key(scalar, own_point);
  const auto theirs = x25519_key({}, point);
  if (ours == nullptr || theirs == nullptr) return std::nullopt;
  const Owned<EVP_PKEY_CTX> context(
      EVP_PKEY_CTX_new_from_pkey(few_algorithms(), ours.get(), nullptr));
  SecretBytes shared(32);
  std::size_t size = shared.size();
  // OpenSSL fails the derivation when the result is all zeros (RFC 7748, section 6.1).
  if (context == nullptr || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer(context.get(), theirs.get()) != 1 ||
      EVP_PKEY_derive(context.get(), mutable_raw(shared.writable()), &size) != 1 || size != 32) {
    return std::nullopt;
  }
  return shared;
}

std::optional<std::array<std::byte, 32>> x25519_public(Bytes scalar) {
  if (scalar.size() != 32) return std::nullopt;
  const auto key = x25519_key(scalar, {});
  std::array<std::byte, 32> point{};
  std::size_t size = point.size();
  if (key == nullptr || EVP_PKEY_get_raw_public_key(key.get(), mutable_raw(point), &size) != 1) {
    return std::nullopt;
  }
  return point;
}

std::optional<SecretBytes> scrypt(Bytes passphrase, Bytes salt, unsigned log_n) {
  if (log_n < 1 || log_n > 22) return std::nullopt;
  constexpr std::uint64_t kR = 8;
  const std::uint64_t n = std::uint64_t{1} << log_n;
  SecretBytes key(32);
  if (EVP_PBE_scrypt(reinterpret_cast<const char*>(raw(passphrase)), passphrase.size(), raw(salt),
                     salt.size(), n, kR, 1, 128 * kR * (n + 8), mutable_raw(key.writable()),
                     key.size()) != 1) {
    return std::nullopt;
  }
  return key;
}

}  // namespace sluice::crypto
