#pragma once
/// The packets before the data of an OpenPGP message (RFC 4880, sections 4.2 and 5.1): for whom it
/// is. Everything else is librnp's.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/result.hpp"

namespace sluice::decrypt {

/// A public-key encrypted session key, version 3.
struct PgpRecipient {
  std::size_t key_id_at = 0;   ///< of its 8 bytes in the message
  bool is_hidden = false;      ///< the key id is 0: any key may be meant
  std::uint8_t algorithm = 0;  ///< 1 RSA, 16 Elgamal, 18 ECDH
};

/// `message` is binary. At most 255 recipients are read. Errors: kInvalid when it does not start
/// with such packets, or is cut off in one.
Result<std::vector<PgpRecipient>> read_pgp_recipients(std::string_view message);

}  // namespace sluice::decrypt
