#include "sandbox/types.hpp"

#include <algorithm>

namespace sluice::sandbox {

const Type& any_type() {
  static const Type any = [] {
    Type type;
    type.preserve_unknown = true;
    return type;
  }();
  return any;
}

const Field* Type::field(std::string_view field_name) const {
  const auto found =
      std::lower_bound(fields.begin(), fields.end(), field_name,
                       [](const Field& one, std::string_view wanted) { return one.name < wanted; });
  return found != fields.end() && found->name == field_name ? &*found : nullptr;
}

const Type& Type::at(std::string_view key) const {
  if (const Field* known = field(key)) return *known->type;
  return element != nullptr && shape == Shape::kMap ? *element : any_type();
}

Merging merging(const Type& type, yaml::Node value) {
  switch (type.shape) {
    case Shape::kMap:
      return type.atomic ? Merging::kLeaf : Merging::kMap;
    case Shape::kList:
      return type.list_kind == ListKind::kAtomic ? Merging::kLeaf : Merging::kList;
    case Shape::kAny:
      return value.is_mapping() ? Merging::kMap : Merging::kLeaf;
    default:
      return Merging::kLeaf;
  }
}

}  // namespace sluice::sandbox
