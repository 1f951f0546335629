#pragma once
/// The newest known state of the custom resources: fed by watches and by the answers to our own
/// patches, so that a pass never acts on a status that it has itself replaced.

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "sluice/reconciler/spec.hpp"
#include "sluice/yaml/document.hpp"

namespace sluice::reconciler {

class ObjectStore {
 public:
  using Object = std::shared_ptr<const yaml::Document>;
  /// Takes `object` unless a newer one (by resourceVersion) is held.
  void put(Object object);
  void put(yaml::Document object) {
    put(std::make_shared<const yaml::Document>(std::move(object)));
  }
  void remove(const Key& key);
  Object find(const Key& key) const;  ///< null when there is none
  std::vector<Object> all() const;    ///< by key

 private:
  mutable std::mutex mutex_;  // guards objects_
  std::map<Key, Object> objects_;
};

}  // namespace sluice::reconciler
