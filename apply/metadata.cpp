#include "apply/metadata.hpp"

#include <algorithm>

namespace sluice::apply {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

bool has_switch(yaml::Node object, std::string_view key, std::string_view value) {
  const yaml::Node metadata = object.get("metadata");
  for (const std::string_view where : {"labels", "annotations"}) {
    const yaml::Node entry = metadata.get(where).get(key);
    if (entry.exists() && equals_ignoring_case(entry.text(), value)) return true;
  }
  return false;
}

}  // namespace sluice::apply
