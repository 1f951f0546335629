#include "apply/drift.hpp"

namespace sluice::apply {
namespace {

using yaml::Node;

/// An absent mapping is as good as an empty one.
bool same_entries(Node a, Node b) {
  return (a.size() == 0 && b.size() == 0) || yaml::equal(a, b);
}

bool is_compared(std::string_view key) {
  return key != "metadata" && key != "status";
}

std::size_t compared_keys(Node object) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < object.size(); ++i) {
    if (is_compared(object.key(i).text())) ++count;
  }
  return count;
}

}  // namespace

bool has_drifted(Node live, Node dry_run) {
  if (dry_run.find("metadata", "resourceVersion").text().empty()) return true;
  for (const char* where : {"labels", "annotations"}) {
    if (!same_entries(live.find("metadata", where), dry_run.find("metadata", where))) return true;
  }
  if (compared_keys(live) != compared_keys(dry_run)) return true;
  for (std::size_t i = 0; i < live.size(); ++i) {
    const std::string_view key = live.key(i).text();
    if (is_compared(key) && !yaml::equal(live.value(i), dry_run.get(key))) return true;
  }
  return false;
}

}  // namespace sluice::apply
