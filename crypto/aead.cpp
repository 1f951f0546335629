#include "sluice/crypto/aead.hpp"

#include <cstring>
#include <limits>
#include <new>
#include <stdexcept>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "sluice/crypto/hash.hpp"

#include "provider_algorithm.hpp"

namespace sluice::crypto {
namespace {

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

struct CipherFunctions {
  explicit CipherFunctions(std::string_view name) : algorithm(OSSL_OP_CIPHER, name) {}
  ProviderObject context() const { return algorithm.object(make, free); }

  ProviderAlgorithm algorithm;
  OSSL_FUNC_cipher_newctx_fn* make =
      algorithm.function<OSSL_FUNC_cipher_newctx_fn>(OSSL_FUNC_CIPHER_NEWCTX);
  OSSL_FUNC_cipher_freectx_fn* free =
      algorithm.function<OSSL_FUNC_cipher_freectx_fn>(OSSL_FUNC_CIPHER_FREECTX);
  OSSL_FUNC_cipher_encrypt_init_fn* encrypt =
      algorithm.function<OSSL_FUNC_cipher_encrypt_init_fn>(OSSL_FUNC_CIPHER_ENCRYPT_INIT);
  OSSL_FUNC_cipher_decrypt_init_fn* decrypt =
      algorithm.function<OSSL_FUNC_cipher_decrypt_init_fn>(OSSL_FUNC_CIPHER_DECRYPT_INIT);
  OSSL_FUNC_cipher_update_fn* update =
      algorithm.function<OSSL_FUNC_cipher_update_fn>(OSSL_FUNC_CIPHER_UPDATE);
  OSSL_FUNC_cipher_final_fn* finish =
      algorithm.function<OSSL_FUNC_cipher_final_fn>(OSSL_FUNC_CIPHER_FINAL);
  OSSL_FUNC_cipher_get_ctx_params_fn* get =
      algorithm.function<OSSL_FUNC_cipher_get_ctx_params_fn>(OSSL_FUNC_CIPHER_GET_CTX_PARAMS);
  OSSL_FUNC_cipher_set_ctx_params_fn* set =
      algorithm.function<OSSL_FUNC_cipher_set_ctx_params_fn>(OSSL_FUNC_CIPHER_SET_CTX_PARAMS);
};

const CipherFunctions& aes256_gcm() {
  static const CipherFunctions cipher("AES-256-GCM");
  return cipher;
}
const CipherFunctions& chacha20_poly1305() {
  static const CipherFunctions cipher("ChaCha20-Poly1305");
  return cipher;
}

/// Runs `in` through the cipher; a null `out` says that it is associated data.
bool run(const CipherFunctions& cipher, void* context, Bytes in, unsigned char* out) {
  std::size_t size = 0;
  return in.empty() || (cipher.update(context, out, &size, in.size(), raw(in), in.size()) == 1 &&
                        size == in.size());
}

/// GCM and ChaCha20 write nothing at the end.
bool finish(const CipherFunctions& cipher, void* context) {
  unsigned char scratch[EVP_MAX_BLOCK_LENGTH];
  std::size_t size = 0;
  return cipher.finish(context, scratch, &size, sizeof scratch) == 1;
}

// Decrypts into `out`, as large as `ciphertext`; zeroizes it when the tag does not fit.
bool open(const CipherFunctions& cipher, Bytes key, Bytes iv, Bytes aad, Bytes ciphertext,
          Bytes tag, std::span<std::byte> out) {
  if (tag.size() != kAeadTagSize || key.size() != 32 || iv.empty() || iv.size() > 128 ||
      !fits_int(aad.size()) || !fits_int(ciphertext.size())) {
    return false;
  }
  const ProviderObject context = cipher.context();
  const OSSL_PARAM expected[] = {
      OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG,
                                        const_cast<unsigned char*>(raw(tag)), tag.size()),
      OSSL_PARAM_construct_end()};
  const bool ok =
      cipher.decrypt(context.get(), raw(key), key.size(), raw(iv), iv.size(), nullptr) == 1 &&
      run(cipher, context.get(), aad, nullptr) &&
      run(cipher, context.get(), ciphertext, mutable_raw(out)) &&
      cipher.set(context.get(), expected) == 1 && finish(cipher, context.get());
  if (!ok) wipe(out.data(), out.size());
  return ok;
}

// Ciphertext and tag.
std::string seal(const CipherFunctions& cipher, Bytes key, Bytes iv, Bytes aad, Bytes plaintext) {
  if (key.size() != 32 || iv.empty() || iv.size() > 128 || !fits_int(aad.size()) ||
      !fits_int(plaintext.size())) {
    throw std::invalid_argument("seal: a length that cannot be");
  }
  const ProviderObject context = cipher.context();
  std::string out(plaintext.size() + kAeadTagSize, '\0');
  auto* const bytes = reinterpret_cast<unsigned char*>(out.data());
  OSSL_PARAM tag[] = {OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG,
                                                        bytes + plaintext.size(), kAeadTagSize),
                      OSSL_PARAM_construct_end()};
  const bool ok =
      cipher.encrypt(context.get(), raw(key), key.size(), raw(iv), iv.size(), nullptr) == 1 &&
      run(cipher, context.get(), aad, nullptr) && run(cipher, context.get(), plaintext, bytes) &&
      finish(cipher, context.get()) && cipher.get(context.get(), tag) == 1;
  if (!ok) throw std::runtime_error("OpenSSL cannot encrypt");
  return out;
}

struct X25519Functions {
  ProviderAlgorithm keys{OSSL_OP_KEYMGMT, "X25519"};
  OSSL_FUNC_keymgmt_new_fn* make_key =
      keys.function<OSSL_FUNC_keymgmt_new_fn>(OSSL_FUNC_KEYMGMT_NEW);
  OSSL_FUNC_keymgmt_free_fn* free_key =
      keys.function<OSSL_FUNC_keymgmt_free_fn>(OSSL_FUNC_KEYMGMT_FREE);
  OSSL_FUNC_keymgmt_import_fn* import =
      keys.function<OSSL_FUNC_keymgmt_import_fn>(OSSL_FUNC_KEYMGMT_IMPORT);
  OSSL_FUNC_keymgmt_get_params_fn* get =
      keys.function<OSSL_FUNC_keymgmt_get_params_fn>(OSSL_FUNC_KEYMGMT_GET_PARAMS);

  ProviderAlgorithm exchange{OSSL_OP_KEYEXCH, "X25519"};
  OSSL_FUNC_keyexch_newctx_fn* make =
      exchange.function<OSSL_FUNC_keyexch_newctx_fn>(OSSL_FUNC_KEYEXCH_NEWCTX);
  OSSL_FUNC_keyexch_freectx_fn* free =
      exchange.function<OSSL_FUNC_keyexch_freectx_fn>(OSSL_FUNC_KEYEXCH_FREECTX);
  OSSL_FUNC_keyexch_init_fn* init =
      exchange.function<OSSL_FUNC_keyexch_init_fn>(OSSL_FUNC_KEYEXCH_INIT);
  OSSL_FUNC_keyexch_set_peer_fn* set_peer =
      exchange.function<OSSL_FUNC_keyexch_set_peer_fn>(OSSL_FUNC_KEYEXCH_SET_PEER);
  OSSL_FUNC_keyexch_derive_fn* derive =
      exchange.function<OSSL_FUNC_keyexch_derive_fn>(OSSL_FUNC_KEYEXCH_DERIVE);
};

const X25519Functions& x25519_functions() {
  static const X25519Functions functions;
  return functions;
}

// A key of at least one half; null when OpenSSL does not take it. The public half is computed when
// it is not given, which takes as long as an agreement.
ProviderObject x25519_key(Bytes scalar, Bytes point) {
  const X25519Functions& functions = x25519_functions();
  ProviderObject key = functions.keys.object(functions.make_key, functions.free_key);
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
  const int selection =
      scalar.empty() ? OSSL_KEYMGMT_SELECT_PUBLIC_KEY : OSSL_KEYMGMT_SELECT_KEYPAIR;
  if (functions.import(key.get(), selection, parts) != 1) key.reset();
  return key;
}

}  // namespace

std::optional<SecretBytes> aes256_gcm_open(Bytes key, Bytes iv, Bytes aad, Bytes ciphertext,
                                           Bytes tag) {
  SecretBytes out(ciphertext.size());
  if (!open(aes256_gcm(), key, iv, aad, ciphertext, tag, out.writable())) return std::nullopt;
  return out;
}

std::string aes256_gcm_seal(Bytes key, Bytes iv, Bytes aad, Bytes plaintext) {
  return seal(aes256_gcm(), key, iv, aad, plaintext);
}

bool chacha20_poly1305_open(Bytes key, Bytes nonce, Bytes sealed, std::span<std::byte> out) {
  if (nonce.size() != 12 || sealed.size() < kAeadTagSize) return false;
  const std::size_t size = sealed.size() - kAeadTagSize;
  if (out.size() < size) return false;
  return open(chacha20_poly1305(), key, nonce, {}, sealed.first(size), sealed.subspan(size),
              out.first(size));
}

std::string chacha20_poly1305_seal(Bytes key, Bytes nonce, Bytes plaintext) {
  return seal(chacha20_poly1305(), key, nonce, {}, plaintext);
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
  constexpr std::size_t kBlock = 64;
  std::array<std::byte, kBlock> padded{};
  if (key.size() > kBlock) {
    Hash hash(HashAlgorithm::kSha256);
    hash.append(key);
    auto digest = hash.finish();
    std::memcpy(padded.data(), digest.data(), 32);
    wipe(digest.data(), digest.size());
  } else if (!key.empty()) {
    std::memcpy(padded.data(), key.data(), key.size());
  }
  const auto hashed_with = [&padded](std::byte pad, Bytes text) {
    for (std::byte& one : padded)
      one ^= pad;
    Hash hash(HashAlgorithm::kSha256);
    hash.append(padded);
    hash.append(text);
    return hash.finish();
  };
  constexpr std::byte kInner{0x36}, kOuter{0x5C};
  auto inner = hashed_with(kInner, message);
  auto outer = hashed_with(kInner ^ kOuter, std::as_bytes(std::span(inner).first(32)));
  std::array<std::byte, 32> mac{};
  std::memcpy(mac.data(), outer.data(), mac.size());
  wipe(padded.data(), padded.size());
  wipe(inner.data(), inner.size());
  wipe(outer.data(), outer.size());
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
  const X25519Functions& functions = x25519_functions();
  const ProviderObject ours = x25519_key(scalar, own_point);
  const ProviderObject theirs = x25519_key({}, point);
  if (ours == nullptr || theirs == nullptr) return std::nullopt;
  const ProviderObject context = functions.exchange.object(functions.make, functions.free);
  SecretBytes shared(32);
  std::size_t size = 0;
  // OpenSSL fails the derivation when the result is all zeros (RFC 7748, section 6.1).
  if (functions.init(context.get(), ours.get(), nullptr) != 1 ||
      functions.set_peer(context.get(), theirs.get()) != 1 ||
      functions.derive(context.get(), mutable_raw(shared.writable()), &size, shared.size()) != 1 ||
      size != shared.size()) {
    return std::nullopt;
  }
  return shared;
}

std::optional<std::array<std::byte, 32>> x25519_public(Bytes scalar) {
  if (scalar.size() != 32) return std::nullopt;
  const ProviderObject key = x25519_key(scalar, {});
  std::array<std::byte, 32> point{};
  OSSL_PARAM wanted[] = {OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY,
                                                           mutable_raw(point), point.size()),
                         OSSL_PARAM_construct_end()};
  if (key == nullptr || x25519_functions().get(key.get(), wanted) != 1) return std::nullopt;
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
