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
/// help); kInvalid; kCancelled. `opened_by` gets the keys that gave it, as AuditRecord has them.
Result<crypto::SecretBytes> recover_data_key(const Metadata& metadata, const KeyServices& services,
                                             const std::vector<std::string>& decryption_order,
                                             const CancelToken& cancel,
                                             std::vector<std::string>* opened_by = nullptr);

/// Shamir's scheme as HashiCorp's vault/shamir does it: a part is the values of one polynomial a
/// byte, then its x. GF(2^8) with 0x11b. Errors: kInvalid.
Result<crypto::SecretBytes> combine_parts(const std::vector<crypto::SecretBytes>& parts);
/// The other way: `count` parts of which `threshold` give the secret again. Errors: kInvalid unless
/// 2 <= threshold <= count <= 255 and the secret is not empty.
Result<std::vector<crypto::SecretBytes>> split_parts(const crypto::SecretBytes& secret,
                                                     std::size_t count, std::int64_t threshold);

/// Encrypts `data_key` for every key of `metadata` that has no wrapped_key yet (with several
/// groups, for every key): sets wrapped_key, and created_at where it is missing. With several
/// groups the key is split; a threshold of 0 becomes the number of groups. Errors: kInvalid (no
/// keys, an empty group, a threshold that cannot be); those of wrap(), naming the key.
Result<void> wrap_data_key(Metadata& metadata, const crypto::SecretBytes& data_key,
                           const KeyServices& services, const std::string& now,
                           const CancelToken& cancel);

}  // namespace sluice::decrypt
