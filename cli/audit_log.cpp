#include "audit_log.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include "sluice/base/clock.hpp"
#include "sluice/yaml/write.hpp"

#include "environment.hpp"
#include "sops_files.hpp"

namespace sluice::cli {

Result<void> AuditLog::open(const std::string& path) {
  path_ = path.empty() ? environment("SLUICE_AUDIT_LOG") : path;
  if (path_.empty()) return {};
  file_ = Descriptor(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  if (!file_.is_open()) {
    return fail(Code::kInvalid, std::string(path.empty() ? "SLUICE_AUDIT_LOG" : "--audit-log") +
                                    ": cannot write \"" + path_ + "\": " + std::strerror(errno));
  }
  return {};
}

decrypt::Audit AuditLog::recorder(std::string purpose) {
  if (!file_.is_open()) return {};
  return [this, purpose = std::move(purpose)](const decrypt::AuditRecord& record) {
    write(record, purpose);
  };
}

/// A build names files from the root of the machine, and without the slash.
std::optional<sources::WorkTreeRevision> AuditLog::revision_of(const std::string& file) {
  if (file.empty()) return std::nullopt;
  auto found = work_trees_.revision_of(absolute_path(file));
  if (!found && file.front() != '/') found = work_trees_.revision_of("/" + file);
  return found;
}

void AuditLog::write(const decrypt::AuditRecord& record, const std::string& purpose) {
  yaml::Document line;
  line.root().set_mapping();
  line.root().put_string("ts", rfc3339_nano(SystemClock().wall()));
  const std::string user = environment("USER");
  line.root().put_string(
      "who", "uid " + std::to_string(::getuid()) + (user.empty() ? "" : " (" + user + ")"));
  if (const auto at = revision_of(record.file)) {
    line.root().put_string("revision", at->revision);
    line.root().put_bool("modified", at->modified);
  }
  line.root().put_string("file", record.file);
  const yaml::Ref keys = line.root().put_sequence("keys");
  keys.set_sequence();
  for (const std::string& key : record.keys)
    keys.append_string(key);
  line.root().put_string("purpose", purpose);
  line.root().put_string("result", record.opened ? "opened" : "refused: " + record.reason);
  std::string text;
  const auto printed =
      yaml::write_go_json(line.root(), text, {.sort_keys = false, .escape_html = false});
  text += '\n';
  // One call: lines of several processes do not mix.
  const ssize_t size = printed ? ::write(file_.get(), text.data(), text.size()) : -1;
  if (size == static_cast<ssize_t>(text.size())) return;
  const std::lock_guard lock(mutex_);
  failure_ = Error(Code::kInvalid, "--audit-log: cannot write \"" + path_ +
                                       "\": " + (size < 0 ? std::strerror(errno) : "disk full"));
}

Result<void> AuditLog::written() const {
  const std::lock_guard lock(mutex_);
  if (failure_) return fail(*failure_);
  return {};
}

}  // namespace sluice::cli
