#include "configurations.hpp"

#include <utility>

#include "sluice/yaml/read.hpp"

namespace sluice::kustomize {

Result<std::shared_ptr<const TransformerConfig>> load_configurations(
    const std::vector<std::string>& paths, const Loader& loader, BuildContext& context) {
  if (paths.empty()) return default_transformer_config();
  auto merged = std::make_shared<TransformerConfig>(*default_transformer_config());
  TransformerConfig extra;
  for (const std::string& path : paths) {
    SLUICE_TRY(const LoadedFile blob, loader.load(path));
    const FileId id = context.files().add(blob.shown);
    yaml::ReadOptions options;
    options.schema = yaml::Schema::kV2;
    options.engine = context.options().yaml_engine;
    auto read = yaml::read_yaml(blob.bytes, id, options);
    if (!read) {
      return fail(
          std::move(read).error().prefix("error converting YAML to JSON: ").at({blob.shown}));
    }
    const std::vector<yaml::Document>& documents = *read;
    if (documents.empty()) continue;
    auto config = read_transformer_config(documents.front().root());
    if (!config) {
      return fail(std::move(config).error().at(context.where(documents.front().root())));
    }
    SLUICE_CHECK(extra.merge(*config));
  }
  SLUICE_CHECK(merged->merge(extra));
  return std::shared_ptr<const TransformerConfig>(std::move(merged));
}

}  // namespace sluice::kustomize
