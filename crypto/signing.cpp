#include "sluice/crypto/signing.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

namespace sluice::crypto {
namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(PKCS12* bag) const { PKCS12_free(bag); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(STACK_OF(X509) * list) const { sk_X509_pop_free(list, X509_free); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

Owned<BIO> reader(const SecretBytes& bytes) {
  Owned<BIO> bio(BIO_new_mem_buf(bytes.reveal().data(), static_cast<int>(bytes.size())));
  if (!bio) throw std::bad_alloc();
  return bio;
}

int give_password(char* to, int size, int, void* from) {
  const auto& password = *static_cast<const SecretBytes*>(from);
  if (size < 0 || password.size() > static_cast<std::size_t>(size)) return -1;
  std::memcpy(to, password.reveal().data(), password.size());
  return static_cast<int>(password.size());
}

Result<SecretBytes> to_der(EVP_PKEY* key) {
  const int size = i2d_PrivateKey(key, nullptr);
  if (size <= 0) return fail(Code::kInvalid, "the private key cannot be used");
  SecretBytes der(static_cast<std::size_t>(size));
  auto* to = reinterpret_cast<unsigned char*>(der.writable().data());
  i2d_PrivateKey(key, &to);
  return der;
}

std::string to_der(X509* certificate) {
  const int size = i2d_X509(certificate, nullptr);
  std::string der(static_cast<std::size_t>(std::max(size, 0)), '\0');
  auto* to = reinterpret_cast<unsigned char*>(der.data());
  if (size > 0) i2d_X509(certificate, &to);
  return der;
}

Result<SecretBytes> read_key(const SecretBytes& pem, const SecretBytes& password) {
  const auto bio = reader(pem);
  const Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, give_password,
                                                    const_cast<SecretBytes*>(&password)));
  ERR_clear_error();
  if (!key) return fail(Code::kInvalid, "no usable private key in PEM, or its password is wrong");
  return to_der(key.get());
}

/// The certificate that belongs to `key` goes first.
Result<void> order(CertifiedKey& out, EVP_PKEY* key) {
  for (std::size_t i = 0; i < out.certificates.size(); ++i) {
    const auto* from = reinterpret_cast<const unsigned char*>(out.certificates[i].data());
    const Owned<X509> certificate(
        d2i_X509(nullptr, &from, static_cast<long>(out.certificates[i].size())));
    const bool fits = certificate && X509_check_private_key(certificate.get(), key) == 1;
    ERR_clear_error();
    if (!fits) continue;
    std::rotate(out.certificates.begin(), out.certificates.begin() + static_cast<std::ptrdiff_t>(i),
                out.certificates.begin() + static_cast<std::ptrdiff_t>(i + 1));
    return {};
  }
  return fail(Code::kInvalid, "no certificate that belongs to the private key");
}

Result<CertifiedKey> read_pkcs12(PKCS12* bag, const SecretBytes& password) {
  SecretBuffer terminated(password.size() + 1);
  terminated.append(password.reveal_text());
  terminated.append(std::string_view("", 1));
  const SecretBytes text = std::move(terminated).take();
  EVP_PKEY* key_out = nullptr;
  X509* certificate_out = nullptr;
  STACK_OF(X509)* others_out = nullptr;
  const int good = PKCS12_parse(bag, reinterpret_cast<const char*>(text.reveal().data()), &key_out,
                                &certificate_out, &others_out);
  const Owned<EVP_PKEY> key(key_out);
  const Owned<X509> certificate(certificate_out);
  const Owned<STACK_OF(X509)> others(others_out);
  ERR_clear_error();
  if (good != 1) return fail(Code::kDenied, "the PKCS#12 file cannot be opened with its password");
  if (!key || !certificate)
    return fail(Code::kInvalid, "the PKCS#12 file lacks a key or a certificate");
  CertifiedKey out;
  SLUICE_TRY(out.key, to_der(key.get()));
  out.certificates.push_back(to_der(certificate.get()));
  for (int i = 0; others && i < sk_X509_num(others.get()); ++i)
    out.certificates.push_back(to_der(sk_X509_value(others.get(), i)));
  return out;
}

}  // namespace

Result<SecretBytes> read_private_key(const SecretBytes& pem) {
  return read_key(pem, SecretBytes());
}

Result<CertifiedKey> read_certified_key(const SecretBytes& bytes, const SecretBytes& password) {
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    return fail(Code::kInvalid, "too large for a certificate");
  }
  {
    const auto* from = reinterpret_cast<const unsigned char*>(bytes.reveal().data());
    const Owned<PKCS12> bag(d2i_PKCS12(nullptr, &from, static_cast<long>(bytes.size())));
    ERR_clear_error();
    if (bag) return read_pkcs12(bag.get(), password);
  }
  CertifiedKey out;
  SLUICE_TRY(out.key, read_key(bytes, password));
  const auto bio = reader(bytes);
  while (const Owned<X509> certificate{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)})
    out.certificates.push_back(to_der(certificate.get()));
  ERR_clear_error();
  const auto* from = reinterpret_cast<const unsigned char*>(out.key.reveal().data());
  const Owned<EVP_PKEY> key(d2i_AutoPrivateKey(nullptr, &from, static_cast<long>(out.key.size())));
  SLUICE_CHECK(order(out, key.get()));
  return out;
}

Result<std::string> sign_rsa_sha256(const SecretBytes& key_der, RsaSignature scheme,
                                    std::string_view message) {
  const auto* from = reinterpret_cast<const unsigned char*>(key_der.reveal().data());
  const Owned<EVP_PKEY> key(d2i_AutoPrivateKey(nullptr, &from, static_cast<long>(key_der.size())));
  const int bits = key && EVP_PKEY_is_a(key.get(), "RSA") == 1 ? EVP_PKEY_get_bits(key.get()) : 0;
  if (bits < 2048 || bits > 16384) {
    ERR_clear_error();
    return fail(Code::kInvalid, "the private key is not an RSA key of 2048 to 16384 bits");
  }
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  if (!context) throw std::bad_alloc();
  EVP_PKEY_CTX* settings = nullptr;  // the context's own
  std::size_t size = 0;
  const auto* data = reinterpret_cast<const unsigned char*>(message.data());
  bool good = EVP_DigestSignInit(context.get(), &settings, EVP_sha256(), nullptr, key.get()) == 1;
  if (good && scheme == RsaSignature::kPss) {
    good = EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_DIGEST) == 1;
  }
  good = good && EVP_DigestSign(context.get(), nullptr, &size, data, message.size()) == 1;
  std::string signature(size, '\0');
  good = good && EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()),
                                &size, data, message.size()) == 1;
  ERR_clear_error();
  if (!good) return fail(Code::kInvalid, "the private key cannot sign");
  signature.resize(size);
  return signature;
}

}  // namespace sluice::crypto
