#include "sandbox/registry.hpp"

#include <algorithm>

#include "sluice/base/ascii.hpp"

#include "sandbox/builtin_types.hpp"

namespace sluice::sandbox {
namespace {

/// Kubernetes' order of versions: v2 before v1 before v1beta2 before v1alpha1 before anything else.
std::tuple<int, int, int> version_rank(const std::string& version) {
  int major = 0, minor = 0, stage = 3;
  std::size_t at = 1;
  const auto digits = [&] {
    int value = 0;
    while (at < version.size() && is_digit(version[at])) {
      value = value * 10 + (version[at++] - '0');
    }
    return value;
  };
  if (version.size() < 2 || version[0] != 'v') return {0, 0, 0};
  major = digits();
  if (version.compare(at, 4, "beta") == 0) {
    stage = 2;
    at += 4;
    minor = digits();
  } else if (version.compare(at, 5, "alpha") == 0) {
    stage = 1;
    at += 5;
    minor = digits();
  }
  return at == version.size() ? std::tuple{stage, major, minor} : std::tuple{0, 0, 0};
}

}  // namespace

ResourcePtr Catalog::find(const std::string& group, const std::string& version,
                          const std::string& plural) const {
  const auto found = by_path_.find({group, version, plural});
  return found == by_path_.end() ? nullptr : found->second;
}

bool Catalog::serves(const std::string& group, const std::string& version) const {
  const auto at = by_path_.lower_bound({group, version, ""});
  return at != by_path_.end() && std::get<0>(at->first) == group &&
         std::get<1>(at->first) == version;
}

ResourcePtr Catalog::by_storage_key(const std::string& key) const {
  const auto found = by_storage_.find(key);
  return found == by_storage_.end() ? nullptr : found->second;
}

std::vector<std::string> Catalog::groups() const {
  std::vector<std::string> out;
  for (const ResourcePtr& one : resources) {
    if (std::find(out.begin(), out.end(), one->group) == out.end()) out.push_back(one->group);
  }
  return out;
}

std::vector<std::string> Catalog::versions(const std::string& group) const {
  std::vector<std::string> out;
  for (const ResourcePtr& one : resources) {
    if (one->group == group && std::find(out.begin(), out.end(), one->version) == out.end()) {
      out.push_back(one->version);
    }
  }
  std::stable_sort(out.begin(), out.end(), [](const std::string& a, const std::string& b) {
    return version_rank(a) > version_rank(b);
  });
  return out;
}

void Catalog::index() {
  for (const ResourcePtr& one : resources) {
    by_path_[{one->group, one->version, one->plural}] = one;
    by_storage_.try_emplace(one->storage_key(), one);
  }
}

Registry::Registry() {
  for (const BuiltinResource& one : builtin_resources()) {
    auto resource = std::make_shared<Resource>();
    resource->group = one.group;
    resource->version = one.version;
    resource->kind = one.kind;
    resource->list_kind = one.kind + "List";
    resource->plural = one.plural;
    resource->singular = one.singular;
    resource->namespaced = one.namespaced;
    resource->short_names = one.short_names;
    resource->categories = one.categories;
    resource->has_status = one.has_status;
    resource->has_scale = one.has_scale;
    resource->type = one.type;
    builtin_.push_back(std::move(resource));
  }
  rebuild();
}

std::shared_ptr<const Catalog> Registry::catalog() const {
  const std::lock_guard lock(mutex_);
  return catalog_;
}

void Registry::set_definition(const std::string& name, std::vector<ResourcePtr> resources) {
  const std::lock_guard lock(mutex_);
  custom_[name] = std::move(resources);
  rebuild();
}

void Registry::remove_definition(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (custom_.erase(name) != 0) rebuild();
}

void Registry::rebuild() {
  auto next = std::make_shared<Catalog>();
  next->resources = builtin_;
  for (const auto& [name, resources] : custom_) {
    next->resources.insert(next->resources.end(), resources.begin(), resources.end());
  }
  next->index();
  catalog_ = std::move(next);
}

}  // namespace sluice::sandbox
