#pragma once
/// What a validator may do to resources: look at them, and leave the label `validated-by`
/// (kusttarget.go runValidators, ResMap.ErrorIfNotEqualLists).

#include <string>
#include <utility>
#include <vector>

#include "sluice/yaml/document.hpp"

#include "res_map.hpp"

namespace sluice::kustomize {

/// Resources as they were before a validator ran.
class BeforeValidation {
 public:
  explicit BeforeValidation(const ResMap& resources);
  /// The first change that is more than the label, in kustomize's words; "" when there is none.
  std::string change_in(const ResMap& after) const;

 private:
  std::vector<std::pair<ObjectId, yaml::Document>> resources_;
};

}  // namespace sluice::kustomize
