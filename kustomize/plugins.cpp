// Builtin generators and transformers configured by resources of their own: entries of
// `generators:`, `transformers:` and `validators:` (api/internal/plugins/loader, api/internal/
// builtins). One row of a table each.

#include <iterator>
#include <utility>

#include "sluice/base/encoding.hpp"
#include "sluice/yaml/read.hpp"
#include "sluice/yaml/write.hpp"

#include "external_plugins.hpp"
#include "helm_chart.hpp"
#include "ksops_generator.hpp"
#include "kustomization_fields.hpp"
#include "odd_keys.hpp"
#include "steps.hpp"

namespace sluice::kustomize {

namespace {

using generators::GeneratorArgs;
using yaml::Node;

std::string config_text(Node config) {
  std::string out;
  if (!yaml::write_yaml(config, out)) return {};
  return out;
}

// What a config may hold, all kinds together: each reads the fields that its table names.
struct PluginConfig {
  std::string name, ns;  // metadata
  std::optional<std::vector<FieldSpec>> field_specs;
  StringMap pairs;     // labels or annotations
  std::string text;    // prefix, suffix, value
  std::string suffix;  // when there is a prefix, too
  std::string set_role_binding_subjects, target_file_path, json_op;
  bool unset_only = false;
  ImageRule image;
  ReplicaRule replica;
  PatchEntry patch;
  std::vector<std::string> paths;
  std::string patches;
  std::vector<ReplacementEntry> replacements;
  std::vector<ValueAddTarget> targets;
  IamPolicyArgs policy;
};

using Field = GoField<PluginConfig>;

void read_specs(GoDecoder& d, Node n, PluginConfig& o) {
  if (!n.exists() || n.is_null()) return;
  if (!o.field_specs) o.field_specs.emplace();
  d.objects(n, "[]types.FieldSpec", "types.FieldSpec", field_spec_fields(), *o.field_specs);
}
void read_pairs(GoDecoder& d, Node n, PluginConfig& o) {
  d.string_map(n, o.pairs);
}
void read_text(GoDecoder& d, Node n, PluginConfig& o) {
  d.string(n, o.text);
}
void read_target(GoDecoder& d, Node n, PluginConfig& o) {
  d.pointer(n, "types.Selector", selector_fields(), o.patch.target);
}

constexpr Field kSpecs = {"fieldSpecs", "fieldSpecs", read_specs};

constexpr Field kAnnotations[] = {{"annotations", "annotations", read_pairs}, kSpecs};
constexpr Field kLabels[] = {{"labels", "labels", read_pairs}, kSpecs};
constexpr Field kPrefix[] = {{"prefix", "prefix", read_text}, kSpecs};
constexpr Field kSuffix[] = {{"suffix", "suffix", read_text}, kSpecs};
constexpr Field kPrefixSuffix[] = {
    {"prefix", "prefix", read_text},
    {"suffix", "suffix", [](GoDecoder& d, Node n, PluginConfig& o) { d.string(n, o.suffix); }},
    kSpecs};
constexpr Field kImage[] = {{"imageTag", "imageTag",
                             [](GoDecoder& d, Node n, PluginConfig& o) {
                               d.object(n, "types.Image", image_fields(), o.image);
                             }},
                            kSpecs};
constexpr Field kReplica[] = {{"replica", "replica",
                               [](GoDecoder& d, Node n, PluginConfig& o) {
                                 d.object(n, "types.Replica", replica_fields(), o.replica);
                               }},
                              kSpecs};
constexpr Field kNamespace[] = {
    {"unsetOnly", "unsetOnly",
     [](GoDecoder& d, Node n, PluginConfig& o) { d.boolean(n, o.unset_only); }},
    {"setRoleBindingSubjects", "setRoleBindingSubjects",
     [](GoDecoder& d, Node n, PluginConfig& o) { d.string(n, o.set_role_binding_subjects); }},
    kSpecs};
constexpr Field kPatch[] = {
    {"path", "path", [](GoDecoder& d, Node n, PluginConfig& o) { d.string(n, o.patch.path); }},
    {"patch", "patch", [](GoDecoder& d, Node n, PluginConfig& o) { d.string(n, o.patch.patch); }},
    {"target", "target", read_target},
    {"options", "options", [](GoDecoder& d, Node n, PluginConfig& o) {
       d.pointer(n, "types.PatchArgs", patch_options_fields(), o.patch.options);
     }}};
constexpr Field kJson6902[] = {
    {"target", "target", read_target},
    {"path", "path", [](GoDecoder& d, Node n, PluginConfig& o) { d.string(n, o.patch.path); }},
    {"jsonOp", "jsonOp", [](GoDecoder& d, Node n, PluginConfig& o) { d.string(n, o.json_op); }}};
constexpr Field kMergePatch[] = {
    {"paths", "paths",
     [](GoDecoder& d, Node n, PluginConfig& o) {
       d.strings(n, o.paths, "[]types.PatchStrategicMerge");
     }},
    {"patches", "patches", [](GoDecoder& d, Node n, PluginConfig& o) { d.string(n, o.patches); }}};
constexpr Field kReplacement[] = {
    {"replacements", "replacements", [](GoDecoder& d, Node n, PluginConfig& o) {
       d.objects(n, "[]types.ReplacementField", "types.ReplacementField", replacement_fields(),
                 o.replacements);
     }}};

constexpr GoField<ValueAddTarget> kValueTarget[] = {
    {"selector", "selector",
     [](GoDecoder& d, Node n, ValueAddTarget& o) {
       d.pointer(n, "types.Selector", selector_fields(), o.selector);
     }},
    {"fieldPath", "fieldPath",
     [](GoDecoder& d, Node n, ValueAddTarget& o) { d.string(n, o.field_path); }},
    {"filePathPosition", "filePathPosition",
     [](GoDecoder& d, Node n, ValueAddTarget& o) { d.integer(n, o.file_path_position, "int"); }}};
void read_value_targets(GoDecoder& d, Node n, PluginConfig& o) {
  d.objects<ValueAddTarget>(n, "[]builtins.Target", "builtins.Target", kValueTarget, o.targets);
}
constexpr Field kValueAdd[] = {
    {"value", "value", read_text},
    {"targets", "targets", read_value_targets},
    {"targetFilePath", "targetFilePath",
     [](GoDecoder& d, Node n, PluginConfig& o) { d.string(n, o.target_file_path); }}};

constexpr std::string_view kTargetsType =
    "struct { Targets []builtins.Target "
    "\"json:\\\"targets,omitempty\\\" yaml:\\\"targets,omitempty\\\"\" }";

struct PolicyPart {
  std::string name, ns, project_id;
};
constexpr GoField<PolicyPart> kPolicyPart[] = {
    {"name", "name", [](GoDecoder& d, Node n, PolicyPart& o) { d.string(n, o.name); }},
    {"namespace", "namespace", [](GoDecoder& d, Node n, PolicyPart& o) { d.string(n, o.ns); }},
    {"projectId", "projectId",
     [](GoDecoder& d, Node n, PolicyPart& o) { d.string(n, o.project_id); }}};
constexpr Field kPolicy[] = {
    {"cloud", "cloud",
     [](GoDecoder& d, Node n, PluginConfig& o) { d.string(n, o.policy.cloud, "types.Cloud"); }},
    {"kubernetesService", "kubernetesService",
     [](GoDecoder& d, Node n, PluginConfig& o) {
       PolicyPart part;
       d.object<PolicyPart>(n, "types.KubernetesService", kPolicyPart, part);
       o.policy.kubernetes_service_name = part.name;
       o.policy.ns = part.ns;
     }},
    {"serviceAccount", "serviceAccount", [](GoDecoder& d, Node n, PluginConfig& o) {
       PolicyPart part;
       d.object<PolicyPart>(n, "types.ServiceAccount", kPolicyPart, part);
       o.policy.service_account_name = part.name;
       o.policy.project_id = part.project_id;
     }}};

constexpr GoField<PolicyPart> kMetadata[] = {kPolicyPart[0], kPolicyPart[1]};

/// `embedded` is the struct in `type` that has the fields, when it is not `type` itself.
template <class T>
Result<void> decode(Node node, std::string_view type, std::span<const GoField<T>> fields, T& out,
                    std::string_view embedded = {}) {
  GoDecoder decoder(GoDecoder::Mode::kLenient);
  if (embedded.empty()) {
    decoder.object(node, type, fields, out);
  } else {
    decoder.embedded(node, type, embedded, fields, out);
  }
  if (!decoder.failed()) return {};
  return fail(Code::kInvalid, "error unmarshaling JSON: while decoding JSON: " + decoder.error());
}

/// `kind` names the struct in messages, as Go's is.
Result<PluginConfig> read_config(Node root, std::span<const Field> fields, std::string_view kind,
                                 std::string_view embedded = {}) {
  PluginConfig config;
  SLUICE_CHECK(decode(root, "builtins." + std::string(kind) + "Plugin", fields, config, embedded));
  PolicyPart metadata;
  SLUICE_CHECK(decode<PolicyPart>(root.get("metadata"), "types.ObjectMeta", kMetadata, metadata));
  config.name = metadata.name;
  config.ns = metadata.ns;
  return config;
}

using Run = std::function<Result<void>(ResMap&)>;
using Shared = std::shared_ptr<PluginConfig>;

std::span<const FieldSpec> specs_of(const PluginConfig& config) {
  if (!config.field_specs) return {};
  return *config.field_specs;
}

// --- one configuration each: from a decoded config to what runs ---

Result<Run> annotations(const Shared& c, Node, const StepContext&) {
  return Run([c](ResMap& m) { return set_annotations(m, c->pairs, specs_of(*c)); });
}
Result<Run> labels(const Shared& c, Node, const StepContext&) {
  return Run([c](ResMap& m) { return set_labels(m, c->pairs, specs_of(*c)); });
}
Result<void> need_specs(const PluginConfig& config) {
  if (config.field_specs) return {};
  return fail(Code::kInvalid, "fieldSpecs is not expected to be nil");
}
Result<Run> prefix(const Shared& c, Node, const StepContext&) {
  SLUICE_CHECK(need_specs(*c));
  return Run([c](ResMap& m) { return add_prefix(m, c->text, specs_of(*c)); });
}
Result<Run> suffix(const Shared& c, Node, const StepContext&) {
  SLUICE_CHECK(need_specs(*c));
  return Run([c](ResMap& m) { return add_suffix(m, c->text, specs_of(*c)); });
}
Result<Run> image(const Shared& c, Node, const StepContext&) {
  return Run([c](ResMap& m) { return set_images(m, {&c->image, 1}, specs_of(*c)); });
}
Result<Run> replica(const Shared& c, Node, const StepContext&) {
  return Run([c](ResMap& m) { return set_replicas(m, c->replica, specs_of(*c)); });
}
Result<Run> name_space(const Shared& c, Node, const StepContext&) {
  NamespaceArgs args;
  args.ns = c->ns;
  args.unset_only = c->unset_only;
  SLUICE_TRY(args.subjects, parse_subjects(c->set_role_binding_subjects));
  return Run([c, args](ResMap& m) { return set_namespace(m, args, specs_of(*c)); });
}
Result<Run> patch(const Shared& c, Node root, const StepContext& context) {
  SLUICE_TRY(PatchRule loaded, load_patch(c->patch, config_text(root), context));
  auto rule = std::make_shared<PatchRule>(std::move(loaded));
  return Run([rule, &build = context.build](ResMap& m) { return apply_patch(m, *rule, build); });
}
Result<Run> json6902(const Shared& c, Node, const StepContext& context) {
  SLUICE_TRY(Json6902Rule loaded, load_json6902(c->patch.target.value_or(Selector{}), c->patch.path,
                                                c->json_op, context));
  auto rule = std::make_shared<Json6902Rule>(std::move(loaded));
  return Run([rule, &build = context.build](ResMap& m) { return apply_json6902(m, *rule, build); });
}
Result<Run> merge_patch(const Shared& c, Node, const StepContext& context) {
  if (c->paths.empty() && c->patches.empty()) {
    return fail(Code::kInvalid, "empty file path and empty patch content");
  }
  auto all = std::make_shared<Resources>();
  const auto add = [&](Resources more) {
    all->insert(all->end(), std::make_move_iterator(more.begin()),
                std::make_move_iterator(more.end()));
  };
  std::string shown;
  for (const std::string& path : c->paths) {
    SLUICE_TRY(Resources more, load_merge_patch(path, context));
    add(std::move(more));
    shown += (shown.empty() ? "" : " ") + path;
  }
  if (!c->patches.empty()) {
    SLUICE_TRY(Resources more, read_resources(std::make_shared<const std::string>(c->patches),
                                              FileId::kNone, {}, context.build));
    add(std::move(more));
  }
  if (all->empty()) {
    return fail(Code::kInvalid,
                "patch appears to be empty; files=[" + shown + "], Patch=" + c->patches);
  }
  return Run([all](ResMap& m) { return apply_merge_patches(m, *all); });
}
Result<Run> replacement(const Shared& c, Node, const StepContext& context) {
  SLUICE_TRY(auto loaded, load_replacements(c->replacements, context));
  auto all = std::make_shared<std::vector<Replacement>>(std::move(loaded));
  return Run([all](ResMap& m) { return apply_replacements(m, *all); });
}
Result<Run> value_add(const Shared& c, Node, const StepContext& context) {
  c->text = std::string(go_trim_space(c->text));
  if (c->text.empty()) c->text = context.loader.root().name();
  if (!c->target_file_path.empty()) {
    SLUICE_TRY(const sources::Blob blob, context.loader.load(c->target_file_path));
    yaml::ReadOptions options;
    options.schema = yaml::Schema::kV2;
    options.unique_keys = false;
    SLUICE_TRY(const auto documents, yaml::read_yaml(blob.bytes, FileId::kNone, options));
    if (!documents.empty()) {
      PluginConfig more;
      SLUICE_CHECK(decode<PluginConfig>(documents.front().root(), kTargetsType,
                                        std::span(kValueAdd).subspan(1, 1), more));
      c->targets.insert(c->targets.end(), more.targets.begin(), more.targets.end());
    }
  }
  if (c->targets.empty()) return fail(Code::kInvalid, "must specify at least one target");
  for (const ValueAddTarget& target : c->targets) {
    if (target.field_path.empty()) return fail(Code::kInvalid, "fieldPath cannot be empty");
    if (target.file_path_position < 0) {
      return fail(Code::kInvalid, "value of FilePathPosition (" +
                                      std::to_string(target.file_path_position) +
                                      ") cannot be negative");
    }
  }
  return Run([c](ResMap& m) { return add_value(m, c->text, c->targets); });
}
Result<Run> hash(const Shared&, Node, const StepContext& context) {
  return Run([&build = context.build](ResMap& m) { return add_name_suffixes(m, build); });
}

Result<Run> prefix_and_suffix(const Shared& c, Node, const StepContext&) {
  SLUICE_CHECK(need_specs(*c));
  return Run([c](ResMap& m) -> Result<void> {
    SLUICE_CHECK(add_prefix(m, c->text, specs_of(*c)));
    return add_suffix(m, c->suffix, specs_of(*c));
  });
}

struct TransformerRow {
  std::string_view kind;
  std::span<const Field> fields;
  Result<Run> (*configure)(const Shared&, Node, const StepContext&);
  std::string_view unreadable = {};  // in front of what its config does not fit
};

constexpr TransformerRow kTransformers[] = {
    {"AnnotationsTransformer", kAnnotations, annotations},
    {"HashTransformer", {}, hash},
    {"ImageTagTransformer", kImage, image},
    {"LabelTransformer", kLabels, labels},
    {"NamespaceTransformer", kNamespace, name_space, "unmarshalling NamespaceTransformer config: "},
    {"PatchJson6902Transformer", kJson6902, json6902},
    {"PatchStrategicMergeTransformer", kMergePatch, merge_patch},
    {"PatchTransformer", kPatch, patch},
    {"PrefixSuffixTransformer", kPrefixSuffix, prefix_and_suffix},
    {"PrefixTransformer", kPrefix, prefix},
    {"ReplacementTransformer", kReplacement, replacement},
    {"ReplicaCountTransformer", kReplica, replica},
    {"SuffixTransformer", kSuffix, suffix},
    {"ValueAddTransformer", kValueAdd, value_add},
};

// --- generators ---

using Make = std::function<Result<Resources>()>;

Result<GeneratorArgs> generator_args(Node root, bool is_secret) {
  GeneratorArgs args;
  SLUICE_CHECK(decode(
      root, is_secret ? "builtins.SecretGeneratorPlugin" : "builtins.ConfigMapGeneratorPlugin",
      is_secret ? secret_fields() : config_map_fields(), args,
      is_secret ? "SecretArgs" : "ConfigMapArgs"));
  PolicyPart metadata;
  SLUICE_CHECK(decode<PolicyPart>(root.get("metadata"), "types.ObjectMeta", kMetadata, metadata));
  if (args.name.empty()) args.name = metadata.name;
  if (args.ns.empty()) args.ns = metadata.ns;
  args.file = root.file();
  args.position = root.position();
  return args;
}

Result<Make> config_map(Node root, const StepContext& context) {
  SLUICE_TRY(GeneratorArgs args, generator_args(root, false));
  return Make([args = std::move(args), &context] {
    return run_config_map_generator(args, context, false);
  });
}
Result<Make> secret(Node root, const StepContext& context) {
  SLUICE_TRY(GeneratorArgs args, generator_args(root, true));
  return Make(
      [args = std::move(args), &context] { return run_config_map_generator(args, context, true); });
}
Result<Make> iam_policy(Node root, const StepContext& context) {
  SLUICE_TRY(PluginConfig config,
             read_config(root, kPolicy, "IAMPolicyGenerator", "IAMPolicyGeneratorArgs"));
  return Make([policy = config.policy, &context]() -> Result<Resources> {
    auto resource = std::make_unique<BuildResource>();
    SLUICE_TRY(resource->doc, generate_iam_policy(policy));
    read_id(*resource, std::as_const(context.build).schema());
    Resources made;
    made.push_back(std::move(resource));
    return made;
  });
}
Result<Make> helm(Node root, const StepContext& context) {
  struct {
    HelmGlobals globals;
    HelmChart chart;
  } config;
  SLUICE_CHECK(decode(root, "builtins.HelmChartInflationGeneratorPlugin", helm_globals_fields(),
                      config.globals, "HelmGlobals"));
  SLUICE_CHECK(decode(root, "builtins.HelmChartInflationGeneratorPlugin", helm_chart_fields(),
                      config.chart, "HelmChart"));
  return configure_helm_chart(config.globals, config.chart, context);
}

struct GeneratorRow {
  std::string_view kind;
  Result<Make> (*configure)(Node, const StepContext&);
};

constexpr GeneratorRow kGenerators[] = {
    {"ConfigMapGenerator", config_map},
    {"HelmChartInflationGenerator", helm},
    {"IAMPolicyGenerator", iam_policy},
    {"SecretGenerator", secret},
};

// --- both ---

// The origin of what a plugin config makes or changes.
std::optional<Origin> plugin_origin(const BuildResource& config) {
  if (!config.origin) return std::nullopt;
  Origin origin;
  origin.repo = config.origin->repo;
  origin.ref = config.origin->ref;
  origin.configured_in = config.origin->path;
  origin.by_api_version = config.id.gvk.api_version();
  origin.by_kind = config.id.gvk.kind;
  origin.by_name = config.id.name;
  origin.by_namespace = config.id.ns;
  return origin;
}

template <class Row>
const Row* find_row(std::span<const Row> rows, const std::string& kind) {
  for (const Row& row : rows) {
    if (row.kind == kind) return &row;
  }
  return nullptr;
}

bool is_builtin(const BuildResource& config) {
  return config.id.gvk.group.empty() && config.id.gvk.version == "builtin";
}

Error configuration_failed(Error error, const BuildResource& config, const StepContext& context) {
  return std::move(error)
      .prefix("plugin " + id_text(config.original_id()) + " fails configuration: ")
      .at(context.build.where(std::as_const(config).root()));
}

bool changes_in_print(Node node) {
  if (node.is_scalar()) {
    return node.style() == yaml::Style::kFolded || node.kind() == yaml::Kind::kTimestamp ||
           node.kind() == yaml::Kind::kBinary ||
           node.text().find("\xC2\x85") != std::string_view::npos;
  }
  for (std::size_t i = 0; i < node.size(); ++i) {
    if (node.is_mapping() && !node.key(i).is_string()) return true;
    if (changes_in_print(node.is_mapping() ? node.value(i) : node.at(i))) return true;
  }
  return false;
}

/// kustomize hands a plugin its config as the YAML that it would print, in which dates, folded
/// scalars, U+0085 and keys that are no strings are not what they were. Other configs keep their
/// places.
Result<void> print_and_read(yaml::Document& config, const BuildResource& from,
                            const StepContext& context) {
  const Node root = std::as_const(config).root();
  const auto not_printed = [&](Error error) {
    return fail(
        std::move(error).prefix("marshalling yaml from res " + id_text(from.original_id()) + ": "));
  };
  if (config.has_odd_keys()) {
    if (auto single = refuse_odd_keys(root, context.build); !single) {
      return not_printed(std::move(single).error());
    }
  }
  if (!config.leaves().empty() || !changes_in_print(root)) return {};
  std::string text;
  if (auto printed = yaml::write_yaml(root, text); !printed) {
    return not_printed(std::move(printed).error());
  }
  yaml::ReadOptions options;
  options.schema = yaml::Schema::kV2;
  SLUICE_TRY(auto documents, yaml::read_yaml(text, root.file(), options));
  if (!documents.empty()) config = std::move(documents.front());
  return {};
}

Error not_loadable(const BuildResource& config, const StepContext& context) {
  return Error(Code::kInvalid, "unable to load builtin " + gvk_text(config.id.gvk),
               context.build.where(std::as_const(config).root()));
}

// kustomize configures a plugin before it looks at which of the two it is.
Result<Make> configured_generator(const BuildResource& config, const StepContext& context) {
  const GeneratorRow* row = find_row<GeneratorRow>(kGenerators, config.id.gvk.kind);
  if (row == nullptr) return fail(not_loadable(config, context));
  yaml::Document printed = config.doc;
  SLUICE_CHECK(print_and_read(printed, config, context));
  auto run = row->configure(std::as_const(printed).root(), context);
  if (!run) return fail(configuration_failed(std::move(run).error(), config, context));
  return run;
}

Result<Run> configured_transformer(const BuildResource& config, const StepContext& context) {
  const TransformerRow* row = find_row<TransformerRow>(kTransformers, config.id.gvk.kind);
  if (row == nullptr) return fail(not_loadable(config, context));
  yaml::Document printed = config.doc;
  SLUICE_CHECK(print_and_read(printed, config, context));
  const Node root = std::as_const(printed).root();
  auto read = read_config(root, row->fields, config.id.gvk.kind);
  if (!read) {
    Error error = std::move(read).error().prefix(row->unreadable);
    return fail(configuration_failed(std::move(error), config, context));
  }
  auto run = row->configure(std::make_shared<PluginConfig>(*std::move(read)), root, context);
  if (!run) return fail(configuration_failed(std::move(run).error(), config, context));
  return run;
}

}  // namespace

Result<Generator> generator_from_plugin(const BuildResource& config, const StepContext& context) {
  const std::string& kind = config.id.gvk.kind;
  if (is_ksops(config)) {
    return Generator{configure_ksops(config, context), plugin_origin(config), kind};
  }
  if (!is_builtin(config)) {
    SLUICE_TRY(auto plugin, load_external_plugin(config, context));
    return Generator{[plugin, &context] { return plugin->generate(context); },
                     plugin_origin(config), kind};
  }
  if (find_row<TransformerRow>(kTransformers, kind) != nullptr) {
    SLUICE_CHECK(configured_transformer(config, context).map([](const Run&) {}));
    return fail(Code::kInvalid, "plugin " + id_text(config.original_id()) + " not a generator");
  }
  SLUICE_TRY(Make run, configured_generator(config, context));
  return Generator{std::move(run), plugin_origin(config), kind};
}

Result<Transformer> transformer_from_plugin(const BuildResource& config,
                                            const StepContext& context) {
  const std::string& kind = config.id.gvk.kind;
  if (!is_builtin(config)) {
    SLUICE_TRY(auto plugin, load_external_plugin(config, context));
    return Transformer{
        [plugin, &context](ResMap& resources) { return plugin->transform(resources, context); },
        plugin_origin(config)};
  }
  if (find_row<GeneratorRow>(kGenerators, kind) != nullptr) {
    SLUICE_CHECK(configured_generator(config, context).map([](const Make&) {}));
    return fail(Code::kInvalid, "plugin " + id_text(config.original_id()) + " not a transformer");
  }
  SLUICE_TRY(Run run, configured_transformer(config, context));
  return Transformer{std::move(run), plugin_origin(config)};
}

}  // namespace sluice::kustomize
