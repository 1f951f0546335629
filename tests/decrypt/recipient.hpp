#pragma once
/// Keys that tests encrypt for.

#include <string>

#include "sluice/base/ascii.hpp"
#include "sluice/crypto/aead.hpp"
#include "sluice/decrypt/decryptor.hpp"

#include "decrypt/bech32.hpp"
#include "support/test.hpp"

namespace sluice::test {

/// A new age key: what opens with it, and the name to encrypt for.
struct Recipient {
  decrypt::KeyServices services;
  std::string name;
};

inline Recipient make_recipient() {
  const auto scalar = crypto::random_bytes(32);
  const std::string secret = to_upper(decrypt::encode_bech32("age-secret-key-", scalar.reveal()));
  auto service = decrypt::make_age_key_service();
  REQUIRE_OK(service->add_identities(crypto::SecretBytes::copy_of(secret), "test"));
  return {{service}, decrypt::encode_bech32("age", crypto::x25519_public(scalar.reveal()).value())};
}

}  // namespace sluice::test
