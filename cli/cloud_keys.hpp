#pragma once
/// Key services that are reached over the network, with what this process was started with. Making
/// them opens no file, no library and no connection: that waits for the first key of the kind.

#include <memory>
#include <string>

#include "sluice/decrypt/remote_keys.hpp"

namespace sluice::cli {

/// Trusted are `hosts` and those of SLUICE_KEY_HOSTS and SOPS_HC_VAULT_ALLOWLIST. Errors: kInvalid
/// naming the entry.
Result<std::shared_ptr<decrypt::RemoteContext>> remote_context(const std::string& hosts = {});

/// One service of each kind, with the credentials of the process.
decrypt::KeyServices cloud_keys(const std::shared_ptr<decrypt::RemoteContext>& context);

}  // namespace sluice::cli
