#pragma once
/// Decrypting a tree and verifying its MAC.

#include <functional>
#include <string>
#include <string_view>

#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"

#include "metadata.hpp"
#include "tree.hpp"
#include "walk.hpp"

namespace sluice::decrypt {

/// Error::reason() of read_sops_file() for a file without metadata.
inline constexpr std::string_view kReasonNoMetadata = "no metadata";

/// A SOPS file as read, before decryption.
struct SopsFile {
  Tree tree;  ///< without the metadata
  Metadata metadata;
};
/// Errors: kInvalid (not a SOPS file, broken), kUnsupported; with line and column, without the
/// path.
Result<SopsFile> read_sops_file(std::string_view bytes, Format format);

enum class Keep {
  kPlaintext,  ///< the tree holds it afterwards
  kNothing,    ///< the tree stays as it was; only the MAC is verified
};

/// Decrypts every selected value, then verifies the MAC over all of them in order of the file.
/// `found`, if given, is called for each selected value before it is decrypted.
/// Errors: kIntegrity (kReasonValue, kReasonMac), kInvalid; no message holds a value. On error the
/// tree must not be used.
Result<void> open_tree(SopsFile& file, const crypto::SecretBytes& data_key, Keep keep,
                       bool ignore_mac, const std::function<void(const Visit&)>& found = {});

}  // namespace sluice::decrypt
