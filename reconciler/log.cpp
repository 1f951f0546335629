#include "sluice/reconciler/log.hpp"

#include <iterator>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "sluice/yaml/document.hpp"
#include "sluice/yaml/write.hpp"

namespace sluice::reconciler {

Result<LogLevel> parse_log_level(std::string_view text) {
  if (text == "debug") return LogLevel::kDebug;
  if (text == "info") return LogLevel::kInfo;
  if (text == "error") return LogLevel::kError;
  if (text == "off") return LogLevel::kOff;
  return fail(Code::kInvalid, "unknown log level \"" + std::string(text) + "\"", Where{},
              "use debug, info, error or off");
}

struct Log::Sink {
  // Not in spdlog's registry: two controllers in one process (tests) must not share a logger.
  spdlog::logger logger{"sluice", std::make_shared<spdlog::sinks::stderr_sink_mt>()};
};

Log::Log(LogLevel level, Clock& clock) : level_(level), clock_(clock), sink_(new Sink) {
  sink_->logger.set_pattern("%v");
  sink_->logger.set_level(spdlog::level::trace);
}
Log::~Log() = default;

void Log::debug(std::string_view message, const Fields& fields) {
  if (level_ <= LogLevel::kDebug) write("debug", message, fields);
}
void Log::info(std::string_view message, const Fields& fields) {
  if (level_ <= LogLevel::kInfo) write("info", message, fields);
}
void Log::error(std::string_view message, const Fields& fields) {
  if (level_ <= LogLevel::kError) write("error", message, fields);
}
void Log::audit(std::string_view message, const Fields& fields) {
  if (level_ != LogLevel::kOff) write("audit", message, fields);
}

void Log::write(std::string_view level, std::string_view message, const Fields& fields) {
  yaml::Document line;
  line.root().set_mapping();
  line.root().put_string("level", level);
  line.root().put_string("ts", rfc3339_nano(clock_.wall()));
  line.root().put_string("msg", message);
  for (const auto& [name, value] : fields)
    line.root().put_string(name, value);
  std::string text;
  // Writing strings to JSON cannot fail; were it to, losing a log line is the smallest harm.
  if (!yaml::write_go_json(line.root(), text, {.sort_keys = false, .escape_html = false})) return;
  sink_->logger.info(text);
}

Log::Fields log_fields(std::string_view kind, std::string ns, std::string name, Log::Fields more) {
  Log::Fields fields = {{"controllerKind", std::string(kind)},
                        {"namespace", std::move(ns)},
                        {"name", std::move(name)}};
  fields.insert(fields.end(), std::make_move_iterator(more.begin()),
                std::make_move_iterator(more.end()));
  return fields;
}

}  // namespace sluice::reconciler
