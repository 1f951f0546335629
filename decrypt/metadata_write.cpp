#include "metadata_write.hpp"

#include <algorithm>
#include <utility>

namespace sluice::decrypt {
namespace {

constexpr std::string_view kBlock = "sops";
constexpr std::string_view kPrefix = "sops_";

Item make(ItemKind kind, std::string_view key, std::string text = {}) {
  Item item;
  item.kind = kind;
  item.key = key;
  item.text = std::move(text);
  return item;
}

void sort_entries(Item& mapping) {
  std::stable_sort(mapping.items.begin(), mapping.items.end(),
                   [](const Item& a, const Item& b) { return a.key < b.key; });
}

Item key_entry(const MasterKey& key) {
  constexpr std::string_view kContext = "context.";
  Item entry = make(ItemKind::kMapping, {});
  Item context = make(ItemKind::kMapping, "context");
  entry.items.push_back(make(ItemKind::kString, "enc", key.wrapped_key));
  for (const auto& [name, value] : key.fields) {
    if (name.starts_with(kContext)) {
      context.items.push_back(make(ItemKind::kString, name.substr(kContext.size()), value));
    } else if (name != "role" || !value.empty()) {
      entry.items.push_back(make(ItemKind::kString, name, value));
    }
  }
  if (!context.items.empty()) entry.items.push_back(std::move(context));
  sort_entries(entry);
  return entry;
}

// Lists of keys by type. `always`: those that upstream writes even when they are empty.
void add_keys(const std::vector<MasterKey>& group, bool always, Item& into) {
  for (const char* const type : {"age", "azure_kv", "gcp_kms", "hc_vault", "hckms", "kms", "pgp"}) {
    Item list = make(ItemKind::kSequence, type);
    for (const MasterKey& key : group) {
      if (key.type == type) list.items.push_back(key_entry(key));
    }
    const bool keeps_empty = always && (list.key == "age" || list.key == "hc_vault");
    if (!list.items.empty() || keeps_empty) into.items.push_back(std::move(list));
  }
}

void flatten(const Item& item, const std::string& key, bool escape_newlines,
             std::vector<Item>& into) {
  if (item.kind == ItemKind::kMapping) {
    for (const Item& child : item.items)
      flatten(child, key + "__map_" + child.key, escape_newlines, into);
    return;
  }
  if (item.kind == ItemKind::kSequence) {
    for (std::size_t i = 0; i < item.items.size(); ++i)
      flatten(item.items[i], key + "__list_" + std::to_string(i), escape_newlines, into);
    return;
  }
  Item flat = make(item.kind, key, item.text);
  if (escape_newlines) {
    for (std::size_t at = 0; (at = flat.text.find('\n', at)) != std::string::npos; at += 2)
      flat.text.replace(at, 1, "\\n");
  }
  into.push_back(std::move(flat));
}

}  // namespace

Item metadata_block(const Metadata& metadata) {
  Item block = make(ItemKind::kMapping, kBlock);
  if (metadata.groups.size() == 1) {
    add_keys(metadata.groups.front(), /*always=*/false, block);
  } else {
    Item groups = make(ItemKind::kSequence, "key_groups");
    for (const auto& group : metadata.groups) {
      Item entry = make(ItemKind::kMapping, {});
      add_keys(group, /*always=*/true, entry);
      groups.items.push_back(std::move(entry));
    }
    block.items.push_back(std::move(groups));
  }
  block.items.push_back(make(ItemKind::kString, "lastmodified", metadata.last_modified));
  block.items.push_back(make(ItemKind::kString, "mac", metadata.mac));
  if (metadata.mac_only_encrypted) {
    block.items.push_back(make(ItemKind::kBool, "mac_only_encrypted", "true"));
  }
  if (metadata.shamir_threshold != 0) {
    block.items.push_back(
        make(ItemKind::kInt, "shamir_threshold", std::to_string(metadata.shamir_threshold)));
  }
  if (metadata.rule.is_stated) {
    block.items.push_back(make(ItemKind::kString, metadata.rule.name(), metadata.rule.pattern));
  }
  block.items.push_back(make(ItemKind::kString, "version", metadata.version));
  sort_entries(block);
  return block;
}

std::vector<Item> flat_metadata(const Metadata& metadata, std::string_view prefix,
                                bool escape_newlines) {
  std::vector<Item> entries;
  for (const Item& item : metadata_block(metadata).items) {
    flatten(item, std::string(prefix) + item.key, escape_newlines, entries);
  }
  return entries;
}

Result<void> add_metadata(Tree& tree, const Metadata& metadata, Format format) {
  for (Item& document : tree) {
    for (const Item& item : document.items) {
      if (item.is_comment()) continue;
      const bool reserved =
          format == Format::kDotenv ? item.key.starts_with(kPrefix) : item.key == kBlock;
      if (reserved) {
        return fail(Error(Code::kInvalid,
                          "the key \"" + item.key + "\" is what the metadata of SOPS needs",
                          Where{"", item.line, item.column}, "rename it")
                        .reason(std::string(kReasonPrint)));
      }
    }
    if (format == Format::kDotenv || format == Format::kIni) {
      auto entries = flat_metadata(metadata, format == Format::kDotenv ? kPrefix : "",
                                   /*escape_newlines=*/format == Format::kIni);
      if (format == Format::kDotenv) {
        std::move(entries.begin(), entries.end(), std::back_inserter(document.items));
      } else {
        Item section = make(ItemKind::kMapping, kBlock);
        section.items = std::move(entries);
        document.items.push_back(std::move(section));
      }
    } else {
      document.items.push_back(metadata_block(metadata));
    }
  }
  return {};
}

bool has_metadata_key(const Tree& tree, Format format) {
  if (tree.empty()) return false;
  return std::any_of(
      tree.front().items.begin(), tree.front().items.end(), [format](const Item& item) {
        if (item.is_comment()) return false;
        return format == Format::kDotenv ? item.key.starts_with(kPrefix) : item.key == kBlock;
      });
}

}  // namespace sluice::decrypt
