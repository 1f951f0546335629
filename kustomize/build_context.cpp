#include "build_context.hpp"

#include <algorithm>
#include <utility>

#include "remote_fetches.hpp"
#include "schema.hpp"

namespace sluice::kustomize {

BuildContext::BuildContext(const BuildOptions& options)
    : options_(options),
      sops_(options.sops_files ? options.sops_files : std::make_shared<decrypt::SopsFiles>()),
      remotes_(std::make_unique<RemoteFetches>(options.remotes, options.cancel)),
      schema_(std::make_unique<Schema>()) {}

BuildContext::~BuildContext() = default;

Result<void> BuildContext::use_schema(yaml::Document document) {
  schema_is_set_ = true;
  return schema_->use_custom(std::move(document));
}

void BuildContext::use_builtin_schema() {
  schema_is_set_ = true;
  schema_->use_builtin();
}

Result<void> BuildContext::enter_directory(std::size_t depth) {
  if (depth > options_.max_base_depth) {
    return fail(Code::kUnsupported, "bases are nested deeper than " +
                                        std::to_string(options_.max_base_depth) + " levels");
  }
  if (++directories_ > options_.max_directories) {
    return fail(Code::kUnsupported,
                "more than " + std::to_string(options_.max_directories) +
                    " bases and components, counted as often as they are named");
  }
  return {};
}

void BuildContext::warn(std::string line) {
  const std::lock_guard lock(mutex_);
  if (options_.on_warning) options_.on_warning(line);
  warnings_.push_back(std::move(line));
}

std::vector<std::string> BuildContext::take_warnings() {
  const std::lock_guard lock(mutex_);
  return std::exchange(warnings_, {});
}

void BuildContext::note_read(const TreePath& path) {
  const std::lock_guard lock(mutex_);
  reads_.push_back(path);
}

std::vector<TreePath> BuildContext::take_reads() {
  const std::lock_guard lock(mutex_);
  std::sort(reads_.begin(), reads_.end());
  reads_.erase(std::unique(reads_.begin(), reads_.end()), reads_.end());
  return std::exchange(reads_, {});
}

Where BuildContext::where(yaml::Node node) const {
  if (!node.exists()) return {};
  return files_->where(node.file(), node.position());
}

}  // namespace sluice::kustomize
