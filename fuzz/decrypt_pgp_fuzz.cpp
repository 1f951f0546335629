// OpenPGP messages as they come in the metadata of a SOPS file: our reading of the recipients, then
// librnp with one key.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sluice/decrypt/pgp_keys.hpp"

#include "decrypt/pgp_packets.hpp"

namespace {

// fixtures/sops/pgp/plain.key.asc
constexpr std::string_view kKey = R"(-----BEGIN PGP PRIVATE KEY BLOCK-----

lFgEawRMHRYJKwYBBAHaRw8BAQdAU3ljYaFxuoe1fxBjKXdD2bvaHV10MWkjGrCd
kWv9dsEAAP4jmXyq7akiwr0VP9XMl682v5miLpwx7SIRPRxMh2QnjQ/htBlwbGFp
biA8cGxhaW5AZXhhbXBsZS5vcmc+iJAEExYIADgWIQSKyYqxOiouRMERfycMYNTZ
vgvwRwUCawRMHQIbAwULCQgHAgYVCgkICwIEFgIDAQIeAQIXgAAKCRAMYNTZvgvw
RyfFAQDIone++52AhLEgUY6kvvS1mFmKMe+yMtVjSTAdqfZhqgEA+YcBAOchHFwP
/W7XD88NYT9Td1HjlgdMOoR2TugvFAGcXQRrBEwdEgorBgEEAZdVAQUBAQdAJcSd
syUMRvC8LGnP1q2ep8ntEcrWchCQzjj1gB/J6jsDAQgHAAD/QzzEowot2IuqGSp4
tvGImZzaK+fhiI1iTQGqWdCSIdARMIh4BBgWCAAgFiEEismKsToqLkTBEX8nDGDU
2b4L8EcFAmsETB0CGwwACgkQDGDU2b4L8EdEowEA9ZrBAy572FPrp1bH14P6BNUt
VmxItxkAVu7icuFPiV8A/i6EpAfuJxwraxWj/2F9/bJ7DFffrscicAljqzgdTDsG
=mENF
-----END PGP PRIVATE KEY BLOCK-----
)";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  using namespace sluice::decrypt;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto recipients = read_pgp_recipients(text)) {
    if (recipients->empty() || recipients->size() > 255) std::abort();
    for (const PgpRecipient& recipient : *recipients) {
      if (recipient.key_id_at + 9 > size) std::abort();
    }
  }
  // Never destroyed: what librnp keeps of Botan is gone by then.
  static const auto& keys = *new auto([] {
    auto made = make_pgp_key_service();
    if (!made->add_keys(crypto::SecretBytes::copy_of(kKey), "key")) std::abort();
    return made;
  }());
  const auto opened = keys->unwrap({"pgp", "", std::string(text), {}}, {});
  if (opened && opened->size() > kMaxPgpPlaintextBytes) std::abort();
  static_cast<void>(is_pgp_key(crypto::SecretBytes::copy_of(text)));
  return 0;
}
