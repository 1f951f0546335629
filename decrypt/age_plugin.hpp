#pragma once
/// Talking with one age plugin; see include/sluice/decrypt/age_plugins.hpp.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/cancel.hpp"
#include "sluice/decrypt/age_plugins.hpp"

#include "age_file.hpp"

namespace sluice::decrypt {

/// The NAME of a recipient `age1NAME1…`; nullopt for one that is no plugin's.
std::optional<std::string> age_plugin_of_recipient(std::string_view recipient);
/// The NAME of an identity `AGE-PLUGIN-NAME-1…`.
std::optional<std::string> age_plugin_of_identity(std::string_view line);

/// Why it is not started, and how to ask for it.
Error age_plugins_refused(const std::string& what);

/// The stanzas that the recipient's plugin makes for `file_key`. Errors: kUnsupported when plugins
/// are refused, kNotFound (no such program), kDenied (it failed, in its words), kInvalid (it breaks
/// the protocol), kUnavailable (time), kCancelled.
Result<std::vector<AgeStanza>> wrap_with_plugin(const AgePlugins& plugins,
                                                const std::string& recipient,
                                                const crypto::SecretBytes& file_key,
                                                const CancelToken& cancel);

/// `line` is AGE-PLUGIN-NAME-1…; its plugin is asked for every file. Errors of unwrap() as above.
std::shared_ptr<const AgeIdentity> make_plugin_identity(std::shared_ptr<const AgePlugins> plugins,
                                                        crypto::SecretBytes line);

}  // namespace sluice::decrypt
