#include "build_context.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "remote_fetches.hpp"
#include "schema.hpp"

namespace sluice::kustomize {

namespace {

/// Options without what must not happen twice: what needs it is refused.
std::shared_ptr<const BuildOptions> options_of_branches(const BuildOptions& options) {
  auto own = std::make_shared<BuildOptions>(options);
  own->programs = nullptr;
  own->remotes = nullptr;
  own->decryptor = nullptr;
  own->sops_files = nullptr;
  own->on_warning = nullptr;
  own->overrides = {};
  return own;
}

}  // namespace

BuildContext::BuildContext(const BuildOptions& options)
    : trunk_(nullptr),
      options_(options),
      files_(std::make_shared<FileTable>()),
      sops_(options.sops_files ? options.sops_files : std::make_shared<decrypt::SopsFiles>()),
      remotes_(std::make_unique<RemoteFetches>(options.remotes, options.cancel)),
      schema_(std::make_shared<Schema>()) {}

BuildContext::BuildContext(BuildContext& trunk)
    : trunk_(&trunk),
      branch_options_(trunk.branch_options_),
      options_(*branch_options_),
      files_(trunk.files_),
      sops_(std::make_shared<decrypt::SopsFiles>()),
      remotes_(std::make_unique<RemoteFetches>(nullptr, options_.cancel)),
      schema_(trunk.schema_is_set_ ? trunk.schema_ : std::make_shared<Schema>(*trunk.schema_)),
      schema_is_set_(trunk.schema_is_set_) {}

BuildContext::~BuildContext() = default;

bool BuildContext::can_branch() const {
  return trunk_ == nullptr && !options_.lift_encrypted && !options_.explain &&
         options_.threads != 1;
}

void BuildContext::start_branches() {
  if (branch_options_ == nullptr) branch_options_ = options_of_branches(options_);
  branches_.directories = 0;
  branches_.resources = 0;
}

std::unique_ptr<BuildContext> BuildContext::branch() {
  return std::unique_ptr<BuildContext>(new BuildContext(*this));
}

bool BuildContext::adopt(BuildContext& branch) {
  if (branch.schema_is_set_ != schema_is_set_ || branch.sops_->size() != 0) return false;
  if (directories_ + branch.directories_ > options_.max_directories) return false;
  schema_->take_questions(*branch.schema_);
  directories_ += branch.directories_;
  parsed_ += branch.parsed_;
  for (std::string& line : branch.take_warnings())
    warn(std::move(line));
  const std::lock_guard lock(mutex_);
  reads_.insert(reads_.end(), std::make_move_iterator(branch.reads_.begin()),
                std::make_move_iterator(branch.reads_.end()));
  return true;
}

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
  std::size_t count = ++directories_;
  if (trunk_ != nullptr) count = trunk_->directories_ + ++trunk_->branches_.directories;
  if (count > options_.max_directories) {
    return fail(Code::kUnsupported,
                "more than " + std::to_string(options_.max_directories) +
                    " bases and components, counted as often as they are named");
  }
  return {};
}

Result<void> BuildContext::gather(std::size_t resources) {
  if (trunk_ == nullptr) return {};
  if ((trunk_->branches_.resources += resources) <= options_.max_resources) return {};
  return fail(Code::kUnsupported, "more resources than a build may have");
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
  std::stable_sort(reads_.begin(), reads_.end());  // by merging: directories come in runs
  reads_.erase(std::unique(reads_.begin(), reads_.end()), reads_.end());
  return std::exchange(reads_, {});
}

Where BuildContext::where(yaml::Node node) const {
  if (!node.exists()) return {};
  return files_->where(node.file(), node.position());
}

}  // namespace sluice::kustomize
