#include "kustomization_file.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "sluice/base/ascii.hpp"
#include "sluice/yaml/read.hpp"
#include "sluice/yaml/write.hpp"

#include "kustomization_fields.hpp"

namespace sluice::kustomize {

namespace {

struct Deprecated {
  std::string_view field, instead, prefix;
};

// types.Kustomization.CheckDeprecatedFields, in its order.
constexpr Deprecated kDeprecated[] = {
    {"bases", "resources", ""},
    {"commonLabels", "labels", ""},
    {"imageTags", "images", ""},
    {"patchesJson6902", "patches", ""},
    {"patchesStrategicMerge", "patches", ""},
    {"vars", "replacements", "[EXPERIMENTAL] "},
};

yaml::Node find_field(yaml::Node root, std::string_view name) {
  if (const yaml::Node exact = root.get(name); exact.exists()) return exact;
  for (std::size_t i = 0; i < root.size(); ++i) {
    if (equals_ignoring_case(root.key(i).text(), name)) return root.value(i);
  }
  return {};
}

// Whether kustomize's comparison with an empty Kustomization would find a difference: an empty list
// is one, an empty string or null is none, and neither are lists that its fixes append to others.
bool has_content(yaml::Node root) {
  constexpr std::array<std::string_view, 3> kMovedLists = {"bases", "imageTags",
                                                           "helmChartInflationGenerator"};
  for (std::size_t i = 0; i < root.size(); ++i) {
    const std::string_view name = root.key(i).text();
    const yaml::Node value = root.value(i);
    if (value.is_null() || equals_ignoring_case(name, "kind") ||
        equals_ignoring_case(name, "apiVersion"))
      continue;
    const bool moved =
        std::any_of(kMovedLists.begin(), kMovedLists.end(),
                    [&](std::string_view list) { return equals_ignoring_case(name, list); });
    if (value.is_scalar() ? value.text().empty() : moved && value.size() == 0) continue;
    return true;
  }
  return false;
}

void add_single_env(std::vector<generators::GeneratorArgs>& all) {
  for (generators::GeneratorArgs& args : all) {
    if (!args.env.empty()) args.envs.push_back(std::exchange(args.env, {}));
  }
}

template <class T>
void move_to_end(std::vector<T>& to, std::vector<T>& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  from.clear();
}

// U+0085 as itself or as an escape.
bool may_hold_next_line(std::string_view text) {
  for (const std::string_view spelling : {"\xC2\x85", "\\N", "\\x85", "\\u0085"}) {
    if (text.find(spelling) != std::string_view::npos) return true;
  }
  return false;
}

// The writer treats folded scalars as go-yaml v3 does, which this file never meets.
void forget_folding(yaml::Ref node) {
  if (node.is_scalar()) {
    if (node.style() == yaml::Style::kFolded) node.set_style(yaml::Style::kLiteral);
    return;
  }
  for (std::size_t i = 0; i < node.size(); ++i)
    forget_folding(node.is_mapping() ? node.value(i) : node.at(i));
}

// kustomize hands each generator and transformer its part of the file as YAML made from JSON, in
// which this character is read as a line break and folded.
Result<void> fold_next_lines(yaml::Document& document) {
  forget_folding(document.root());
  std::string text;
  SLUICE_CHECK(yaml::write_yaml(std::as_const(document).root(), text));
  yaml::ReadOptions options;
  options.schema = yaml::Schema::kV2;
  SLUICE_TRY(auto documents, yaml::read_yaml(text, FileId::kNone, options));
  if (!documents.empty()) document = std::move(documents.front());
  return {};
}

template <class T>
void note_places(std::vector<T>& all, yaml::Node list) {
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].file = list.at(i).file();
    all[i].position = list.at(i).position();
  }
}

}  // namespace

bool KustomizationFile::wants(std::string_view option) const {
  return std::find(build_metadata.begin(), build_metadata.end(), option) != build_metadata.end();
}

Where KustomizationFile::where(const BuildContext& context, std::string_view name,
                               std::size_t index) const {
  yaml::Node node = find_field(source.root(), name);
  if (index != yaml::Node::npos) {
    if (index < node.size()) {
      node = node.at(index);
    } else if (name == "resources") {
      node = find_field(source.root(), "bases").at(index - node.size());
    }
  }
  return context.where(node.exists() ? node : source.root());
}

Result<KustomizationFile> decode_kustomization(yaml::Document document, std::string_view directory,
                                               BuildContext& context, bool allow_empty) {
  KustomizationFile file;
  file.source = std::move(document);
  const yaml::Node root = std::as_const(file.source).root();
  GoDecoder decoder(GoDecoder::Mode::kStrict);
  decoder.object(root, "types.Kustomization", kustomization_fields(), file);
  if (decoder.failed()) {
    return fail(Error(Code::kInvalid, "invalid Kustomization: " + decoder.error(),
                      context.where(decoder.error_node())));
  }
  for (const Deprecated& old : kDeprecated) {
    const yaml::Node value = find_field(root, old.field);
    if (!value.exists() || value.is_null()) continue;
    context.warn("# Warning: '" + std::string(old.field) + "' is deprecated. Please use '" +
                 std::string(old.instead) + "' instead. " + std::string(old.prefix) +
                 "Run 'kustomize edit fix' to update your Kustomization automatically.");
  }

  if (file.kind.empty()) file.kind = "Kustomization";
  const bool known_kind = file.kind == "Kustomization" || file.is_component();
  const std::string_view version =
      file.is_component() ? "kustomize.config.k8s.io/v1alpha1" : "kustomize.config.k8s.io/v1beta1";
  if (file.api_version.empty()) file.api_version = version;
  move_to_end(file.resources, file.bases);
  move_to_end(file.images, file.image_tags);
  add_single_env(file.config_maps);
  add_single_env(file.secrets);
  note_places(file.config_maps, find_field(root, "configMapGenerator"));
  note_places(file.secrets, find_field(root, "secretGenerator"));
  note_places(file.vars, find_field(root, "vars"));

  if (!allow_empty && !has_content(root)) {
    return fail(Error(Code::kInvalid, "kustomization.yaml is empty", context.where(root)));
  }
  std::string errors;
  if (!known_kind) errors += "\nkind should be Kustomization or Component";
  if (file.api_version != version) {
    errors += "\napiVersion for " + file.kind + " should be " + std::string(version);
  }
  if (!errors.empty()) {
    return fail(
        Error(Code::kInvalid,
              "Failed to read kustomization file under " + std::string(directory) + ":" + errors,
              context.where(find_field(root, known_kind ? "apiVersion" : "kind"))));
  }
  return file;
}

Result<KustomizationFile> read_kustomization(const std::shared_ptr<const std::string>& text,
                                             FileId id, std::string_view directory,
                                             BuildContext& context, bool allow_empty) {
  yaml::ReadOptions options;
  options.schema = yaml::Schema::kV2;
  options.engine = context.options().yaml_engine;
  options.unique_keys = false;
  auto documents = yaml::read_yaml(text, id, options);
  if (!documents) {
    Where place = documents.error().where();
    if (place.file.empty()) place.file = context.files().name(id);
    return fail(
        std::move(documents).error().prefix("invalid Kustomization: ").at(std::move(place)));
  }
  context.count_parsed(documents->size());
  // yaml.Unmarshal reads the first document only.
  yaml::Document document;
  if (!documents->empty()) document = std::move(documents->front());
  if (may_hold_next_line(*text)) SLUICE_CHECK(fold_next_lines(document));
  return decode_kustomization(std::move(document), directory, context, allow_empty);
}

}  // namespace sluice::kustomize
