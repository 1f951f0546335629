#include "sandbox/store.hpp"

#include "sluice/yaml/read.hpp"

#include "sandbox/json_text.hpp"

namespace sluice::sandbox {

ObjectPtr make_object(const yaml::Document& document, std::uint64_t version) {
  auto object = std::make_shared<Object>();
  yaml::Document numbered = document;
  const yaml::Ref place = numbered.root().put_mapping("metadata");
  if (version != 0)
    place.put_string("resourceVersion", std::to_string(version));
  else
    place.erase("resourceVersion");
  object->version = version;
  object->json = json_of(numbered.root());
  // Read back, so that the stored document is one tight copy that holds no request's text.
  auto read = yaml::read_json(object->json);
  object->document = read ? *std::move(read) : std::move(numbered);
  const yaml::Node metadata = root_of(object->document).get("metadata");
  object->ns = metadata.get("namespace").string_or("");
  object->name = metadata.get("name").string_or("");
  return object;
}

Store::Collection& Store::collection(const std::string& type) const {
  return collections_[type];
}

ObjectPtr Store::get(const std::string& type, const std::string& ns,
                     const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto& objects = collection(type).objects;
  const auto found = objects.find({ns, name});
  return found == objects.end() ? nullptr : found->second;
}

Store::Page Store::list(const std::string& type, const std::string& ns, const std::string& after,
                        std::size_t limit, const std::function<bool(const Object&)>& wanted) const {
  std::vector<ObjectPtr> candidates;
  Page page;
  {
    const std::lock_guard lock(mutex_);
    page.version = version_;
    const auto& objects = collection(type).objects;
    auto at = objects.lower_bound({ns, ""});
    if (!after.empty()) {
      const std::size_t slash = after.find('/');
      at = objects.upper_bound({after.substr(0, slash), after.substr(slash + 1)});
    }
    for (; at != objects.end() && (ns.empty() || at->first.first == ns); ++at) {
      candidates.push_back(at->second);
    }
  }
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (wanted && !wanted(*candidates[i])) continue;
    if (limit != 0 && page.objects.size() == limit) {
      const Object& last = *page.objects.back();
      page.next = last.ns + "/" + last.name;
      page.remaining = candidates.size() - i;
      break;
    }
    page.objects.push_back(std::move(candidates[i]));
  }
  return page;
}

std::uint64_t Store::version() const {
  const std::lock_guard lock(mutex_);
  return version_;
}

std::size_t Store::count(const std::string& type) const {
  const std::lock_guard lock(mutex_);
  return collection(type).objects.size();
}

bool Store::is_namespace_empty(const std::string& ns) const {
  const std::lock_guard lock(mutex_);
  return !in_namespace_.contains(ns);
}

std::vector<std::pair<std::string, ObjectPtr>> Store::in_namespace(const std::string& ns) const {
  std::vector<std::pair<std::string, ObjectPtr>> out;
  const std::lock_guard lock(mutex_);
  for (const auto& [type, where] : collections_) {
    for (auto at = where.objects.lower_bound({ns, ""});
         at != where.objects.end() && at->first.first == ns; ++at) {
      out.emplace_back(type, at->second);
    }
  }
  return out;
}

void Store::record(Collection& where, Change change) {
  where.changes.push_back(std::move(change));
  while (where.changes.size() > history_) {
    where.forgotten = where.changes.front().version;
    where.changes.pop_front();
  }
  where.changed.notify_all();
}

ObjectPtr Store::put(const std::string& type, const ObjectPtr& expected,
                     const yaml::Document& document,
                     const std::function<bool(const Object*)>& guard) {
  const yaml::Node metadata = document.root().get("metadata");
  const std::pair<std::string, std::string> key{metadata.get("namespace").string_or(""),
                                                metadata.get("name").string_or("")};
  const std::lock_guard lock(mutex_);
  if (stopped_) return nullptr;
  Collection& where = collection(type);
  const auto found = where.objects.find(key);
  if ((found == where.objects.end() ? nullptr : found->second) != expected) return nullptr;
  if (guard) {
    // New objects need their namespace, which must not be on its way out.
    const auto& namespaces = collection("/namespaces").objects;
    const auto home = namespaces.find({"", key.first});
    if (!guard(home == namespaces.end() ? nullptr : home->second.get())) return nullptr;
  }
  ObjectPtr object = make_object(document, ++version_);
  if (found == where.objects.end()) {
    where.objects.emplace(key, object);
    if (!key.first.empty()) ++in_namespace_[key.first];
  } else {
    found->second = object;
  }
  record(where,
         {expected ? ChangeKind::kModified : ChangeKind::kAdded, version_, object, expected});
  return object;
}

ObjectPtr Store::remove(const std::string& type, const ObjectPtr& expected) {
  const std::lock_guard lock(mutex_);
  Collection& where = collection(type);
  const auto found = where.objects.find({expected->ns, expected->name});
  if (found == where.objects.end() || found->second != expected) return nullptr;
  ObjectPtr last = make_object(expected->document, ++version_);
  where.objects.erase(found);
  if (!expected->ns.empty()) {
    const auto counted = in_namespace_.find(expected->ns);
    if (--counted->second == 0) in_namespace_.erase(counted);
  }
  record(where, {ChangeKind::kDeleted, version_, last, expected});
  return last;
}

Store::Events Store::wait(const std::string& type, std::uint64_t since,
                          std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  Collection& where = collection(type);
  const auto news = [&] {
    return stopped_ || where.forgotten > since ||
           (!where.changes.empty() && where.changes.back().version > since);
  };
  where.changed.wait_until(lock, deadline, news);
  Events out;
  out.stopped = stopped_;
  out.version = version_;
  if (where.forgotten > since) {
    out.expired = true;
    return out;
  }
  auto at = where.changes.end();
  while (at != where.changes.begin() && std::prev(at)->version > since)
    --at;
  out.changes.assign(at, where.changes.end());
  return out;
}

void Store::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  for (auto& [type, where] : collections_)
    where.changed.notify_all();
}

}  // namespace sluice::sandbox
