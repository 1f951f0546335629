#pragma once
/// Objects in memory, by (type, namespace, name), with a bounded history of changes per type.
///
/// Stored objects are immutable; a change replaces the pointer under one mutex, only if the object
/// is still the one that the caller read. Thread-safe.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "sluice/yaml/document.hpp"

namespace sluice::sandbox {

struct Object {
  std::string ns, name;
  std::uint64_t version = 0;  ///< metadata.resourceVersion
  std::string json;           ///< as served, in the storage version
  yaml::Document document;
};
using ObjectPtr = std::shared_ptr<const Object>;

enum class ChangeKind : std::uint8_t { kAdded, kModified, kDeleted };

struct Change {
  ChangeKind kind;
  std::uint64_t version;
  ObjectPtr object;  ///< for kDeleted its last state with the deletion's resourceVersion
  ObjectPtr before;  ///< null for kAdded
};

/// Parses and prints the final state of an object once, with `version` in its metadata (0: with
/// none, for what is never stored).
ObjectPtr make_object(const yaml::Document& document, std::uint64_t version);

class Store {
 public:
  explicit Store(std::size_t history) : history_(history) {}

  ObjectPtr get(const std::string& type, const std::string& ns, const std::string& name) const;

  struct Page {
    std::vector<ObjectPtr> objects;
    std::uint64_t version = 0;  ///< of the whole store
    std::string next;           ///< "" at the end; else where to continue ("ns/name")
    std::size_t remaining = 0;  ///< objects after this page
  };
  /// Objects of a type in key order, those of one namespace when `ns` is given, after key `after`.
  Page list(const std::string& type, const std::string& ns, const std::string& after,
            std::size_t limit, const std::function<bool(const Object&)>& wanted) const;
  std::uint64_t version() const;
  std::size_t count(const std::string& type) const;
  /// True when no object of any type is in `ns`.
  bool is_namespace_empty(const std::string& ns) const;
  /// Objects of all types in `ns`, with their type.
  std::vector<std::pair<std::string, ObjectPtr>> in_namespace(const std::string& ns) const;

  /// Puts `document` in place of `expected` (null: creates). Null when the place holds something
  /// else by now. `guard`, when given, is shown the object's namespace (null: absent) under the
  /// lock; false refuses.
  ObjectPtr put(const std::string& type, const ObjectPtr& expected, const yaml::Document& document,
                const std::function<bool(const Object*)>& guard = {});
  /// Removes `expected`; null when it is no longer the stored one. Gives the final state.
  ObjectPtr remove(const std::string& type, const ObjectPtr& expected);

  struct Events {
    std::vector<Change> changes;
    bool expired = false;  ///< changes after `since` are forgotten
    bool stopped = false;
    std::uint64_t version = 0;  ///< everything up to here was seen
  };
  /// Changes of a type after `since`; waits until `deadline` for the first.
  Events wait(const std::string& type, std::uint64_t since,
              std::chrono::steady_clock::time_point deadline);
  void stop();  ///< wakes all waiters for good

 private:
  struct Collection {
    std::map<std::pair<std::string, std::string>, ObjectPtr> objects;
    std::deque<Change> changes;
    std::uint64_t forgotten = 0;  ///< version of the last change that was dropped
    std::condition_variable changed;
  };
  Collection& collection(const std::string& type) const;  // with mutex_ held
  void record(Collection& where, Change change);

  const std::size_t history_;
  mutable std::mutex mutex_;  // guards what follows
  mutable std::map<std::string, Collection> collections_;
  std::map<std::string, std::size_t> in_namespace_;
  std::uint64_t version_ = 0;
  bool stopped_ = false;
};

}  // namespace sluice::sandbox
