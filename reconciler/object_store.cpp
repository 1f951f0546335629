#include "object_store.hpp"

#include "sluice/yaml/scalar.hpp"

namespace sluice::reconciler {
namespace {

std::uint64_t version_of(const yaml::Document& object) {
  return yaml::uint64_value(object.root().find("metadata", "resourceVersion").text()).value_or(0);
}

}  // namespace

void ObjectStore::put(Object object) {
  const Key key = key_of(object->root());
  if (key.name.empty()) return;
  const std::lock_guard lock(mutex_);
  Object& held = objects_[key];
  if (held) {
    // A deleted and recreated object has another uid: its versions are larger all the same.
    if (version_of(*held) > version_of(*object)) return;
  }
  held = std::move(object);
}

void ObjectStore::remove(const Key& key) {
  const std::lock_guard lock(mutex_);
  objects_.erase(key);
}

ObjectStore::Object ObjectStore::find(const Key& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : found->second;
}

std::vector<ObjectStore::Object> ObjectStore::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<Object> out;
  out.reserve(objects_.size());
  for (const auto& [key, object] : objects_)
    out.push_back(object);
  return out;
}

}  // namespace sluice::reconciler
