#include "apply/metadata.hpp"

#include "sluice/base/ascii.hpp"

namespace sluice::apply {

bool has_switch(yaml::Node object, std::string_view key, std::string_view value) {
  const yaml::Node metadata = object.get("metadata");
  for (const std::string_view where : {"labels", "annotations"}) {
    const yaml::Node entry = metadata.get(where).get(key);
    if (entry.exists() && equals_ignoring_case(entry.text(), value)) return true;
  }
  return false;
}

}  // namespace sluice::apply
