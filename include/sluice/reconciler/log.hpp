#pragma once
/// The controller's log: one JSON object a line on stderr, with the fields that `flux logs` reads
/// (ts, level, msg, controllerKind, name, namespace, error). Messages never hold plaintext: they
/// are built from errors and names only.

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/base/clock.hpp"
#include "sluice/base/result.hpp"

namespace sluice::reconciler {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kError, kOff };
/// "debug", "info", "error" or "off". Errors: kInvalid.
Result<LogLevel> parse_log_level(std::string_view text);

class Log {
 public:
  using Field = std::pair<std::string_view, std::string>;
  using Fields = std::vector<Field>;
  Log(LogLevel level, Clock& clock);
  ~Log();
  void debug(std::string_view message, const Fields& fields = {});
  void info(std::string_view message, const Fields& fields = {});
  /// A line that no level but "off" leaves out: what was decrypted, and for whom.
  void audit(std::string_view message, const Fields& fields = {});
  void error(std::string_view message, const Fields& fields = {});

 private:
  void write(std::string_view level, std::string_view message, const Fields& fields);
  LogLevel level_;
  Clock& clock_;
  struct Sink;
  std::unique_ptr<Sink> sink_;
};

/// The fields that every line about an object starts with, then `more`.
Log::Fields log_fields(std::string_view kind, std::string ns, std::string name,
                       Log::Fields more = {});

}  // namespace sluice::reconciler
