#pragma once
/// --audit-log FILE, or SLUICE_AUDIT_LOG: one JSON line for each decryption, with who, source
/// revision, file, keys, purpose and result; no value and no hash of one.

#include <mutex>
#include <optional>
#include <string>

#include "sluice/base/descriptor.hpp"
#include "sluice/base/result.hpp"
#include "sluice/decrypt/decryptor.hpp"
#include "sluice/sources/work_tree.hpp"

namespace sluice::cli {

class AuditLog {
 public:
  AuditLog() = default;
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;
  /// Appends to `path`, or to what SLUICE_AUDIT_LOG names, made with mode 0600; with neither there
  /// is no log. Errors: kInvalid.
  Result<void> open(const std::string& path);
  /// What a decryptor tells; must not outlive the log. Empty without a log.
  decrypt::Audit recorder(std::string purpose);
  /// An error when a line could not be written: then no plaintext may be given out.
  Result<void> written() const;

 private:
  std::optional<sources::WorkTreeRevision> revision_of(const std::string& file);
  void write(const decrypt::AuditRecord& record, const std::string& purpose);
  std::string path_;
  Descriptor file_;
  sources::WorkTrees work_trees_;
  mutable std::mutex mutex_;  // guards failure_
  std::optional<Error> failure_;
};

}  // namespace sluice::cli
