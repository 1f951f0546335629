// Legacy exec plugins: a program at HOME/GROUP/VERSION/kind/Kind, started with a file that holds
// its configuration as its first argument.

#include <algorithm>
#include <cerrno>
#include <sys/stat.h>
#include <utility>

#include "sluice/base/ascii.hpp"
#include "sluice/base/descriptor.hpp"

#include "external_plugins.hpp"
#include "go_decode.hpp"
#include "plugin_io.hpp"
#include "temporary_files.hpp"

namespace sluice::kustomize {

namespace {

constexpr std::size_t kLongestArgument = 131071;  // execplugin.go maxArgStringLength

using Variables = std::vector<std::string>;

std::string_view variable(const Variables& variables, std::string_view name) {
  std::string_view value;
  for (const std::string& entry : variables) {
    if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=') {
      value = std::string_view(entry).substr(name.size() + 1);
    }
  }
  return value;
}

bool exists(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0;
}

// konfig.DefaultAbsPluginHome: the first of these directories that is there.
Result<std::string> plugin_home(const Variables& variables) {
  const std::string_view xdg = variable(variables, "XDG_CONFIG_HOME");
  std::string home(variable(variables, "HOME"));
  if (home.empty()) home = "~";
  const std::pair<std::string_view, std::string> places[] = {
      {"homed in $KUSTOMIZE_PLUGIN_HOME",
       std::string(variable(variables, "KUSTOMIZE_PLUGIN_HOME"))},
      {"homed in $XDG_CONFIG_HOME", xdg.empty() ? "" : std::string(xdg) + "/kustomize/plugin"},
      {"homed in default value of $XDG_CONFIG_HOME", home + "/.config/kustomize/plugin"},
      {"homed in home directory", home + "/kustomize/plugin"}};
  std::string tried;
  for (const auto& [note, path] : places) {
    if (!path.empty() && exists(path)) return path;
    if (!tried.empty()) tried += ", ";
    tried += "('" + (path.empty() ? "<no value>" : path) + "'; " + std::string(note) + ")";
  }
  return fail(Code::kNotFound, "unable to find plugin root - tried: " + tried);
}

// execplugin/shlex.go.
Result<std::vector<std::string>> split_arguments(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  char quote = '\0';
  bool escaped = false;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(std::exchange(word, {}));
  };
  for (const char c : text) {
    if (escaped) {
      word += c;
      escaped = false;
    } else if (c == '\\' && quote != '\'') {
      escaped = true;
    } else if ((c == '\'' || c == '"') && quote == '\0') {
      quote = c;
    } else if (quote != '\0' && c == quote) {
      quote = '\0';
    } else if (c == '#' && quote == '\0') {
      end_word();
      return words;
    } else if (quote == '\0' && std::string_view(" \t\n\v\f\r").find(c) != std::string_view::npos) {
      end_word();
    } else {
      word += c;
    }
  }
  if (quote != '\0') return fail(Code::kInvalid, "unclosed quote in string");
  end_word();
  return words;
}

struct ArgumentFields {
  std::string one_liner, from_file;
};
constexpr GoField<ArgumentFields> kArguments[] = {
    {"argsOneLiner", "argsOneLiner",
     [](GoDecoder& d, yaml::Node n, ArgumentFields& o) { d.string(n, o.one_liner); }},
    {"argsFromFile", "argsFromFile",
     [](GoDecoder& d, yaml::Node n, ArgumentFields& o) { d.string(n, o.from_file); }}};

Result<std::vector<std::string>> read_arguments(yaml::Node root, const Loader& loader) {
  ArgumentFields fields;
  GoDecoder decoder(GoDecoder::Mode::kLenient);
  decoder.object<ArgumentFields>(root, "execplugin.argsConfig", kArguments, fields);
  if (decoder.failed()) {
    return fail(Code::kInvalid, "error unmarshaling JSON: while decoding JSON: " + decoder.error());
  }
  std::vector<std::string> arguments;
  if (!fields.one_liner.empty()) {
    auto split = split_arguments(fields.one_liner);
    if (!split) return fail(std::move(split).error().prefix("failed to parse argsOneLiner: "));
    arguments = *std::move(split);
  }
  if (fields.from_file.empty()) return arguments;
  SLUICE_TRY(const sources::Blob blob, loader.load(fields.from_file));
  for (std::string_view rest = *blob.bytes; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (!line.empty()) arguments.emplace_back(line);
  }
  return arguments;
}

class LegacyPlugin final : public ExternalPlugin {
 public:
  LegacyPlugin(std::string path, std::string config, std::vector<std::string> arguments)
      : path_(std::move(path)), config_(std::move(config)), arguments_(std::move(arguments)) {}

  Result<Resources> generate(const StepContext& context) override {
    SLUICE_TRY(std::string output, invoke({}, context));
    return read_generated(std::move(output), context.build);
  }

  Result<void> transform(ResMap& resources, const StepContext& context) override {
    SLUICE_TRY(const std::string input, text_for_plugin(resources, context.build));
    auto output = invoke(input, context);
    if (!output) return fail(transform_error(std::move(output).error()));
    return take_transformed(*std::move(output), resources, path_, context.build);
  }

 private:
  Result<std::string> invoke(std::string_view input, const StepContext& context) const {
    const BuildOptions& options = context.build.options();
    const Programs& programs = *options.programs;
    SLUICE_TRY(const Loader place, context.loader.on_disk());
    SLUICE_TRY(const TemporaryFile file,
               TemporaryFile::make(programs.temporary_directory, "kust-plugin-config-", config_));
    Program program;
    program.argv = {path_, file.path()};
    program.argv.insert(program.argv.end(), arguments_.begin(), arguments_.end());
    program.environment = programs.environment();
    add_variable(program, "KUSTOMIZE_PLUGIN_CONFIG_STRING", config_, context);
    add_variable(program, "KUSTOMIZE_PLUGIN_CONFIG_ROOT", place.display(), context);
    if (exists(place.display())) program.directory = place.display();
    program.input = input;
    program.keep_error_output = true;
    auto result = programs.run(program, options.cancel);
    const auto failed = [&](Code code, const std::string& words, const std::string& printed) {
      return fail(code, printed + (printed.empty() ? "" : ": ") +
                            "failure in plugin configured via " + file.path() + "; " + words);
    };
    if (!result) {
      if (result.error().code() == Code::kCancelled) return fail(std::move(result).error());
      return failed(result.error().code(), result.error().message(), {});
    }
    if (!result->failure.empty()) {
      return failed(Code::kInvalid, result->failure, result->error_output);
    }
    return std::move(result->output);
  }

  static void add_variable(Program& program, const std::string& name, const std::string& value,
                           const StepContext& context) {
    std::string entry = name + "=" + value;
    if (entry.size() <= kLongestArgument) {
      program.environment.push_back(std::move(entry));
      return;
    }
    context.build.warn(name + " exceeds hard limit of " + std::to_string(kLongestArgument) +
                       " characters, the environment variable will be omitted");
  }

  std::string path_, config_;
  std::vector<std::string> arguments_;
};

}  // namespace

Result<std::shared_ptr<ExternalPlugin>> load_legacy_plugin(const BuildResource& config,
                                                           const StepContext& context) {
  const BuildOptions& options = context.build.options();
  const Where where = context.build.where(config.root());
  const ObjectId id = config.original_id();
  if (!options.programs) {
    return fail(Error(Code::kUnsupported,
                      "plugin " + id_text(id) + " is a program, which is not run here", where,
                      "run it beforehand and list its output in resources"));
  }
  auto home = plugin_home(options.programs->environment());
  if (!home) return fail(std::move(home).error().at(where));
  std::string path = *home;
  for (const std::string& part :
       {id.gvk.group, id.gvk.version, to_lower(id.gvk.kind), id.gvk.kind}) {
    if (!part.empty()) path += "/" + part;
  }
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno != ENOENT) {
      return fail(Error(Code::kInvalid, "stat " + path + ": " + go_words(errno), where));
    }
    if (exists(path + ".so")) {
      return fail(Error(Code::kUnsupported,
                        "plugin " + id_text(id) + " is a Go plugin: " + path + ".so", where,
                        "a Go plugin runs only inside of the kustomize it was built with: build it "
                        "as a program, or run it beforehand and list its output in resources"));
    }
    return fail(Error(Code::kNotFound, "expected file with Go object code at: " + path + ".so",
                      where, "no program at " + path + " either"));
  }
  if ((info.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0) {
    return fail(
        Error(Code::kInvalid, "unexecutable plugin at: " + path, where, "chmod +x " + path));
  }
  SLUICE_TRY(std::string text, text_for_plugin(config, context.build));
  auto arguments = read_arguments(config.root(), context.loader);
  if (!arguments) {
    return fail(std::move(arguments)
                    .error()
                    .prefix("plugin " + id_text(id) + " fails configuration: ")
                    .at(where));
  }
  return std::shared_ptr<ExternalPlugin>(
      std::make_shared<LegacyPlugin>(std::move(path), std::move(text), *std::move(arguments)));
}

Result<std::shared_ptr<ExternalPlugin>> load_external_plugin(const BuildResource& config,
                                                             const StepContext& context) {
  if (!context.build.options().enable_alpha_plugins) {
    const std::string kind(config.original_kind());
    return fail(Error(Code::kInvalid,
                      "external plugins disabled; unable to load external plugin '" + kind + "'",
                      context.build.where(config.root())));
  }
  SLUICE_TRY(auto function, load_function(config, context));
  if (function) return function;
  return load_legacy_plugin(config, context);
}

Error transform_error(Error error) {
  if (error.code() == Code::kCancelled) return error;
  return Error(error.code(), error.message() + " ", error.where(), error.hint());
}

}  // namespace sluice::kustomize
