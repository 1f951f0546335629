#pragma once
/// SOPS files as values of a Secret's `data`, which kustomize-controller opens after the build
/// (internal/decryptor/decryptor.go, DecryptResource).

#include "build_context.hpp"
#include "res_map.hpp"

namespace sluice::kustomize {

/// Replaces each value of `data` of a core Secret that is the base64 of a SOPS file by a leaf of
/// the whole plaintext. The file's format follows from its marker, that of the plaintext from the
/// key. Objects annotated `kustomize.toolkit.fluxcd.io/decrypt: disabled` stay as they are. Errors:
/// kInvalid with the object's place for a broken file.
Result<void> lift_secret_blobs(ResMap& resources, BuildContext& context);

}  // namespace sluice::kustomize
