#pragma once
/// The entries of a decryption Secret that hold credentials of clouds, as kustomize-controller
/// reads them (internal/sops/awskms/credentials.go, internal/sops/azkv/config.go). The text stays
/// in secret memory. Pure.

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"
#include "sluice/http/aws_signature.hpp"
#include "sluice/http/azure_identity.hpp"

namespace sluice::decrypt {

/// A mapping of names to scalars in YAML or JSON, which all of these are: plain, quoted and block
/// scalars, comments, no nesting (a nested value is passed over). Errors: kInvalid with the line,
/// never quoting it.
Result<std::map<std::string, crypto::SecretBytes, std::less<>>> read_flat_secrets(
    const crypto::SecretBytes& text);

/// `sops.aws-kms`: aws_access_key_id, aws_secret_access_key, aws_session_token. Errors: kInvalid.
Result<std::shared_ptr<const http::AwsCredentials>> read_aws_credentials(
    const crypto::SecretBytes& text);

/// `sops.azure-kv`, UTF-8 or UTF-16 with a byte order mark: tenantId with clientId and clientSecret
/// or clientCertificate (clientCertificatePassword, clientCertificateSendChain), or tenant, appId
/// and password, or clientId alone; authorityHost. Errors: kInvalid.
Result<std::shared_ptr<const http::AzureCredentials>> read_azure_credentials(
    const crypto::SecretBytes& text);

}  // namespace sluice::decrypt
