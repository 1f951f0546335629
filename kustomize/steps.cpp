#include "steps.hpp"

#include <utility>

#include "sluice/decrypt/sops_file.hpp"
#include "sluice/generators/name_suffix.hpp"

#include "config_text.hpp"
#include "gvk.hpp"
#include "helm_chart.hpp"
#include "kustomization_fields.hpp"
#include "origin.hpp"

namespace sluice::kustomize {

namespace {

using generators::GeneratorArgs;

Error trouble(Error error, std::string_view kind, const std::string& config) {
  return std::move(error).prefix("trouble configuring builtin " + std::string(kind) +
                                 " with config: `\n" + config + "`: ");
}

/// Gives what a generator made the styles and key types that kyaml gives it: they decide what
/// becomes of it when something is set in its place.
void style_as_made(yaml::Ref root) {
  const yaml::Ref metadata = root.get("metadata");
  for (const std::string_view name : {"name", "namespace"}) {
    const yaml::Ref value = metadata.get(name);
    if (value.exists()) value.set_style(string_style(value.text()));
  }
  for (const std::string_view name : {"data", "binaryData"}) {
    const yaml::Ref map = root.get(name);
    remake_keys(map);
    for (std::size_t i = 0; i < map.size(); ++i) {
      const yaml::Ref value = map.value(i);
      const bool has_lines = value.text().find('\n') != std::string_view::npos;
      value.set_style(has_lines ? yaml::Style::kLiteral : string_style(value.text()));
    }
  }
  for (const std::string_view name : {"labels", "annotations"}) {
    const yaml::Ref map = metadata.get(name);
    remake_keys(map);
    for (std::size_t i = 0; i < map.size(); ++i)
      map.value(i).set_style(yaml::Style::kSingleQuoted);
  }
}

bool names_same_file(const StepContext& context, const GeneratorArgs& args,
                     const sources::Blob& blob) {
  const auto is_it = [&](std::string_view path) {
    const auto other = context.loader.load(path);
    return other && other->real_path == blob.real_path;
  };
  for (const std::string& path : args.envs) {
    if (is_it(path)) return true;
  }
  for (const std::string& source : args.files) {
    const auto parsed = generators::parse_file_source(source);
    if (parsed && is_it(parsed->path)) return true;
  }
  return false;
}

// --- one function per kind of transformer, in kustomize's order ---

class Builder {
 public:
  Builder(const StepContext& context, const TransformerConfig& config)
      : context_(context), file_(context.file), config_(config) {}

  Result<std::vector<Transformer>> build() {
    SLUICE_CHECK(merge_patches());
    SLUICE_CHECK(patches());
    name_space();
    prefix_and_suffix();
    SLUICE_CHECK(labels());
    annotations();
    SLUICE_CHECK(json_patches());
    replicas();
    images();
    SLUICE_CHECK(replacements());
    return std::move(steps_);
  }

 private:
  void add(std::string_view kind, std::string_view field, std::size_t index,
           std::function<Result<void>(ResMap&)> run) {
    steps_.push_back({std::move(run), context_.builtin(kind)});
    if (!context_.build.options().explain) return;
    steps_.back().field = field;
    steps_.back().place = file_.where(context_.build, field, index);
  }

  Result<void> merge_patches() {
    if (file_.patches_strategic_merge.empty()) return {};
    constexpr std::string_view kKind = "PatchStrategicMergeTransformer";
    ConfigText config;
    const yaml::Ref paths = config.root().put_sequence("paths");
    for (const std::string& path : file_.patches_strategic_merge)
      paths.append_string(path);
    auto all = std::make_shared<Resources>();
    std::string shown;
    for (std::size_t i = 0; i < file_.patches_strategic_merge.size(); ++i) {
      const std::string& entry = file_.patches_strategic_merge[i];
      auto patches = load_merge_patch(
          entry, context_, std::as_const(file_.source).root().get("patchesStrategicMerge").at(i));
      if (!patches) {
        return fail(trouble(std::move(patches).error(), kKind, config.text())
                        .at(file_.where(context_.build, "patchesStrategicMerge", i)));
      }
      for (auto& patch : *patches)
        all->push_back(std::move(patch));
      shown += (shown.empty() ? "" : " ") + entry;
    }
    if (all->empty()) {
      return fail(
          trouble(Error(Code::kInvalid, "patch appears to be empty; files=[" + shown + "], Patch="),
                  kKind, config.text())
              .at(file_.where(context_.build, "patchesStrategicMerge")));
    }
    add(kKind, "patchesStrategicMerge", kWhole,
        [all](ResMap& resources) { return apply_merge_patches(resources, *all); });
    return {};
  }

  Result<void> patches() {
    constexpr std::string_view kKind = "PatchTransformer";
    for (std::size_t i = 0; i < file_.patches.size(); ++i) {
      const PatchEntry& entry = file_.patches[i];
      const Where where = file_.where(context_.build, "patches", i);
      auto loaded =
          load_patch(entry, {}, context_,
                     std::as_const(file_.source).root().get("patches").at(i).get("patch"));
      if (!loaded) {
        return fail(trouble(std::move(loaded).error(), kKind, patch_config(entry)).at(where));
      }
      auto rule = std::make_shared<PatchRule>(*std::move(loaded));
      add(kKind, "patches", i,
          [rule, where, &build = context_.build](ResMap& resources) -> Result<void> {
            auto done = apply_patch(resources, *rule, build);
            if (!done) return fail(std::move(done).error().at(where));
            return {};
          });
    }
    return {};
  }

  void name_space() {
    if (file_.ns.empty()) return;
    NamespaceArgs args;
    args.ns = file_.ns;
    add("NamespaceTransformer", "namespace", kWhole,
        [args, &specs = config_.name_space](ResMap& resources) {
          return set_namespace(resources, args, specs);
        });
  }

  void prefix_and_suffix() {
    if (!file_.name_prefix.empty()) {
      add("PrefixTransformer", "namePrefix", kWhole,
          [this_ = &file_, &specs = config_.name_prefix](ResMap& resources) {
            return add_prefix(resources, this_->name_prefix, specs);
          });
    }
    if (!file_.name_suffix.empty()) {
      add("SuffixTransformer", "nameSuffix", kWhole,
          [this_ = &file_, &specs = config_.name_suffix](ResMap& resources) {
            return add_suffix(resources, this_->name_suffix, specs);
          });
    }
  }

  Result<std::vector<FieldSpec>> label_specs(const LabelEntry& label) {
    std::vector<FieldSpec> specs = label.fields;
    const auto merge = [&](std::span<const FieldSpec> more) {
      return merge_field_specs(specs, more);
    };
    const auto failed = [](Error error, std::string_view what) {
      return fail(std::move(error).prefix("failed to merge " + std::string(what) + ": "));
    };
    if (auto done = merge(config_.labels); !done) return failed(done.error(), "labels");
    if (label.include_selectors) {
      if (auto done = merge(config_.common_labels); !done) return failed(done.error(), "labels");
      return specs;
    }
    if (label.include_templates) {
      if (auto done = merge(config_.template_labels); !done) {
        return failed(done.error(), "template fieldSpec");
      }
    }
    if (label.include_volume_claim_templates) {
      if (auto done = merge(config_.volume_claim_template_labels); !done) {
        return failed(done.error(), "volumeClaimTemplate fieldSpec");
      }
    }
    const FieldSpec metadata{{}, "metadata/labels", true};
    if (auto done = merge({&metadata, 1}); !done) return failed(done.error(), "labels");
    return specs;
  }

  Result<void> labels() {
    if (file_.labels.empty() && file_.common_labels.empty()) return {};
    constexpr std::string_view kKind = "LabelTransformer";
    for (std::size_t i = 0; i < file_.labels.size(); ++i) {
      auto specs = label_specs(file_.labels[i]);
      if (!specs) {
        return fail(std::move(specs).error().at(file_.where(context_.build, "labels", i)));
      }
      add(kKind, "labels", i,
          [label = &file_.labels[i], specs = *std::move(specs)](ResMap& resources) {
            return set_labels(resources, label->pairs, specs);
          });
    }
    add(kKind, "commonLabels", kWhole,
        [this_ = &file_, &specs = config_.common_labels](ResMap& resources) {
          return set_labels(resources, this_->common_labels, specs);
        });
    return {};
  }

  void annotations() {
    if (file_.common_annotations.empty()) return;
    add("AnnotationsTransformer", "commonAnnotations", kWhole,
        [this_ = &file_, &specs = config_.common_annotations](ResMap& resources) {
          return set_annotations(resources, this_->common_annotations, specs);
        });
  }

  Result<void> json_patches() {
    constexpr std::string_view kKind = "PatchJson6902Transformer";
    for (std::size_t i = 0; i < file_.patches_json6902.size(); ++i) {
      const PatchEntry& entry = file_.patches_json6902[i];
      const Where where = file_.where(context_.build, "patchesJson6902", i);
      auto loaded =
          load_json6902(entry.target.value_or(Selector{}), entry.path, entry.patch, context_);
      if (!loaded) {
        ConfigText config;
        config.put("path", entry.path);
        config.put("jsonOp", entry.patch);
        config.put(entry.target);
        return fail(trouble(std::move(loaded).error(), kKind, config.text()).at(where));
      }
      auto rule = std::make_shared<Json6902Rule>(*std::move(loaded));
      add(kKind, "patchesJson6902", i,
          [rule, where, &build = context_.build](ResMap& resources) -> Result<void> {
            auto done = apply_json6902(resources, *rule, build);
            if (!done) return fail(std::move(done).error().at(where));
            return {};
          });
    }
    return {};
  }

  void replicas() {
    for (std::size_t i = 0; i < file_.replicas.size(); ++i) {
      const Where where = file_.where(context_.build, "replicas", i);
      add("ReplicaCountTransformer", "replicas", i,
          [rule = &file_.replicas[i], where,
           &specs = config_.replicas](ResMap& resources) -> Result<void> {
            auto done = set_replicas(resources, *rule, specs);
            if (!done) return fail(std::move(done).error().at(where));
            return {};
          });
    }
  }

  void images() {
    const std::span<const ImageRule> all = file_.images;
    if (all.empty()) return;
    // One pass for all rules, unless each has to leave its own mark.
    const bool apart = context_.origin || context_.build.options().explain;
    const std::size_t per_step = apart ? 1 : all.size();
    for (std::size_t i = 0; i < all.size(); i += per_step) {
      add("ImageTagTransformer", "images", i,
          [rules = all.subspan(i, per_step), &specs = config_.images](ResMap& resources) {
            return set_images(resources, rules, specs);
          });
    }
  }

  Result<void> replacements() {
    if (file_.replacements.empty()) return {};
    constexpr std::string_view kKind = "ReplacementTransformer";
    const Where where = file_.where(context_.build, "replacements");
    // On the way to its plugin, kustomize loses lists that are empty.
    std::vector<ReplacementEntry> entries = file_.replacements;
    for (ReplacementEntry& entry : entries) {
      auto& targets = entry.inline_replacement.targets;
      if (targets && targets->empty()) targets.reset();
    }
    auto loaded = load_replacements(entries, context_);
    if (!loaded) {
      ConfigText config;
      config.root().put("Replacements", std::as_const(file_.source).root().get("replacements"));
      return fail(trouble(std::move(loaded).error(), kKind, config.text()).at(where));
    }
    auto all = std::make_shared<std::vector<Replacement>>(*std::move(loaded));
    add(kKind, "replacements", kWhole, [all, where](ResMap& resources) -> Result<void> {
      auto done = apply_replacements(resources, *all);
      if (!done) return fail(std::move(done).error().at(where));
      return {};
    });
    return {};
  }

  static constexpr std::size_t kWhole = yaml::Node::npos;  // the field, not one of its entries
  const StepContext& context_;
  const KustomizationFile& file_;
  const TransformerConfig& config_;
  std::vector<Transformer> steps_;
};

}  // namespace

std::optional<Origin> StepContext::builtin(std::string_view kind) const {
  if (!origin) return std::nullopt;
  Origin result;
  result.repo = origin->repo;
  result.ref = origin->ref;
  result.configured_in = join_paths(origin->path, file.file_name);
  result.by_api_version = "builtin";
  result.by_kind = kind;
  return result;
}

Result<std::vector<Generator>> builtin_generators(const StepContext& context) {
  std::vector<Generator> all;
  const auto add = [&](const std::vector<GeneratorArgs>& list, std::string_view kind,
                       std::string_view field, bool is_secret) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      all.push_back(
          {[&context, &list, i, is_secret, field]() -> Result<Resources> {
             GeneratorArgs args = list[i];
             args.options =
                 generators::merge_options(std::move(args.options), context.file.generator_options);
             auto made = run_config_map_generator(args, context, is_secret);
             if (made) return made;
             return fail(std::move(made).error().at(context.file.where(context.build, field, i)));
           },
           context.builtin(kind), std::string(kind)});
      if (!context.build.options().explain) continue;
      all.back().field = field;
      all.back().place = context.file.where(context.build, field, i);
    }
  };
  add(context.file.config_maps, "ConfigMapGenerator", "configMapGenerator", false);
  add(context.file.secrets, "SecretGenerator", "secretGenerator", true);
  for (std::size_t i = 0; i < context.file.helm_charts.size(); ++i) {
    constexpr std::string_view kKind = "HelmChartInflationGenerator";
    const Where where = context.file.where(context.build, "helmCharts", i);
    const HelmGlobals globals = context.file.helm_globals.value_or(HelmGlobals{});
    HelmChart chart = context.file.helm_charts[i];
    if (chart.ns.empty()) chart.ns = context.helm_namespace;
    auto render = configure_helm_chart(globals, chart, context);
    if (!render) {
      return fail(
          trouble(std::move(render).error(), kKind, helm_config_text(globals, chart)).at(where));
    }
    all.push_back({[render = *std::move(render), where]() -> Result<Resources> {
                     auto made = render();
                     if (made) return made;
                     return fail(std::move(made).error().at(where));
                   },
                   context.builtin(kKind), std::string(kKind)});
  }
  return all;
}

Result<std::vector<Transformer>> builtin_transformers(const StepContext& context,
                                                      const TransformerConfig& config) {
  return Builder(context, config).build();
}

Result<Resources> run_config_map_generator(const GeneratorArgs& args, const StepContext& context,
                                           bool is_secret) {
  generators::GenerateContext generate;
  generate.load = [&](std::string_view path) -> Result<sources::Blob> {
    SLUICE_TRY(LoadedFile file, context.loader.load(path));
    return sources::Blob(std::move(file));
  };
  if (context.build.options().lift_encrypted) {
    generate.sops = &context.build.sops();
    generate.display = [&](const sources::Blob& blob) {
      return context.loader.shown(blob.real_path);
    };
    if (!is_secret) {
      // Flux decrypts the inputs of secretGenerators, in place: a ConfigMap gets plaintext only
      // from a file that it shares with one.
      generate.should_lift = [&](const sources::Blob& blob) {
        for (const GeneratorArgs& secret : context.file.secrets) {
          if (names_same_file(context, secret, blob)) return true;
        }
        return false;
      };
    }
  }
  auto document = is_secret ? generators::generate_secret(args, generate)
                            : generators::generate_config_map(args, generate);
  if (!document) return fail(std::move(document).error());
  auto resource = std::make_unique<BuildResource>();
  resource->doc = *std::move(document);
  style_as_made(resource->root());
  resource->needs_hash = !args.options || !args.options->disable_name_suffix_hash;
  resource->behavior = parse_behavior(args.behavior);
  resource->generated = true;
  resource->had_build_annotation = true;
  read_id(*resource, std::as_const(context.build).schema());
  Resources made;
  made.push_back(std::move(resource));
  return made;
}

Result<void> add_name_suffixes(ResMap& resources, BuildContext& context) {
  bool warned = false;
  decrypt::LeafDecryptor* decryptor = context.options().decryptor;
  for (const auto& resource : resources.items()) {
    if (!resource->needs_hash) continue;
    const yaml::Node root = std::as_const(*resource).root();
    if (decryptor == nullptr && !warned && generators::suffix_needs_decryption(root)) {
      warned = true;
      context.warn(
          "# Warning: without keys, name suffixes of encrypted content are derived from its "
          "ciphertext: they differ from those of a build that can decrypt");
    }
    auto suffix = generators::name_suffix(root, decryptor, context.options().cancel);
    if (!suffix) return fail(std::move(suffix).error().at(context.where(root)));
    resource->store_previous_id();
    resource->root()
        .put_mapping("metadata")
        .put_string("name", resource->id.name + "-" + *suffix)
        .set_tag(kUntyped);
    resources.changed(*resource);
  }
  return {};
}

}  // namespace sluice::kustomize
