// Transformer tables from `crds:` (api/internal/accumulator/loadconfigfromcrds.go): OpenAPI
// definitions whose properties say that they hold names, labels or annotations.

#include <algorithm>
#include <memory>
#include <utility>

#include "sluice/base/ascii.hpp"
#include "sluice/yaml/read.hpp"

#include "configurations.hpp"
#include "go_decode.hpp"

namespace sluice::kustomize {

namespace {

// One definition: {"Schema": {"properties": {…}}}, names in any case as Go decodes them.
yaml::Node any_case(yaml::Node mapping, std::string_view name) {
  if (const yaml::Node exact = mapping.get(name); exact.exists()) return exact;
  for (std::size_t i = 0; mapping.is_mapping() && i < mapping.size(); ++i) {
    if (equals_ignoring_case(mapping.key(i).text(), name)) return mapping.value(i);
  }
  return {};
}

yaml::Node properties_of(yaml::Node definition) {
  return any_case(definition, "schema").get("properties");
}

class CrdReader {
 public:
  explicit CrdReader(yaml::Node definitions) : definitions_(definitions) {}

  Result<TransformerConfig> read() {
    for (std::size_t i = 0; definitions_.is_mapping() && i < definitions_.size(); ++i) {
      const yaml::Node properties = properties_of(definitions_.value(i));
      const bool is_type = properties.get("kind").exists() &&
                           properties.get("apiVersion").exists() &&
                           properties.get("metadata").exists();
      if (!is_type) continue;
      const std::string_view name = definitions_.key(i).text();
      gvk_ = Gvk{"", "", std::string(name.substr(name.rfind('.') + 1))};
      path_.clear();
      open_.clear();
      SLUICE_CHECK(visit(name));
    }
    return std::move(config_);
  }

 private:
  FieldSpec spec(std::string_view last) const {
    std::string path = path_;
    if (!last.empty()) path += (path.empty() ? "" : "/") + std::string(last);
    return {gvk_, std::move(path), false};
  }

  Result<void> visit(std::string_view type) {
    // kustomize recurses without end into a type that contains itself.
    if (std::find(open_.begin(), open_.end(), type) != open_.end()) return {};
    const yaml::Node properties = properties_of(definitions_.get(type));
    if (!properties.is_mapping()) return {};
    open_.push_back(type);
    for (std::size_t i = 0; i < properties.size(); ++i) {
      const std::string_view name = properties.key(i).text();
      const yaml::Node property = properties.value(i);
      const std::size_t length = path_.size();
      path_ += (path_.empty() ? "" : "/") + std::string(name);
      SLUICE_CHECK(visit_property(property));
      path_.resize(length);
    }
    open_.pop_back();
    return {};
  }

  Result<void> visit_property(yaml::Node property) {
    const auto has = [&](std::string_view key) { return property.get(key).is_string(); };
    TransformerConfig one;
    if (has("x-kubernetes-annotation")) one.common_annotations.push_back(spec({}));
    if (has("x-kubernetes-label-selector")) one.common_labels.push_back(spec({}));
    if (has("x-kubernetes-identity")) one.name_prefix.push_back(spec({}));
    const std::string_view version =
        property.get("x-kubernetes-object-ref-api-version").string_or("");
    if (has("x-kubernetes-object-ref-api-version") && has("x-kubernetes-object-ref-kind")) {
      const Gvk target{"", std::string(version),
                       std::string(property.get("x-kubernetes-object-ref-kind").text())};
      const std::string_view key =
          property.get("x-kubernetes-object-ref-name-key").string_or("name");
      one.name_reference.push_back({target, {spec(key)}});
    }
    SLUICE_CHECK(config_.merge(one));
    const yaml::Node reference = property.get("$ref");
    return reference.is_string() ? visit(reference.text()) : Result<void>();
  }

  yaml::Node definitions_;
  TransformerConfig config_;
  Gvk gvk_;
  std::string path_;
  std::vector<std::string_view> open_;
};

/// What decoding into Go's map of definitions would refuse.
Result<void> check_definitions(yaml::Node root, const BuildContext& context) {
  GoDecoder decoder(GoDecoder::Mode::kLenient);
  const auto is_object = [](yaml::Node node) { return node.is_mapping() || node.is_null(); };
  if (!is_object(root)) decoder.type_mismatch(root, "accumulator.nameToApiMap");
  std::vector<std::pair<std::string_view, yaml::Node>> sorted;
  for (std::size_t i = 0; root.is_mapping() && i < root.size(); ++i) {
    sorted.emplace_back(root.key(i).text(), root.value(i));
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [name, definition] : sorted) {
    if (is_object(definition)) continue;
    decoder.type_mismatch(definition, "accumulator.OpenAPIDefinition");
  }
  if (!decoder.failed()) return {};
  return fail(Error(Code::kInvalid,
                    "error unmarshaling JSON: while decoding JSON: " + decoder.error(),
                    context.where(decoder.error_node())));
}

}  // namespace

Result<std::shared_ptr<const TransformerConfig>> load_crds(const std::vector<std::string>& paths,
                                                           const Loader& loader,
                                                           BuildContext& context) {
  if (paths.empty()) return std::shared_ptr<const TransformerConfig>();
  auto merged = std::make_shared<TransformerConfig>();
  for (const std::string& path : paths) {
    const auto failed = [&](Error error, std::string_view file) {
      return std::move(error)
          .prefix("unable to parse open API definition from '" + path + "': ")
          .at({std::string(file)});
    };
    auto blob = loader.load(path);
    if (!blob) return fail(std::move(blob).error());
    const FileId id = context.files().add(blob->shown);
    yaml::ReadOptions options;
    options.schema = yaml::Schema::kV2;
    options.engine = context.options().yaml_engine;
    options.unique_keys = false;
    auto documents = yaml::read_yaml(blob->bytes, id, options);
    if (!documents) {
      return fail(failed(std::move(documents).error().prefix("error converting YAML to JSON: "),
                         context.files().name(id)));
    }
    if (documents->empty()) continue;
    const yaml::Node root = std::as_const(documents->front()).root();
    if (auto checked = check_definitions(root, context); !checked) {
      return fail(failed(std::move(checked).error(), context.files().name(id)));
    }
    SLUICE_TRY(const auto config, CrdReader(root).read());
    SLUICE_CHECK(merged->merge(config));
  }
  return std::shared_ptr<const TransformerConfig>(std::move(merged));
}

}  // namespace sluice::kustomize
