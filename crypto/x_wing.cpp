#include "sluice/crypto/x_wing.hpp"

#include "keccak.hpp"

namespace sluice::crypto {
namespace {

constexpr std::string_view kLabel = "\\.//^\\";

SecretBytes expand(Bytes seed) {  // ML-KEM's d and z, then X25519's scalar
  SecretBytes out(kMlKem768Seed + 32);
  keccak(Keccak::kShake256, {seed}, out.writable());
  return out;
}

SecretBytes combine(const SecretBytes& ml_kem, const SecretBytes& x25519_shared, Bytes share,
                    Bytes point) {
  SecretBytes out(32);
  keccak(Keccak::kSha3_256,
         {ml_kem.reveal(), x25519_shared.reveal(), share, point, as_bytes(kLabel)}, out.writable());
  return out;
}

}  // namespace

std::optional<std::string> x_wing_public(Bytes seed) {
  if (seed.size() != kXWingSeed) return std::nullopt;
  const SecretBytes keys = expand(seed);
  const auto point = x25519_public(keys.reveal().subspan(kMlKem768Seed));
  if (!point) return std::nullopt;
  std::string out = ml_kem_768_public(keys.reveal().first(kMlKem768Seed));
  out.append(reinterpret_cast<const char*>(point->data()), point->size());
  return out;
}

std::optional<SecretBytes> x_wing_decapsulate(Bytes seed, Bytes ciphertext) {
  if (seed.size() != kXWingSeed || ciphertext.size() != kXWingCiphertext) return std::nullopt;
  const SecretBytes keys = expand(seed);
  const Bytes scalar = keys.reveal().subspan(kMlKem768Seed);
  const Bytes share = ciphertext.subspan(kMlKem768Ciphertext);
  const auto point = x25519_public(scalar);
  const auto from_x25519 = x25519(scalar, share);
  const auto from_ml_kem = ml_kem_768_decapsulate(keys.reveal().first(kMlKem768Seed),
                                                  ciphertext.first(kMlKem768Ciphertext));
  if (!point || !from_x25519 || !from_ml_kem) return std::nullopt;
  return combine(*from_ml_kem, *from_x25519, share, *point);
}

std::optional<Encapsulated> x_wing_encapsulate(Bytes public_key) {
  if (public_key.size() != kXWingPublic) return std::nullopt;
  const Bytes point = public_key.subspan(kMlKem768Public);
  const SecretBytes ephemeral = random_bytes(32);
  const SecretBytes randomness = random_bytes(32);
  const auto share = x25519_public(ephemeral.reveal());
  const auto from_x25519 = x25519(ephemeral.reveal(), point);
  auto from_ml_kem = ml_kem_768_encapsulate(public_key.first(kMlKem768Public), randomness.reveal());
  if (!share || !from_x25519 || !from_ml_kem) return std::nullopt;
  Encapsulated out;
  out.shared = combine(from_ml_kem->shared, *from_x25519, *share, point);
  out.ciphertext = std::move(from_ml_kem->ciphertext);
  out.ciphertext.append(reinterpret_cast<const char*>(share->data()), share->size());
  return out;
}

}  // namespace sluice::crypto
