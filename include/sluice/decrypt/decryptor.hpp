#pragma once
/// Opening leaves: data keys, MAC, values. The only place where plaintext is made.
///
/// The MAC is verified over the original file when the first leaf of a file is opened, always; a
/// mismatch is kIntegrity and nothing of that file is ever given out. Follows SOPS 3.13 with the
/// MAC semantics of 3.13.1 (reference: sops.go, aes/cipher.go).

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/cancel.hpp"
#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"
#include "sluice/decrypt/age_plugins.hpp"
#include "sluice/decrypt/passphrase.hpp"
#include "sluice/decrypt/sops_file.hpp"
#include "sluice/decrypt/value_path.hpp"
#include "sluice/yaml/document.hpp"
#include "sluice/yaml/write.hpp"

namespace sluice::decrypt {

/// Error::reason() of the failures that callers tell apart.
inline constexpr std::string_view kReasonNoDataKey = "no data key";
inline constexpr std::string_view kReasonMac = "mac mismatch";  ///< missing, broken or different
inline constexpr std::string_view kReasonValue = "value not authentic";
inline constexpr std::string_view kReasonPrint =
    "cannot print";  ///< the output format cannot hold it
inline constexpr std::string_view kReasonOrder = "decryption order";

class LeafDecryptor {
 public:
  virtual ~LeafDecryptor() = default;
  /// The plaintext of a leaf before its encoding. Errors: kDenied (no key opens it; the message
  /// lists each key and where identities were looked for), kIntegrity (MAC, tag), kInvalid (broken
  /// file), kCancelled.
  virtual Result<crypto::SecretBytes> open(const yaml::EncryptedLeaf& leaf,
                                           const CancelToken& cancel) = 0;
};

/// One master key of a SOPS file, as found in its metadata.
struct MasterKey {
  std::string type;         ///< "age", "pgp", "kms", "gcp_kms", "azure_kv", "hc_vault", "hckms"
  std::string id;           ///< recipient, fingerprint, ARN, …
  std::string wrapped_key;  ///< `enc`
  /// All other fields of the entry by name ("role", "aws_profile", "created_at"); of a kms entry's
  /// encryption context as "context.NAME".
  std::map<std::string, std::string> fields;
};

/// Unwraps and wraps data keys of one type.
class KeyService {
 public:
  virtual ~KeyService() = default;
  virtual std::string_view type() const = 0;
  /// Where its identities came from, for error messages ("SOPS_AGE_KEY_FILE=…: 2 identities").
  virtual std::vector<std::string> looked_in() const = 0;
  /// Errors: kNotFound ("no identity matched"), kDenied, kInvalid, kUnavailable, kUnsupported.
  virtual Result<crypto::SecretBytes> unwrap(const MasterKey& key, const CancelToken& cancel) = 0;
  /// Writing: `data_key` (32 bytes, or a Shamir part of 33) encrypted for `key`, in the form that
  /// `enc` has in a file. `key` has its type, id and fields as unwrap() finds them, but no
  /// wrapped_key; the caller sets created_at. Needs no identity for age and pgp. A service that
  /// can only read keeps this one. Errors: kUnsupported, kDenied, kInvalid, kUnavailable.
  virtual Result<std::string> wrap(const MasterKey& key, const crypto::SecretBytes& data_key,
                                   const CancelToken& cancel);
  /// Fills in what of a key for writing only the service knows: the version that an Azure key was
  /// named without. Errors: as wrap().
  virtual Result<void> complete(MasterKey& key, const CancelToken& cancel);
};

using KeyServices = std::vector<std::shared_ptr<KeyService>>;

/// age identities: X25519 and hybrid ones, `AGE-SECRET-KEY-1…` or `AGE-SECRET-KEY-PQ-1…` a line
/// with `#` comments; such files behind a passphrase; SSH private keys (ed25519, RSA); with plugins
/// allowed, `AGE-PLUGIN-NAME-1…`. Identities are added first, by one thread; afterwards it may be
/// shared.
class AgeKeyService : public KeyService {
 public:
  /// `origin` is for messages. Errors: kInvalid with the line number, never quoting the line;
  /// kUnsupported when there are only kinds that cannot be used (plugins; behind a passphrase, with
  /// nobody to ask); beside usable ones they are skipped and looked_in() says so.
  virtual Result<void> add_identities(const crypto::SecretBytes& text, std::string origin) = 0;
  /// What reads the same for a recipient, when nothing else opens a file: once for each recipient.
  /// kNotFound: there is nothing.
  using Source = std::function<Result<crypto::SecretBytes>(const std::string& recipient)>;
  virtual void add_source(std::string origin, Source read) = 0;
  /// Notes a place that was looked at and had nothing.
  virtual void note_missing(std::string origin) = 0;
  virtual std::size_t identities() const = 0;
};
/// Without `ask`, what a passphrase protects cannot be used; without plugins.run, no plugin is.
std::shared_ptr<AgeKeyService> make_age_key_service(AskPassphrase ask = {},
                                                    AgePlugins plugins = {});

/// One decryption of a file, for an audit log: never a value, nor a hash of one.
struct AuditRecord {
  std::string file;
  /// The keys that gave the data key, as `age "age1…"`: one, or one of each group that was needed.
  std::vector<std::string> keys;
  bool opened = false;
  std::string reason;  ///< why not, in the words of the error
};
using Audit = std::function<void(const AuditRecord&)>;

/// The order in which keys of a group are tried: types first named, the rest as in the file.
inline const std::vector<std::string> kDefaultDecryptionOrder = {"age", "pgp"};

/// Opens leaves of the files in `files`. For each file it keeps the data key in locked memory, and
/// the parsed ciphertext; no plaintext but the variables of an env file of which some were not
/// asked for yet, in locked memory, too. Thread-safe.
class SopsDecryptor final : public LeafDecryptor {
 public:
  SopsDecryptor(std::shared_ptr<SopsFiles> files, KeyServices services,
                std::vector<std::string> decryption_order = kDefaultDecryptionOrder,
                Audit audit = {});
  ~SopsDecryptor() override;
  Result<crypto::SecretBytes> open(const yaml::EncryptedLeaf& leaf,
                                   const CancelToken& cancel) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Adapts a LeafDecryptor to the writers of the yaml module: applies the leaf's encoding, holds one
/// value at a time in secret memory. Not thread-safe; one per write.
class DecryptingLeafReader final : public yaml::LeafReader {
 public:
  DecryptingLeafReader(LeafDecryptor& decryptor, CancelToken cancel);
  Result<Value> read(const yaml::EncryptedLeaf& leaf) override;

 private:
  LeafDecryptor& decryptor_;
  CancelToken cancel_;
  crypto::SecretBytes current_;
};

/// `sops -d`: the whole plaintext of a file, printed in `output` format. Errors: as open(), and
/// kInvalid with kReasonPrint when the output format cannot hold the content. Messages name `path`.
struct DecryptFileOptions {
  Format input, output;
  int yaml_indent = 4;   ///< 0 is 4
  int json_indent = -1;  ///< -1 is a tab
  bool ignore_mac = false;
  std::vector<std::string> decryption_order = kDefaultDecryptionOrder;
  Audit audit = {};  ///< told before the plaintext is given out
  /// Prints this value only: a string as it is, others in the output format.
  ValuePath extract = {};
  /// As SOPS since 3.13; off, a comment behind a value goes above it, as before (KSOPS 4.5).
  bool inline_comments = true;
};
Result<crypto::SecretBytes> decrypt_file(std::string_view bytes, const std::string& path,
                                         const DecryptFileOptions& options,
                                         const KeyServices& services, const CancelToken& cancel);

/// The documents of a YAML file as kustomize prints what it read of decrypt_file's text: with their
/// comments, but for those above or below a whole document, in 2 columns. `output`, `yaml_indent`
/// and `extract` play no part. Errors: as decrypt_file.
Result<std::vector<crypto::SecretBytes>> decrypt_for_kustomize(std::string_view bytes,
                                                               const std::string& path,
                                                               const DecryptFileOptions& options,
                                                               const KeyServices& services,
                                                               const CancelToken& cancel);

/// A comma-separated list of key types, as --decryption-order has it; "" is the default. Errors:
/// kInvalid with kReasonOrder when one is named twice.
Result<std::vector<std::string>> parse_decryption_order(std::string_view text);

/// The exit status that the sops program has for such an error of decrypt_file (cmd/sops/codes):
/// 128 no data key, 51 MAC, 25 a value, 4 printing, 91 a path, 112 the order; 1 anything else.
int sops_exit_code(const Error& error);

}  // namespace sluice::decrypt
