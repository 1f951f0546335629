#include "keccak.hpp"

#include <memory>
#include <new>

#include <openssl/evp.h>

namespace sluice::crypto {
namespace {

struct Deleter {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }  // cleanses it
};

const EVP_MD* fetch(Keccak algorithm) {
  static const EVP_MD* const sha3_256 = EVP_MD_fetch(nullptr, "SHA3-256", nullptr);
  static const EVP_MD* const sha3_512 = EVP_MD_fetch(nullptr, "SHA3-512", nullptr);
  static const EVP_MD* const shake128 = EVP_MD_fetch(nullptr, "SHAKE128", nullptr);
  static const EVP_MD* const shake256 = EVP_MD_fetch(nullptr, "SHAKE256", nullptr);
  switch (algorithm) {
    case Keccak::kSha3_256:
      return sha3_256;
    case Keccak::kSha3_512:
      return sha3_512;
    case Keccak::kShake128:
      return shake128;
    case Keccak::kShake256:
      return shake256;
  }
  return nullptr;
}

}  // namespace

void keccak(Keccak algorithm, std::initializer_list<Bytes> parts, std::span<std::byte> out) {
  const std::unique_ptr<EVP_MD_CTX, Deleter> context(EVP_MD_CTX_new());
  const EVP_MD* const md = fetch(algorithm);
  if (md == nullptr || context == nullptr || EVP_DigestInit_ex2(context.get(), md, nullptr) != 1) {
    throw std::bad_alloc();
  }
  for (const Bytes part : parts)
    EVP_DigestUpdate(context.get(), part.data(), part.size());
  auto* const raw = reinterpret_cast<unsigned char*>(out.data());
  const bool extendable = algorithm == Keccak::kShake128 || algorithm == Keccak::kShake256;
  const int done = extendable ? EVP_DigestFinalXOF(context.get(), raw, out.size())
                              : EVP_DigestFinal_ex(context.get(), raw, nullptr);
  if (done != 1) throw std::bad_alloc();
}

}  // namespace sluice::crypto
