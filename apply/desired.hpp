#pragma once
/// What is sent to the server for a rendered object: owner labels, common metadata, and the changes
/// that Flux makes before applying (fluxcd/pkg/ssa/normalize).

#include <string>

#include "sluice/apply/apply.hpp"
#include "sluice/base/digest.hpp"

#include "apply/kind_order.hpp"
#include "apply/metadata.hpp"

namespace sluice::apply {

struct Desired {
  ObjectId id;
  yaml::Document body;
  Stage stage = Stage::kRest;
  /// Of the body at ciphertext level (a leaf counts by file digest, selector and encoding) and of
  /// the options that shape what is sent. Never of plaintext.
  Digest digest;
};

/// Errors: kInvalid for an object that still holds ciphertext or a `sops` block, in Flux's words;
/// the hint names its place (by `files`, which may be null) and the keys that would open it.
Result<Desired> prepare(const kustomize::Resource& resource, const ApplyOptions& options,
                        const Switches& switches, const Digest& options_digest,
                        const FileTable* files = nullptr);

/// Sets `digest` for the body as it is now.
void update_digest(Desired& desired, const Digest& options_digest);

/// True for groups of client-go's scheme, whose objects Flux takes through Go types.
bool is_built_in(const Gvk& gvk);

/// Of the options that shape what is sent and how it is compared.
Digest digest_of(const ApplyOptions& options);

}  // namespace sluice::apply
