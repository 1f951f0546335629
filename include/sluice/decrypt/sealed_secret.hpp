#pragma once
/// Sealed Secrets: a SealedSecret and the private keys of its controller give the Secret. Follows
/// sealed-secrets 0.27 (`kubeseal --recovery-unseal`, pkg/crypto, v1alpha1). The scope that the
/// object's own annotations name decides the label; nothing widens it. All values open or none is
/// given out; the deprecated `spec.data` is refused as by upstream.
///
/// The Secret's values are leaves: its document holds no plaintext, and what opened lies in locked
/// memory until it is printed or dropped.

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/error.hpp"
#include "sluice/base/result.hpp"
#include "sluice/crypto/rsa.hpp"
#include "sluice/crypto/secret.hpp"
#include "sluice/decrypt/decryptor.hpp"
#include "sluice/yaml/document.hpp"

namespace sluice::decrypt {

bool is_sealed_secret(yaml::Node object);  ///< bitnami.com/…, kind SealedSecret

/// Who may open it: "strict" (name and namespace), "namespace-wide" or "cluster-wide".
std::string_view sealed_scope(yaml::Node object);

/// The private keys of a controller. Filled by one thread, then shared.
class SealedKeys {
 public:
  /// A file's content: PEM, or a back-up of the controller's Secrets as YAML or JSON (one Secret, a
  /// List, or documents of them). Errors: kInvalid naming `origin`, never quoting the text.
  Result<void> add(const crypto::SecretBytes& content, const std::string& origin);
  std::size_t size() const { return keys_.size(); }
  bool empty() const { return keys_.empty(); }

 private:
  friend class SealedOpener;
  struct Named {
    crypto::RsaPrivateKey key;
    std::string name;  ///< for the audit log: the origin, and which Secret of a back-up
  };
  std::vector<Named> keys_;
};

/// Turns SealedSecrets into Secrets and opens the leaves of these; other leaves go to `next`.
/// unseal() is for one thread, open() for any number after it.
class SealedOpener final : public LeafDecryptor {
 public:
  /// `audit` is told of each SealedSecret that is opened or refused.
  explicit SealedOpener(SealedKeys keys, LeafDecryptor* next = nullptr, Audit audit = {});
  ~SealedOpener() override;

  struct Options {
    /// As kubeseal prints it: creationTimestamp, an owner reference without a uid, null for an
    /// empty value. Off: a Secret that can be applied.
    bool as_kubeseal = false;
  };
  /// The Secret of `object`; `where` is for messages. Errors: kDenied (no key opens the values that
  /// the message names), kInvalid (broken), kUnsupported (a template's function).
  Result<yaml::Document> unseal(yaml::Node object, const Where& where, Options options);

  Result<crypto::SecretBytes> open(const yaml::EncryptedLeaf& leaf,
                                   const CancelToken& cancel) override;

 private:
  Result<yaml::Document> make_secret(yaml::Node object, const Where& where, Options options,
                                     std::set<std::string>& used);
  std::optional<crypto::SecretBytes> open_value(crypto::Bytes sealed, crypto::Bytes label,
                                                std::set<std::string>& used) const;

  SealedKeys keys_;
  LeafDecryptor* next_;
  Audit audit_;
  std::map<std::pair<Digest, std::string>, std::shared_ptr<const crypto::SecretBytes>> values_;
};

}  // namespace sluice::decrypt
