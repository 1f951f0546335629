#pragma once
/// What every step of one build shares.

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/error.hpp"
#include "sluice/base/file_table.hpp"
#include "sluice/kustomize/build.hpp"

namespace sluice::kustomize {

class RemoteFetches;
class Schema;

/// Lives for one build; used by one thread, except where a member says otherwise.
///
/// A part of a build may run ahead of its turn, on another thread, in a branch(). What it makes
/// there is either the same as it would make in its turn, or is thrown away: a branch refuses what
/// must not happen twice, programs and fetches. What it counts and says reaches the build when the
/// branch is adopted, in its turn.
class BuildContext {
 public:
  explicit BuildContext(const BuildOptions& options);
  ~BuildContext();

  /// Whether a part of this build can run ahead: what is lifted is registered in the order of the
  /// build, what is explained is noted in it, and a branch has no branches.
  bool can_branch() const;
  /// To be called before a set of branches: those so far no longer count towards their limits.
  void start_branches();
  /// Thread-safe. This outlives it.
  std::unique_ptr<BuildContext> branch();
  /// Takes over what `branch` counted and noted. False when that is no longer what would happen
  /// now; nothing is taken then.
  bool adopt(BuildContext& branch);

  const BuildOptions& options() const { return options_; }
  RemoteFetches& remotes() { return *remotes_; }
  FileTable& files() { return *files_; }  ///< thread-safe
  std::shared_ptr<const FileTable> shared_files() const { return files_; }
  decrypt::SopsFiles& sops() { return *sops_; }
  const std::shared_ptr<decrypt::SopsFiles>& sops_files() const { return sops_; }
  /// The OpenAPI schema in force: the built-in one until a root sets another (`openapi:`).
  Schema& schema() { return *schema_; }
  const Schema& schema() const { return *schema_; }

  bool schema_is_set() const { return schema_is_set_; }
  /// Replaces the built-in types. Errors: kInvalid when `document` is no schema.
  Result<void> use_schema(yaml::Document document);
  void use_builtin_schema();

  /// Counts a directory that is about to be built. Errors: kUnsupported.
  Result<void> enter_directory(std::size_t depth);
  /// Counts resources that were read, those of all branches together. Errors: kUnsupported.
  Result<void> gather(std::size_t resources);

  /// A line for stderr. Thread-safe.
  void warn(std::string line);
  std::vector<std::string> take_warnings();
  /// Notes that `path` was looked at, found or not. Thread-safe.
  void note_read(const TreePath& path);
  std::vector<TreePath> take_reads();

  /// Counts documents that were parsed. Thread-safe.
  void count_parsed(std::size_t documents) { parsed_ += documents; }
  std::size_t parsed() const { return parsed_; }

  /// Where `node` was written, for error messages.
  Where where(yaml::Node node) const;

 private:
  /// What branches count together.
  struct BranchLimits {
    std::atomic<std::size_t> directories{0}, resources{0};
  };
  explicit BuildContext(BuildContext& trunk);

  BuildContext* const trunk_;                           // null: not a branch
  std::shared_ptr<const BuildOptions> branch_options_;  // null before start_branches()
  const BuildOptions& options_;
  const std::shared_ptr<FileTable> files_;
  std::shared_ptr<decrypt::SopsFiles> sops_;
  std::unique_ptr<RemoteFetches> remotes_;
  std::shared_ptr<Schema> schema_;
  std::atomic<std::size_t> parsed_{0};
  bool schema_is_set_ = false;
  std::size_t directories_ = 0;
  BranchLimits branches_;
  std::mutex mutex_;  // guards warnings_ and reads_
  std::vector<std::string> warnings_;
  std::vector<TreePath> reads_;
};

}  // namespace sluice::kustomize
