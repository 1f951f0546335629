#include <unordered_set>
#include <utility>

#include "sluice/apply/apply.hpp"

namespace sluice::apply {
namespace {

bool is_rbac(const Gvk& gvk) {
  return gvk.group == "rbac.authorization.k8s.io" &&
         (gvk.kind == "Role" || gvk.kind == "ClusterRole" || gvk.kind == "RoleBinding" ||
          gvk.kind == "ClusterRoleBinding");
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace

std::string InventoryEntry::id() const {
  std::string name = object.name;
  if (is_rbac(object.gvk)) replace_all(name, ":", "__");
  return object.ns + "_" + name + "_" + object.gvk.group + "_" + object.gvk.kind;
}

Result<InventoryEntry> InventoryEntry::parse(std::string_view id, std::string_view version) {
  const auto broken = [&] {
    return fail(Code::kInvalid, "unable to parse stored object metadata: " + std::string(id));
  };
  const std::size_t ns_end = id.find('_');
  if (ns_end == std::string_view::npos) return broken();
  std::string_view rest = id.substr(ns_end + 1);
  const std::size_t kind_at = rest.rfind('_');
  if (kind_at == std::string_view::npos) return broken();
  const std::string_view kind = rest.substr(kind_at + 1);
  rest = rest.substr(0, kind_at);
  const std::size_t group_at = rest.rfind('_');
  if (group_at == std::string_view::npos) return broken();
  std::string name(rest.substr(0, group_at));
  replace_all(name, "__", ":");
  return InventoryEntry{
      ObjectId{Gvk{std::string(rest.substr(group_at + 1)), std::string(version), std::string(kind)},
               std::string(id.substr(0, ns_end)), std::move(name)}};
}

Inventory difference(const Inventory& before, const Inventory& after) {
  std::unordered_set<std::string> kept;
  kept.reserve(after.size());
  for (const InventoryEntry& entry : after) {
    kept.insert(entry.id());
  }
  Inventory gone;
  for (const InventoryEntry& entry : before) {
    if (!kept.contains(entry.id())) gone.push_back(entry);
  }
  return gone;
}

std::string_view action_name(Action action) {
  switch (action) {
    case Action::kCreated:
      return "created";
    case Action::kConfigured:
      return "configured";
    case Action::kUnchanged:
      return "unchanged";
    case Action::kDeleted:
      return "deleted";
    case Action::kSkipped:
      return "skipped";
  }
  return "unknown";
}

std::string ChangeEntry::text() const {
  return object.text() + " " + std::string(action_name(action));
}

}  // namespace sluice::apply
