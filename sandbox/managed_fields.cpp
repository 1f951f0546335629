#include "sandbox/managed_fields.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "sluice/yaml/read.hpp"

#include "sandbox/json_text.hpp"

namespace sluice::sandbox {

bool ManagerEntry::same_manager(const ManagerEntry& other) const {
  return manager == other.manager && operation == other.operation &&
         subresource == other.subresource &&
         (operation == "Apply" || api_version == other.api_version);
}

ManagedFields ManagedFields::read(yaml::Node object) {
  ManagedFields out;
  const yaml::Node list = object.find("metadata", "managedFields");
  for (std::size_t i = 0; i < list.size(); ++i) {
    const yaml::Node one = list.at(i);
    ManagerEntry entry;
    entry.manager = one.get("manager").string_or("");
    entry.operation = one.get("operation").string_or("");
    entry.api_version = one.get("apiVersion").string_or("");
    entry.subresource = one.get("subresource").string_or("");
    entry.time = one.get("time").string_or("");
    entry.fields = FieldSet::from_json(one.get("fieldsV1"));
    if (entry.operation.empty() || entry.fields.empty()) continue;
    if (ManagerEntry* known = out.find(entry))
      known->fields.unite(entry.fields);
    else
      out.entries.push_back(std::move(entry));
  }
  return out;
}

bool ManagedFields::is_reset(yaml::Node object) {
  const yaml::Node list = object.find("metadata", "managedFields");
  return list.is_sequence() && list.size() == 1 && list.at(0).is_mapping() &&
         list.at(0).size() == 0;
}

void ManagedFields::write(yaml::Ref object) const {
  const yaml::Ref metadata = object.put_mapping("metadata");
  std::vector<const ManagerEntry*> order;
  for (const ManagerEntry& entry : entries) {
    if (!entry.fields.empty()) order.push_back(&entry);
  }
  if (order.empty()) {
    metadata.erase("managedFields");
    return;
  }
  std::sort(order.begin(), order.end(), [](const ManagerEntry* a, const ManagerEntry* b) {
    return std::tie(a->operation, a->time, a->manager, a->api_version, a->subresource) <
           std::tie(b->operation, b->time, b->manager, b->api_version, b->subresource);
  });
  std::string json = "[";
  for (const ManagerEntry* entry : order) {
    if (json.size() > 1) json += ',';
    json += '{';
    JsonFields fields(json);
    fields.text("apiVersion", entry->api_version);
    fields.text("fieldsType", "FieldsV1");
    fields.raw("fieldsV1", entry->fields.json());
    fields.text("manager", entry->manager);
    fields.text("operation", entry->operation);
    if (!entry->subresource.empty()) fields.text("subresource", entry->subresource);
    if (!entry->time.empty()) fields.text("time", entry->time);
    json += '}';
  }
  json += ']';
  if (const auto document = yaml::read_json(json)) metadata.put("managedFields", document->root());
}

ManagerEntry* ManagedFields::find(const ManagerEntry& like) {
  for (ManagerEntry& entry : entries) {
    if (entry.same_manager(like)) return &entry;
  }
  return nullptr;
}

bool ManagedFields::same_but_times(const ManagedFields& other) const {
  if (entries.size() != other.entries.size()) return false;
  ManagedFields theirs = other;
  for (const ManagerEntry& entry : entries) {
    const ManagerEntry* same = theirs.find(entry);
    if (same == nullptr || same->api_version != entry.api_version || same->fields != entry.fields) {
      return false;
    }
  }
  return true;
}

// ------------------------------------------------------------------------------------------- merge

namespace {

yaml::NodeId merge_list(yaml::Document& out, const Type& type, yaml::Node live, yaml::Node over) {
  // The order is that of `over` for what it has; items only in `live` keep their place among
  // their neighbours.
  std::vector<PathElement> left, right;
  std::map<PathElement, yaml::Node> in_left, in_right;
  for (std::size_t i = 0; i < live.size(); ++i) {
    left.push_back(item_element(type, live.at(i)));
    in_left.try_emplace(left.back(), live.at(i));
  }
  for (std::size_t i = 0; i < over.size(); ++i) {
    right.push_back(item_element(type, over.at(i)));
    in_right.try_emplace(right.back(), over.at(i));
  }
  std::vector<const PathElement*> shared;  // wanted next, in the order of `over`
  for (const PathElement& element : right) {
    if (in_left.contains(element)) shared.push_back(&element);
  }
  const yaml::NodeId list = out.new_collection(yaml::Kind::kSequence);
  std::set<PathElement> done;
  std::size_t next = 0, l = 0, r = 0;
  const auto take = [&](const PathElement& element) {
    const auto a = in_left.find(element);
    const auto b = in_right.find(element);
    out.append_item(list,
                    merge_typed(out, *type.element, a == in_left.end() ? yaml::Node() : a->second,
                                b == in_right.end() ? yaml::Node() : b->second));
  };
  while (l < left.size() || r < right.size()) {
    if (l < left.size() && r < right.size()) {
      if (left[l] == right[r]) {
        done.insert(left[l]);
        take(left[l]);
        ++l;
        ++r;
        ++next;
        continue;
      }
      if (in_right.contains(left[l]) && next < shared.size() && *shared[next] != left[l]) {
        ++l;  // shared, but not the one whose turn it is
        continue;
      }
    }
    if (l < left.size()) {
      if (!in_right.contains(left[l])) {
        out.append_item(list, merge_typed(out, *type.element, live.at(l), {}));
        ++l;
        continue;
      }
      if (done.contains(left[l])) {
        ++l;
        continue;
      }
    }
    if (r < right.size()) {
      done.insert(right[r]);
      take(right[r]);
      if (next < shared.size() && *shared[next] == right[r]) ++next;
      ++r;
    } else if (l < left.size()) {
      ++l;
    }
  }
  return list;
}

}  // namespace

yaml::NodeId merge_typed(yaml::Document& out, const Type& type, yaml::Node live, yaml::Node over) {
  if (!over.exists()) return out.import(live);
  if (!live.exists()) return out.import(over);
  const Merging how = merging(type, over.is_null() ? live : over);
  if (how == Merging::kLeaf || (live.size() == 0 && over.size() == 0) ||
      merging(type, live) != merging(type, over)) {
    return out.import(over);
  }
  if (how == Merging::kList) return merge_list(out, type, live, over);
  const yaml::NodeId map = out.new_collection(yaml::Kind::kMapping, yaml::Style::kBlock,
                                              FileId::kNone, {}, live.size() + over.size());
  for (std::size_t i = 0; i < live.size(); ++i) {
    const std::string_view name = live.key(i).text();
    const yaml::NodeId key = out.import(live.key(i));
    const yaml::NodeId value = merge_typed(out, type.at(name), live.value(i), over.get(name));
    out.append_entry(map, key, value);
  }
  for (std::size_t i = 0; i < over.size(); ++i) {
    if (live.get(over.key(i).text())) continue;
    const yaml::NodeId key = out.import(over.key(i));
    const yaml::NodeId value = out.import(over.value(i));
    out.append_entry(map, key, value);
  }
  return map;
}

// ------------------------------------------------------------------------------------------- apply

namespace {

/// A copy of `value` without the items and fields in `gone`; null when nothing of it is left.
yaml::NodeId without(yaml::Document& out, const Type& type, yaml::Node value,
                     const FieldSet& gone) {
  const Merging how = merging(type, value);
  if (how == Merging::kMap && value.is_mapping()) {
    if (value.size() == 0) return out.new_scalar(yaml::Kind::kNull, "null");
    const yaml::NodeId map = out.new_collection(yaml::Kind::kMapping, yaml::Style::kBlock,
                                                FileId::kNone, {}, value.size());
    std::size_t kept = 0;
    for (std::size_t i = 0; i < value.size(); ++i) {
      const std::string_view name = value.key(i).text();
      const FieldSet* below = gone.find(field_element(name));
      if (below != nullptr && below->member) continue;
      const yaml::NodeId key = out.import(value.key(i));
      const yaml::NodeId inner = below == nullptr
                                     ? out.import(value.value(i))
                                     : without(out, type.at(name), value.value(i), *below);
      out.append_entry(map, key, inner);
      ++kept;
    }
    return kept == 0 ? out.new_scalar(yaml::Kind::kNull, "null") : map;
  }
  if (how == Merging::kList && value.is_sequence()) {
    if (value.size() == 0) return out.new_scalar(yaml::Kind::kNull, "null");
    const yaml::NodeId list = out.new_collection(yaml::Kind::kSequence);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < value.size(); ++i) {
      const FieldSet* below = gone.find(item_element(type, value.at(i)));
      if (below != nullptr && below->member) continue;
      out.append_item(list, below == nullptr ? out.import(value.at(i))
                                             : without(out, *type.element, value.at(i), *below));
      ++kept;
    }
    return kept == 0 ? out.new_scalar(yaml::Kind::kNull, "null") : list;
  }
  return out.import(value);
}

yaml::Document without(const Type& type, yaml::Node value, const FieldSet& gone) {
  yaml::Document out;
  out.set_root(without(out, type, value, gone));
  if (!out.root().is_mapping()) out.root().set_mapping();
  return out;
}

FieldSet united(FieldSet a, const FieldSet& b) {
  a.unite(b);
  return a;
}
FieldSet minus(FieldSet a, const FieldSet& b) {
  a.subtract(b);
  return a;
}

/// Removes what the applier set before and nobody sets now.
yaml::Document prune(const Type& type, yaml::Document merged, const ManagedFields& managed,
                     const FieldSet& last) {
  if (last.empty()) return merged;
  const FieldSet last_named = with_named_fields(last, type);
  const FieldSet merged_set = with_named_fields(fields_of(type, merged.root()), type);

  yaml::Document pruned = without(type, merged.root(), last_named);
  // What others (or the applier's new configuration) own comes back.
  FieldSet owned;
  for (const ManagerEntry& entry : managed.entries)
    owned.unite(entry.fields);
  FieldSet keep = united(with_named_fields(fields_of(type, pruned.root()), type),
                         with_named_fields(owned, type));
  pruned = without(type, merged.root(), minus(merged_set, keep));
  // So does what the applier never owned but which stood below something it did.
  const FieldSet pruned_set = with_named_fields(fields_of(type, pruned.root()), type);
  return without(type, merged.root(), minus(merged_set, pruned_set).intersection(last_named));
}

void strip(FieldSet& set, const ResetFields& reset) {
  const auto field = [](auto... names) {
    return std::vector<PathElement>{field_element(names)...};
  };
  set.erase(field("apiVersion"));
  set.erase(field("kind"));
  set.erase(field("metadata"));
  for (const char* name : {"name", "namespace", "creationTimestamp", "selfLink", "uid",
                           "clusterName", "generation", "managedFields", "resourceVersion"}) {
    set.erase(field("metadata", name));
  }
  if (reset.status) set.erase_below(field("status"));
  if (reset.all_but_status) {
    std::erase_if(set.children, [](const auto& entry) { return entry.first.text != "status"; });
  }
}

ManagerEntry entry_of(const FieldManager& who, const char* operation) {
  return {who.manager, operation, who.api_version, who.subresource, who.time, {}};
}

std::string print_manager(const ManagerEntry& entry) {
  std::string out = quoted(entry.manager);
  if (!entry.subresource.empty()) out += " with subresource " + quoted(entry.subresource);
  if (entry.operation == "Update") out += " using " + entry.api_version;
  return out;
}

Failure conflict_failure(const std::vector<std::pair<std::string, std::string>>& conflicts) {
  Failure failure{.code = 409, .reason = "Conflict"};
  std::map<std::string, std::vector<std::string>> by_manager;
  for (const auto& [manager, path] : conflicts) {
    failure.causes.push_back({"FieldManagerConflict", "conflict with " + manager, path});
    by_manager[manager].push_back(path);
  }
  if (conflicts.size() == 1) {
    failure.message = "Apply failed with 1 conflict: conflict with " + conflicts[0].first + ": " +
                      conflicts[0].second;
    return failure;
  }
  failure.message = "Apply failed with " + std::to_string(conflicts.size()) + " conflicts: ";
  bool first = true;
  for (const auto& [manager, paths] : by_manager) {
    if (!first) failure.message += '\n';
    first = false;
    failure.message += "conflicts with " + manager + ":";
    for (const std::string& path : paths)
      failure.message += "\n- " + path;
  }
  return failure;
}

/// Takes what `change` touched away from everybody but `self`.
std::vector<std::pair<std::string, std::string>> take_over(ManagedFields& managed,
                                                           const Comparison& change,
                                                           const ManagerEntry* self) {
  std::vector<std::pair<std::string, std::string>> conflicts;
  FieldSet touched = change.modified;
  touched.unite(change.added);
  std::vector<std::pair<std::string, ManagerEntry*>> order;
  for (ManagerEntry& entry : managed.entries) {
    if (&entry != self) order.emplace_back(print_manager(entry), &entry);
  }
  std::sort(order.begin(), order.end());
  for (auto& [name, entry] : order) {
    const FieldSet both = entry->fields.intersection(touched);
    for (std::string& path : both.print())
      conflicts.emplace_back(name, std::move(path));
    entry->fields.subtract(both);
    entry->fields.subtract(change.removed);
  }
  return conflicts;
}

void drop_empty(ManagedFields& managed) {
  std::erase_if(managed.entries, [](const ManagerEntry& entry) { return entry.fields.empty(); });
}

/// More than ten updaters: the oldest become one, "ancient-changes" (capmanagers.go).
void cap_updaters(ManagedFields& managed) {
  static constexpr std::size_t kMaxUpdaters = 10;
  std::vector<ManagerEntry*> updaters;
  for (ManagerEntry& entry : managed.entries) {
    if (entry.operation == "Update") updaters.push_back(&entry);
  }
  if (updaters.size() <= kMaxUpdaters) return;
  std::stable_sort(updaters.begin(), updaters.end(),
                   [](const ManagerEntry* a, const ManagerEntry* b) {
                     return std::tie(a->time, a->manager) < std::tie(b->time, b->manager);
                   });
  const std::size_t extra = updaters.size() - kMaxUpdaters + 1;
  ManagerEntry ancient;
  for (std::size_t i = 0; i < extra; ++i) {
    ancient.api_version = updaters[i]->api_version;
    ancient.time = updaters[i]->time;
    ancient.fields.unite(updaters[i]->fields);
    updaters[i]->fields = {};
  }
  ancient.manager = "ancient-changes";
  ancient.operation = "Update";
  drop_empty(managed);
  if (ManagerEntry* known = managed.find(ancient))
    known->fields.unite(ancient.fields);
  else
    managed.entries.push_back(std::move(ancient));
}

}  // namespace

Answer<Applied> apply_fields(const Type& type, const yaml::Document& live,
                             const yaml::Document& config, ManagedFields managed,
                             const FieldManager& who, const ResetFields& reset, bool force) {
  yaml::Document merged;
  merged.set_root(merge_typed(merged, type, live.root(), config.root()));

  ManagerEntry self = entry_of(who, "Apply");
  FieldSet last;
  FieldSet set = fields_of(type, config.root());
  strip(set, reset);
  if (ManagerEntry* before = managed.find(self)) {
    last = std::move(before->fields);
    before->fields = set;
    before->api_version = who.api_version;
  } else {
    self.fields = set;
    self.time = who.time;
    managed.entries.push_back(self);
  }

  Applied out;
  out.object = prune(type, std::move(merged), managed, last);
  Comparison change = compare(type, live.root(), out.object.root());
  const bool same = change.same();
  for (FieldSet* part : {&change.added, &change.modified, &change.removed})
    strip(*part, reset);
  const auto conflicts = take_over(managed, change, managed.find(self));
  if (!force && !conflicts.empty()) return refuse(conflict_failure(conflicts));
  out.changed = !same;
  if (out.changed) {
    if (ManagerEntry* mine = managed.find(self)) mine->time = who.time;
  }
  drop_empty(managed);
  out.managed = std::move(managed);
  return out;
}

ManagedFields update_fields(const Type& type, yaml::Node before, yaml::Node after,
                            ManagedFields managed, const FieldManager& who,
                            const ResetFields& reset) {
  Comparison change = compare(type, before, after);
  for (FieldSet* part : {&change.added, &change.modified, &change.removed})
    strip(*part, reset);
  take_over(managed, change, nullptr);
  ManagerEntry self = entry_of(who, "Update");
  self.fields = change.modified;
  self.fields.unite(change.added);
  if (!self.fields.empty()) {
    if (ManagerEntry* mine = managed.find(self)) {
      mine->fields.unite(self.fields);
      mine->time = who.time;
    } else {
      managed.entries.push_back(std::move(self));
    }
  }
  drop_empty(managed);
  cap_updaters(managed);
  return managed;
}

}  // namespace sluice::sandbox
