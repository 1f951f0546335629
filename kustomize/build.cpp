#include "sluice/kustomize/build.hpp"

#include <utility>

#include "sluice/base/parallel.hpp"

#include "build_annotations.hpp"
#include "build_context.hpp"
#include "comment_lines.hpp"
#include "name_reference.hpp"
#include "odd_keys.hpp"
#include "origin.hpp"
#include "overrides.hpp"
#include "remote_fetches.hpp"
#include "replacements.hpp"
#include "resource_reader.hpp"
#include "sealed_scope.hpp"
#include "secret_blobs.hpp"
#include "sort_order.hpp"
#include "steps.hpp"
#include "target.hpp"
#include "trace.hpp"
#include "trace_places.hpp"
#include "vars.hpp"

namespace sluice::kustomize {

namespace {

/// What `managedByLabel` writes: the release that this build answers like.
constexpr std::string_view kKustomizeVersion = "v5.8.2";

constexpr std::string_view kLocalConfigKey = "config.kubernetes.io/local-config";

// Annotations of kyaml that a build removes (resource.BuildAnnotations); kustomize's own never get
// into a document here.
constexpr std::string_view kRemoved[] = {"config.kubernetes.io/path", "config.kubernetes.io/index",
                                         "config.k8s.io/id"};

Result<Target> load_root(Loader loader, BuildContext& context) {
  const Overrides& overrides = context.options().overrides;
  const Loader place = loader;
  auto loaded = Target::load(std::move(loader), context, overrides.generate_kustomization);
  if (!loaded) {
    const bool is_missing = loaded.error().reason() == kMissingKustomization;
    if (!is_missing || !overrides.generate_kustomization) return loaded;
    SLUICE_TRY(KustomizationFile file, generate_kustomization(place, context));
    loaded = Target(place, std::move(file), context);
  }
  SLUICE_CHECK(apply_overrides(loaded->file(), loaded->loader(), context));
  return loaded;
}

Result<void> drop_local_config(ResMap& resources, const BuildContext& context) {
  for (const auto& resource : resources.items()) {
    const yaml::Node root = std::as_const(*resource).root();
    auto checked = check_metadata(root);
    // kustomize's own annotations are part of what it then says.
    if (!checked) checked = check_metadata(with_build_annotations(*resource).root());
    if (!checked) return fail(std::move(checked).error().at(context.where(root)));
  }
  const auto is_local = [](const BuildResource& resource) {
    const yaml::Node value =
        resource.root().get("metadata").get("annotations").get(kLocalConfigKey);
    return value.exists() && value.text() != "false";
  };
  // ResAccumulator.Intersection goes by ids: one that a kept resource has, too, is kept.
  resources.drop_if([&](const BuildResource& resource) {
    if (!is_local(resource)) return false;
    const auto same = resources.by_current_id(resource.id);
    return std::all_of(same.begin(), same.end(), [&](const auto* one) { return is_local(*one); });
  });
  return {};
}

// kustomize sets all annotations anew while it removes its own.
Result<void> clean_annotations(BuildResource& resource, bool keep_origin,
                               bool keep_transformations) {
  const yaml::Ref root = resource.root();
  if (!root.get("metadata").exists()) root.put_mapping("metadata");  // of a list
  const yaml::Ref metadata = root.get("metadata");
  const yaml::Ref annotations = metadata.get("annotations");
  if (annotations.is_mapping()) {
    for (const std::string_view key : kRemoved)
      annotations.erase(key);
    if (!keep_origin) annotations.erase(kOriginKey);
    if (!keep_transformations) annotations.erase(kTransformationsKey);
  }
  SLUICE_TRY(const bool has_names, rewrite_metadata(metadata, "annotations"));
  if (has_names) return {};
  return fail(Code::kInvalid, "an annotation of " + id_text(resource.id) + " has no name");
}

Result<void> sort(ResMap& resources, const KustomizationFile& file, BuildContext& context) {
  const Reorder reorder = context.options().reorder;
  if (file.sort_options) {
    if (reorder != Reorder::kUnspecified) {
      context.warn(
          "Warning: Sorting order is set both in 'kustomization.yaml' ('sortOptions') and in a CLI "
          "flag ('--reorder'). Using the kustomization file over the CLI flag.");
    }
    auto done = sort_resources(resources, *file.sort_options);
    if (!done) return fail(std::move(done).error().at(file.where(context, "sortOptions")));
    return {};
  }
  if (reorder == Reorder::kNone) return {};
  return sort_resources(resources, {"legacy", std::nullopt});
}

/// kustomize panics with these words, as at a manifest of which SOPS encrypted every value.
Result<void> check_previous_ids(const ResMap& resources, const BuildContext& context) {
  for (const auto& resource : resources.items()) {
    if (!resource->has_odd_history()) continue;
    return fail(Error(Code::kInvalid,
                      "number of previous names, number of previous namespaces, number of previous "
                      "kinds not equal",
                      context.where(std::as_const(*resource).root()),
                      "names, namespaces and kinds cannot have commas"));
  }
  return {};
}

Result<ResMap> build_all(Loader loader, BuildContext& context) {
  SLUICE_TRY(Target root, load_root(std::move(loader), context));
  SLUICE_CHECK(root.set_schema(/*reset=*/true));
  root.track_origins();
  SLUICE_TRY(Accumulator all, root.accumulate());

  SLUICE_CHECK(check_previous_ids(all.resources, context));
  const auto trace = [&](std::string_view step, const PlaceOf& place_of) {
    if (context.options().explain) trace_last_step(all.resources, step, place_of);
  };
  SLUICE_CHECK(add_name_suffixes(all.resources, context));
  trace("name suffix", place_of_suffix());
  SLUICE_CHECK(fix_name_references(all.resources, all.config.get().name_reference));
  if (context.options().explain) trace("name references", place_of_rename(all.resources));
  SLUICE_CHECK(resolve_vars(all, context));
  trace("vars", place_of_var(all, context));
  SLUICE_CHECK(drop_local_config(all.resources, context));

  const KustomizationFile& file = root.file();
  SLUICE_CHECK(sort(all.resources, file, context));
  if (context.options().add_managed_by_label || file.wants("managedByLabel")) {
    const FieldSpec spec{{}, "metadata/labels", true};
    SLUICE_CHECK(set_labels(
        all.resources,
        {{"app.kubernetes.io/managed-by", "kustomize-" + std::string(kKustomizeVersion)}},
        {&spec, 1}));
    if (context.options().explain) {
      trace_step(all.resources, 0, file.where(context, "buildMetadata"), "managedByLabel");
    }
  }
  const bool keep_origin = file.wants("originAnnotations");
  const bool keep_transformations = file.wants("transformerAnnotations");
  for (const auto& resource : all.resources.items()) {
    const yaml::Node node = std::as_const(*resource).root();
    if (auto clean = clean_annotations(*resource, keep_origin, keep_transformations); !clean) {
      return fail(std::move(clean).error().at(context.where(node)));
    }
    const auto not_printed = [&](Error error) {
      return fail(std::move(error)
                      .prefix("map[string]interface {}(nil): ")  // Go prints what it did not decode
                      .at(context.where(node)));
    };
    if (resource->doc.has_odd_keys()) {
      if (auto single = refuse_odd_keys(node, context); !single) {
        return not_printed(std::move(single).error());
      }
    }
    set_off_end_comment(resource->root());
    if (!resource->check_types) continue;
    if (auto fits = check_types(node); !fits) return not_printed(std::move(fits).error());
  }
  SLUICE_CHECK(check_sealed_scopes(all.resources, context));
  if (context.options().lift_encrypted) SLUICE_CHECK(lift_secret_blobs(all.resources, context));
  return std::move(all.resources);
}

Result<BuildResult> build_at(Loader loader, BuildContext& context) {
  SLUICE_TRY(const ResMap resources, build_all(std::move(loader), context));
  BuildResult result;
  result.resources.resources.reserve(resources.size());
  for (const auto& resource : resources.items()) {
    Resource& made = result.resources.resources.emplace_back(
        Resource{std::move(resource->id), std::move(resource->doc), resource->cluster_scoped, {}});
    if (!context.options().explain) continue;
    for (const PreviousId& previous : resource->previous)
      made.former_names.push_back(previous.name);
    result.histories.push_back(resource->trace ? resource->trace->history : History());
  }
  result.resources.files = context.shared_files();
  result.encrypted = context.sops_files();
  result.warnings = context.take_warnings();
  result.reads = context.take_reads();
  result.documents_parsed = context.parsed();
  result.fetched = context.remotes().fetched();
  return result;
}

}  // namespace

Result<BuildResult> build(const sources::Tree& tree, const TreePath& directory,
                          const BuildOptions& options) {
  BuildContext context(options);
  SLUICE_TRY(Loader loader, Loader::at(tree, directory, context));
  return build_at(std::move(loader), context);
}

bool is_repository(std::string_view target) {
  return parse_repo_url(target).has_value();
}

Result<BuildResult> build_repository(std::string_view target, const BuildOptions& options) {
  const auto url = parse_repo_url(target);
  if (!url) return fail(Code::kInvalid, "'" + std::string(target) + "' names no repository");
  BuildContext context(options);
  warn_of_git_prefix(target, context);
  SLUICE_TRY(Loader loader, Loader::at(*url, target, context));
  return build_at(std::move(loader), context);
}

}  // namespace sluice::kustomize
