#include "sluice/kustomize/build_cache.hpp"

#include <utility>

#include "sluice/yaml/document.hpp"

namespace sluice::kustomize {

namespace {

constexpr std::size_t kChangesReported = 20;

void add(std::string& key, std::string_view text) {
  key += std::to_string(text.size());
  key += ':';
  key += text;
}

void add(std::string& key, yaml::Node node) {
  key += static_cast<char>('a' + static_cast<int>(node.kind()));
  if (!node.is_mapping() && !node.is_sequence()) {
    add(key, node.text());
    return;
  }
  key += std::to_string(node.size());
  for (std::size_t i = 0; i < node.size(); ++i) {
    if (node.is_mapping()) add(key, node.key(i));
    add(key, node.is_mapping() ? node.value(i) : node.at(i));
  }
}

/// Functions and charts may read anything.
bool is_pure(const BuildOptions& options) {
  return options.programs == nullptr;
}

}  // namespace

std::string options_key(const BuildOptions& options) {
  const Overrides& overrides = options.overrides;
  std::string key;
  for (const int part :
       {static_cast<int>(options.load_restrictor), static_cast<int>(options.reorder),
        static_cast<int>(options.yaml_engine), static_cast<int>(options.enable_alpha_plugins),
        static_cast<int>(options.enable_exec), static_cast<int>(options.enable_helm),
        static_cast<int>(options.add_managed_by_label), static_cast<int>(options.lift_encrypted),
        static_cast<int>(options.explain), static_cast<int>(options.decryptor != nullptr),
        static_cast<int>(options.refuse_moved_sealed_secrets), static_cast<int>(options.helm_debug),
        static_cast<int>(options.programs != nullptr), static_cast<int>(options.remotes != nullptr),
        static_cast<int>(overrides.ignore_missing_components),
        static_cast<int>(overrides.generate_kustomization)}) {
    key += std::to_string(part);
    key += ',';
  }
  key += std::to_string(options.max_resources);
  add(key, options.helm_command);
  add(key, options.helm_kube_version);
  key += std::to_string(options.helm_api_versions.size());
  for (const std::string& version : options.helm_api_versions)
    add(key, version);
  add(key, overrides.target_namespace);
  add(key, overrides.name_prefix);
  add(key, overrides.name_suffix);
  add(key, overrides.patches.root());
  add(key, overrides.images.root());
  key += std::to_string(overrides.components.size());
  for (const std::string& component : overrides.components)
    add(key, component);
  for (const std::string& wanted : overrides.build_metadata)
    add(key, wanted);
  return key;
}

Result<std::shared_ptr<const BuildResult>> BuildCache::get(const sources::Artifact& artifact,
                                                           const TreePath& directory,
                                                           const BuildOptions& options,
                                                           std::string_view scope,
                                                           CacheReport* report) {
  CacheReport unused;
  CacheReport& told = report != nullptr ? *report : unused;
  told = {};
  std::string key;
  add(key, scope);
  add(key, directory.text());
  add(key, options_key(options));

  Entry known;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = by_key_.find(key); found != by_key_.end()) {
      entries_.splice(entries_.begin(), entries_, found->second);
      known = *found->second;
    }
  }
  if (known.result) {
    told.changes = known.reads->changes(*artifact.tree, kChangesReported);
    if (told.changes.empty()) {
      told.hit = true;
      const std::lock_guard lock(mutex_);
      ++counts_.hits;
      return known.result;
    }
  }

  {
    const std::lock_guard lock(mutex_);
    ++counts_.builds;
  }
  const RecordingTree tree(*artifact.tree);
  SLUICE_TRY(BuildResult built, build(tree, directory, options));
  auto result = std::make_shared<const BuildResult>(std::move(built));
  std::vector<Read> reads = tree.reads();
  for (const Read& read : reads)
    told.files_read +=
        read.asked == Read::Asked::kContent && read.found && read.kind == sources::EntryKind::kFile
            ? 1
            : 0;
  told.documents_parsed = result->documents_parsed;
  told.resources_built = result->resources.resources.size();
  if (is_pure(options) && result->fetched.empty()) {  // what was fetched can change by itself
    keep({std::move(key), result, std::make_shared<ReadSet>(std::move(reads), *artifact.tree)});
  }
  return result;
}

void BuildCache::keep(Entry entry) {
  const std::lock_guard lock(mutex_);
  counts_.documents_parsed += entry.result->documents_parsed;
  if (const auto known = by_key_.find(entry.key); known != by_key_.end()) drop(known->second);
  resources_ += entry.result->resources.resources.size();
  entries_.push_front(std::move(entry));
  by_key_.emplace(entries_.front().key, entries_.begin());
  while (resources_ > max_resources_)
    drop(std::prev(entries_.end()));
}

void BuildCache::drop(std::list<Entry>::iterator entry) {
  resources_ -= entry->result->resources.resources.size();
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

void BuildCache::forget(std::string_view scope) {
  std::string head;
  add(head, scope);
  const std::lock_guard lock(mutex_);
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto next = std::next(entry);
    if (entry->key.starts_with(head)) drop(entry);
    entry = next;
  }
}

CacheCounts BuildCache::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

std::size_t BuildCache::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace sluice::kustomize
