#pragma once
/// Reading fixtures, and keys for them.

#include <filesystem>
#include <memory>
#include <string>

#include "sluice/decrypt/decryptor.hpp"

#include "support/files.hpp"
#include "support/test.hpp"

namespace sluice::test {

inline std::filesystem::path conformance() {
  return std::filesystem::path(SLUICE_SOURCE_DIR) / "../shared/conformance/sops";
}

/// An age key service with the identities of these files.
inline decrypt::KeyServices age_keys(const std::vector<std::filesystem::path>& files) {
  auto service = decrypt::make_age_key_service();
  for (const auto& file : files) {
    const auto added = service->add_identities(crypto::SecretBytes::copy_of(read_file(file)),
                                               file.filename().string());
    REQUIRE_OK(added);
  }
  return {service};
}

inline Result<crypto::SecretBytes> decrypt_path(const std::filesystem::path& path,
                                                const decrypt::KeyServices& keys) {
  const auto format = decrypt::format_for_path(path.string());
  return decrypt::decrypt_file(read_file(path), path.filename().string(), {format, format}, keys,
                               {});
}

}  // namespace sluice::test
