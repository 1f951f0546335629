// OpenPGP messages as they come in the metadata of a SOPS file: our reading of the recipients,
// before any key is looked for (decrypt_pgp_fuzz goes on with librnp, which is slower). And key
// files: which kind each is.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sluice/decrypt/pgp_keys.hpp"

#include "decrypt/pgp_packets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::decrypt;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(is_pgp_key(sluice::crypto::SecretBytes::copy_of(text)));
  const auto recipients = read_pgp_recipients(text);
  if (!recipients) return 0;
  if (recipients->empty() || recipients->size() > 255) std::abort();
  std::size_t least = 0;
  for (const PgpRecipient& recipient : *recipients) {
    // One behind the other, each inside of the message.
    if (recipient.key_id_at < least || recipient.key_id_at + 9 > size) std::abort();
    least = recipient.key_id_at + 9;
    const std::string_view id = text.substr(recipient.key_id_at, 8);
    const bool is_hidden = std::all_of(id.begin(), id.end(), [](char c) { return c == 0; });
    if (recipient.is_hidden != is_hidden) std::abort();
  }
  return 0;
}
