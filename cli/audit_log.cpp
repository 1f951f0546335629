#include "audit_log.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include "sluice/base/clock.hpp"
#include "sluice/yaml/write.hpp"

#include "environment.hpp"

namespace sluice::cli {

AuditLog::~AuditLog() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> AuditLog::open(const std::string& path) {
  path_ = path;
  descriptor_ = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor_ < 0) {
    return fail(Code::kInvalid,
                "--audit-log: cannot write \"" + path + "\": " + std::strerror(errno));
  }
  return {};
}

decrypt::Audit AuditLog::recorder(std::string purpose) {
  return [this, purpose = std::move(purpose)](const decrypt::AuditRecord& record) {
    write(record, purpose);
  };
}

void AuditLog::write(const decrypt::AuditRecord& record, const std::string& purpose) {
  yaml::Document line;
  line.root().set_mapping();
  line.root().put_string("ts", rfc3339_nano(SystemClock().wall()));
  const std::string user = environment("USER");
  line.root().put_string(
      "who", "uid " + std::to_string(::getuid()) + (user.empty() ? "" : " (" + user + ")"));
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
  const ssize_t size = printed ? ::write(descriptor_, text.data(), text.size()) : -1;
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
