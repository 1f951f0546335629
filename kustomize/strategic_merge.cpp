#include "kustomize/strategic_merge.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "sluice/yaml/scalar.hpp"

#include "kustomize/field_spec.hpp"
#include "kustomize/gvk.hpp"

namespace sluice::kustomize {
namespace {

using yaml::NodeId;

/// A node that may be missing: what kyaml passes around as a nil-able *RNode.
using Maybe = std::optional<NodeId>;

enum class Directive : std::uint8_t { kMerge, kReplace, kDelete };

using Values = std::vector<std::string>;

/// kyaml's Walker with the merge2 visitor. Both sources live in one document and are edited in
/// place, since the result of the original depends on which nodes are the same.
class Merger {
 public:
  Merger(yaml::Document& document, const Schema& schema) : document_(document), schema_(schema) {}

  struct Outcome {
    Maybe node;
    bool keep_null = false;  // a null that the target wrote out stays
  };
  Result<Outcome> walk(Maybe dest, Maybe origin, SchemaNode schema);

 private:
  yaml::Ref ref(NodeId id) { return {document_, id}; }
  bool is_missing_or_null(Maybe node) { return !node || is_tagged_null(ref(*node)); }

  SchemaNode find_schema(Maybe dest, Maybe origin, SchemaNode schema);
  Result<Outcome> walk_mapping(Maybe dest, Maybe origin, const SchemaNode& schema);
  Result<Outcome> visit_mapping(Maybe dest, Maybe origin);
  Result<Outcome> walk_merging_list(Maybe dest, Maybe origin, const SchemaNode& schema);
  Result<Outcome> merge_items(std::vector<Values> values, const Values& keys, Maybe dest,
                              Maybe origin, const SchemaNode& schema);
  bool is_plain_list(NodeId list, const Values& keys);
  NodeId put_in_place(NodeId old, NodeId fresh);
  static void take_style(yaml::Ref fresh, yaml::Ref old);
  static void quote_strings(yaml::Ref value);

  Result<Directive> take_directive(Maybe origin);
  Result<Directive> take_list_directive(yaml::Ref list);
  static Result<Directive> directive_of(std::string_view word);

  Result<std::vector<Values>> item_values(const Values& keys, Maybe dest, Maybe origin);
  std::vector<Values> primitive_values(Maybe dest, Maybe origin);
  Maybe find_item(Maybe list, const Values& keys, const Values& values);
  Result<void> set_item(NodeId list, Maybe item, const Values& keys, const Values& values);
  Result<Maybe> match_field(NodeId node, const std::string& key, const std::string& value);
  Result<void> append_items(NodeId to, NodeId from, const Values& keys);

  yaml::Document& document_;
  const Schema& schema_;
};

constexpr std::string_view kDirective = "$patch";

bool is_empty_mapping(yaml::Node node) {
  return node.is_mapping() && node.size() == 0;
}

bool is_nil_or_empty(yaml::Node node) {
  if (!node.exists() || node.is_null()) return true;
  return (node.is_mapping() || node.is_sequence()) && node.size() == 0;
}

tl::unexpected<Error> encrypted_key(std::string_view key) {
  return fail(Code::kUnsupported,
              "cannot merge a list by an encrypted \"" + std::string(key) + "\"", Where{},
              "leave the merge key of list items unencrypted");
}

// --- keys of list items; names as in kyaml/yaml/walk/associative_sequence.go ---------------------

/// Leaves out the keys that no item has.
std::pair<Values, Values> valid_keys(const std::vector<Values>& all, const Values& values,
                                     const Values& keys) {
  std::vector<bool> used(keys.size(), false);
  bool any = false;
  for (const Values& item : all) {
    for (std::size_t i = 0; i < item.size() && i < keys.size(); ++i) {
      if (item[i].empty()) continue;
      used[i] = true;
      any = true;
    }
  }
  if (!any) return {keys, values};
  std::pair<Values, Values> valid;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (used[i]) valid.first.push_back(keys[i]);
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!values[i].empty() || used[i]) valid.second.push_back(values[i]);
  }
  return valid;
}

/// Two items are one when they share a value and differ only where one has none.
std::optional<Values> unite(const Values& a, const Values& b) {
  if (a.size() != b.size()) return std::nullopt;
  bool common = false;
  Values united;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i]) {
      common = true;
    } else if (!a[i].empty() && !b[i].empty()) {
      return std::nullopt;
    }
    united.push_back(a[i].empty() ? b[i] : a[i]);
  }
  if (!common) return std::nullopt;
  return united;
}

void unite_all(std::vector<Values>& all) {
  for (std::size_t i = 0; i < all.size(); ++i) {
    // As in the original, item i is compared as it was when its turn began.
    const Values mine = all[i];
    for (std::size_t j = 0; j < all.size(); ++j) {
      if (const auto united = unite(mine, all[j])) {
        all[i] = *united;
        all[j] = *united;
      }
    }
  }
}

std::string joined(const Values& values) {
  std::string text;
  for (const std::string& value : values) {
    text += std::to_string(value.size());
    text += ':';
    text += value;
  }
  return text;
}

// --- walking -------------------------------------------------------------------------------------

SchemaNode Merger::find_schema(Maybe dest, Maybe origin, SchemaNode schema) {
  for (const Maybe source : {dest, origin}) {
    if (is_missing_or_null(source) || ref(*source).tag() == 0 || is_untyped(ref(*source))) continue;
    return schema_.of_comment(ref(*source).tag());
  }
  if (schema.exists()) return schema;
  for (const Maybe source : {dest, origin}) {
    if (is_missing_or_null(source) || !ref(*source).is_mapping()) continue;
    const yaml::Node kind = yaml::Node(ref(*source)).get("kind");
    const yaml::Node api_version = yaml::Node(ref(*source)).get("apiVersion");
    if (kind.text().empty() || api_version.text().empty()) continue;
    const SchemaNode found = schema_.of(Gvk::from(api_version.text(), kind.text()));
    if (found.exists()) return found;
  }
  return schema;
}

Result<Merger::Outcome> Merger::walk(Maybe dest, Maybe origin, SchemaNode schema) {
  schema = find_schema(dest, origin, std::move(schema));
  const Maybe first = !is_missing_or_null(dest) ? dest : origin;
  if (is_missing_or_null(first)) return walk_mapping(dest, origin, schema);  // as kyaml does

  const bool is_mapping = ref(*first).is_mapping();
  const bool is_sequence = ref(*first).is_sequence();
  for (const Maybe source : {dest, origin}) {
    if (is_missing_or_null(source)) continue;
    const yaml::Ref node = ref(*source);
    if (node.is_mapping() == is_mapping && node.is_sequence() == is_sequence) continue;
    return fail(wrong_kind(is_mapping    ? "MappingNode"
                           : is_sequence ? "SequenceNode"
                                         : "ScalarNode",
                           node));
  }
  if (is_mapping) return walk_mapping(dest, origin, schema);
  if (is_sequence && schema.merges()) return walk_merging_list(dest, origin, schema);
  return Outcome{origin ? origin : dest};  // scalars and other lists are replaced
}

Result<Merger::Outcome> Merger::visit_mapping(Maybe dest, Maybe origin) {
  if (is_missing_or_null(dest)) {
    const auto directive = take_directive(origin);
    if (directive && *directive == Directive::kDelete) return Outcome{};
    if (!origin && dest && !ref(*dest).text().empty()) return Outcome{dest, true};
    return Outcome{origin};
  }
  if (origin && is_tagged_null(ref(*origin))) return Outcome{};
  SLUICE_TRY(const Directive directive, take_directive(origin));
  if (directive == Directive::kDelete) return Outcome{};
  return Outcome{directive == Directive::kReplace ? origin : dest};
}

/// The target's style wins; a quoted one makes the new value a string.
void Merger::take_style(yaml::Ref fresh, yaml::Ref old) {
  if (!fresh.is_scalar() || !is_leaf(old)) return;
  const yaml::Style style = old.style();
  const bool quoted = style == yaml::Style::kSingleQuoted || style == yaml::Style::kDoubleQuoted ||
                      style == yaml::Style::kLiteral || style == yaml::Style::kFolded;
  if (quoted && !fresh.is_string()) {
    fresh.set_scalar(yaml::Kind::kString, fresh.text(), style);
  } else {
    fresh.set_style(style);
    if (!is_untyped(fresh)) return;
    // What it reads as is open again.
    const std::string text(fresh.text());
    fresh.set_scalar(quoted ? yaml::Kind::kString : yaml::resolve_plain(text, yaml::Schema::kV3),
                     text, style);
    fresh.set_tag(kUntyped);
  }
}

/// FieldSetter sets every field that the walk has passed, and thereby quotes what YAML 1.1 reads as
/// anything but a string. A value that comes into such a field later becomes a string, too.
void Merger::quote_strings(yaml::Ref value) {
  if (!value.is_scalar() || value.style() != yaml::Style::kPlain) return;
  if (!value.is_string() && !is_untyped(value)) return;
  if (string_style(value.text()) == yaml::Style::kPlain) return;
  value.set_scalar(yaml::Kind::kString, value.text(), yaml::Style::kDoubleQuoted);
}

/// A field of a target, of its patch, or of both.
struct FieldPair {
  std::string_view name;
  std::size_t in_target = yaml::Node::npos, in_patch = yaml::Node::npos;  // npos: not there
};

/// By name, as kyaml visits them: that decides the error that is reported. Of a name that stands
/// twice in one of them the first counts.
std::vector<FieldPair> pair_fields(yaml::Node target, yaml::Node patch) {
  // A large patch is looked up by hash.
  constexpr std::size_t kLarge = 16;
  std::unordered_map<std::string_view, std::size_t> by_name;
  if (patch.size() > kLarge) {
    for (std::size_t i = 0; i < patch.size(); ++i)
      by_name.try_emplace(patch.key(i).text(), i);
  }
  const auto index_in_patch = [&](std::string_view name) {
    if (patch.size() <= kLarge) return field_index(patch, name);
    const auto found = by_name.find(name);
    return found == by_name.end() ? yaml::Node::npos : found->second;
  };
  std::vector<FieldPair> fields;
  fields.reserve(target.size() + patch.size());
  std::vector<bool> used(patch.size(), false);
  for (std::size_t i = 0; i < target.size(); ++i) {
    const std::string_view name = target.key(i).text();
    fields.push_back({name, i, index_in_patch(name)});
    if (fields.back().in_patch != yaml::Node::npos) used[fields.back().in_patch] = true;
  }
  for (std::size_t i = 0; i < patch.size(); ++i) {
    if (!used[i]) fields.push_back({patch.key(i).text(), yaml::Node::npos, i});
  }
  std::sort(fields.begin(), fields.end(), [](const FieldPair& a, const FieldPair& b) {
    return std::tie(a.name, a.in_target, a.in_patch) < std::tie(b.name, b.in_target, b.in_patch);
  });
  const auto repeats =
      std::unique(fields.begin(), fields.end(),
                  [](const FieldPair& a, const FieldPair& b) { return a.name == b.name; });
  fields.erase(repeats, fields.end());
  return fields;
}

Result<Merger::Outcome> Merger::walk_mapping(Maybe dest, Maybe origin, const SchemaNode& schema) {
  SLUICE_TRY(const Outcome start, visit_mapping(dest, origin));
  if (!start.node || !ref(*start.node).is_mapping()) return start;
  dest = start.node;
  // A value that only the patch has is its own target.
  const bool is_own_target = origin && *origin == *dest;
  const bool has_patch = origin && !is_own_target && ref(*origin).is_mapping();
  const yaml::Node patch = has_patch ? yaml::Node(ref(*origin)) : yaml::Node();
  constexpr NodeId kGone = static_cast<NodeId>(-1);
  std::vector<std::pair<NodeId, NodeId>> entries;
  entries.reserve(ref(*dest).size() + patch.size());
  for (std::size_t i = 0; i < ref(*dest).size(); ++i)
    entries.emplace_back(ref(*dest).key(i).id(), ref(*dest).value(i).id());
  bool changed = false;
  for (const FieldPair& field : pair_fields(ref(*dest), patch)) {
    // To kyaml's FieldSetter a field without a name is the node itself.
    if (field.name.empty()) return fail(wrong_kind("ScalarNode", ref(*dest)));
    const bool in_patch = field.in_patch != yaml::Node::npos;
    // A tag stands for a comment at the key that gives the field's schema.
    if (field.in_target == yaml::Node::npos) {
      const NodeId key = patch.key(field.in_patch).id();
      const std::uint16_t tag = ref(key).tag();
      SLUICE_TRY(const Outcome value,
                 walk(Maybe(), patch.value(field.in_patch).id(),
                      tag == 0 ? schema.field(field.name) : schema_.of_comment(tag)));
      if (is_missing_or_null(value.node)) continue;
      changed = true;
      quote_strings(ref(*value.node));
      ref(key).set_tag(0);  // kyaml makes a new key, without comment
      entries.emplace_back(key, *value.node);
      continue;
    }
    const auto [key, old] = entries[field.in_target];
    Maybe other;
    if (in_patch) other = patch.value(field.in_patch).id();
    if (is_own_target) other = old;
    std::uint16_t tag = ref(key).tag();
    if (tag == 0 && in_patch) tag = patch.key(field.in_patch).tag();
    SLUICE_TRY(const Outcome value,
               walk(old, other, tag == 0 ? schema.field(field.name) : schema_.of_comment(tag)));
    if (is_missing_or_null(value.node) && !(value.node && value.keep_null)) {
      changed = true;
      entries[field.in_target].first = kGone;
      continue;
    }
    const NodeId fresh = put_in_place(old, *value.node);
    changed |= fresh != old;
    entries[field.in_target].second = fresh;
  }
  if (changed) {
    std::erase_if(entries, [](const auto& entry) { return entry.first == kGone; });
    ref(*dest).set_entries(entries);
  }
  return Outcome{dest};
}

/// What a field that had `old` has now. A scalar is changed where it is: a label or annotation may
/// stand elsewhere, too (shares_nodes), and kustomize changes all of them.
NodeId Merger::put_in_place(NodeId old, NodeId fresh) {
  quote_strings(ref(fresh));
  if (fresh == old) return old;
  take_style(ref(fresh), ref(old));
  if (!is_leaf(ref(old)) || !is_leaf(ref(fresh))) return fresh;
  ref(old).assign(ref(fresh));
  return old;
}

// --- directives ----------------------------------------------------------------------------------

Result<Directive> Merger::directive_of(std::string_view word) {
  if (word == "delete") return Directive::kDelete;
  if (word == "replace") return Directive::kReplace;
  if (word == "merge") return Directive::kMerge;
  return fail(Code::kInvalid, "unknown patch strategy '" + std::string(word) + "'");
}

Result<Directive> Merger::take_directive(Maybe origin) {
  if (!origin) return Directive::kMerge;
  const yaml::Ref patch = ref(*origin);
  if (patch.is_sequence()) return take_list_directive(patch);
  if (!patch.is_mapping()) {
    return fail(Code::kInvalid, "no implemented strategic merge patch strategy for this scalar");
  }
  const std::size_t index = field_index(patch, kDirective);
  if (index == yaml::Node::npos) return Directive::kMerge;
  SLUICE_TRY(const Directive directive, directive_of(patch.value(index).text()));
  patch.erase_entry(index);
  return directive;
}

Result<Directive> Merger::take_list_directive(yaml::Ref list) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    const yaml::Node item = list.at(i);
    const yaml::Node word = field(item, kDirective);
    if (!word.exists()) continue;
    if (item.size() > 1) return Directive::kMerge;  // it speaks of the item, not of the list
    SLUICE_TRY(const Directive directive, directive_of(word.text()));
    SLUICE_CHECK(
        set_item(list.id(), std::nullopt, {std::string(kDirective)}, {std::string(word.text())}));
    return directive;
  }
  return Directive::kMerge;
}

// --- merging lists -------------------------------------------------------------------------------

Result<Merger::Outcome> Merger::walk_merging_list(Maybe dest, Maybe origin,
                                                  const SchemaNode& schema) {
  if (is_missing_or_null(dest)) {
    dest = origin;
  } else if (origin && ref(*origin).is_null()) {
    return Outcome{};
  } else {
    SLUICE_TRY(const Directive directive, take_directive(origin));
    if (directive == Directive::kDelete) return Outcome{};
    if (directive == Directive::kReplace) dest = origin;
  }
  if (!dest) return Outcome{};

  const Values keys = schema.merge_keys();
  if (!keys.empty()) {
    if (!origin && is_plain_list(*dest, keys)) {
      const SchemaNode items = schema.elements();
      bool emptied = false;
      for (std::size_t i = 0; i < ref(*dest).size(); ++i) {
        SLUICE_TRY(const Outcome item, walk(ref(*dest).at(i).id(), std::nullopt, items));
        emptied = emptied || !item.node || is_empty_mapping(ref(*item.node));
      }
      if (!emptied) return Outcome{dest};
    }
    SLUICE_TRY(std::vector<Values> values, item_values(keys, dest, origin));
    return merge_items(std::move(values), keys, dest, origin, schema);
  }
  return merge_items(primitive_values(dest, origin), {""}, dest, origin, schema);
}

/// A list that merging leaves in its order: mappings, each with all keys, none twice.
bool Merger::is_plain_list(NodeId list, const Values& keys) {
  const yaml::Ref node = ref(list);
  std::unordered_set<std::string> seen;
  for (std::size_t i = 0; i < node.size(); ++i) {
    const yaml::Node item = node.at(i);
    if (!item.is_mapping()) return false;
    std::string text;
    for (const std::string& key : keys) {
      const yaml::Node value = field(item, key);
      if (!value.is_scalar() || value.is_null() || value.text().empty()) return false;
      text += std::to_string(value.text().size());
      text += ':';
      text += value.text();
    }
    if (!seen.insert(std::move(text)).second) return false;
  }
  return true;
}

Result<std::vector<Values>> Merger::item_values(const Values& keys, Maybe dest, Maybe origin) {
  std::vector<Values> all;
  std::unordered_set<std::string> seen;
  for (const Maybe source : {origin, dest}) {  // the patch's items come first
    if (!source) continue;
    const yaml::Node list = ref(*source);
    for (std::size_t i = 0; i < list.size(); ++i) {
      Values values;
      for (const std::string& key : keys) {
        const yaml::Node value = field(list.at(i), key);
        if (value.is_encrypted()) return encrypted_key(key);
        values.emplace_back(is_nil_or_empty(value) ? std::string_view() : value.text());
      }
      if (seen.insert(joined(values)).second) all.push_back(std::move(values));
    }
  }
  return all;
}

std::vector<Values> Merger::primitive_values(Maybe dest, Maybe origin) {
  std::vector<Values> all;
  std::unordered_set<std::string_view> seen;
  for (const Maybe source : {origin, dest}) {
    if (!source) continue;
    const yaml::Node list = ref(*source);
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::string_view text = list.at(i).text();
      if (seen.insert(text).second) all.push_back({std::string(text)});
    }
  }
  return all;
}

Maybe Merger::find_item(Maybe list, const Values& keys, const Values& values) {
  if (!list || !ref(*list).is_sequence()) return std::nullopt;
  const auto [wanted_keys, wanted] = valid_keys({values}, values, keys);
  const yaml::Node node = ref(*list);
  if (wanted_keys.empty() || wanted_keys[0].empty()) {
    for (std::size_t i = 0; i < node.size(); ++i) {
      if (node.at(i).text() == (wanted.empty() ? std::string_view() : wanted[0])) {
        return node.at(i).id();
      }
    }
    return std::nullopt;
  }
  if (wanted_keys.size() != wanted.size()) return std::nullopt;
  for (std::size_t i = 0; i < node.size(); ++i) {
    const yaml::Node item = node.at(i);
    if (!item.is_mapping()) continue;
    bool matches = true;
    for (std::size_t k = 0; k < wanted_keys.size() && matches; ++k) {
      const yaml::Node value = field(item, wanted_keys[k]);
      matches = value.exists() && !value.is_encrypted() && value.text() == wanted[k];
    }
    if (matches) return item.id();
  }
  return std::nullopt;
}

/// kyaml's FieldMatcher with a StringValue: the node, or its field, when the text is the same. An
/// empty `value` takes any field.
Result<Maybe> Merger::match_field(NodeId node, const std::string& key, const std::string& value) {
  if (ref(node).is_null()) return Maybe();
  if (key.empty()) {
    if (!is_leaf(ref(node))) return fail(wrong_kind("ScalarNode", ref(node)));
    return ref(node).text() == value ? Maybe(node) : Maybe();
  }
  if (!ref(node).is_mapping()) return fail(wrong_kind("MappingNode", ref(node)));
  const yaml::Node found = field(yaml::Node(ref(node)), key);
  if (!found.exists() || (!value.empty() && found.text() != value)) return Maybe();
  return Maybe(found.id());
}

/// kyaml's ElementSetter: puts `item` in the place of every match, drops matches when there is
/// none, appends it when nothing matches. Nulls and empty mappings are dropped on the way; without
/// values so is everything.
Result<void> Merger::set_item(NodeId list, Maybe item, const Values& keys, const Values& values) {
  const bool by_mapping =
      !keys.empty() && !keys[0].empty() && !values.empty() && !values[0].empty();
  std::vector<NodeId> items;
  bool matched = false;
  const std::size_t size = ref(list).size();
  items.reserve(size + 1);
  for (std::size_t i = 0; i < size; ++i) {
    const yaml::Ref old = ref(list).at(i);
    if (old.is_null() || is_empty_mapping(old)) continue;
    if (!old.is_mapping() && by_mapping) {
      items.push_back(old.id());
      continue;
    }
    bool found = true;
    Maybe value;
    for (std::size_t k = 0; k < keys.size(); ++k) {
      if (k < values.size()) {
        SLUICE_TRY(value, match_field(old.id(), keys[k], values[k]));
      }
      if (!value) {
        found = false;
        break;
      }
    }
    if (!found) {
      if (!values.empty()) items.push_back(old.id());
      continue;
    }
    matched = true;
    if (item) items.push_back(*item);
  }
  if (!matched && !is_missing_or_null(item)) items.push_back(*item);
  ref(list).set_items(items);
  return {};
}

Result<void> Merger::append_items(NodeId to, NodeId from, const Values& keys) {
  std::vector<NodeId> items;
  for (std::size_t i = 0; i < ref(from).size(); ++i)
    items.push_back(ref(from).at(i).id());
  for (const NodeId item : items) {
    if (keys[0].empty()) {
      SLUICE_CHECK(set_item(to, item, {""}, {std::string(ref(item).text())}));
      continue;
    }
    Values values;
    for (const std::string& key : keys) {
      SLUICE_TRY(const Maybe value, match_field(item, key, ""));
      if (!value) {
        document_.append_item(to, item);
      } else {
        values.emplace_back(ref(*value).text());
      }
    }
    if (keys.size() > 1) SLUICE_CHECK(set_item(to, std::nullopt, keys, values));
    SLUICE_CHECK(set_item(to, item, keys, values));
  }
  return {};
}

Result<Merger::Outcome> Merger::merge_items(std::vector<Values> all, const Values& keys, Maybe dest,
                                            Maybe origin, const SchemaNode& schema) {
  const NodeId merged = document_.new_collection(yaml::Kind::kSequence);
  const SchemaNode item_schema = schema.elements();
  if (keys.size() > 1) unite_all(all);

  Values last_keys;
  for (const Values& values : all) {
    if (values.empty()) continue;
    auto [used_keys, used_values] = valid_keys(all, values, keys);
    last_keys = used_keys;
    SLUICE_TRY(const Outcome item, walk(find_item(dest, used_keys, used_values),
                                        find_item(origin, used_keys, used_values), item_schema));
    if (is_missing_or_null(item.node) || is_empty_mapping(ref(*item.node))) {
      SLUICE_CHECK(set_item(*dest, std::nullopt, used_keys, used_values));
      continue;
    }
    const yaml::Ref node = ref(*item.node);
    for (std::size_t k = 0; k < used_keys.size() && k < used_values.size(); ++k) {
      if (used_keys[k].empty() || used_values[k].empty() || !node.is_mapping()) continue;
      if (field(yaml::Node(node), used_keys[k]).exists()) continue;
      SLUICE_CHECK(set_entry_string(node, used_keys[k], used_values[k]));
    }
    SLUICE_CHECK(set_item(merged, *item.node, used_keys, used_values));
  }
  if (all.empty()) return Outcome{dest};
  if (last_keys.empty()) last_keys = {""};
  SLUICE_CHECK(append_items(merged, *dest, last_keys));
  return Outcome{merged};
}

}  // namespace

Result<Merged> strategic_merge(yaml::Ref target, yaml::Node patch, const Schema& schema) {
  yaml::Document& document = target.document();
  const NodeId copy = document.import(patch);
  Merger merger(document, schema);
  SLUICE_TRY(const Merger::Outcome result, merger.walk(target.id(), copy, SchemaNode()));
  // `$patch: replace` at the root gives a new node that nobody uses, in kustomize as here.
  return result.node ? Merged::kKept : Merged::kDeleted;
}

}  // namespace sluice::kustomize
