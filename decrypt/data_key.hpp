#pragma once
/// The data key of a file, from its key groups (SOPS sops.go, GetDataKeyWithKeyServices; shamir/).

#include <string>
#include <vector>

#include "sluice/base/cancel.hpp"
#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"
#include "sluice/decrypt/decryptor.hpp"

#include "metadata.hpp"

namespace sluice::decrypt {

/// 32 bytes. One group: any of its keys. More: the parts of at least `shamir_threshold` groups,
/// combined. Errors: kDenied with reason kReasonNoDataKey, naming each key that was tried and why
/// it failed (kUnavailable instead when a key service could not be reached, for then a retry may
/// help); kInvalid; kCancelled.
Result<crypto::SecretBytes> recover_data_key(const Metadata& metadata, const KeyServices& services,
                                             const std::vector<std::string>& decryption_order,
                                             const CancelToken& cancel);

/// Shamir's scheme as HashiCorp's vault/shamir does it: a part is the values of one polynomial a
/// byte, then its x. GF(2^8) with 0x11b. Errors: kInvalid.
Result<crypto::SecretBytes> combine_parts(const std::vector<crypto::SecretBytes>& parts);

}  // namespace sluice::decrypt
