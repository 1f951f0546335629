#include "sluice/crypto/rsa.hpp"

#include <limits>
#include <new>
#include <utility>
#include <vector>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

namespace sluice::crypto {
namespace {

constexpr int kLeastBits = 1024, kMostBits = 16384;

struct Deleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(BIGNUM* number) const { BN_clear_free(number); }
  void operator()(BN_CTX* context) const { BN_CTX_free(context); }
  void operator()(OSSL_PARAM_BLD* builder) const { OSSL_PARAM_BLD_free(builder); }
  void operator()(OSSL_PARAM* parameters) const { OSSL_PARAM_free(parameters); }
};
template <class T>
using Owned = std::unique_ptr<T, Deleter>;

/// Instead of OpenSSL's prompt on the terminal.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

Owned<BIGNUM> number(Bytes bytes) {
  Owned<BIGNUM> made(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                               static_cast<int>(bytes.size()), nullptr));
  if (made == nullptr) throw std::bad_alloc();
  BN_set_flags(made.get(), BN_FLG_CONSTTIME);
  return made;
}

/// number mod (prime - 1).
Owned<BIGNUM> reduced(const BIGNUM* value, const BIGNUM* prime) {
  const Owned<BN_CTX> context(BN_CTX_new());
  const Owned<BIGNUM> less(BN_dup(prime));
  Owned<BIGNUM> out(BN_new());
  if (context == nullptr || less == nullptr || out == nullptr) throw std::bad_alloc();
  BN_set_flags(less.get(), BN_FLG_CONSTTIME);
  if (BN_sub_word(less.get(), 1) != 1 || BN_mod(out.get(), value, less.get(), context.get()) != 1) {
    BN_zero(out.get());
  }
  return out;
}

using Named = std::pair<const char*, const BIGNUM*>;
Owned<EVP_PKEY> key_of(const std::vector<Named>& numbers, int selection) {
  const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  if (builder == nullptr || context == nullptr) throw std::bad_alloc();
  for (const auto& [name, value] : numbers)
    OSSL_PARAM_BLD_push_BN(builder.get(), name, value);
  const Owned<OSSL_PARAM> parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  EVP_PKEY* made = nullptr;
  if (parameters != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1) {
    EVP_PKEY_fromdata(context.get(), &made, selection, parameters.get());
  }
  ERR_clear_error();
  return Owned<EVP_PKEY>(made);
}

std::string bytes_of(const EVP_PKEY* key, const char* name) {
  BIGNUM* got = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &got) != 1) throw std::bad_alloc();
  const Owned<BIGNUM> value(got);
  std::string out(static_cast<std::size_t>(BN_num_bytes(got)), '\0');
  BN_bn2bin(got, reinterpret_cast<unsigned char*>(out.data()));
  return out;
}

/// For OAEP with SHA-256 and `label`, after `init`.
void set_oaep(EVP_PKEY_CTX* context, Bytes label) {
  if (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) != 1 ||
      EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) != 1 ||
      EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) != 1) {
    throw std::bad_alloc();
  }
  if (label.empty()) return;
  void* const copy = OPENSSL_memdup(label.data(), label.size());  // OpenSSL takes it over
  if (copy == nullptr) throw std::bad_alloc();
  if (EVP_PKEY_CTX_set0_rsa_oaep_label(context, copy, static_cast<int>(label.size())) != 1) {
    OPENSSL_free(copy);
    throw std::bad_alloc();
  }
}

const unsigned char* raw(Bytes bytes) {
  static constexpr unsigned char kNothing = 0;
  return bytes.empty() ? &kNothing : reinterpret_cast<const unsigned char*>(bytes.data());
}

bool is_usable(const EVP_PKEY* key) {
  const int bits = EVP_PKEY_get_bits(key);
  return bits >= kLeastBits && bits <= kMostBits;
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

Result<RsaPrivateKey> RsaPrivateKey::from_numbers(const Numbers& numbers) {
  const auto n = number(numbers.n), e = number(numbers.e), d = number(numbers.d);
  const auto p = number(numbers.p), q = number(numbers.q), inverse = number(numbers.inverse_q);
  const auto d_p = reduced(d.get(), p.get()), d_q = reduced(d.get(), q.get());
  auto key = key_of({{OSSL_PKEY_PARAM_RSA_N, n.get()},
                     {OSSL_PKEY_PARAM_RSA_E, e.get()},
                     {OSSL_PKEY_PARAM_RSA_D, d.get()},
                     {OSSL_PKEY_PARAM_RSA_FACTOR1, p.get()},
                     {OSSL_PKEY_PARAM_RSA_FACTOR2, q.get()},
                     {OSSL_PKEY_PARAM_RSA_EXPONENT1, d_p.get()},
                     {OSSL_PKEY_PARAM_RSA_EXPONENT2, d_q.get()},
                     {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, inverse.get()}},
                    EVP_PKEY_KEYPAIR);
  if (key == nullptr || !is_usable(key.get())) {
    return fail(Code::kInvalid, "the numbers of the RSA private key are no key that can be used");
  }
  return RsaPrivateKey(std::make_unique<State>(State{std::move(key)}));
}

std::string RsaPrivateKey::modulus() const {
  return bytes_of(state_->key.get(), OSSL_PKEY_PARAM_RSA_N);
}

std::string RsaPrivateKey::exponent() const {
  return bytes_of(state_->key.get(), OSSL_PKEY_PARAM_RSA_E);
}

std::optional<SecretBytes> RsaPrivateKey::open_oaep_sha256(Bytes ciphertext, Bytes label) const {
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new(state_->key.get(), nullptr));
  if (context == nullptr || EVP_PKEY_decrypt_init(context.get()) != 1) throw std::bad_alloc();
  set_oaep(context.get(), label);
  std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(state_->key.get()));
  SecretBytes out(size);
  const int opened =
      EVP_PKEY_decrypt(context.get(), reinterpret_cast<unsigned char*>(out.writable().data()),
                       &size, raw(ciphertext), ciphertext.size());
  ERR_clear_error();
  if (opened != 1) return std::nullopt;
  out.shrink(size);
  return out;
}

std::optional<std::string> rsa_seal_oaep_sha256(Bytes modulus, Bytes exponent, Bytes plaintext,
                                                Bytes label) {
  const auto n = number(modulus), e = number(exponent);
  const auto key = key_of({{OSSL_PKEY_PARAM_RSA_N, n.get()}, {OSSL_PKEY_PARAM_RSA_E, e.get()}},
                          EVP_PKEY_PUBLIC_KEY);
  if (key == nullptr || !is_usable(key.get())) return std::nullopt;
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new(key.get(), nullptr));
  if (context == nullptr || EVP_PKEY_encrypt_init(context.get()) != 1) throw std::bad_alloc();
  set_oaep(context.get(), label);
  std::string out(static_cast<std::size_t>(EVP_PKEY_get_size(key.get())), '\0');
  std::size_t size = out.size();
  const int sealed = EVP_PKEY_encrypt(context.get(), reinterpret_cast<unsigned char*>(out.data()),
                                      &size, raw(plaintext), plaintext.size());
  ERR_clear_error();
  if (sealed != 1) return std::nullopt;
  out.resize(size);
  return out;
}

int RsaPrivateKey::bits() const {
  return EVP_PKEY_get_bits(state_->key.get());
}

}  // namespace sluice::crypto
