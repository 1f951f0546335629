#pragma once
/// kustomize's selector of objects for other modules: regular expressions for group, version, kind,
/// name and namespace, label selectors for labels and annotations. "" matches anything.

#include <memory>
#include <string>

#include "sluice/base/object_id.hpp"
#include "sluice/base/result.hpp"
#include "sluice/yaml/document.hpp"

namespace sluice::kustomize {

struct ObjectPattern {
  std::string group, version, kind, name, ns;
  std::string label_selector, annotation_selector;
};

/// Copies share the compiled expressions. Thread-safe.
class ObjectSelector {
 public:
  /// Errors: kInvalid, worded as Go's regexp and apimachinery's labels.Parse.
  static Result<ObjectSelector> compile(const ObjectPattern& pattern);
  bool matches(const ObjectId& id, yaml::Node object) const;

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace sluice::kustomize
