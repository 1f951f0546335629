#include "res_map.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "gvk.hpp"

namespace sluice::kustomize {

namespace {

constexpr std::string_view kNotANamespace = "_non_namespaceable_";  // resid.TotallyNotANamespace

std::string_view or_else(std::string_view text, std::string_view otherwise) {
  return text.empty() ? otherwise : text;
}

constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();  // however many steps

// One index holds keys of several sorts; the seed tells them apart.
enum class Key : std::size_t { kId = 1, kAnyId, kAnyName };

std::size_t seed(Key key) {
  return static_cast<std::size_t>(key) * 0x9e3779b97f4a7c15ULL;
}

std::size_t id_hash(const Gvk& gvk, std::string_view name, std::string_view effective_ns) {
  std::size_t hash = hash_combine(seed(Key::kId), gvk.kind);
  hash = hash_combine(hash, gvk.group);
  hash = hash_combine(hash, gvk.version);
  hash = hash_combine(hash, effective_ns);
  return hash_combine(hash, name);
}

std::size_t any_id_hash(std::string_view kind, std::string_view name, std::string_view ns) {
  return hash_combine(hash_combine(hash_combine(seed(Key::kAnyId), kind), ns), name);
}

std::size_t any_name_hash(std::string_view name) {
  return hash_combine(seed(Key::kAnyName), name);
}

bool same_type(const Gvk& a, const Gvk& b) {
  return a.kind == b.kind && a.group == b.group && a.version == b.version;
}

// A previous id keeps the current group and version.
bool had_gvk(const BuildResource& resource, std::string_view kind, const Gvk& gvk) {
  return kind == gvk.kind && resource.id.gvk.group == gvk.group &&
         resource.id.gvk.version == gvk.version;
}

}  // namespace

std::string gvk_text(const Gvk& gvk) {
  std::string text(or_else(gvk.kind, "[noKind]"));
  text += '.';
  text += or_else(gvk.version, "[noVer]");
  text += '.';
  text += or_else(gvk.group, "[noGrp]");
  return text;
}

std::string id_text(const ObjectId& id) {
  std::string text = gvk_text(id.gvk);
  text += '/';
  text += or_else(id.name, "[noName]");
  text += '.';
  text += or_else(id.ns, "[noNs]");
  return text;
}

bool is_selected(const Gvk& gvk, const Gvk& selector) {
  return (selector.group.empty() || selector.group == gvk.group) &&
         (selector.version.empty() || selector.version == gvk.version) &&
         (selector.kind.empty() || selector.kind == gvk.kind);
}

std::string_view effective_namespace(std::string_view ns, bool cluster_scoped) {
  if (cluster_scoped) return kNotANamespace;
  return ns.empty() ? std::string_view("default") : ns;
}

std::string_view behavior_name(Behavior behavior) {
  switch (behavior) {
    case Behavior::kCreate:
      return "create";
    case Behavior::kReplace:
      return "replace";
    case Behavior::kMerge:
      return "merge";
    case Behavior::kUnspecified:
      break;
  }
  return "unspecified";
}

Behavior parse_behavior(std::string_view word) {
  if (word == "create") return Behavior::kCreate;
  if (word == "replace") return Behavior::kReplace;
  if (word == "merge") return Behavior::kMerge;
  return Behavior::kUnspecified;
}

ObjectId BuildResource::original_id() const {
  if (previous.empty()) return id;
  return {original_gvk(), previous.front().ns, previous.front().name};
}

void BuildResource::store_previous_id() {
  previous.push_back({id.name, std::string(ns()), id.gvk.kind});
  const yaml::Ref metadata = root().get("metadata");
  if (!metadata.exists() || metadata.is_null()) root().put_mapping("metadata");  // of a list
}

bool BuildResource::has_odd_history() const {
  const auto length = [&](std::string PreviousId::*part) {
    std::ptrdiff_t words = 0;
    for (const PreviousId& old : previous) {
      const std::string& text = old.*part;
      if (!text.empty()) words += 1 + std::count(text.begin(), text.end(), ',');
    }
    return words;
  };
  const std::ptrdiff_t names = length(&PreviousId::name);
  return names != 0 && (names != length(&PreviousId::ns) || names != length(&PreviousId::kind));
}

bool BuildResource::has_build_annotations() const {
  return had_build_annotation || needs_hash || allow_name_change || allow_kind_change ||
         behavior != Behavior::kUnspecified || !previous.empty() || !prefixes.empty() ||
         !suffixes.empty() || helm_generated;
}

bool BuildResource::is_empty() const {
  const yaml::Node node = doc.root();
  if (node.is_mapping() || node.is_sequence()) return node.size() == 0;
  return node.is_null();
}

void read_id(BuildResource& resource, const Schema& schema) {
  const yaml::Node root = std::as_const(resource).root();
  const yaml::Node metadata = root.get("metadata");
  const std::string_view api_version = root.get("apiVersion").text();
  const std::size_t slash = api_version.find('/');
  ObjectId& id = resource.id;
  const bool grouped = slash != std::string_view::npos;
  const std::string_view group = grouped ? api_version.substr(0, slash) : std::string_view();
  const std::string_view version = grouped ? api_version.substr(slash + 1) : api_version;
  const std::string_view kind = root.get("kind").text();
  if (id.gvk.kind != kind || id.gvk.version != version || id.gvk.group != group) {
    id.gvk.group = group;
    id.gvk.version = version;
    id.gvk.kind = kind;
    resource.cluster_scoped = is_cluster_scoped(schema, id.gvk);
  }
  const auto text_of = [&](std::string_view field) {
    const yaml::Node value = metadata.get(field);
    return is_tagged_null(value) ? std::string_view() : value.text();
  };
  id.name = text_of("name");
  id.ns = text_of("namespace");
}

Result<void> ResMap::append(std::unique_ptr<BuildResource> resource) {
  if (!by_current_id(resource->id).empty()) {
    return fail(Code::kInvalid,
                "may not add resource with an already registered id: " + id_text(resource->id));
  }
  resource->position_ = items_.size();
  has_empty_ |= resource->is_empty();
  kinds_valid_ = false;
  index_id(*resource);
  if (indexed_) {
    resource->any_keys_.clear();
    resource->indexed_previous_ = 0;
    index_all(*resource);
  }
  items_.push_back(std::move(resource));
  return {};
}

Result<void> ResMap::append_all(ResMap&& other) {
  if (items_.empty() && schema_ == other.schema_) {
    *this = std::move(other);
    return {};
  }
  items_.reserve(items_.size() + other.items_.size());
  for (auto& item : other.items_) {
    if (auto done = append(std::move(item)); !done) return done;
  }
  return {};
}

void ResMap::replace(BuildResource& old, std::unique_ptr<BuildResource> resource) {
  const std::size_t position = old.position_;
  unindex(old);
  kinds_valid_ = false;
  resource->position_ = position;
  has_empty_ |= resource->is_empty();
  items_[position] = std::move(resource);
  items_[position]->any_keys_.clear();
  items_[position]->indexed_previous_ = 0;
  index_id(*items_[position]);
  if (indexed_) index_all(*items_[position]);
}

void ResMap::drop_empty() {
  if (!std::exchange(has_empty_, false)) return;
  drop_if([](const BuildResource& resource) { return resource.is_empty(); });
}

void ResMap::reorder(const std::vector<std::size_t>& order) {
  std::vector<std::unique_ptr<BuildResource>> items;
  items.reserve(items_.size());
  for (const std::size_t index : order)
    items.push_back(std::move(items_[index]));
  items_ = std::move(items);
  kinds_valid_ = false;
  for (std::size_t i = 0; i < items_.size(); ++i)
    items_[i]->position_ = i;
}

void ResMap::changed(BuildResource& resource) {
  const std::size_t old_key = resource.id_key_;
  const std::string kind = resource.id.gvk.kind;
  read_id(resource, *schema_);
  has_empty_ |= resource.is_empty();
  if (resource.id.gvk.kind != kind) kinds_valid_ = false;
  const std::size_t key = id_hash(resource.id.gvk, resource.id.name, resource.ns());
  if (key != old_key) {
    by_id_.remove(old_key, resource, kAll);
    index_id(resource);
  }
  // Old names and ids stay in the index: what a look-up finds is compared anyway, and nearly all of
  // them are previous ids now.
  if (indexed_ && (key != old_key || resource.indexed_previous_ != resource.previous.size())) {
    index_all(resource);
  }
}

Result<void> ResMap::check_unique() const {
  if (!may_repeat_) return {};
  for (const auto& item : items_) {
    const auto same = by_current_id(item->id);
    if (same.size() < 2 || same.front() == item.get()) continue;
    return fail(Code::kInvalid,
                "may not add resource with an already registered id: " + id_text(item->id));
  }
  may_repeat_ = false;
  return {};
}

template <class Accept>
std::vector<BuildResource*> ResMap::lookup(const ResourceIndex& index, std::size_t key,
                                           Accept accept) const {
  std::vector<BuildResource*> found;
  index.each(key, [&](BuildResource& resource) {
    if (accept(resource)) found.push_back(&resource);
  });
  std::sort(found.begin(), found.end(), [](const BuildResource* a, const BuildResource* b) {
    return a->position_ < b->position_;
  });
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

std::vector<BuildResource*> ResMap::by_current_id(const ObjectId& id) const {
  const std::string_view ns = effective_namespace(id.ns, is_cluster_scoped(*schema_, id.gvk));
  return lookup(by_id_, id_hash(id.gvk, id.name, ns), [&](const BuildResource& resource) {
    return resource.id.name == id.name && same_type(resource.id.gvk, id.gvk) && resource.ns() == ns;
  });
}

std::vector<BuildResource*> ResMap::by_any_id(const ObjectId& id) const {
  ensure_index();
  const std::string_view ns = effective_namespace(id.ns, is_cluster_scoped(*schema_, id.gvk));
  return lookup(by_any_, any_id_hash(id.gvk.kind, id.name, ns), [&](const BuildResource& resource) {
    if (resource.id.name == id.name && same_type(resource.id.gvk, id.gvk) && resource.ns() == ns) {
      return true;
    }
    return std::any_of(
        resource.previous.begin(), resource.previous.end(), [&](const PreviousId& old) {
          return old.name == id.name && old.ns == ns && had_gvk(resource, old.kind, id.gvk);
        });
  });
}

std::vector<BuildResource*> ResMap::by_any_gvk_name(const Gvk& gvk, std::string_view name) const {
  ensure_index();
  return lookup(by_any_, any_name_hash(name), [&](const BuildResource& resource) {
    if (resource.id.name == name && same_type(resource.id.gvk, gvk)) return true;
    return std::any_of(resource.previous.begin(), resource.previous.end(),
                       [&](const PreviousId& old) {
                         return old.name == name && had_gvk(resource, old.kind, gvk);
                       });
  });
}

std::vector<BuildResource*> ResMap::by_any_name(std::string_view name) const {
  ensure_index();
  return lookup(by_any_, any_name_hash(name), [&](const BuildResource& resource) {
    return resource.id.name == name ||
           std::any_of(resource.previous.begin(), resource.previous.end(),
                       [&](const PreviousId& old) { return old.name == name; });
  });
}

const std::vector<BuildResource*>& ResMap::by_kind(std::string_view kind) const {
  static const std::vector<BuildResource*> kNone;
  if (!kinds_valid_) {
    by_kind_.clear();
    for (const auto& item : items_)
      by_kind_[item->id.gvk.kind].push_back(item.get());
    kinds_valid_ = true;
  }
  const auto found = by_kind_.find(std::string(kind));
  return found == by_kind_.end() ? kNone : found->second;
}

std::size_t ResMap::index_of(const BuildResource& resource) const {
  return resource.position_;
}

void ResMap::index_id(BuildResource& resource) {
  resource.id_key_ = id_hash(resource.id.gvk, resource.id.name, resource.ns());
  if (by_id_.add(resource.id_key_, resource)) may_repeat_ = true;
}

void ResMap::index_all(BuildResource& resource) const {
  std::vector<std::size_t>& keys = resource.any_keys_;
  const auto add = [&](std::size_t key) {
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) return;
    keys.push_back(key);
    by_any_.add(key, resource);
  };
  add(any_name_hash(resource.id.name));
  add(any_id_hash(resource.id.gvk.kind, resource.id.name, resource.ns()));
  for (std::size_t i = resource.indexed_previous_; i < resource.previous.size(); ++i) {
    const PreviousId& old = resource.previous[i];
    add(any_name_hash(old.name));
    add(any_id_hash(old.kind, old.name, old.ns));
  }
  resource.indexed_previous_ = resource.previous.size();
}

void ResMap::unindex(BuildResource& resource) {
  constexpr std::size_t kMaxSteps = 64;
  by_id_.remove(resource.id_key_, resource, kAll);
  if (!indexed_) return;
  for (const std::size_t key : resource.any_keys_) {
    if (by_any_.remove(key, resource, kMaxSteps)) continue;
    // Thousands of resources may share a name, each in a namespace of its own: rather than search
    // such a chain, make the index anew when it is next needed.
    by_any_.clear();
    indexed_ = false;
    return;
  }
}

void ResMap::ensure_index() const {
  if (indexed_) return;
  indexed_ = true;
  by_any_.reserve(items_.size() * 3);
  for (const auto& item : items_) {
    item->any_keys_.clear();
    item->indexed_previous_ = 0;
    index_all(*item);
  }
}

void ResMap::drop(std::unique_ptr<BuildResource>& item) {
  unindex(*item);
  item.reset();
}

void ResMap::compact() {
  items_.erase(std::remove(items_.begin(), items_.end(), nullptr), items_.end());
  kinds_valid_ = false;
  for (std::size_t i = 0; i < items_.size(); ++i)
    items_[i]->position_ = i;
}

}  // namespace sluice::kustomize
