// What the fields of patches and replacements name: files, or text within the kustomization file.

#include <algorithm>
#include <utility>

#include "sluice/base/encoding.hpp"
#include "sluice/yaml/read.hpp"

#include "config_text.hpp"
#include "steps.hpp"

namespace sluice::kustomize {

namespace {

/// Nodes of a text within a kustomization file get their places in that file; `written` is the
/// text's node there. `line` is that of the text's first line.
void place_below(yaml::Ref node, yaml::Node written, std::uint32_t line) {
  const bool has_lines = written.style() == yaml::Style::kLiteral && node.position().line() != 0;
  node.set_position(written.file(), has_lines ? Position(line + node.position().line() - 1, 0)
                                              : written.position());
  for (std::size_t i = 0; i < node.size(); ++i) {
    if (node.is_mapping()) place_below(node.key(i), written, line);
    place_below(node.is_mapping() ? node.value(i) : node.at(i), written, line);
  }
}

void place_inline(Resources& resources, yaml::Node written) {
  if (!written.exists() || written.file() == FileId::kNone) return;
  const std::string_view text = written.text();
  const auto blank = text.substr(0, std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  const auto skipped = static_cast<std::uint32_t>(std::count(blank.begin(), blank.end(), '\n'));
  for (auto& resource : resources)
    place_below(resource->root(), written, written.position().line() + 1 + skipped);
}

ReadResources inline_reader(const StepContext& context, yaml::Node written) {
  return [&build = context.build, written](std::string_view text) -> Result<Resources> {
    SLUICE_TRY(Resources resources,
               read_resources(std::make_shared<const std::string>(text), FileId::kNone, {}, build));
    place_inline(resources, written);
    return resources;
  };
}

ReadResources reader_for(const StepContext& context, FileId id, std::string path) {
  return [&build = context.build, id, path = std::move(path)](std::string_view text) {
    return read_resources(std::make_shared<const std::string>(text), id, path, build);
  };
}

}  // namespace

Result<PatchRule> load_patch(const PatchEntry& entry, const std::string& config,
                             const StepContext& context, yaml::Node written) {
  const auto quoted = [&] { return config.empty() ? patch_config(entry) : config; };
  const std::string_view text = go_trim_space(entry.patch);
  const PatchOptions options = entry.options.value_or(PatchOptions{});
  if (text.empty() && entry.path.empty()) {
    return fail(Code::kInvalid, "must specify one of patch and path in\n" + quoted());
  }
  if (!text.empty() && !entry.path.empty()) {
    return fail(Code::kInvalid, "patch and path can't be set at the same time\n" + quoted());
  }
  if (!text.empty()) {
    return read_patch(text, patch_source("patch", text), entry.target, options,
                      inline_reader(context, written));
  }
  auto blob = context.loader.load(entry.path);
  if (!blob) {
    return fail(std::move(blob).error().prefix("failed to get the patch file from path(" +
                                               entry.path + "): "));
  }
  const FileId id = context.build.files().add(blob->shown);
  return read_patch(*blob->bytes, patch_source("path", entry.path), entry.target, options,
                    reader_for(context, id, entry.path));
}

Result<Resources> load_merge_patch(const std::string& path_or_text, const StepContext& context,
                                   yaml::Node written) {
  // Nearly every entry is a path; only text with a line break or a colon can be a resource.
  if (path_or_text.find_first_of("\n:{") != std::string::npos ||
      path_or_text.find_first_not_of(" \t") == std::string::npos || path_or_text[0] == '#') {
    auto inline_patch = read_resources(std::make_shared<const std::string>(path_or_text),
                                       FileId::kNone, {}, context.build);
    if (inline_patch) {
      place_inline(*inline_patch, written);
      return inline_patch;
    }
  }
  SLUICE_TRY(const LoadedFile blob, context.loader.load(path_or_text));
  const FileId id = context.build.files().add(blob.shown);
  auto patches = read_resources(blob.bytes, id, path_or_text, context.build);
  if (!patches) return fail(name_file(std::move(patches).error(), path_or_text));
  return patches;
}

Result<Json6902Rule> load_json6902(const Selector& target, const std::string& path,
                                   const std::string& text, const StepContext& context) {
  if (target.name.empty()) return fail(Code::kInvalid, "must specify the target name");
  if (path.empty() && text.empty()) {
    return fail(Code::kInvalid, "empty file path and empty jsonOp");
  }
  if (!path.empty() && !text.empty()) {
    return fail(Code::kInvalid, "must specify a file path or jsonOp, not both");
  }
  if (path.empty()) return read_json6902(text, {}, target);
  SLUICE_TRY(const LoadedFile blob, context.loader.load(path));
  return read_json6902(*blob.bytes, path, target);
}

Result<std::vector<Replacement>> load_replacements(const std::vector<ReplacementEntry>& entries,
                                                   const StepContext& context) {
  std::vector<Replacement> all;
  for (const ReplacementEntry& entry : entries) {
    if (entry.path.empty()) {
      all.push_back(entry.inline_replacement);
      continue;
    }
    const auto& targets = entry.inline_replacement.targets;
    if (entry.has_source || (targets && !targets->empty())) {
      return fail(Code::kInvalid, "cannot specify both path and inline replacement");
    }
    SLUICE_TRY(const LoadedFile blob, context.loader.load(entry.path));
    const FileId id = context.build.files().add(blob.shown);
    yaml::ReadOptions options;
    options.schema = yaml::Schema::kV2;
    options.engine = context.build.options().yaml_engine;
    options.unique_keys = false;
    const auto documents = yaml::read_yaml(blob.bytes, id, options);
    if (!documents) {
      return fail(Error(documents.error())
                      .prefix("error converting YAML to JSON: ")
                      .at({std::string(context.build.files().name(id))}));
    }
    const yaml::Node root = documents->empty() ? yaml::Node() : documents->front().root();
    if (!root.is_mapping() && !root.is_sequence()) {
      return fail(Error(Code::kInvalid,
                        "unsupported replacement type encountered within replacement path: " +
                            std::string(root.is_null() ? "invalid" : "string"),
                        context.build.where(root)));
    }
    SLUICE_TRY(auto more, read_replacements_file(root));
    for (Replacement& replacement : more)
      all.push_back(std::move(replacement));
  }
  return all;
}

}  // namespace sluice::kustomize
