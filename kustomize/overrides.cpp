#include "overrides.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "kustomization_fields.hpp"
#include "resource_reader.hpp"

namespace sluice::kustomize {

namespace {

constexpr std::array<std::string_view, 3> kFileNames = {"kustomization.yaml", "kustomization.yml",
                                                        "Kustomization"};

template <class T>
Result<std::vector<T>> decode_list(const yaml::Document& document, std::string_view type,
                                   std::span<const GoField<T>> fields) {
  std::vector<T> list;
  GoDecoder decoder(GoDecoder::Mode::kLenient);
  const std::string list_type = "[]" + std::string(type);
  decoder.objects(document.root(), list_type, type, fields, list);
  if (decoder.failed()) return fail(Code::kInvalid, decoder.error());
  return list;
}

// Name, and tag with digest as one, each when given.
void merge_image(std::vector<ImageRule>& images, const ImageRule& rule) {
  const auto known = std::find_if(images.begin(), images.end(),
                                  [&](const ImageRule& image) { return image.name == rule.name; });
  if (known == images.end()) {
    images.push_back(rule);
    return;
  }
  if (!rule.new_name.empty()) known->new_name = rule.new_name;
  if (!rule.new_tag.empty() || !rule.digest.empty()) {
    known->new_tag = rule.new_tag;
    known->digest = rule.digest;
  }
}

bool has_kustomization(const TreePath& directory, const sources::Tree& tree,
                       BuildContext& context) {
  return std::any_of(kFileNames.begin(), kFileNames.end(), [&](std::string_view name) {
    const auto path = directory.join(name);
    if (!path) return false;
    context.note_read(*path);
    return tree.stat(*path).has_value();
  });
}

Result<void> scan(const TreePath& directory, const std::string& shown, const sources::Tree& tree,
                  BuildContext& context, std::vector<std::string>& resources) {
  context.note_read(directory);
  SLUICE_TRY(const auto entries, tree.list(directory));
  for (const sources::Entry& entry : entries) {
    SLUICE_TRY(const TreePath path, directory.join(entry.name));
    const std::string name = shown.empty() ? entry.name : shown + "/" + entry.name;
    if (entry.kind == sources::EntryKind::kDirectory) {
      if (has_kustomization(path, tree, context)) {
        resources.push_back(name);
      } else {
        SLUICE_CHECK(scan(path, name, tree, context, resources));
      }
      continue;
    }
    if (!entry.name.ends_with(".yaml") && !entry.name.ends_with(".yml")) continue;
    context.note_read(path);
    SLUICE_TRY(const sources::Blob blob, tree.read(path));
    const FileId id = context.files().add(tree.display(path));
    auto read = read_resources(blob.bytes, id, name, context);
    if (!read) {
      return fail(std::move(read).error().prefix("failed to decode Kubernetes YAML from " +
                                                 tree.display(path) + ": "));
    }
    resources.push_back(name);
  }
  return {};
}

}  // namespace

Result<void> apply_overrides(KustomizationFile& file, const Loader& loader, BuildContext& context) {
  const Overrides& overrides = context.options().overrides;
  // Flux: a file without resources of its own is never "empty".
  if (overrides.generate_kustomization && file.resources.empty()) {
    file.build_metadata = {"originAnnotations"};
  }
  if (!overrides.target_namespace.empty()) file.ns = overrides.target_namespace;
  if (!overrides.name_prefix.empty()) file.name_prefix = overrides.name_prefix;
  if (!overrides.name_suffix.empty()) file.name_suffix = overrides.name_suffix;
  auto patches = decode_list(overrides.patches, "types.Patch", patch_fields());
  if (!patches) return fail(std::move(patches).error().prefix("spec.patches: "));
  for (PatchEntry& patch : *patches)
    file.patches.push_back(std::move(patch));
  auto images = decode_list(overrides.images, "types.Image", image_fields());
  if (!images) return fail(std::move(images).error().prefix("spec.images: "));
  for (const ImageRule& image : *images)
    merge_image(file.images, image);
  for (const std::string& component : overrides.components) {
    if (overrides.ignore_missing_components) {
      const auto path = loader.root().join(component);
      if (path) context.note_read(*path);
      if (!path || !loader.tree().stat(*path)) continue;
    }
    file.components.push_back(component);
  }
  if (!overrides.build_metadata.empty()) file.build_metadata = overrides.build_metadata;
  return {};
}

Result<KustomizationFile> generate_kustomization(const Loader& loader, BuildContext& context) {
  KustomizationFile file;
  file.file_name = kFileNames[0];
  file.kind = "Kustomization";
  file.api_version = "kustomize.config.k8s.io/v1beta1";
  SLUICE_CHECK(scan(loader.root(), {}, loader.tree(), context, file.resources));
  if (file.resources.empty()) file.ns = "_placeholder";  // Flux: not "empty" either
  return file;
}

}  // namespace sluice::kustomize
