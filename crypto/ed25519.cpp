#include "sluice/crypto/ed25519.hpp"

#include <algorithm>
#include <memory>
#include <new>

#include <openssl/bn.h>
#include <openssl/err.h>

namespace sluice::crypto {
namespace {

struct Deleter {
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(BN_CTX* context) const { BN_CTX_free(context); }
};
template <class T>
using Owned = std::unique_ptr<T, Deleter>;

}  // namespace

std::optional<std::array<std::byte, 32>> x25519_from_ed25519(Bytes public_key) {
  if (public_key.size() != 32) return std::nullopt;
  std::array<unsigned char, 32> y_bytes{};  // big-endian, without the sign bit of x
  for (std::size_t i = 0; i < y_bytes.size(); ++i)
    y_bytes[31 - i] = std::to_integer<unsigned char>(public_key[i]);
  y_bytes[0] &= 0x7f;
  const Owned<BN_CTX> context(BN_CTX_new());
  const Owned<BIGNUM> p(BN_new()), above(BN_new()), below(BN_new()), u(BN_new());
  const Owned<BIGNUM> y(BN_bin2bn(y_bytes.data(), static_cast<int>(y_bytes.size()), nullptr));
  if (context == nullptr || p == nullptr || above == nullptr || below == nullptr || u == nullptr ||
      y == nullptr) {
    throw std::bad_alloc();
  }
  const bool done = BN_set_bit(p.get(), 255) == 1 && BN_sub_word(p.get(), 19) == 1 &&
                    BN_mod_add(above.get(), BN_value_one(), y.get(), p.get(), context.get()) == 1 &&
                    BN_mod_sub(below.get(), BN_value_one(), y.get(), p.get(), context.get()) == 1 &&
                    BN_mod_inverse(below.get(), below.get(), p.get(), context.get()) != nullptr &&
                    BN_mod_mul(u.get(), above.get(), below.get(), p.get(), context.get()) == 1;
  ERR_clear_error();
  if (!done) return std::nullopt;
  std::array<std::byte, 32> out{};
  BN_bn2lebinpad(u.get(), reinterpret_cast<unsigned char*>(out.data()), 32);
  return out;
}

}  // namespace sluice::crypto
