#pragma once
/// Name suffixes of generated ConfigMaps and Secrets.
///
/// Follows kustomize api/hasher/hasher.go: SHA-256 over Go-style JSON of {data, kind, name, type},
/// first 10 hex digits, with 0 1 3 a e replaced by g h k m t. The `name` in it is always "", as in
/// kustomize. Never keeps plaintext: encrypted leaves are read one at a time into the hash.

#include <string>

#include "sluice/base/cancel.hpp"
#include "sluice/base/result.hpp"
#include "sluice/decrypt/decryptor.hpp"
#include "sluice/yaml/document.hpp"

namespace sluice::generators {

/// The 10-character suffix for `object`, a ConfigMap or Secret. `decryptor` opens its encrypted
/// leaves; when null, their ciphertext's digest stands in for them, so that the suffix still
/// changes with the content but is not kustomize's. Errors: kUnsupported (another kind), any Code
/// of `decryptor`. Thread-safe. O(bytes of data).
Result<std::string> name_suffix(yaml::Node object, decrypt::LeafDecryptor* decryptor,
                                const CancelToken& cancel = {});

/// True when the suffix of `object` depends on an encrypted leaf.
bool suffix_needs_decryption(yaml::Node object);

}  // namespace sluice::generators
