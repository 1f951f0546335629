#include "sandbox/patches.hpp"

#include <algorithm>
#include <charconv>

#include "sandbox/json_text.hpp"

namespace sluice::sandbox {
namespace {

// ---------------------------------------------------------------------------------------- RFC 6902

std::vector<std::string> pointer_steps(std::string_view pointer) {
  std::vector<std::string> out;
  std::size_t at = 0;
  while (at < pointer.size()) {
    const std::size_t end = std::min(pointer.find('/', at + 1), pointer.size());
    std::string step;
    for (std::size_t i = at + 1; i < end; ++i) {
      if (pointer[i] == '~' && i + 1 < end && (pointer[i + 1] == '0' || pointer[i + 1] == '1')) {
        step += pointer[++i] == '0' ? '~' : '/';
      } else {
        step += pointer[i];
      }
    }
    out.push_back(std::move(step));
    at = end;
  }
  return out;
}

std::optional<std::size_t> index_in(yaml::Node list, const std::string& step) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(step.data(), step.data() + step.size(), index);
  if (error != std::errc() || end != step.data() + step.size() || index > list.size()) return {};
  return index;
}

yaml::Ref walk_to(yaml::Ref at, const std::vector<std::string>& steps, std::size_t count) {
  for (std::size_t i = 0; i < count && at; ++i) {
    if (at.is_sequence()) {
      const auto index = index_in(at, steps[i]);
      at = index && *index < at.size() ? at.at(*index) : yaml::Ref();
    } else {
      at = at.get(steps[i]);
    }
  }
  return at;
}

class JsonPatch {
 public:
  JsonPatch(yaml::Document& target, const Named& what) : target_(target), what_(what) {}

  Answer<void> apply(yaml::Node operation) {
    const std::string op(operation.get("op").string_or(""));
    const std::string path(operation.get("path").string_or(""));
    const yaml::Node value = operation.get("value");
    if (!operation.get("path")) return bad_request("json patch: operation without a path");
    if (op == "add") return add(path, value);
    if (op == "remove") return remove(path);
    if (op == "replace") {
      const yaml::Ref at = walk(path);
      if (!at) return missing();
      at.assign(value);
      return {};
    }
    if (op == "test") {
      const yaml::Ref at = walk(path);
      if (!(at ? yaml::equal(at, value) : value.is_null())) {
        return unprocessable("the server rejected our request due to an error in our request");
      }
      return {};
    }
    if (op == "move" || op == "copy") {
      const std::string from(operation.get("from").string_or(""));
      const yaml::Ref source = walk(from);
      if (!source) return missing();
      yaml::Document kept;
      kept.set_root(kept.import(source));
      if (op == "move") SANDBOX_CHECK(remove(from));
      return add(path, root_of(kept));
    }
    return bad_request("json patch: unknown operation \"" + op + "\"");
  }

 private:
  yaml::Ref walk(const std::string& path) {
    const auto steps = pointer_steps(path);
    return walk_to(target_.root(), steps, steps.size());
  }

  Answer<void> add(const std::string& path, yaml::Node value) {
    const auto steps = pointer_steps(path);
    if (steps.empty()) {
      target_.set_root(target_.import(value));
      return {};
    }
    const yaml::Ref parent = walk_to(target_.root(), steps, steps.size() - 1);
    if (parent && parent.is_mapping()) {
      parent.put(steps.back(), value);
    } else if (parent && parent.is_sequence()) {
      const auto index = steps.back() == "-" ? parent.size() : index_in(parent, steps.back());
      if (!index) return missing();
      parent.insert(*index, value);
    } else {
      return missing();
    }
    return {};
  }

  Answer<void> remove(const std::string& path) {
    const auto steps = pointer_steps(path);
    const yaml::Ref parent =
        steps.empty() ? yaml::Ref() : walk_to(target_.root(), steps, steps.size() - 1);
    if (parent && parent.is_mapping() && parent.erase(steps.back())) return {};
    if (parent && parent.is_sequence()) {
      const auto index = index_in(parent, steps.back());
      if (index && *index < parent.size()) {
        parent.erase_item(*index);
        return {};
      }
    }
    return missing();
  }

  tl::unexpected<std::unique_ptr<Failure>> missing() {
    return unprocessable("the server rejected our request due to an error in our request");
  }
  tl::unexpected<std::unique_ptr<Failure>> unprocessable(std::string message) {
    return refuse(
        {.code = 422, .reason = "Invalid", .message = std::move(message), .empty_details = true});
  }

  yaml::Document& target_;
  const Named& what_;
};

// ------------------------------------------------------------------------------------ strategic
// merge

/// A value put where nothing was: its directives do not stay.
void drop_directives(yaml::Ref value) {
  if (value.is_mapping()) {
    for (std::size_t i = 0; i < value.size();) {
      const std::string_view name = value.key(i).text();
      if (name == "$patch" || name == "$retainKeys" || name.starts_with("$setElementOrder/") ||
          name.starts_with("$deleteFromPrimitiveList/")) {
        value.erase_entry(i);
      } else if (value.value(i).is_null()) {
        value.erase_entry(i);
      } else {
        drop_directives(value.value(i));
        ++i;
      }
    }
  } else if (value.is_sequence()) {
    for (std::size_t i = 0; i < value.size();) {
      if (value.at(i).get("$patch").string_or("") == "delete") {
        value.erase_item(i);
        continue;
      }
      drop_directives(value.at(i));
      ++i;
    }
  }
}

std::size_t find_item(yaml::Node list, const std::string& key, yaml::Node wanted) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    const yaml::Node mine = key.empty() ? list.at(i) : list.at(i).get(key);
    if (mine && yaml::equal(mine, wanted)) return i;
  }
  return yaml::Node::npos;
}

/// Puts the items of `list` that `wanted` names in its order, the others in that of `before`, and
/// weaves both (strategicpatch's normalizeElementOrder): an item that only the server has stays in
/// front of a wanted one if it stood in front of it before.
void arrange(yaml::Ref list, const std::string& key, yaml::Node wanted, yaml::Node before) {
  const auto place = [&](yaml::Node among, std::size_t item) {
    const yaml::Node value = list.at(item);
    return find_item(among, key, key.empty() ? value : value.get(key));
  };
  std::vector<std::pair<std::size_t, std::size_t>> named, others;  // (place, item)
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::size_t at = place(wanted, i);
    if (at == yaml::Node::npos)
      others.emplace_back(place(before, i), i);
    else
      named.emplace_back(at, i);
  }
  std::stable_sort(named.begin(), named.end());
  std::stable_sort(others.begin(), others.end());
  std::vector<yaml::NodeId> ids;
  std::size_t n = 0, o = 0;
  while (n < named.size() || o < others.size()) {
    bool other_first = n == named.size();
    if (!other_first && o < others.size()) {
      const std::size_t stood = place(before, named[n].second);
      other_first = stood != yaml::Node::npos && others[o].first < stood;
    }
    ids.push_back(list.at(other_first ? others[o++].second : named[n++].second).id());
  }
  list.set_items(ids);
}

class StrategicMerge {
 public:
  Answer<void> merge_map(const Type& type, yaml::Ref target, yaml::Node patch) {
    const std::string_view directive = patch.get("$patch").string_or("");
    if (directive == "replace") {
      target.assign(patch);
      drop_directives(target);
      return {};
    }
    if (directive == "delete") {
      target.set_mapping();
      return {};
    }
    yaml::Document before;  // the order that the server had
    if (has_order(patch)) before.set_root(before.import(target));
    if (const yaml::Node retain = patch.get("$retainKeys")) {
      for (std::size_t i = 0; i < target.size();) {
        if (find_item(retain, "", target.key(i)) == yaml::Node::npos)
          target.erase_entry(i);
        else
          ++i;
      }
    }
    for (std::size_t i = 0; i < patch.size(); ++i) {
      const std::string name(patch.key(i).text());
      if (name == "$patch" || name == "$retainKeys" || name.starts_with("$setElementOrder/"))
        continue;
      static constexpr std::string_view kDelete = "$deleteFromPrimitiveList/";
      if (name.starts_with(kDelete)) {
        delete_values(target.get(name.substr(kDelete.size())), patch.value(i));
        continue;
      }
      SANDBOX_CHECK(merge_entry(type, target, name, patch.value(i)));
    }
    for (std::size_t i = 0; i < patch.size(); ++i) {
      const std::string_view name = patch.key(i).text();
      static constexpr std::string_view kOrder = "$setElementOrder/";
      if (!name.starts_with(kOrder)) continue;
      const std::string_view list = name.substr(kOrder.size());
      const Field* field = type.field(list);
      const yaml::Ref items = target.get(list);
      if (items && items.is_sequence()) {
        const yaml::Node order = patch.value(i);
        const std::string key = field != nullptr ? field->merge_key : "";
        arrange(items, key, order, root_of(before).get(list));
      }
    }
    return {};
  }

 private:
  static bool has_order(yaml::Node patch) {
    for (std::size_t i = 0; i < patch.size(); ++i) {
      if (patch.key(i).text().starts_with("$setElementOrder/")) return true;
    }
    return false;
  }

  Answer<void> merge_entry(const Type& type, yaml::Ref target, const std::string& name,
                           yaml::Node value) {
    if (value.is_null()) {
      target.erase(name);
      return {};
    }
    const Field* field = type.field(name);
    const yaml::Ref mine = target.get(name);
    if (value.is_mapping() && mine && mine.is_mapping()) {
      return merge_map(type.at(name), mine, value);
    }
    if (value.is_sequence() && mine && mine.is_sequence() && field != nullptr && field->merge) {
      return merge_list(*field, mine, value);
    }
    const yaml::Ref placed = target.put(name, value);
    drop_directives(placed);
    return {};
  }

  static void delete_values(yaml::Ref list, yaml::Node values) {
    if (!list || !list.is_sequence()) return;
    for (std::size_t i = 0; i < list.size();) {
      if (find_item(values, "", list.at(i)) != yaml::Node::npos)
        list.erase_item(i);
      else
        ++i;
    }
  }

  Answer<void> merge_list(const Field& field, yaml::Ref target, yaml::Node patch) {
    for (std::size_t i = 0; i < patch.size(); ++i) {
      if (patch.at(i).get("$patch").string_or("") == "replace") {
        target.assign(patch);
        for (std::size_t j = target.size(); j-- > 0;) {
          if (target.at(j).get("$patch").string_or("") == "replace") target.erase_item(j);
        }
        drop_directives(target);
        return {};
      }
    }
    yaml::Document before;
    before.set_root(before.import(target));
    for (std::size_t i = 0; i < patch.size(); ++i) {
      const yaml::Node item = patch.at(i);
      if (field.merge_key.empty()) {
        if (find_item(target, "", item) == yaml::Node::npos) target.append(item);
        continue;
      }
      const yaml::Node key = item.get(field.merge_key);
      if (!key) {
        return bad_request("map: " + json_of(item) +
                           " does not contain declared merge key: " + field.merge_key);
      }
      const std::size_t at = find_item(target, field.merge_key, key);
      if (item.get("$patch").string_or("") == "delete") {
        if (at != yaml::Node::npos) target.erase_item(at);
      } else if (at == yaml::Node::npos) {
        drop_directives(target.append(item));
      } else {
        SANDBOX_CHECK(merge_map(*field.type->element, target.at(at), item));
      }
    }
    arrange(target, field.merge_key, patch, root_of(before));
    return {};
  }
};

}  // namespace

Answer<void> json_patch(yaml::Document& target, yaml::Node patch, const Named& what) {
  if (!patch.is_sequence()) {
    return bad_request(
        "error decoding patch: json: cannot unmarshal object into Go value of type "
        "jsonpatch.Patch");
  }
  JsonPatch run(target, what);
  for (std::size_t i = 0; i < patch.size(); ++i)
    SANDBOX_CHECK(run.apply(patch.at(i)));
  return {};
}

void merge_patch(yaml::Ref target, yaml::Node patch) {
  if (!patch.is_mapping()) {
    target.assign(patch);
    return;
  }
  if (!target.is_mapping()) target.set_mapping();
  for (std::size_t i = 0; i < patch.size(); ++i) {
    const std::string_view name = patch.key(i).text();
    const yaml::Node value = patch.value(i);
    if (value.is_null()) {
      target.erase(name);
    } else if (value.is_mapping()) {
      yaml::Ref mine = target.get(name);
      if (!mine || !mine.is_mapping()) {
        target.erase(name);
        mine = target.put_mapping(name);
      }
      merge_patch(mine, value);
    } else {
      target.put(name, value);
    }
  }
}

Answer<void> strategic_merge_patch(const Type& type, yaml::Ref target, yaml::Node patch) {
  return StrategicMerge().merge_map(type, target, patch);
}

}  // namespace sluice::sandbox
