#pragma once
/// Builds that are still good: the result for a directory and options is kept until something that
/// the build looked at, misses included, has changed.
///
/// A build is pure, so a result that is found again is the one that building again would give;
/// results of builds that may do more than read the tree (functions, helm, what was fetched by URL)
/// and errors are not kept. Never holds plaintext: results have encrypted leaves, read sets have
/// Git object ids.

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sluice/base/result.hpp"
#include "sluice/base/tree_path.hpp"
#include "sluice/kustomize/build.hpp"
#include "sluice/kustomize/read_set.hpp"
#include "sluice/sources/source_store.hpp"

namespace sluice::kustomize {

/// What one get() did.
struct CacheReport {
  bool hit = false;
  /// Why an earlier result was not good; empty on a hit and when there was none.
  std::vector<ReadChange> changes;
  std::size_t files_read = 0;  ///< by the build: 0 on a hit
  std::size_t documents_parsed = 0;
  std::size_t resources_built = 0;
};

/// What all calls of get() did, for tests and metrics.
struct CacheCounts {
  std::size_t hits = 0;
  std::size_t builds = 0;  ///< those that failed, too
  std::size_t documents_parsed = 0;
};

/// Thread-safe; two threads that miss the same entry build it twice.
class BuildCache {
 public:
  /// `max_resources`: of all results together; the longest unused go first.
  explicit BuildCache(std::size_t max_resources = 1'000'000) : max_resources_(max_resources) {}

  /// The result of build(*artifact.tree, directory, options), perhaps from before. `scope` says who
  /// asks (a Kustomization and its source): results are found again within a scope only, since
  /// name suffixes come from the keys of the one who asked. Errors: as build().
  Result<std::shared_ptr<const BuildResult>> get(const sources::Artifact& artifact,
                                                 const TreePath& directory,
                                                 const BuildOptions& options,
                                                 std::string_view scope = {},
                                                 CacheReport* report = nullptr);
  /// Forgets the results of a scope.
  void forget(std::string_view scope);
  std::size_t size() const;
  CacheCounts counts() const;

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const BuildResult> result;
    std::shared_ptr<ReadSet> reads;
  };
  void keep(Entry entry);
  void drop(std::list<Entry>::iterator entry);

  const std::size_t max_resources_;
  mutable std::mutex mutex_;  // guards what follows
  std::list<Entry> entries_;  // longest unused last
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key_;
  std::size_t resources_ = 0;
  CacheCounts counts_;
};

/// What of `options` a result depends on, as text: equal texts, equal results for equal trees.
std::string options_key(const BuildOptions& options);

}  // namespace sluice::kustomize
