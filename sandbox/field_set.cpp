#include "sandbox/field_set.hpp"

#include <algorithm>
#include <set>

#include "sluice/yaml/read.hpp"

#include "sandbox/json_text.hpp"

namespace sluice::sandbox {

std::string PathElement::print() const {
  switch (kind) {
    case Kind::kField:
      return "." + text;
    case Kind::kValue:
      return "[=" + text + "]";
    case Kind::kIndex:
      return "[" + text + "]";
    case Kind::kKey:
      break;
  }
  std::string out = "[";
  if (const auto key = yaml::read_json(text)) {
    const yaml::Node root = key->root();
    for (std::size_t i = 0; i < root.size(); ++i) {
      if (i != 0) out += ',';
      out += root.key(i).text();
      out += '=';
      append_json(out, root.value(i));
    }
  }
  return out + "]";
}

const FieldSet* FieldSet::find(const PathElement& element) const {
  const auto found = children.find(element);
  return found == children.end() ? nullptr : &found->second;
}

void FieldSet::insert(const std::vector<PathElement>& path) {
  FieldSet* at = this;
  for (const PathElement& element : path)
    at = &at->children[element];
  at->member = true;
}

namespace {

void erase_at(FieldSet& set, const std::vector<PathElement>& path, std::size_t depth, bool below) {
  const auto found = set.children.find(path[depth]);
  if (found == set.children.end()) return;
  if (depth + 1 == path.size()) {
    if (below) {
      set.children.erase(found);
      return;
    }
    found->second.member = false;
  } else {
    erase_at(found->second, path, depth + 1, below);
  }
  if (found->second.empty()) set.children.erase(found);
}

}  // namespace

void FieldSet::erase(const std::vector<PathElement>& path) {
  erase_at(*this, path, 0, false);
}
void FieldSet::erase_below(const std::vector<PathElement>& path) {
  erase_at(*this, path, 0, true);
}

void FieldSet::unite(const FieldSet& other) {
  member = member || other.member;
  for (const auto& [element, set] : other.children) {
    const auto [mine, added] = children.try_emplace(element, set);
    if (!added) mine->second.unite(set);
  }
}

void FieldSet::subtract(const FieldSet& other) {
  if (other.member) member = false;
  for (const auto& [element, set] : other.children) {
    const auto mine = children.find(element);
    if (mine == children.end()) continue;
    mine->second.subtract(set);
    if (mine->second.empty()) children.erase(mine);
  }
}

FieldSet FieldSet::intersection(const FieldSet& other) const {
  FieldSet out;
  out.member = member && other.member;
  for (const auto& [element, set] : children) {
    const FieldSet* theirs = other.find(element);
    if (theirs == nullptr) continue;
    FieldSet both = set.intersection(*theirs);
    if (!both.empty()) out.children.emplace(element, std::move(both));
  }
  return out;
}

namespace {

void print_into(const FieldSet& set, const std::string& path, std::vector<std::string>& out) {
  // Members of a level come before what is below them, as Set.Iterate visits.
  for (const auto& [element, child] : set.children) {
    if (child.member) out.push_back(path + element.print());
  }
  for (const auto& [element, child] : set.children) {
    if (!child.children.empty()) print_into(child, path + element.print(), out);
  }
}

void json_into(const FieldSet& set, std::string& out) {
  out += '{';
  bool first = true;
  if (set.member && !set.children.empty()) {
    out += R"(".":{})";
    first = false;
  }
  for (const auto& [element, child] : set.children) {
    if (!first) out += ',';
    first = false;
    static constexpr char kLetters[] = {'f', 'k', 'v', 'i'};
    append_quoted(out,
                  std::string(1, kLetters[static_cast<int>(element.kind)]) + ":" + element.text);
    out += ':';
    json_into(child, out);
  }
  out += '}';
}

/// Keys and values are compared as text, so both must be written one way.
std::string canonical_json(std::string_view text) {
  const auto document = yaml::read_json(text);
  return document ? json_of(document->root()) : std::string(text);
}

void read_into(yaml::Node node, FieldSet& set) {
  for (std::size_t i = 0; i < node.size(); ++i) {
    const std::string_view key = node.key(i).text();
    if (key == ".") {
      set.member = true;
      continue;
    }
    if (key.size() < 2 || key[1] != ':') continue;
    PathElement element;
    element.text = key.substr(2);
    switch (key[0]) {
      case 'f':
        element.kind = PathElement::Kind::kField;
        break;
      case 'k':
        element.kind = PathElement::Kind::kKey;
        break;
      case 'v':
        element.kind = PathElement::Kind::kValue;
        break;
      case 'i':
        element.kind = PathElement::Kind::kIndex;
        break;
      default:
        continue;
    }
    if (element.kind == PathElement::Kind::kKey || element.kind == PathElement::Kind::kValue) {
      element.text = canonical_json(element.text);
    }
    FieldSet& child = set.child(std::move(element));
    const yaml::Node value = node.value(i);
    if (value.size() == 0) child.member = true;
    read_into(value, child);
  }
}

}  // namespace

std::vector<std::string> FieldSet::print() const {
  std::vector<std::string> out;
  print_into(*this, "", out);
  return out;
}

std::string FieldSet::json() const {
  std::string out;
  json_into(*this, out);
  return out;
}

FieldSet FieldSet::from_json(yaml::Node fields_v1) {
  FieldSet set;
  read_into(fields_v1, set);
  return set;
}

PathElement field_element(std::string_view name) {
  return {PathElement::Kind::kField, std::string(name)};
}

PathElement item_element(const Type& list, yaml::Node item) {
  if (list.list_kind == ListKind::kSet) return {PathElement::Kind::kValue, json_of(item)};
  std::vector<std::pair<std::string_view, std::string>> keys;
  for (const ListKey& key : list.keys) {
    if (const yaml::Node value = item.get(key.name)) {
      keys.emplace_back(key.name, json_of(value));
    } else if (!key.default_json.empty()) {
      keys.emplace_back(key.name, key.default_json);
    }
  }
  std::sort(keys.begin(), keys.end());
  std::string text = "{";
  JsonFields fields(text);
  for (const auto& [name, json] : keys)
    fields.raw(name, json);
  return {PathElement::Kind::kKey, text + "}"};
}

namespace {

void fields_into(const Type& type, yaml::Node value, FieldSet& set) {
  switch (merging(type, value)) {
    case Merging::kLeaf:
      set.member = true;
      return;
    case Merging::kMap:
      for (std::size_t i = 0; i < value.size(); ++i) {
        const std::string_view name = value.key(i).text();
        const yaml::Node inner = value.value(i);
        FieldSet& child = set.child(field_element(name));
        fields_into(type.at(name), inner, child);
        if (inner.is_null() || (inner.is_mapping() && inner.size() == 0) ||
            type.field(name) == nullptr) {
          child.member = true;
        }
        if (child.empty()) set.children.erase(field_element(name));
      }
      return;
    case Merging::kList: {
      std::set<PathElement> seen, repeated;
      for (std::size_t i = 0; i < value.size(); ++i) {
        PathElement element = item_element(type, value.at(i));
        if (!seen.insert(element).second) repeated.insert(std::move(element));
      }
      for (std::size_t i = 0; i < value.size(); ++i) {
        PathElement element = item_element(type, value.at(i));
        const bool again = repeated.contains(element);
        FieldSet& child = set.child(std::move(element));
        child.member = true;
        if (!again) fields_into(*type.element, value.at(i), child);
      }
      return;
    }
  }
}

/// Visits the union of two maps' or lists' entries; a missing side is a missing node.
template <class Visit>
void each_item(const Type& type, yaml::Node before, yaml::Node after, const Visit& visit) {
  std::map<PathElement, std::pair<yaml::Node, yaml::Node>> items;
  for (std::size_t i = 0; i < before.size(); ++i) {
    items[item_element(type, before.at(i))].first = before.at(i);
  }
  for (std::size_t i = 0; i < after.size(); ++i) {
    items[item_element(type, after.at(i))].second = after.at(i);
  }
  for (const auto& [element, pair] : items)
    visit(element, pair.first, pair.second);
}

class Comparer {
 public:
  explicit Comparer(Comparison& out) : out_(out) {}

  void run(const Type& type, yaml::Node before, yaml::Node after) {
    const Merging left = merging(type, before.exists() && !before.is_null() ? before : after);
    const Merging right = merging(type, after.exists() && !after.is_null() ? after : before);
    if (left != right) {  // a deduced type that changed: all of the old goes, the new is one change
      each_child(type, before, {}, left);
      leaf(before, after);
      return;
    }
    const bool both_empty = before.size() == 0 && after.size() == 0;
    if (left == Merging::kLeaf || both_empty) {
      leaf(before, after);
      return;
    }
    each_child(type, before, after, left);
    if (!before.exists())
      insert(out_.added);
    else if (!after.exists())
      insert(out_.removed);
  }

 private:
  void insert(FieldSet& set) {
    if (!path_.empty()) set.insert(path_);
  }

  void leaf(yaml::Node before, yaml::Node after) {
    if (!before.exists())
      insert(out_.added);
    else if (!after.exists())
      insert(out_.removed);
    else if (!yaml::equal(before, after))
      insert(out_.modified);
  }

  void each_child(const Type& type, yaml::Node before, yaml::Node after, Merging how) {
    if (how == Merging::kMap) {
      for (std::size_t i = 0; i < before.size(); ++i) {
        const std::string_view name = before.key(i).text();
        descend(field_element(name), type.at(name), before.value(i), after.get(name));
      }
      for (std::size_t i = 0; i < after.size(); ++i) {
        const std::string_view name = after.key(i).text();
        if (!before.get(name)) descend(field_element(name), type.at(name), {}, after.value(i));
      }
    } else if (how == Merging::kList) {
      each_item(type, before, after,
                [&](const PathElement& element, yaml::Node left, yaml::Node right) {
                  descend(element, *type.element, left, right);
                });
    }
  }

  void descend(PathElement element, const Type& type, yaml::Node before, yaml::Node after) {
    path_.push_back(std::move(element));
    run(type, before, after);
    path_.pop_back();
  }

  Comparison& out_;
  std::vector<PathElement> path_;
};

const Type& type_below(const Type& type, const PathElement& element) {
  if (element.kind == PathElement::Kind::kField) return type.at(element.text);
  return type.shape == Shape::kList && type.element != nullptr ? *type.element : any_type();
}

}  // namespace

FieldSet fields_of(const Type& type, yaml::Node value) {
  FieldSet set;
  fields_into(type, value, set);
  set.member = false;
  return set;
}

Comparison compare(const Type& type, yaml::Node before, yaml::Node after) {
  Comparison out;
  Comparer(out).run(type, before, after);
  return out;
}

FieldSet with_named_fields(const FieldSet& set, const Type& type) {
  FieldSet out;
  out.member = set.member;
  for (const auto& [element, child] : set.children) {
    FieldSet inner = with_named_fields(child, type_below(type, element));
    if (!child.children.empty() && element.kind == PathElement::Kind::kField &&
        type.field(element.text) != nullptr) {
      inner.member = true;
    }
    out.children.emplace(element, std::move(inner));
  }
  return out;
}

}  // namespace sluice::sandbox
