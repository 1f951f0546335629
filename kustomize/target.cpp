#include "target.hpp"

#include <array>
#include <utility>

#include "sluice/base/encoding.hpp"
#include "sluice/base/parallel.hpp"
#include "sluice/yaml/read.hpp"

#include "configurations.hpp"
#include "origin.hpp"
#include "remote_fetches.hpp"
#include "schema.hpp"
#include "steps.hpp"
#include "trace.hpp"
#include "validation.hpp"

namespace sluice::kustomize {

namespace {

constexpr std::array<std::string_view, 3> kFileNames = {"kustomization.yaml", "kustomization.yml",
                                                        "Kustomization"};

// Go's %v of a []string.
std::string go_list(const std::vector<std::string>& words) {
  std::string text = "[";
  for (const std::string& word : words)
    text += (text.size() > 1 ? " " : "") + word;
  return text + "]";
}

// A message is quoted once more at each level of components, and each time its quotes double.
constexpr std::size_t kMaxQuoted = 64U << 10;

// generators, transformers and validators may hold resources themselves instead of paths.
bool may_be_inline(const std::string& entry) {
  return entry.find_first_of("\n:{#") != std::string::npos ||
         entry.find_first_not_of(" \t") == std::string::npos;
}

void note_transformation(ResMap& resources, const Origin& origin) {
  for (const auto& resource : resources.items()) {
    if (resource->is_empty()) continue;
    // Origins are annotations like others: a patch may have removed them, and then kustomize takes
    // the resource for one that the transformer made.
    if (!annotate_transformation(*resource, origin)) annotate_origin(*resource, origin);
  }
}

bool is_named_as_file(std::string_view path) {
  return path.ends_with(".yaml") || path.ends_with(".yml");
}

}  // namespace

Target::Target(Loader loader, KustomizationFile file, BuildContext& context)
    : context_(&context), loader_(std::move(loader)), file_(std::move(file)) {}

Result<Target> Target::load(Loader loader, BuildContext& context, bool allow_empty) {
  std::optional<LoadedFile> found;
  std::string_view found_name;
  for (const std::string_view name : kFileNames) {
    auto blob = loader.find(name);
    if (!blob) continue;
    if (found) {
      return fail(Code::kInvalid,
                  "Found multiple kustomization files under: " + loader.display() + "\n");
    }
    found = std::move(blob);
    found_name = name;
  }
  if (!found) {
    return fail(Error(Code::kNotFound,
                      "unable to find one of 'kustomization.yaml', 'kustomization.yml' or "
                      "'Kustomization' in directory '" +
                          loader.display() + "'")
                    .reason(std::string(kMissingKustomization)));
  }
  const FileId id = context.files().add(found->shown);
  SLUICE_TRY(KustomizationFile file,
             read_kustomization(found->bytes, id, loader.display(), context, allow_empty));
  file.file_name = found_name;
  return Target(std::move(loader), std::move(file), context);
}

void Target::track_origins() {
  if (!file_.build_metadata.empty()) origin_.emplace();
}

Result<void> Target::set_schema(bool reset) {
  if (!reset && context_->schema_is_set()) return {};
  if (file_.has_openapi_path) {
    auto loaded = loader_.load(file_.openapi_path);
    if (!loaded) return fail(std::move(loaded).error().at(file_.where(*context_, "openapi")));
    const LoadedFile& blob = *loaded;
    if (!file_.openapi_version.empty()) {
      return fail(Error(Code::kInvalid,
                        "builtin version and custom schema provided, cannot use both",
                        file_.where(*context_, "openapi")));
    }
    const FileId id = context_->files().add(blob.shown);
    yaml::ReadOptions options;
    options.schema = yaml::Schema::kV2;
    options.unique_keys = false;
    const auto failed = [&](Error error) {
      return fail(std::move(error)
                      .prefix("invalid schema file: ")
                      .at({std::string(context_->files().name(id))}));
    };
    auto documents = yaml::read_yaml(blob.bytes, id, options);
    if (!documents) return failed(std::move(documents).error());
    if (documents->empty()) documents->emplace_back();
    auto used = context_->use_schema(std::move(documents->front()));
    if (!used) return failed(std::move(used).error());
    return {};
  }
  if (file_.openapi_version.empty()) return {};
  if (file_.openapi_version != "v1.21.2") {  // openapiinfo.go: the one that is built in
    return fail(Error(Code::kInvalid, "the specified OpenAPI version is not built in",
                      file_.where(*context_, "openapi")));
  }
  context_->use_builtin_schema();
  return {};
}

Result<Accumulator> Target::accumulate() {
  return accumulate(Accumulator(context_->schema()));
}

Result<Accumulator> Target::accumulate(Accumulator all) {
  auto done = accumulate_into(std::move(all));
  if (!done && done.error().where().empty()) {
    return fail(std::move(done).error().at({file_.where(*context_, "").file}));
  }
  return done;
}

Result<Accumulator> Target::accumulate_into(Accumulator all) {
  if (context_->options().cancel.cancelled()) return fail(Code::kCancelled, "cancelled");
  if (!file_.ns.empty()) helm_namespace_ = file_.ns;
  context_->remotes().expect({&file_.resources, &file_.components});
  auto read = accumulate_paths(all, file_.resources, "resources");
  if (!read) return fail(std::move(read).error().prefix("accumulating resources: "));

  SLUICE_TRY(const auto config, load_configurations(file_.configurations, loader_, *context_));
  if (auto merged = all.config.merge(config); !merged) {
    return fail(std::move(merged)
                    .error()
                    .prefix("merging config: ")
                    .at(file_.where(*context_, "configurations")));
  }
  auto crds = load_crds(file_.crds, loader_, *context_);
  if (!crds) {
    return fail(std::move(crds)
                    .error()
                    .prefix("loading CRDs " + go_list(file_.crds) + ": ")
                    .at(file_.where(*context_, "crds")));
  }
  if (auto merged = all.config.merge(*crds); !merged) {
    return fail(
        std::move(merged).error().prefix("merging CRDs: ").at(file_.where(*context_, "crds")));
  }
  SLUICE_CHECK(run_generators(all));

  for (std::size_t i = 0; i < file_.components.size(); ++i) {
    const std::string& path = file_.components[i];
    const auto failed = [&](std::string_view what, Error error) {
      // Not kustomize's words but ours: a limit, or what is refused by name.
      if (error.code() == Code::kUnsupported) {
        return fail(std::move(error).at(file_.where(*context_, "components", i)));
      }
      return fail(Error(error.code(),
                        "accumulating components: " + std::string(what) +
                            go_quote(std::string_view(error.message()).substr(0, kMaxQuoted)),
                        error.where(), error.hint())
                      .at(file_.where(*context_, "components", i)));
    };
    auto loader = loader_.descend(path);
    if (!loader) return failed("loader.New ", std::move(loader).error());
    auto done = accumulate_component(all, *std::move(loader), path);
    if (!done) return failed("accumulateDirectory: ", std::move(done).error());
  }

  SLUICE_CHECK(run_transformers(all));
  SLUICE_CHECK(run_validators(all));
  auto merged = all.merge_vars(file_.vars);
  if (!merged) {
    return fail(std::move(merged)
                    .error()
                    .prefix("merging vars " + vars_text(file_.vars) + ": ")
                    .at(file_.where(*context_, "vars")));
  }
  return all;
}

Result<void> Target::accumulate_paths(Accumulator& all, const std::vector<std::string>& paths,
                                      std::string_view field) {
  std::vector<Ahead> ahead = work_ahead(paths);
  ahead.resize(paths.size());
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const std::size_t before = all.resources.size();
    if (ahead[i].base) {
      if (context_->adopt(*ahead[i].branch)) {
        ahead[i].base->all.resources.set_schema(context_->schema());
      } else {
        ahead[i].base.reset();
      }
    }
    auto done = accumulate_path(all, paths[i], std::move(ahead[i]));
    if (!done) return fail(std::move(done).error().at(file_.where(*context_, field, i)));
    if (context_->options().explain) {
      trace_step(all.resources, before, file_.where(*context_, field, i), field, /*always=*/true);
    }
  }
  return {};
}

bool Target::leads_to_base(const std::string& path) const {
  return !is_named_as_file(path) && loader_.leads_to_directory(path);
}

std::vector<Target::Ahead> Target::work_ahead(const std::vector<std::string>& paths) const {
  constexpr std::size_t kFewestFiles = 16;
  constexpr std::size_t kFewestBases = 4;
  const BuildOptions& options = context_->options();
  // Lifting registers SOPS files in the order in which they are read.
  if (options.lift_encrypted || options.threads == 1 || paths.size() < kFewestBases) return {};
  enum class Kind : std::uint8_t { kOther, kFile, kBase };
  std::vector<Kind> kinds;
  kinds.reserve(paths.size());
  for (const std::string& path : paths) {
    const bool is_file = is_named_as_file(path) && path.find("://") == std::string::npos;
    const bool is_base = context_->can_branch() && leads_to_base(path);
    kinds.push_back(is_file ? Kind::kFile : is_base ? Kind::kBase : Kind::kOther);
  }
  const auto count = [&](Kind kind) {
    return static_cast<std::size_t>(std::count(kinds.begin(), kinds.end(), kind));
  };
  const bool has_bases = count(Kind::kBase) >= kFewestBases;
  const bool has_files = count(Kind::kFile) >= kFewestFiles;
  if (!has_bases && !has_files) return {};

  std::vector<Ahead> ahead(paths.size());
  context_->start_branches();
  parallel_for(paths.size(), has_bases ? 1 : 8, options.threads, [&](std::size_t i) {
    if (has_bases && kinds[i] == Kind::kBase) build_ahead(paths[i], ahead[i]);
    if (kinds[i] != Kind::kFile) return;
    if (auto resources = read_file(paths[i])) ahead[i].file = *std::move(resources);
  });
  return ahead;
}

void Target::build_ahead(const std::string& path, Ahead& ahead) const {
  ahead.branch = context_->branch();
  const Loader here = loader_.in(*ahead.branch);
  auto loader = here.descend(path);
  if (!loader) return;
  if (auto base = build_base(*std::move(loader), path, *ahead.branch)) {
    ahead.base = *std::move(base);
  }
}

Result<void> Target::accumulate_path(Accumulator& all, const std::string& path, Ahead ahead) {
  const auto both = [](Error file_error, Error error) {
    Where where = file_error.where();
    error = std::move(error).prefix("accumulation err='" + file_error.message() + "': ");
    return fail(where.empty() ? std::move(error) : std::move(error).at(std::move(where)));
  };
  // A directory is no file: why, is said only when it is no base either.
  if (ahead.base || (!ahead.file && leads_to_base(path))) {
    Result<void> done;
    if (ahead.base) {
      done = merge_base(all, *std::move(ahead.base));
    } else if (auto loader = loader_.descend(path)) {
      done = accumulate_base(all, *std::move(loader), path);
    } else {
      done = fail(std::move(loader).error());
    }
    if (done || done.error().code() == Code::kCancelled) return done;
    auto as_file = read_file(path);
    return as_file ? done : both(std::move(as_file).error(), std::move(done).error());
  }
  auto as_file = ahead.file ? accumulate_resources(all, path, *std::move(ahead.file))
                            : accumulate_file(all, path);
  if (as_file) return {};
  Error file_error = std::move(as_file).error();
  if (file_error.code() == Code::kUnsupported || file_error.code() == Code::kIntegrity ||
      file_error.code() == Code::kDenied || file_error.code() == Code::kCancelled ||
      file_error.reason() == kHttpError) {
    return fail(std::move(file_error));
  }
  auto loader = loader_.descend(path);
  if (!loader) {
    if (loader.error().code() == Code::kCancelled) return fail(std::move(loader).error());
    // Nobody waits for a repository that is not there.
    if (is_malformed_yaml(file_error) && loader.error().reason() != sources::kTimeout) {
      return fail(std::move(file_error));
    }
    return both(std::move(file_error), std::move(loader).error());
  }
  auto done = accumulate_base(all, *std::move(loader), path);
  if (!done) return both(std::move(file_error), std::move(done).error());
  return {};
}

Result<Resources> Target::read_file(const std::string& path) const {
  const auto failed = [&](Error error) {
    return fail(
        std::move(error).prefix("accumulating resources from '" + without_password(path) + "': "));
  };
  auto blob = loader_.load(path);
  if (!blob) return failed(std::move(blob).error());
  const FileId id = context_->files().add(blob->shown);
  auto resources = read_resources(blob->bytes, id, path, *context_);
  if (!resources) return failed(name_file(std::move(resources).error(), path));
  return resources;
}

Result<void> Target::accumulate_file(Accumulator& all, const std::string& path) {
  SLUICE_TRY(Resources resources, read_file(path));
  return accumulate_resources(all, path, std::move(resources));
}

Result<void> Target::accumulate_resources(Accumulator& all, const std::string& path,
                                          Resources resources) {
  // A file that names one id twice fails as a file; one that repeats another's fails in merging.
  auto map = to_res_map(std::move(resources), context_->schema());
  if (!map) {
    return fail(std::move(map).error().prefix("accumulating resources from '" + path + "': "));
  }
  if (origin_) {
    auto noted = annotate_origins(*map, append_origin(*origin_, path));
    if (!noted) {
      return fail(
          std::move(noted).error().prefix("cannot add path annotation for '" + path + "': "));
    }
  }
  if (context_->options().explain) {
    for (const auto& resource : map->items()) {
      resource->trace = std::make_shared<Trace>();
      resource->trace->last = resource->doc;
      resource->trace->history.push_back(
          {context_->where(std::as_const(*resource).root()), "read", {}, {}, {}});
    }
  }
  SLUICE_CHECK(context_->gather(map->size()));
  auto merged = all.resources.append_all(*std::move(map));
  if (!merged) {
    return fail(std::move(merged).error().prefix("merging resources from '" + path + "': "));
  }
  if (all.resources.size() > context_->options().max_resources) {
    return fail(Code::kUnsupported,
                "more than " + std::to_string(context_->options().max_resources) + " resources");
  }
  return {};
}

Result<Target> Target::open(Loader loader, const std::string& path, bool is_component,
                            BuildContext& context) const {
  const std::string shown = loader.display();
  auto loaded = Target::load(std::move(loader), context);
  if (!loaded) {
    return fail(
        std::move(loaded).error().prefix("couldn't make target for path '" + shown + "': "));
  }
  Target target = *std::move(loaded);
  target.file_.build_metadata = file_.build_metadata;
  if (origin_) {
    warn_of_git_prefix(path, *context_);  // kustomize reads the URL again
    target.origin_ = append_origin(*origin_, path);
  }
  target.helm_namespace_ = helm_namespace_;
  SLUICE_CHECK(target.set_schema(/*reset=*/false));
  if (is_component && !target.file_.is_component()) {
    return fail(Code::kInvalid, "expected kind 'Component' for path '" + shown + "' but got '" +
                                    target.file_.kind + "'");
  }
  if (!is_component && target.file_.is_component()) {
    return fail(Code::kInvalid, "expected kind != 'Component' for path '" + shown + "'");
  }
  return target;
}

Result<Target::Base> Target::build_base(Loader loader, const std::string& path,
                                        BuildContext& context) const {
  SLUICE_TRY(Target target, open(std::move(loader), path, /*is_component=*/false, context));
  const std::string& shown = target.loader_.display();
  auto all = target.accumulate();
  if (!all) {
    return fail(std::move(all).error().prefix("recursed accumulation of path '" + shown + "': "));
  }
  return Base{*std::move(all), shown};
}

Result<void> Target::merge_base(Accumulator& all, Base base) {
  auto merged = all.resources.empty() ? base.all.resources.check_unique() : Result<void>();
  if (merged) merged = all.merge(std::move(base.all));
  if (!merged) {
    return fail(
        std::move(merged).error().prefix("recursed merging from path '" + base.shown + "': "));
  }
  return {};
}

Result<void> Target::accumulate_base(Accumulator& all, Loader loader, const std::string& path) {
  SLUICE_TRY(Base base, build_base(std::move(loader), path, *context_));
  return merge_base(all, std::move(base));
}

Result<void> Target::accumulate_component(Accumulator& all, Loader loader,
                                          const std::string& path) {
  SLUICE_TRY(Target target, open(std::move(loader), path, /*is_component=*/true, *context_));
  const std::string& shown = target.loader_.display();
  // A component works on what its user has gathered.
  auto done = target.accumulate(std::exchange(all, Accumulator(context_->schema())));
  if (!done) {
    return fail(std::move(done).error().prefix("recursed accumulation of path '" + shown + "': "));
  }
  all = *std::move(done);
  // kustomize merges what the component leaves into nothing: see SharedConfig::merge().
  SharedConfig config;
  auto merged = all.resources.check_unique();
  if (merged) merged = config.merge(all.config);
  if (!merged) {
    return fail(std::move(merged).error().prefix("recursed merging from path '" + shown + "': "));
  }
  all.config = std::move(config);
  return {};
}

Result<ResMap> Target::plugin_configs(const std::vector<std::string>& entries,
                                      std::string_view field) {
  Accumulator configs(context_->schema());
  std::vector<std::string> paths;
  for (const std::string& entry : entries) {
    if (may_be_inline(entry)) {
      auto inline_configs =
          read_resources(std::make_shared<const std::string>(entry), FileId::kNone, {}, *context_);
      if (inline_configs) {
        auto map = to_res_map(*std::move(inline_configs), context_->schema());
        if (map) {
          if (origin_) {
            for (const auto& config : map->items()) {
              annotate_origin(*config, append_origin(*origin_, file_.file_name));
            }
          }
          if (auto merged = configs.resources.append_all(*std::move(map)); !merged) {
            const bool generates = field == "generators";
            return fail(std::move(merged).error().prefix(std::string("configuring external ") +
                                                         (generates ? "generator" : "transformer") +
                                                         ": "));
          }
          continue;
        }
      }
    }
    paths.push_back(entry);
  }
  SLUICE_CHECK(accumulate_paths(configs, paths, field));
  return std::move(configs.resources);
}

Result<void> Target::run_generators(Accumulator& all) {
  const StepContext steps{*context_, loader_, file_, origin_, helm_namespace_};
  SLUICE_TRY(std::vector<Generator> generators, builtin_generators(steps));
  ResMap configs(context_->schema());
  if (!file_.generators.empty()) {
    const auto failed = [](Error error) {
      return fail(std::move(error).prefix("loading generator plugins: "));
    };
    auto loaded = plugin_configs(file_.generators, "generators");
    if (!loaded) return failed(std::move(loaded).error());
    configs = *std::move(loaded);
    for (const auto& config : configs.items()) {
      auto generator = generator_from_plugin(*config, steps);
      if (!generator) {
        return failed(std::move(generator)
                          .error()
                          .prefix("failed to load generator: ")
                          .at(context_->where(std::as_const(*config).root())));
      }
      generator->field = "generators " + id_text(config->id);
      generator->place = context_->where(std::as_const(*config).root());
      generators.push_back(*std::move(generator));
    }
  }
  for (const Generator& generator : generators) {
    SLUICE_TRY(Resources made, generator.run());
    for (auto& resource : made) {
      const Where where = context_->where(std::as_const(*resource).root());
      // A program may have been given an origin, and print it again.
      const yaml::Node known =
          std::as_const(*resource).root().get("metadata").get("annotations").get(kOriginKey);
      if (generator.origin && !known.exists()) annotate_origin(*resource, *generator.origin);
      auto done = absorb(all.resources, std::move(resource));
      if (!done) {
        return fail(std::move(done)
                        .error()
                        .prefix("merging from generator " + generator.name + ": ")
                        .at(where));
      }
    }
    if (context_->options().explain) {
      trace_step(all.resources, 0, generator.place, generator.field);
    }
  }
  return {};
}

Result<void> Target::run_transformers(Accumulator& all) {
  const StepContext steps{*context_, loader_, file_, origin_, helm_namespace_};
  SLUICE_TRY(std::vector<Transformer> transformers, builtin_transformers(steps, all.config.get()));
  ResMap configs(context_->schema());
  if (!file_.transformers.empty()) {
    SLUICE_TRY(configs, plugin_configs(file_.transformers, "transformers"));
    for (const auto& config : configs.items()) {
      auto transformer = transformer_from_plugin(*config, steps);
      if (!transformer) {
        return fail(
            std::move(transformer).error().at(context_->where(std::as_const(*config).root())));
      }
      transformer->field = "transformers " + id_text(config->id);
      transformer->place = context_->where(std::as_const(*config).root());
      transformers.push_back(*std::move(transformer));
    }
  }
  for (const Transformer& transformer : transformers) {
    SLUICE_CHECK(transformer.run(all.resources));
    if (transformer.origin) note_transformation(all.resources, *transformer.origin);
    all.resources.drop_empty();
    if (context_->options().explain) {
      trace_step(all.resources, 0, transformer.place, transformer.field);
    }
  }
  return {};
}

Result<void> Target::run_validators(Accumulator& all) {
  if (file_.validators.empty()) return {};
  const StepContext steps{*context_, loader_, file_, origin_, helm_namespace_};
  SLUICE_TRY(const ResMap configs, plugin_configs(file_.validators, "validators"));
  for (const auto& config : configs.items()) {
    const Where place = context_->where(std::as_const(*config).root());
    auto validator = transformer_from_plugin(*config, steps);
    if (!validator) return fail(std::move(validator).error().at(place));
    const BeforeValidation before(all.resources);
    SLUICE_CHECK(validator->run(all.resources));
    const std::string change = before.change_in(all.resources);
    if (change.empty()) continue;
    return fail(Error(Code::kInvalid, "validator shouldn't modify the resource map: " + change,
                      place, "changed by " + id_text(config->id)));
  }
  return {};
}

}  // namespace sluice::kustomize
