#include "sluice/kustomize/resource_set.hpp"

#include <algorithm>
#include <optional>

#include "sluice/base/parallel.hpp"

namespace sluice::kustomize {

namespace {

Error located(Error error, const Resource& resource, const FileTable* files) {
  Where place;
  if (files != nullptr) place.file = files->name(resource.document.root().file());
  return std::move(error).at(std::move(place));
}

// kustomize puts a Go dump of the resource before the message; its name says as much.
Error named(Error error, const Resource& resource, const FileTable* files) {
  return located(std::move(error).prefix(resource.id.text() + ": "), resource, files);
}

}  // namespace

Result<std::vector<std::string>> ResourceSet::to_yaml_parts() const {
  constexpr std::size_t kBlock = 64;  // resources that one thread prints at a time
  const std::size_t blocks = (resources.size() + kBlock - 1) / kBlock;
  std::vector<std::string> texts(blocks);
  std::vector<std::optional<Error>> errors(blocks);
  parallel_for(blocks, 1, blocks < 2 ? 1 : 0, [&](std::size_t block) {
    const std::size_t end = std::min(resources.size(), (block + 1) * kBlock);
    for (std::size_t i = block * kBlock; i < end; ++i) {
      if (i > 0) texts[block] += "---\n";
      auto done = yaml::write_yaml(resources[i].document.root(), texts[block]);
      if (!done) {
        errors[block] = named(std::move(done).error(), resources[i], files.get());
        return;
      }
    }
  });
  for (auto& error : errors) {
    if (error) return fail(*std::move(error));
  }
  return texts;
}

Result<std::string> ResourceSet::to_yaml() const {
  SLUICE_TRY(const std::vector<std::string> parts, to_yaml_parts());
  std::size_t size = 0;
  for (const std::string& part : parts)
    size += part.size();
  std::string all;
  all.reserve(size);
  for (const std::string& part : parts)
    all += part;
  return all;
}

Result<std::string> ResourceSet::to_file(const Resource& resource) const {
  std::string text;
  if (auto done = yaml::write_yaml_decoded(resource.document.root(), text); !done) {
    Error error = std::move(done).error();
    const bool is_of_json = error.message().starts_with("json: ");
    return fail(located(std::move(error).prefix(is_of_json ? "error marshaling into JSON: " : ""),
                        resource, files.get()));
  }
  return text;
}

Result<void> ResourceSet::write_yaml(yaml::ByteSink& out, yaml::LeafReader* leaves) const {
  bool is_first = true;
  for (const Resource& resource : resources) {
    if (!is_first) out.append("---\n");
    is_first = false;
    auto done = yaml::write_yaml(resource.document.root(), out, leaves);
    if (!done) return fail(named(std::move(done).error(), resource, files.get()));
  }
  return {};
}

}  // namespace sluice::kustomize
