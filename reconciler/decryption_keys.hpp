#pragma once
/// The keys of a Kustomization: from spec.decryption.secretRef, read as Flux reads it.

#include <memory>
#include <string>

#include "sluice/base/cancel.hpp"
#include "sluice/base/result.hpp"
#include "sluice/decrypt/decryptor.hpp"
#include "sluice/kube/client.hpp"

namespace sluice::reconciler {

/// Reads Secret `ns`/`name` and takes each `*.agekey` and `*.asc` entry. `name` "" gives services
/// without identities, whose refusals say so. Errors: kNotFound (`secrets "name" not found`),
/// kInvalid naming the entry; kUnsupported for entries Flux would use and sluice cannot yet
/// (`sops.*`) when there is no other key beside them.
Result<decrypt::KeyServices> decryption_keys(kube::Client& client, const std::string& ns,
                                             const std::string& name, const CancelToken& cancel);

}  // namespace sluice::reconciler
