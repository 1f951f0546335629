#pragma once
/// Ciphertext must not reach a cluster: recognising what nobody lifted, and saying who could open
/// it.

#include <optional>
#include <string>

#include "sluice/base/file_table.hpp"
#include "sluice/yaml/document.hpp"

namespace sluice::apply {

/// The first node of `object` that is SOPS ciphertext or a `sops` block; a missing node when there
/// is none. In a Secret every value that starts like ciphertext counts; elsewhere a value that is
/// nothing but ciphertext, so that a ConfigMap may show an example or carry an encrypted file.
yaml::Node find_ciphertext(yaml::Node object, bool is_secret);

/// Where it was written and which keys would open it, for a hint: "it is in apps/db.yaml:12:8;
/// age \"age1…\" would open it". "" when neither is known.
std::string describe_ciphertext(yaml::Node object, yaml::Node found, const FileTable* files);

}  // namespace sluice::apply
