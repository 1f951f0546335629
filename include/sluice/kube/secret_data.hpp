#pragma once
/// The values of a core/v1 Secret, read so that they only ever lie in secret memory: the response
/// body goes into a SecretBuffer and is scanned there, never into a yaml::Document.

#include <map>
#include <string>
#include <string_view>

#include "sluice/base/cancel.hpp"
#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"
#include "sluice/kube/client.hpp"

namespace sluice::kube {

using SecretData = std::map<std::string, crypto::SecretBytes, std::less<>>;

/// Decoded `data` of Secret `ns`/`name`, and its metadata.resourceVersion when asked for. Errors:
/// as Client::get; kNotFound is worded `secrets "name" not found`; kInvalid when the answer is no
/// Secret.
Result<SecretData> get_secret_data(Client& client, const std::string& ns, const std::string& name,
                                   const CancelToken& cancel,
                                   std::string* resource_version = nullptr);

/// The scanner of the above, for its test: `json` is a Secret object.
Result<SecretData> parse_secret_data(std::string_view json,
                                     std::string* resource_version = nullptr);

}  // namespace sluice::kube
