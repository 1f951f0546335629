#pragma once
/// The `sops` block as SOPS 3.13 writes it (stores/metadata.go): keys sorted, empty ones left out.

#include <string>

#include "sluice/base/result.hpp"

#include "metadata.hpp"
#include "tree.hpp"

namespace sluice::decrypt {

/// The version that written files state.
inline constexpr std::string_view kSopsVersion = "3.13.3";

/// The mapping under `sops`.
Item metadata_block(const Metadata& metadata);

/// The block as entries of a flat format: `prefix` before each key, nesting as `__map_` and
/// `__list_`. `escape_newlines`: line breaks become `\n` (ini).
std::vector<Item> flat_metadata(const Metadata& metadata, std::string_view prefix,
                                bool escape_newlines);

/// Appends the metadata to each document of `tree` in the manner of `format`. Errors: kInvalid with
/// kReasonPrint for a key that the metadata needs.
Result<void> add_metadata(Tree& tree, const Metadata& metadata, Format format);

/// Whether the first document has what looks like metadata (exit status 203 of sops).
bool has_metadata_key(const Tree& tree, Format format);

}  // namespace sluice::decrypt
