#include "kustomize/trace_places.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sluice::kustomize {
namespace {

constexpr std::string_view kNamePath = "metadata.name";

bool was_named(const BuildResource& resource, std::string_view name) {
  return std::any_of(resource.previous.begin(), resource.previous.end(),
                     [&](const PreviousId& id) { return id.name == name; });
}

Where last_renamed(const BuildResource& resource) {
  const History& history = resource.trace->history;
  for (auto touch = history.rbegin(); touch != history.rend(); ++touch) {
    const auto& changed = touch->changed;
    if (std::find(changed.begin(), changed.end(), kNamePath) != changed.end()) return touch->where;
  }
  return {};
}

}  // namespace

PlaceOf place_of_suffix() {
  return [](const BuildResource& resource, std::string_view, std::string_view) {
    const History& history = resource.trace->history;
    return history.empty() ? Where() : history.front().where;
  };
}

PlaceOf place_of_rename(const ResMap& resources) {
  std::unordered_multimap<std::string_view, const BuildResource*> by_name;
  for (const auto& resource : resources.items())
    by_name.emplace(resource->id.name, resource.get());
  return [by_name = std::move(by_name)](const BuildResource&, std::string_view before,
                                        std::string_view after) {
    const auto [first, end] = by_name.equal_range(after);
    const auto renamed = std::find_if(
        first, end, [&](const auto& entry) { return was_named(*entry.second, before); });
    return renamed == end ? Where() : last_renamed(*renamed->second);
  };
}

PlaceOf place_of_var(const Accumulator& all, BuildContext& context) {
  return [&vars = all.vars, &context](const BuildResource&, std::string_view before,
                                      std::string_view) {
    for (std::size_t at = before.find("$("); at != before.npos; at = before.find("$(", at + 2)) {
      const std::size_t end = before.find(')', at);
      if (end == before.npos) break;
      const auto var = vars.find(before.substr(at + 2, end - at - 2));
      if (var != vars.end()) return context.files().where(var->second.file, var->second.position);
    }
    return Where();
  };
}

}  // namespace sluice::kustomize
