#include "ksops_generator.hpp"

#include <iterator>
#include <memory>
#include <utility>

#include "sluice/generators/ksops.hpp"
#include "sluice/yaml/write.hpp"

#include "plugin_io.hpp"

namespace sluice::kustomize {

namespace {

using yaml::Node;

// What kustomize must know of an object cannot be encrypted.
Result<void> check_readable(const yaml::Document& document, const std::string& path) {
  const Node root = document.root();
  const Node metadata = root.get("metadata");
  const std::pair<std::string_view, Node> needed[] = {
      {"apiVersion", root.get("apiVersion")},
      {"kind", root.get("kind")},
      {"metadata.name", metadata.get("name")},
      {"metadata.namespace", metadata.get("namespace")}};
  for (const auto& [name, node] : needed) {
    if (!node.is_encrypted()) continue;
    return fail(Code::kUnsupported,
                "the " + std::string(name) + " of an object in \"" + path + "\" is encrypted",
                Where{path, node.position().line(), node.position().column()},
                "encrypt it with --encrypted-regex '^(data|stringData)$'");
  }
  return {};
}

class KsopsGenerator {
 public:
  KsopsGenerator(const BuildResource& config, const StepContext& context)
      : config_(config), context_(context) {}

  Result<Resources> run() const {
    auto made = generate();
    if (made) return made;
    return fail(std::move(made)
                    .error()
                    .prefix("unable to generate manifests: ")
                    .at(context_.build.where(config_.root())));
  }

 private:
  Result<Resources> generate() const {
    const Node root = config_.root();
    std::string text;
    SLUICE_CHECK(yaml::write_yaml(root, text));
    SLUICE_TRY(const generators::KsopsArgs args, generators::read_ksops(root, text));
    const generators::LoadFile load = [this](std::string_view path) {
      return context_.loader.load_anywhere(path);
    };
    std::vector<yaml::Document> documents;
    for (const std::string& path : args.files) {
      SLUICE_TRY(auto more, generators::lift_ksops_file(path, load, context_.build.sops()));
      for (const yaml::Document& document : more)
        SLUICE_CHECK(check_readable(document, path));
      documents.insert(documents.end(), std::make_move_iterator(more.begin()),
                       std::make_move_iterator(more.end()));
    }
    for (const generators::KsopsSecret& secret : args.secrets) {
      SLUICE_TRY(yaml::Document made,
                 generators::generate_ksops_secret(secret, load, context_.build.sops()));
      documents.push_back(std::move(made));
    }
    // As a legacy plugin KSOPS does not sort.
    const Node annotations = root.get("metadata").get("annotations");
    if (annotations.get("config.kubernetes.io/function").exists()) {
      generators::sort_ksops_objects(documents);
    }
    SLUICE_TRY(Resources resources, to_resources(std::move(documents), context_.build));
    SLUICE_CHECK(take_generator_annotations(resources));
    return resources;
  }

  const BuildResource& config_;
  const StepContext& context_;
};

}  // namespace

bool is_ksops(const BuildResource& config) {
  return config.id.gvk.group == "viaduct.ai" && config.id.gvk.kind == "ksops";
}

std::function<Result<Resources>()> configure_ksops(const BuildResource& config,
                                                   const StepContext& context) {
  return [generator = KsopsGenerator(config, context)] { return generator.run(); };
}

}  // namespace sluice::kustomize
