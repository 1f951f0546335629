#pragma once
/// Which resource types are served now: the built-in ones and those of established
/// CustomResourceDefinitions. Readers hold an immutable catalog; a change makes a new one.

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "sandbox/resource.hpp"

namespace sluice::sandbox {

class Catalog {
 public:
  std::vector<ResourcePtr> resources;  ///< built-in ones first, in discovery order

  ResourcePtr find(const std::string& group, const std::string& version,
                   const std::string& plural) const;
  bool serves(const std::string& group, const std::string& version) const;
  /// One version of each stored type.
  ResourcePtr by_storage_key(const std::string& key) const;
  /// Groups in order of first appearance, core ("") first.
  std::vector<std::string> groups() const;
  std::vector<std::string> versions(const std::string& group) const;  ///< preferred first

 private:
  friend class Registry;
  void index();
  std::map<std::tuple<std::string, std::string, std::string>, ResourcePtr> by_path_;
  std::map<std::string, ResourcePtr> by_storage_;
};

class Registry {
 public:
  Registry();
  std::shared_ptr<const Catalog> catalog() const;
  /// Serves what `definition` says from now on, in place of what it said before.
  void set_definition(const std::string& name, std::vector<ResourcePtr> resources);
  void remove_definition(const std::string& name);

 private:
  void rebuild();
  mutable std::mutex mutex_;  // guards what follows
  std::vector<ResourcePtr> builtin_;
  std::map<std::string, std::vector<ResourcePtr>> custom_;
  std::shared_ptr<const Catalog> catalog_;
};

}  // namespace sluice::sandbox
