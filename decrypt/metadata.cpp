#include "metadata.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include "sluice/base/go_bool.hpp"
#include "sluice/decrypt/master_keys.hpp"

#include "numbers.hpp"

namespace sluice::decrypt {
namespace {

constexpr std::string_view kBlock = "sops";
constexpr std::string_view kPrefix = "sops_";  // of dotenv's flattened keys

// Order within a group, as upstream builds it; sorted by decryption order later.
constexpr std::string_view kKeyTypes[] = {"kms",      "gcp_kms", "hckms", "azure_kv",
                                          "hc_vault", "pgp",     "age"};

tl::unexpected<Error> broken(const Item& item, const std::string& what) {
  return fail(Code::kInvalid, "sops metadata: " + what, Where{"", item.line, item.column});
}

const Item* find(const Item& mapping, std::string_view key) {
  if (mapping.kind != ItemKind::kMapping) return nullptr;
  for (const Item& item : mapping.items) {
    if (!item.is_comment() && item.key == key) return &item;
  }
  return nullptr;
}

// Weak typing, as upstream decodes: numbers and booleans serve as strings.
Result<std::string> text_of(const Item& mapping, std::string_view key) {
  const Item* const item = find(mapping, key);
  if (item == nullptr || item->kind == ItemKind::kNull) return std::string();
  if (item->is_collection()) return broken(*item, std::string(key) + " is not a string");
  if (item->kind == ItemKind::kBool) return std::string(item->text == "true" ? "1" : "0");
  return item->text;
}

bool says_something(const Item* item) {
  if (item == nullptr || item->kind == ItemKind::kNull) return false;
  return item->is_collection() || !item->text.empty();
}

Result<bool> bool_of(const Item& mapping, std::string_view key) {
  const Item* const item = find(mapping, key);
  if (!says_something(item)) return false;
  if (item->kind == ItemKind::kInt) return item->text != "0";
  const auto value = parse_go_bool(item->text);
  if (item->is_collection() || !value) return broken(*item, std::string(key) + " is not a boolean");
  return *value;
}

Result<std::int64_t> int_of(const Item& mapping, std::string_view key) {
  const Item* const item = find(mapping, key);
  if (!says_something(item)) return 0;
  if (item->kind == ItemKind::kBool) return item->text == "true" ? 1 : 0;
  const auto value = parse_int(item->text);
  if (item->is_collection() || !value) return broken(*item, std::string(key) + " is not a number");
  return *value;
}

// The entries of a list; null, [] and a missing list are the same.
Result<std::vector<const Item*>> list_of(const Item& mapping, std::string_view key) {
  std::vector<const Item*> entries;
  const Item* const item = find(mapping, key);
  if (item == nullptr || item->kind == ItemKind::kNull) return entries;
  if (item->kind != ItemKind::kSequence) return broken(*item, std::string(key) + " is not a list");
  for (const Item& entry : item->items) {
    if (!entry.is_comment()) entries.push_back(&entry);
  }
  return entries;
}

Result<MasterKey> parse_key(const Item& entry, std::string_view type) {
  if (entry.kind != ItemKind::kMapping) {
    return broken(entry, "an entry of " + std::string(type) + " is not a mapping");
  }
  MasterKey key;
  key.type = type;
  for (const Item& field : entry.items) {
    if (field.is_comment() || field.kind == ItemKind::kNull) continue;
    if (field.kind == ItemKind::kMapping) {  // the encryption context of kms
      for (const Item& pair : field.items) {
        if (!pair.is_comment()) key.fields[field.key + "." + pair.key] = pair.text;
      }
    } else if (field.kind != ItemKind::kSequence) {
      key.fields[field.key] = field.text;
    }
  }
  key.wrapped_key = key.fields["enc"];
  key.fields.erase("enc");
  name_master_key(key);
  if (type != "age" && !normal_rfc3339(key.fields["created_at"])) {
    return broken(entry, "created_at of the " + std::string(type) + " key \"" + key.id +
                             "\" is not an RFC 3339 time");
  }
  return key;
}

Result<std::vector<MasterKey>> parse_group(const Item& mapping) {
  std::vector<MasterKey> group;
  for (const std::string_view type : kKeyTypes) {
    SLUICE_TRY(const auto entries, list_of(mapping, type));
    for (const Item* const entry : entries) {
      SLUICE_TRY(MasterKey key, parse_key(*entry, type));
      group.push_back(std::move(key));
    }
  }
  return group;
}

Result<Rule> parse_rule(const Item& block) {
  static constexpr std::pair<const char*, Rule::Kind> kRules[] = {
      {"unencrypted_suffix", Rule::Kind::kUnencryptedSuffix},
      {"encrypted_suffix", Rule::Kind::kEncryptedSuffix},
      {"unencrypted_regex", Rule::Kind::kUnencryptedRegex},
      {"encrypted_regex", Rule::Kind::kEncryptedRegex},
      {"unencrypted_comment_regex", Rule::Kind::kUnencryptedCommentRegex},
      {"encrypted_comment_regex", Rule::Kind::kEncryptedCommentRegex}};
  Rule rule;
  std::string names;
  for (const auto& [name, kind] : kRules) {
    SLUICE_TRY(std::string pattern, text_of(block, name));
    if (pattern.empty()) continue;
    if (!names.empty()) {
      return broken(block, names + " and " + name + " in one file; SOPS allows one such rule");
    }
    names = name;
    rule = {kind, std::move(pattern), /*is_stated=*/true};
  }
  return rule;
}

// --- flattened metadata of dotenv: age__list_0__map_enc (stores/flatten.go)

struct Flat {
  const Item* value = nullptr;
  std::map<std::string, Flat, std::less<>> entries;
  std::map<std::int64_t, Flat> items;
};

Result<void> place(const Item& item, std::string_view path, Flat& root) {
  constexpr std::string_view kMap = "__map_";
  constexpr std::string_view kList = "__list_";
  Flat* node = &root;
  bool is_list = false;
  for (bool more = true; more;) {
    const std::size_t next = std::min(path.find(kMap), path.find(kList));
    const std::string_view part = path.substr(0, next);
    if (is_list) {
      node = &node->items[parse_int(part).value_or(0)];
    } else {
      node = &node->entries[std::string(part)];
    }
    more = next != std::string_view::npos;
    if (!more) break;
    path.remove_prefix(next);
    is_list = path.starts_with(kList);
    path.remove_prefix(is_list ? kList.size() : kMap.size());
  }
  if (node->value != nullptr) return broken(item, "\"" + item.key + "\" is given twice");
  node->value = &item;
  return {};
}

Result<Item> convert(const Flat& node, std::size_t depth) {
  const int forms = (node.value != nullptr) + !node.entries.empty() + !node.items.empty();
  Item item;
  if (forms > 1 || depth > 8) {
    return fail(Code::kInvalid, "sops metadata: flattened keys contradict each other");
  }
  if (node.value != nullptr) {
    item.kind = node.value->kind;
    item.text = node.value->text;
    item.line = node.value->line;
    return item;
  }
  item.kind = node.items.empty() ? ItemKind::kMapping : ItemKind::kSequence;
  for (const auto& [key, child] : node.entries) {
    SLUICE_TRY(Item made, convert(child, depth + 1));
    made.key = key;
    item.items.push_back(std::move(made));
  }
  std::int64_t expected = 0;
  for (const auto& [index, child] : node.items) {
    if (index != expected++) {
      return fail(Code::kInvalid, "sops metadata: a flattened list lacks an index");
    }
    SLUICE_TRY(Item made, convert(child, depth + 1));
    item.items.push_back(std::move(made));
  }
  return item;
}

// `strip`: leading characters of each key that are not part of the path.
Result<Item> unflatten(const std::vector<Item>& entries, std::size_t strip) {
  Flat root;
  for (const Item& item : entries) {
    if (item.is_comment()) continue;
    SLUICE_CHECK(place(item, std::string_view(item.key).substr(strip), root));
  }
  return convert(root, 0);
}

Result<std::optional<Metadata>> extract_flat(Tree& tree) {
  std::vector<Item> entries;
  std::vector<Item> kept;
  for (Item& item : tree.front().items) {
    const bool is_ours = !item.is_comment() && item.key.starts_with(kPrefix);
    (is_ours ? entries : kept).push_back(std::move(item));
  }
  tree.front().items = std::move(kept);
  if (entries.empty()) return std::optional<Metadata>();
  SLUICE_TRY(const Item block, unflatten(entries, kPrefix.size()));
  return parse_metadata(block);
}

// Where the zone starts; nullopt when `text` is no RFC 3339 time. Copies nothing: it may be secret.
std::optional<std::size_t> rfc3339_zone(std::string_view text) {
  const auto number = [&text](std::size_t at, std::size_t size) -> int {
    int value = -1;
    if (text.size() < at + size) return -1;
    const char* const end = text.data() + at + size;
    const auto parsed = std::from_chars(text.data() + at, end, value);
    return parsed.ec == std::errc() && parsed.ptr == end && text[at] != '-' ? value : -1;
  };
  const auto is = [&text](std::size_t at, char c) { return at < text.size() && text[at] == c; };
  const int year = number(0, 4);
  const int month = number(5, 2);
  const int day = number(8, 2);
  static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (year < 0 || month < 1 || month > 12 || day < 1) return std::nullopt;
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  if (day > kDays[month - 1] + (month == 2 && leap ? 1 : 0)) return std::nullopt;
  const int hour = number(11, 2);
  const int minute = number(14, 2);
  const int second = number(17, 2);
  if (!is(4, '-') || !is(7, '-') || !is(10, 'T') || !is(13, ':') || !is(16, ':') || hour < 0 ||
      hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) {
    return std::nullopt;
  }
  std::size_t at = 19;
  if (is(at, '.') || is(at, ',')) {
    const std::size_t end = text.find_first_not_of("0123456789", at + 1);
    if (end == std::string_view::npos || end == at + 1) return std::nullopt;
    at = end;
  }
  const std::string_view zone = text.substr(at);
  if (zone == "Z") return at;
  const int zone_hour = number(at + 1, 2);
  const int zone_minute = number(at + 4, 2);
  if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':' || zone_hour < 0 ||
      zone_hour > 24 || zone_minute < 0 || zone_minute > 60) {
    return std::nullopt;
  }
  return at;
}

}  // namespace

std::string Rule::name() const {
  switch (kind) {
    case Kind::kUnencryptedSuffix:
      return "unencrypted_suffix";
    case Kind::kEncryptedSuffix:
      return "encrypted_suffix";
    case Kind::kUnencryptedRegex:
      return "unencrypted_regex";
    case Kind::kEncryptedRegex:
      return "encrypted_regex";
    case Kind::kUnencryptedCommentRegex:
      return "unencrypted_comment_regex";
    case Kind::kEncryptedCommentRegex:
      return "encrypted_comment_regex";
  }
  return {};
}

Result<Metadata> parse_metadata(const Item& block) {
  Metadata metadata;
  SLUICE_TRY(const std::string last_modified, text_of(block, "lastmodified"));
  const auto time = normal_rfc3339(last_modified);
  if (!time) return broken(block, "lastmodified is not an RFC 3339 time");
  metadata.last_modified = *time;
  SLUICE_TRY(metadata.mac, text_of(block, "mac"));
  SLUICE_TRY(metadata.rule, parse_rule(block));
  SLUICE_TRY(metadata.mac_only_encrypted, bool_of(block, "mac_only_encrypted"));
  SLUICE_TRY(metadata.shamir_threshold, int_of(block, "shamir_threshold"));
  SLUICE_TRY(metadata.version, text_of(block, "version"));
  SLUICE_TRY(std::vector<MasterKey> top, parse_group(block));
  if (!top.empty()) {  // then key_groups is ignored
    metadata.groups.push_back(std::move(top));
    return metadata;
  }
  SLUICE_TRY(const auto groups, list_of(block, "key_groups"));
  for (const Item* const group : groups) {
    SLUICE_TRY(std::vector<MasterKey> keys, parse_group(*group));
    metadata.groups.push_back(std::move(keys));
  }
  const bool has_keys = std::any_of(metadata.groups.begin(), metadata.groups.end(),
                                    [](const auto& group) { return !group.empty(); });
  if (!has_keys) return broken(block, "no keys in it (age, pgp, kms, …)");
  return metadata;
}

Result<std::optional<Metadata>> extract_metadata(Tree& tree, Format format) {
  if (tree.empty()) return std::optional<Metadata>();
  if (format == Format::kDotenv) return extract_flat(tree);
  std::optional<Item> block;
  for (std::size_t i = 0; i < tree.size(); ++i) {
    auto& items = tree[i].items;
    for (auto it = items.begin(); it != items.end();) {
      if (it->is_comment() || !it->key_is_string || it->key != kBlock) {
        ++it;
        continue;
      }
      if (i == 0) {
        if (block) return broken(*it, "a second \"sops\" entry");
        if (it->kind != ItemKind::kMapping) return broken(*it, "\"sops\" is not a mapping");
        block = std::move(*it);
      }
      it = items.erase(it);
    }
  }
  if (!block) return std::optional<Metadata>();
  if (format == Format::kIni) {
    // Line breaks are escaped once more than by the format itself.
    for (Item& item : block->items) {
      for (std::size_t at = 0; (at = item.text.find("\\n", at)) != std::string::npos; ++at) {
        item.text.replace(at, 2, "\n");
      }
    }
    SLUICE_TRY(const Item nested, unflatten(block->items, 0));
    return parse_metadata(nested);
  }
  return parse_metadata(*block);
}

std::optional<std::string> normal_rfc3339(std::string_view text) {
  const auto zone = rfc3339_zone(text);
  if (!zone) return std::nullopt;
  const std::string_view offset = text.substr(*zone);
  const bool is_utc = offset == "Z" || offset.substr(1) == "00:00";
  return std::string(text.substr(0, 19)) + (is_utc ? "Z" : std::string(offset));
}

bool is_rfc3339(std::string_view text) {
  return rfc3339_zone(text).has_value();
}

}  // namespace sluice::decrypt
