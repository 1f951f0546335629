#include "helm_chart.hpp"

#include <memory>
#include <optional>
#include <sys/stat.h>
#include <utility>

#include "sluice/base/ascii.hpp"
#include "sluice/base/encoding.hpp"
#include "sluice/yaml/read.hpp"
#include "sluice/yaml/write.hpp"

#include "origin.hpp"
#include "schema.hpp"
#include "strategic_merge.hpp"
#include "temporary_files.hpp"

namespace sluice::kustomize {

namespace {

bool is_enabled(const BuildOptions& options) {
  // kustomize's configuration for plugins enables helm, too.
  return options.enable_helm || options.enable_alpha_plugins;
}

bool is_absolute(std::string_view path) {
  return path.starts_with('/');
}

// The first `v?\d+(\.\d+)+` of the text, without the v.
std::string version_in(std::string_view text) {
  const auto digit_at = [&](std::size_t i) { return i < text.size() && is_digit(text[i]); };
  for (std::size_t start = 0; start < text.size(); ++start) {
    std::size_t i = start;
    std::size_t dots = 0;
    while (digit_at(i)) {
      while (digit_at(i))
        ++i;
      if (i >= text.size() || text[i] != '.' || !digit_at(i + 1)) break;
      ++dots;
      ++i;
    }
    if (dots > 0) return std::string(text.substr(start, i - start));
  }
  return {};
}

class Chart {
 public:
  /// `place`: on disk.
  Chart(HelmGlobals globals, HelmChart chart, Loader place, BuildContext& build)
      : globals_(std::move(globals)),
        chart_(std::move(chart)),
        place_(std::move(place)),
        build_(build) {}

  Result<void> check() {
    if (chart_.name.empty()) return fail(Code::kInvalid, "chart name cannot be empty");
    // helm would take such a name for a flag.
    if (chart_.release_name.starts_with('-')) {
      return fail(Code::kInvalid,
                  "releaseName must not start with '-', got " + go_quote(chart_.release_name));
    }
    if (chart_.name.starts_with('-')) {
      return fail(Code::kInvalid,
                  "chart name must not start with '-', got " + go_quote(chart_.name));
    }
    if (globals_.chart_home.empty()) globals_.chart_home = "charts";
    if (chart_.values_file.empty()) chart_.values_file = chart_directory() + "/values.yaml";
    for (std::string& file : chart_.additional_values_files) {
      auto loaded = place_.load(file);
      if (!loaded) {
        return fail(std::move(loaded).error().prefix("could not load additionalValuesFile: "));
      }
      file = join_paths(root(), file);
    }
    const std::string& merge = chart_.values_merge;
    if (merge.empty()) {
      chart_.values_merge = "override";
    } else if (merge != "merge" && merge != "override" && merge != "replace") {
      return fail(Code::kInvalid, "valuesMerge must be one of [merge override replace]");
    }
    return {};
  }

  Result<Resources> render() {
    SLUICE_TRY(directory_,
               TemporaryDirectory::make(programs().temporary_directory, "kustomize-helm-"));
    config_home_ =
        globals_.config_home.empty() ? directory_.path() + "/helm" : globals_.config_home;
    auto made = render_in_directory();
    directory_ = {};
    return made;
  }

 private:
  const std::string& root() const { return place_.display(); }
  const BuildOptions& options() const { return build_.options(); }
  const Programs& programs() const { return *options().programs; }

  std::string chart_home() const {
    std::string home = is_absolute(globals_.chart_home) ? globals_.chart_home
                                                        : join_paths(root(), globals_.chart_home);
    if (!chart_.version.empty() && !chart_.repo.empty()) {
      home = join_paths(home, chart_.name + "-" + chart_.version);
    }
    return home;
  }
  std::string chart_directory() const { return join_paths(chart_home(), chart_.name); }

  Result<Resources> render_in_directory() {
    SLUICE_CHECK(check_version());
    struct stat info {};
    const std::string place = chart_directory();
    const bool is_there = ::stat(place.c_str(), &info) == 0;
    if (!is_there || !S_ISDIR(info.st_mode)) {
      if (chart_.repo.empty()) {
        return fail(Error(Code::kNotFound,
                          "no repo specified for pull, no chart found at '" +
                              (is_there ? place : std::string()) + "'",
                          {}, "name the chart's repo, or put the chart at " + place));
      }
      SLUICE_CHECK(helm(pull_arguments()).map([](const std::string&) {}));
    }
    const bool has_inline =
        chart_.values_inline && std::as_const(*chart_.values_inline).root().size() > 0;
    SLUICE_TRY(const std::string values, has_inline ? merged_values() : values_file());
    const std::string file = directory_.path() + "/" + chart_.name + "-kustomize-values.yaml";
    SLUICE_CHECK(write_new_file(file, values));
    SLUICE_TRY(std::string output, helm(template_arguments(file)));
    return read_output(std::move(output));
  }

  Result<void> check_version() const {
    SLUICE_TRY(const std::string printed, helm({"version", "--short"}));
    const std::string version = version_in(printed);
    if (version.empty()) {
      return fail(Code::kInvalid, "cannot find version string in " + printed);
    }
    const std::string major = version.substr(0, version.find('.'));
    if (major == "3" || major == "4") return {};
    return fail(Code::kUnsupported, "this plugin requires helm V3 or V4 but got v" + version);
  }

  std::vector<std::string> pull_arguments() const {
    std::vector<std::string> all = {"pull", "--untar", "--untardir", chart_home()};
    const std::string& repo = chart_.repo;
    if (repo.starts_with("oci://")) {
      all.push_back((repo.ends_with('/') ? repo.substr(0, repo.size() - 1) : repo) + "/" +
                    chart_.name);
    } else {
      all.insert(all.end(), {"--repo", repo, chart_.name});
    }
    if (!chart_.version.empty()) all.insert(all.end(), {"--version", chart_.version});
    if (chart_.devel) all.emplace_back("--devel");
    return all;
  }

  // types.HelmChart.AsHelmArgs.
  std::vector<std::string> template_arguments(const std::string& values) const {
    std::vector<std::string> all = {
        "template", chart_.release_name.empty() ? "--generate-name" : chart_.release_name,
        chart_directory()};
    const auto add = [&all](const char* flag, const std::string& value) {
      if (!value.empty()) all.insert(all.end(), {flag, value});
    };
    const auto add_flag = [&all](const char* flag, bool wanted) {
      if (wanted) all.emplace_back(flag);
    };
    add("--namespace", chart_.ns);
    add("--name-template", chart_.name_template);
    add("-f", values);
    for (const std::string& file : chart_.additional_values_files)
      add("-f", file);
    for (const std::string& version : chart_.api_versions)
      all.insert(all.end(), {"--api-versions", version});
    add("--kube-version", chart_.kube_version);
    add_flag("--include-crds", chart_.include_crds);
    add_flag("--skip-tests", chart_.skip_tests);
    add_flag("--no-hooks", chart_.skip_hooks);
    add_flag("--debug", chart_.debug);
    add_flag("--devel", chart_.devel);
    return all;
  }

  Result<std::string> helm(const std::vector<std::string>& arguments) const {
    Program program;
    program.argv.push_back(options().helm_command);
    program.argv.insert(program.argv.end(), arguments.begin(), arguments.end());
    program.environment = programs().environment();
    const std::string home[] = {"HELM_CONFIG_HOME=" + config_home_,
                                "HELM_CACHE_HOME=" + config_home_ + "/.cache",
                                "HELM_DATA_HOME=" + config_home_ + "/.data"};
    program.environment.insert(program.environment.end(), std::begin(home), std::end(home));
    program.keep_error_output = true;
    auto result = programs().run(program, options().cancel);
    if (result && result->failure.empty()) return std::move(result->output);
    if (!result && result.error().code() == Code::kCancelled) {
      return fail(std::move(result).error());
    }
    std::string shown = result ? result->error_output : std::string();
    std::string line = options().helm_command + " ";
    bool debug = false;
    for (const std::string& argument : arguments) {
      if (&argument != &arguments.front()) line += ' ';
      line += argument;
      debug |= argument == "--debug";
    }
    if (debug) {
      shown = " Helm stack trace:\n" + shown + "\nHelm template:\n" +
              (result ? result->output : std::string()) + "\n";
    }
    if (!shown.empty()) shown += ": ";
    return fail(result ? Code::kInvalid : result.error().code(),
                shown + "unable to run: '" + line + "' with env=[" + home[0] + " " + home[1] + " " +
                    home[2] + "] (is '" + options().helm_command +
                    "' installed?): " + (result ? result->failure : result.error().message()));
  }

  Result<std::string> values_file() const {
    SLUICE_TRY(const sources::Blob blob, place_.load(chart_.values_file));
    return *blob.bytes;
  }

  // createNewMergedValuesFile: which side wins is the whole difference of override and merge.
  Result<std::string> merged_values() const {
    yaml::Document values = *chart_.values_inline;
    if (chart_.values_merge != "replace") {
      SLUICE_TRY(const std::string text, values_file());
      auto read = yaml::read_yaml(text, FileId::kNone);
      if (!read) {
        return fail(std::move(read).error().prefix("could not parse values file into rnode: "));
      }
      if (read->empty()) {
        return fail(Code::kInvalid, "could not parse values file into rnode: EOF");
      }
      yaml::Document file = std::move(read->front());
      const bool file_wins = chart_.values_merge == "merge";
      if (!file_wins) std::swap(values, file);
      // Now `values` are the base of what `file` says.
      auto merged = merge(values, std::move(file));
      if (!merged) return fail(std::move(merged).error().prefix("could not merge values: "));
      values = *std::move(merged);
    }
    std::string text;
    SLUICE_CHECK(yaml::write_yaml(std::as_const(values).root(), text));
    return text;
  }

  static Result<yaml::Document> merge(const yaml::Document& base, yaml::Document over) {
    yaml::Document target = base;
    static const Schema kNoTypes;  // a values file has no kind, so nothing is looked up in it
    SLUICE_TRY(const Merged outcome,
               strategic_merge(target.root(), std::as_const(over).root(), kNoTypes));
    if (outcome == Merged::kDeleted) target.root().set_mapping();
    return target;
  }

  Result<Resources> read_output(std::string output) const {
    auto read = read_resources(std::make_shared<const std::string>(std::move(output)),
                               FileId::kNone, {}, build_);
    if (!read) {
      const std::string_view what = is_malformed_yaml(read.error())
                                        ? "error reading helm output: "
                                        : "could not parse rnode slice into resource map: ";
      return fail(std::move(read).error().prefix(what));
    }
    for (const auto& resource : *read) {
      resource->helm_generated = true;
      resource->had_build_annotation = true;
    }
    return read;
  }

  HelmGlobals globals_;
  HelmChart chart_;
  const Loader place_;
  BuildContext& build_;
  TemporaryDirectory directory_;
  std::string config_home_;
};

}  // namespace

std::string helm_config_text(const HelmGlobals& globals, const HelmChart& chart) {
  yaml::Document document;
  const yaml::Ref root = document.root();
  root.set_mapping();
  const auto put = [&](std::string_view key, const std::string& text) {
    if (!text.empty()) root.put_string(key, text);
  };
  const auto put_list = [&](std::string_view key, const std::vector<std::string>& items) {
    if (items.empty()) return;
    const yaml::Ref list = root.put_sequence(key);
    for (const std::string& item : items)
      list.append_string(item);
  };
  const auto put_flag = [&](std::string_view key, bool value) {
    if (value) root.put_bool(key, true);
  };
  put("chartHome", globals.chart_home);
  put("configHome", globals.config_home);
  put("name", chart.name);
  put("version", chart.version);
  put("repo", chart.repo);
  put("releaseName", chart.release_name);
  put("namespace", chart.ns);
  put_list("additionalValuesFiles", chart.additional_values_files);
  put("valuesFile", chart.values_file);
  if (chart.values_inline && std::as_const(*chart.values_inline).root().size() > 0) {
    root.put("valuesInline", std::as_const(*chart.values_inline).root());
  }
  put("valuesMerge", chart.values_merge);
  put_flag("includeCRDs", chart.include_crds);
  put_flag("skipHooks", chart.skip_hooks);
  put_list("apiVersions", chart.api_versions);
  put("kubeVersion", chart.kube_version);
  put("nameTemplate", chart.name_template);
  put_flag("skipTests", chart.skip_tests);
  put_flag("debug", chart.debug);
  put_flag("devel", chart.devel);
  std::string out;
  if (!yaml::write_yaml(std::as_const(document).root(), out)) return {};
  return out;
}

Result<std::function<Result<Resources>()>> configure_helm_chart(const HelmGlobals& globals,
                                                                const HelmChart& chart,
                                                                const StepContext& context) {
  const BuildOptions& options = context.build.options();
  if (!is_enabled(options)) return fail(Code::kInvalid, "must specify --enable-helm");
  if (options.helm_command.empty()) return fail(Code::kInvalid, "must specify --helm-command");
  if (!options.programs) {
    return fail(
        Error(Code::kUnsupported,
              "the chart \"" + chart.name + "\" needs the program helm, which is not run here", {},
              "render it with helm template and list the output in resources"));
  }
  HelmChart wanted = chart;
  // What the chart itself says wins over the command line (kustomize decodes it on top).
  if (wanted.kube_version.empty()) wanted.kube_version = options.helm_kube_version;
  if (wanted.api_versions.empty()) wanted.api_versions = options.helm_api_versions;
  wanted.debug |= options.helm_debug;
  SLUICE_TRY(Loader place, context.loader.on_disk());
  auto ready = std::make_shared<Chart>(globals, std::move(wanted), std::move(place), context.build);
  SLUICE_CHECK(ready->check());
  return std::function<Result<Resources>()>([ready] { return ready->render(); });
}

}  // namespace sluice::kustomize
