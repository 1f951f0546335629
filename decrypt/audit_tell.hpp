#pragma once
/// Telling an audit log how a decryption ended.

#include <string>

#include "sluice/base/result.hpp"
#include "sluice/decrypt/decryptor.hpp"

namespace sluice::decrypt {

/// `record` has the keys; the rest is filled in. Cancelled is neither opened nor refused.
template <class T>
void tell(const Audit& audit, AuditRecord record, const std::string& file, const Result<T>& done) {
  if (!audit || (!done && done.error().code() == Code::kCancelled)) return;
  record.file = file;
  record.opened = done.has_value();
  if (!done) record.reason = done.error().message();
  audit(record);
}

}  // namespace sluice::decrypt
