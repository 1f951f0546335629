#include "sluice/crypto/rsa.hpp"

#include <limits>
#include <new>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

namespace sluice::crypto {
namespace {

constexpr int kLeastBits = 1024, kMostBits = 16384;

struct Deleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
template <class T>
using Owned = std::unique_ptr<T, Deleter>;

/// Instead of OpenSSL's prompt on the terminal.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

}  // namespace

struct RsaPrivateKey::State {
  Owned<EVP_PKEY> key;
};

RsaPrivateKey::RsaPrivateKey(std::unique_ptr<State> state) : state_(std::move(state)) {}
RsaPrivateKey::RsaPrivateKey(RsaPrivateKey&&) noexcept = default;
RsaPrivateKey& RsaPrivateKey::operator=(RsaPrivateKey&&) noexcept = default;
RsaPrivateKey::~RsaPrivateKey() = default;

Result<RsaPrivateKey> RsaPrivateKey::from_pem(const SecretBytes& pem) {
  if (pem.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    return fail(Code::kInvalid, "the private key is too large");
  }
  const Owned<BIO> bio(
      BIO_new_mem_buf(pem.empty() ? "" : pem.reveal_text().data(), static_cast<int>(pem.size())));
  if (bio == nullptr) throw std::bad_alloc();
  Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  if (key == nullptr) {
    return fail(Code::kInvalid, "no private key that can be read (PEM, without a passphrase)");
  }
  if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) {
    return fail(Code::kInvalid, "the private key is not an RSA key");
  }
  const int bits = EVP_PKEY_get_bits(key.get());
  if (bits < kLeastBits || bits > kMostBits) {
    return fail(Code::kInvalid, "an RSA key of " + std::to_string(bits) + " bits; between " +
                                    std::to_string(kLeastBits) + " and " +
                                    std::to_string(kMostBits) + " can be used");
  }
  return RsaPrivateKey(std::make_unique<State>(State{std::move(key)}));
}

std::optional<SecretBytes> RsaPrivateKey::open_oaep_sha256(Bytes ciphertext, Bytes label) const {
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new(state_->key.get(), nullptr));
  if (context == nullptr) throw std::bad_alloc();
  if (EVP_PKEY_decrypt_init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) != 1 ||
      EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), EVP_sha256()) != 1 ||
      EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), EVP_sha256()) != 1) {
    throw std::bad_alloc();
  }
  if (!label.empty()) {  // OpenSSL takes the copy over
    void* const copy = OPENSSL_memdup(label.data(), label.size());
    if (copy == nullptr) throw std::bad_alloc();
    if (EVP_PKEY_CTX_set0_rsa_oaep_label(context.get(), copy, static_cast<int>(label.size())) !=
        1) {
      OPENSSL_free(copy);
      throw std::bad_alloc();
    }
  }
  static constexpr unsigned char kNothing = 0;
  const auto* const in =
      ciphertext.empty() ? &kNothing : reinterpret_cast<const unsigned char*>(ciphertext.data());
  std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(state_->key.get()));
  SecretBytes out(size);
  const int opened =
      EVP_PKEY_decrypt(context.get(), reinterpret_cast<unsigned char*>(out.writable().data()),
                       &size, in, ciphertext.size());
  ERR_clear_error();
  if (opened != 1) return std::nullopt;
  out.shrink(size);
  return out;
}

int RsaPrivateKey::bits() const {
  return EVP_PKEY_get_bits(state_->key.get());
}

}  // namespace sluice::crypto
