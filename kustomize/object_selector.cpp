#include "sluice/kustomize/object_selector.hpp"

#include <utility>

#include "kustomize/selector.hpp"

namespace sluice::kustomize {

struct ObjectSelector::Compiled {
  CompiledSelector selector;
};

Result<ObjectSelector> ObjectSelector::compile(const ObjectPattern& pattern) {
  Selector selector;
  selector.gvk = {pattern.group, pattern.version, pattern.kind};
  selector.name = pattern.name;
  selector.ns = pattern.ns;
  selector.label_selector = pattern.label_selector;
  selector.annotation_selector = pattern.annotation_selector;
  SLUICE_TRY(CompiledSelector compiled, CompiledSelector::compile(selector));
  // A bad label selector shows when it is first used: use it.
  yaml::Document none;
  none.root().set_mapping();
  SLUICE_CHECK(compiled.matches_labels(none.root()));
  ObjectSelector out;
  out.compiled_ = std::make_shared<const Compiled>(Compiled{std::move(compiled)});
  return out;
}

bool ObjectSelector::matches(const ObjectId& id, yaml::Node object) const {
  const CompiledSelector& selector = compiled_->selector;
  return selector.matches_gvk(id.gvk) && selector.matches_name(id.name) &&
         selector.matches_namespace(id.ns) && selector.matches_labels(object).value_or(false);
}

}  // namespace sluice::kustomize
