#pragma once
/// Writing SOPS files: encrypt, change keys, change values. What is written here, `sops -d` (3.13)
/// reads. Text that need not change stays as it was, byte for byte: comments, order, quotes,
/// indentation; where a text cannot hold ciphertext in its layout (aliases, flow collections at the
/// top), the file is printed anew, as SOPS prints it. Whatever is written was read back and its MAC
/// verified before it is given out.
///
/// Data keys and IVs come from OpenSSL's generator. Plaintext that a reader has to parse lies in
/// ordinary memory while it is parsed; it is wiped when its ciphertext replaces it, and commands
/// call crypto::harden_heap() first.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/cancel.hpp"
#include "sluice/base/result.hpp"
#include "sluice/crypto/secret.hpp"
#include "sluice/decrypt/decryptor.hpp"
#include "sluice/decrypt/sops_config.hpp"

namespace sluice::decrypt {

/// Error::reason() of failures to write; sops_exit_code() knows them.
inline constexpr std::string_view kReasonInput = "not readable as its type";  // 2
inline constexpr std::string_view kReasonSet = "cannot set";                  // 7
inline constexpr std::string_view kReasonRules = "contradicting rules";       // 8
inline constexpr std::string_view kReasonEncrypt = "cannot encrypt";          // 23
inline constexpr std::string_view kReasonEmpty = "empty file";                // 92
inline constexpr std::string_view kReasonEncrypted = "encrypted already";     // 203

struct EncryptFileOptions {
  Format input, output;
  int yaml_indent = 0;
  int json_indent = -1;
  EncryptSettings settings = {};
  std::string now = {};  ///< RFC 3339, UTC: lastmodified and created_at
};
/// `sops encrypt`. Errors: as above; those of KeyService::wrap with the key named. Messages name
/// `path` and never quote a value.
Result<std::string> encrypt_file(const crypto::SecretBytes& plaintext, const std::string& path,
                                 const EncryptFileOptions& options, const KeyServices& services,
                                 const CancelToken& cancel);

/// KeyService::complete() of each. Do it before keys are compared or written.
Result<void> complete_keys(std::vector<MasterKey>& keys, const KeyServices& services,
                           const CancelToken& cancel);

/// How an encrypted file is opened to be changed, and printed where its layout cannot stay.
struct RewriteOptions {
  Format format;
  std::optional<Format> output = std::nullopt;  ///< of rotate_file(): another one than `format`
  int yaml_indent = 0;
  int json_indent = -1;
  bool ignore_mac = false;
  std::vector<std::string> decryption_order = kDefaultDecryptionOrder;
  std::string now = {};  ///< RFC 3339, UTC
  Audit audit = {};      ///< told when the file was opened, before anything is given out
};

/// `sops rotate`: a new data key for everything. `add` goes to the first group, `remove` leaves
/// every group. Errors: as decrypt_file() and encrypt_file().
Result<std::string> rotate_file(std::string_view bytes, const std::string& path,
                                const RewriteOptions& options, const std::vector<MasterKey>& add,
                                const std::vector<MasterKey>& remove, const KeyServices& services,
                                const CancelToken& cancel);

/// What `sops updatekeys` would change.
struct KeyChanges {
  struct Group {
    std::vector<std::string> common, added, removed;  ///< as master_key_text() prints them
  };
  std::vector<Group> groups;
  std::int64_t old_threshold = 0, new_threshold = 0;
  bool any() const;
};
/// Needs no key. Errors: kInvalid for a file that is no SOPS file.
Result<KeyChanges> compare_keys(std::string_view bytes, const std::string& path, Format format,
                                const EncryptSettings& settings);
/// `sops updatekeys`: the data key for other keys; values and MAC stay as they are. Keys that stay
/// keep their entry where the data key is not split.
Result<std::string> update_keys(std::string_view bytes, const std::string& path,
                                const RewriteOptions& options, const EncryptSettings& settings,
                                const KeyServices& services, const CancelToken& cancel);

/// `sops groups add` (after those that are there) and `groups delete` (one of them, from 0).
struct GroupChange {
  std::vector<MasterKey> add;
  std::optional<std::size_t> remove = std::nullopt;
  std::int64_t threshold = 0;  ///< 0: as it is
};
/// Errors: as update_keys(), and kInvalid for a group that is not there or a threshold that cannot
/// be met.
Result<std::string> change_groups(std::string_view bytes, const std::string& path,
                                  const RewriteOptions& options, const GroupChange& change,
                                  const KeyServices& services, const CancelToken& cancel);

/// `sops filestatus`: whether it has metadata with a version and a MAC. Verifies nothing, needs no
/// key. Errors: kInvalid for what cannot be read as `format`.
Result<bool> is_encrypted_file(std::string_view bytes, Format format);

/// An encrypted file that somebody edits. What the edited text leaves as it was keeps its
/// ciphertext and its place.
class Edit {
 public:
  /// Errors: as decrypt_file().
  static Result<Edit> open(std::string bytes, std::string path, RewriteOptions options,
                           const KeyServices& services, const CancelToken& cancel);
  /// A file that is to be made: `text` is what the editor starts with.
  static Result<Edit> create(crypto::SecretBytes text, std::string path,
                             const EncryptFileOptions& options, const KeyServices& services,
                             const CancelToken& cancel);
  Edit(Edit&&) noexcept;
  Edit& operator=(Edit&&) noexcept;
  ~Edit();

  /// Whether there is a text to show. Errors: kUnsupported or kInvalid with kReasonPrint, when the
  /// layout of the file cannot be kept and it cannot be printed so that it says the same; it may be
  /// changed by set() and unset() all the same.
  Result<void> editable() const;
  /// What to show: the file with its values in plaintext and without its metadata. Empty when it is
  /// not editable().
  const crypto::SecretBytes& text() const;
  /// The encrypted file for an edited text. May be called again after an error. Errors: as
  /// encrypt_file().
  Result<std::string> finish(const crypto::SecretBytes& edited) const;
  /// `sops set`: the value at `path` becomes `json`; missing keys are added. nullopt when it was so
  /// already. Errors: kInvalid with kReasonSet.
  Result<std::optional<std::string>> set(const ValuePath& path,
                                         const crypto::SecretBytes& json) const;
  /// `sops unset`. Errors: kNotFound when there is nothing at `path`.
  Result<std::string> unset(const ValuePath& path) const;

 private:
  struct State;
  explicit Edit(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sluice::decrypt
