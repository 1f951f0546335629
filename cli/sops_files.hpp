#pragma once
/// What decrypt, encrypt, rotate, updatekeys, edit, set and unset share: files, .sops.yaml, and
/// exit statuses, which are those of the sops program (cmd/sops/codes).

#include <optional>
#include <string>
#include <string_view>

#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"
#include "sluice/decrypt/decryptor.hpp"
#include "sluice/decrypt/encryptor.hpp"
#include "sluice/decrypt/sops_config.hpp"

#include "audit_log.hpp"
#include "flags.hpp"
#include "key_sources.hpp"

namespace sluice::cli {

/// Error::reason() of failures that only commands have.
inline constexpr std::string_view kReasonRead = "cannot read";            // 2
inline constexpr std::string_view kReasonWrite = "cannot write";          // 3
inline constexpr std::string_view kReasonConflict = "conflicting flags";  // 8
inline constexpr std::string_view kReasonNewKeys = "keys of no file";     // 49
inline constexpr std::string_view kReasonNoFile = "no such file";         // 100
inline constexpr std::string_view kReasonUnchanged = "not modified";      // 200
inline constexpr std::string_view kReasonNoEditor = "no editor";          // 201

/// Prints the error and gives the exit status of sops for it.
int sops_refused(const Error& error);

/// Flags that say what a file is and how it is printed.
struct SopsFlags {
  std::optional<decrypt::Format> input, output;
  std::string output_path, name, config, order, audit_path;
  std::optional<int> indent;
  bool in_place = false;
  bool ignore_mac = false;
  bool age_plugins = false;

  /// Registers --input-type, --output-type, --output, --filename-override, --config, --indent,
  /// --in-place (-i), --ignore-mac, --decryption-order, --audit-log,
  /// --age-plugins.
  void add_to(Flags& flags);
  /// The order of --decryption-order or SOPS_DECRYPTION_ORDER.
  Result<std::vector<std::string>> decryption_order() const;
  KeyOptions key_options() const { return {age_plugins}; }
};

/// One file that a command works on, or standard input.
struct SopsPlace {
  std::string path;   ///< absolute; "" for standard input
  std::string name;   ///< absolute; what formats and rules go by; "" for standard input
  std::string shown;  ///< for messages
  decrypt::Format input, output;
  std::optional<decrypt::SopsConfig> config;
  int yaml_indent = 0;
  int json_indent = -1;
};
/// Checks the positional arguments and reads .sops.yaml: from --config, SOPS_CONFIG, or the folders
/// upward from the current one. Errors: kReasonNoFile, kReasonConflict, kInvalid.
Result<SopsPlace> sops_place(const std::vector<std::string>& arguments, const SopsFlags& flags,
                             bool must_exist);

/// The file of `place`. Errors: kReasonRead.
Result<std::string> read_ciphertext(const SopsPlace& place);
Result<crypto::SecretBytes> read_plaintext(const SopsPlace& place);

/// Plaintext to standard output, to --output, or into the file itself; files get mode 0600.
Result<void> give_plaintext(const SopsPlace& place, const SopsFlags& flags,
                            const crypto::SecretBytes& text);
/// Ciphertext to the same places; a file is replaced at once and keeps its mode.
Result<void> give_ciphertext(const SopsPlace& place, const SopsFlags& flags,
                             const std::string& text);
Result<void> replace_file(const std::string& path, std::string_view text);

/// How an encrypted file is opened to be changed; `audit` is opened, and told with `purpose`.
Result<decrypt::RewriteOptions> rewrite_options(const SopsPlace& place, const SopsFlags& flags,
                                                AuditLog& audit, const std::string& purpose);
/// Says loudly that --ignore-mac was given.
void warn_of_ignored_mac(const SopsFlags& flags);

std::string absolute_path(const std::string& path);

}  // namespace sluice::cli
