// KRM functions: a resource whose annotation config.kubernetes.io/function says what to run. The
// program reads a ResourceList on its standard input and prints one.

#include <map>
#include <utility>

#include "sluice/base/ascii.hpp"
#include "sluice/yaml/read.hpp"
#include "sluice/yaml/write.hpp"

#include "external_plugins.hpp"
#include "go_decode.hpp"
#include "plugin_io.hpp"

namespace sluice::kustomize {

namespace {

using yaml::Node;

constexpr std::string_view kLocalConfig = "config.kubernetes.io/local-config";

// runtimeutil.FunctionSpec, what counts of it.
struct FunctionSpec {
  bool defer_failure = false;  // changes no outcome: the failure is reported at the end
  std::string image;
  std::string path;
  std::vector<std::string> arguments, environment;
  std::string unused;
  bool unused_flag = false;
  std::vector<std::string> unused_list;
};

using Field = GoField<FunctionSpec>;

constexpr GoField<FunctionSpec> kMount[] = {
    {"type", "type", [](GoDecoder& d, Node n, FunctionSpec& o) { d.string(n, o.unused); }},
    {"src", "src", [](GoDecoder& d, Node n, FunctionSpec& o) { d.string(n, o.unused); }},
    {"dst", "dst", [](GoDecoder& d, Node n, FunctionSpec& o) { d.string(n, o.unused); }},
    {"rw", "rw", [](GoDecoder& d, Node n, FunctionSpec& o) { d.boolean(n, o.unused_flag); }}};
constexpr Field kContainer[] = {
    {"image", "image", [](GoDecoder& d, Node n, FunctionSpec& o) { d.string(n, o.image); }},
    {"network", "network",
     [](GoDecoder& d, Node n, FunctionSpec& o) { d.boolean(n, o.unused_flag); }},
    {"mounts", "mounts",
     [](GoDecoder& d, Node n, FunctionSpec&) {
       std::vector<FunctionSpec> mounts;
       d.objects<FunctionSpec>(n, "[]runtimeutil.StorageMount", "runtimeutil.StorageMount", kMount,
                               mounts);
     }},
    {"envs", "envs", [](GoDecoder& d, Node n, FunctionSpec& o) { d.strings(n, o.unused_list); }}};
constexpr Field kExec[] = {
    {"path", "path", [](GoDecoder& d, Node n, FunctionSpec& o) { d.string(n, o.path); }},
    {"args", "args", [](GoDecoder& d, Node n, FunctionSpec& o) { d.strings(n, o.arguments); }},
    {"envs", "envs", [](GoDecoder& d, Node n, FunctionSpec& o) { d.strings(n, o.environment); }}};
constexpr Field kSpec[] = {
    {"deferFailure", "deferFailure",
     [](GoDecoder& d, Node n, FunctionSpec& o) { d.boolean(n, o.defer_failure); }},
    {"container", "container",
     [](GoDecoder& d, Node n, FunctionSpec& o) {
       d.object<FunctionSpec>(n, "runtimeutil.ContainerSpec", kContainer, o);
     }},
    {"exec", "exec", [](GoDecoder& d, Node n, FunctionSpec& o) {
       d.object<FunctionSpec>(n, "runtimeutil.ExecSpec", kExec, o);
     }}};

Result<FunctionSpec> decode_spec(Node node, std::string_view origin) {
  FunctionSpec spec;
  GoDecoder decoder(GoDecoder::Mode::kLenientStrict);
  decoder.object<FunctionSpec>(node, "runtimeutil.FunctionSpec", kSpec, spec);
  if (!decoder.failed()) return spec;
  return fail(Code::kInvalid, std::string(origin) +
                                  " unmarshal error: error unmarshaling JSON: while decoding "
                                  "JSON: " +
                                  decoder.error());
}

Result<std::optional<FunctionSpec>> function_spec(Node root) {
  const Node metadata = root.get("metadata");
  const Node annotations = metadata.get("annotations");
  for (const std::string_view key : {"config.kubernetes.io/function", "config.k8s.io/function"}) {
    const std::string_view text = annotations.get(key).text();
    if (text.empty()) continue;
    yaml::ReadOptions options;
    options.schema = yaml::Schema::kV2;
    auto documents = yaml::read_yaml(text, FileId::kNone, options);
    if (!documents) {
      return fail(std::move(documents).error().prefix(
          std::string(key) + " unmarshal error: error converting YAML to JSON: "));
    }
    if (documents->empty()) return FunctionSpec{};
    SLUICE_TRY(FunctionSpec spec, decode_spec(documents->front().root(), key));
    return spec;
  }
  if (const Node inline_spec = metadata.get("configFn");
      inline_spec.exists() && !inline_spec.is_null()) {
    SLUICE_TRY(FunctionSpec spec, decode_spec(inline_spec, "configFn"));
    return spec;
  }
  const std::string_view image = annotations.get("config.kubernetes.io/container").text();
  if (image.empty()) return std::nullopt;
  FunctionSpec spec;
  spec.image = image;
  return spec;
}

// runfn mergeExecEnv: entries without exactly one "=" are dropped, the command line wins, sorted.
std::vector<std::string> merged_environment(const FunctionSpec& spec, const Programs& programs) {
  std::map<std::string, std::string> merged;
  const auto add = [&](const std::vector<std::string>& entries) {
    for (const std::string& entry : entries) {
      const std::size_t equals = entry.find('=');
      if (equals == std::string::npos || entry.find('=', equals + 1) != std::string::npos) continue;
      merged[entry.substr(0, equals)] = entry.substr(equals + 1);
    }
  };
  add(spec.environment);
  add(programs.function_environment);
  std::vector<std::string> all = programs.environment();
  for (const auto& [name, value] : merged)
    all.push_back(name + "=" + value);
  return all;
}

void annotate(yaml::Ref root, std::string_view key, std::string_view text) {
  const yaml::Ref annotations = root.put_mapping("metadata").put_mapping("annotations");
  annotations.put_string(key, text).set_style(yaml::Style::kSingleQuoted);
}

Result<std::vector<yaml::Document>> parse(std::string text) {
  auto documents =
      yaml::read_yaml(std::make_shared<const std::string>(std::move(text)), FileId::kNone);
  if (!documents) return fail(std::move(documents).error().prefix("MalformedYAMLError: "));
  return documents;
}

// The ResourceList that the function reads (runtimeutil FunctionFilter.Filter, kio.ByteWriter),
// with the notes that kyaml leaves on each item.
Result<std::string> resource_list(std::string text, Node function_config) {
  SLUICE_TRY(std::vector<yaml::Document> inputs, parse(std::move(text)));
  yaml::Document list;
  list.root().set_mapping();
  list.root().put_string("apiVersion", "config.kubernetes.io/v1");
  list.root().put_string("kind", "ResourceList");
  const yaml::Ref items = list.root().put_sequence("items");
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const yaml::Ref root = inputs[i].root();
    const std::string index = std::to_string(i);
    const std::string id = std::to_string(i + 1);
    annotate(root, "config.kubernetes.io/index", index);
    annotate(root, "internal.config.kubernetes.io/index", index);
    annotate(root, "internal.config.kubernetes.io/annotations-migration-resource-id", index);
    annotate(root, "internal.config.kubernetes.io/id", id);
    annotate(root, "config.k8s.io/id", id);
    items.append(root);
  }
  list.root().put("functionConfig", function_config);
  std::string out;
  SLUICE_CHECK(yaml::write_yaml_as_read(std::as_const(list).root(), out));
  return out;
}

// What kyaml writes to give the output back: documents, each with a path if it has none.
Result<std::string> plain_documents(std::string output) {
  SLUICE_TRY(std::vector<yaml::Document> documents, parse(std::move(output)));
  std::vector<yaml::Document> items;
  if (documents.size() == 1) {
    const Node root = std::as_const(documents.front()).root();
    const std::string_view kind = root.get("kind").text();
    const bool is_list = (kind == "ResourceList" || kind == "List") &&
                         (root.get("items").exists() || root.get("functionConfig").exists());
    if (is_list) {
      const Node listed = root.get("items");
      for (std::size_t i = 0; i < listed.size(); ++i) {
        yaml::Document item;
        item.set_root(item.import(listed.at(i)));
        items.push_back(std::move(item));
      }
      documents = std::move(items);
    }
  }
  std::string text;
  for (yaml::Document& document : documents) {
    const yaml::Ref root = document.root();
    if (!root.is_mapping()) continue;
    const Node metadata = root.get("metadata");
    const yaml::Ref annotations = root.get("metadata").get("annotations");
    for (const std::string_view key : {"config.kubernetes.io/index", "config.k8s.io/id"})
      annotations.erase(key);
    if (!annotations.get("config.kubernetes.io/path").exists()) {
      std::string path(metadata.get("namespace").text());
      if (!path.empty()) path += '/';
      path += to_lower(root.get("kind").text()) + "_" + std::string(metadata.get("name").text()) +
              ".yaml";
      annotate(root, "config.kubernetes.io/path", path);
    }
    if (!text.empty()) text += "---\n";
    SLUICE_CHECK(yaml::write_yaml_as_read(std::as_const(document).root(), text));
  }
  return text;
}

class ExecFunction final : public ExternalPlugin {
 public:
  ExecFunction(FunctionSpec spec, yaml::Document config, std::string name)
      : spec_(std::move(spec)), config_(std::move(config)), name_(std::move(name)) {}

  Result<Resources> generate(const StepContext& context) override {
    std::string input;
    SLUICE_CHECK(yaml::write_yaml_as_read(std::as_const(config_).root(), input));
    SLUICE_TRY(std::string output, invoke(std::move(input), context));
    return read_generated(std::move(output), context.build);
  }

  Result<void> transform(ResMap& resources, const StepContext& context) override {
    SLUICE_TRY(std::string input, text_for_plugin(resources, context.build));
    auto output = invoke(std::move(input), context);
    if (!output) return fail(transform_error(std::move(output).error()));
    return take_transformed(*std::move(output), resources, name_, context.build);
  }

 private:
  Result<std::string> invoke(std::string input, const StepContext& context) const {
    auto output = run(std::move(input), context);
    if (output || output.error().code() == Code::kCancelled) return output;
    return fail(std::move(output).error().prefix("couldn't execute function: "));
  }

  Result<std::string> run(std::string input, const StepContext& context) const {
    const BuildOptions& options = context.build.options();
    // Without --enable-exec kustomize takes the input for the output, and so do we.
    if (!options.enable_exec || spec_.path.empty()) return input;
    const Programs& programs = *options.programs;
    SLUICE_TRY(const std::string list,
               resource_list(std::move(input), std::as_const(config_).root()));
    Program program;
    program.argv.push_back(spec_.path);
    program.argv.insert(program.argv.end(), spec_.arguments.begin(), spec_.arguments.end());
    program.environment = merged_environment(spec_, programs);
    SLUICE_TRY(const Loader place, context.loader.on_disk());
    program.directory = place.display();
    program.input = list;
    if (program.directory == "/") {
      return fail(Code::kInvalid, "root working directory '/' not allowed");
    }
    SLUICE_TRY(ProgramResult result, programs.run(program, options.cancel));
    // Output that cannot be read is reported before the exit status.
    SLUICE_TRY(std::string documents, plain_documents(std::move(result.output)));
    if (!result.failure.empty()) return fail(Code::kInvalid, result.failure);
    return documents;
  }

  FunctionSpec spec_;
  yaml::Document config_;
  std::string name_;
};

}  // namespace

Result<std::shared_ptr<ExternalPlugin>> load_function(const BuildResource& config,
                                                      const StepContext& context) {
  const Node root = config.root();
  const Where where = context.build.where(root);
  auto spec = function_spec(root);
  if (!spec) {
    return fail(std::move(spec).error().prefix("loader: failed to get FunctionSpec: ").at(where));
  }
  if (!*spec) return std::shared_ptr<ExternalPlugin>();
  if (!(*spec)->image.empty()) {
    return fail(Error(Code::kUnsupported,
                      "plugin " + id_text(config.id) + " runs in a container, which sluice does " +
                          "not start: image \"" + (*spec)->image + "\"",
                      where,
                      "name a program with \"exec: {path: …}\" in its annotation and give "
                      "--enable-exec, or run it beforehand and list its output in resources"));
  }
  const BuildOptions& options = context.build.options();
  if (options.enable_exec && !(*spec)->path.empty() && !options.programs) {
    return fail(Error(Code::kUnsupported,
                      "plugin " + id_text(config.id) + " runs the program \"" + (*spec)->path +
                          "\", which is not done here",
                      where, "run it beforehand and list its output in resources"));
  }
  // kustomize goes through text, which decides on the quoting that the function sees.
  SLUICE_TRY(std::string text, text_for_plugin(config, context.build));
  SLUICE_TRY(std::vector<yaml::Document> documents, parse(std::move(text)));
  if (documents.empty()) documents.emplace_back();
  yaml::Document document = std::move(documents.front());
  annotate(document.root(), kLocalConfig, "true");
  const std::string name = "api: " + config.id.gvk.api_version() + ", kind: " + config.id.gvk.kind +
                           ", name: " + config.id.name;
  return std::shared_ptr<ExternalPlugin>(
      std::make_shared<ExecFunction>(*std::move(*spec), std::move(document), name));
}

}  // namespace sluice::kustomize
