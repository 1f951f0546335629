// Changing files that are encrypted: rotate, updatekeys.
#include "rewrite.hpp"

#include <algorithm>

#include "sluice/crypto/aead.hpp"

#include "data_key.hpp"
#include "encrypt_tree.hpp"
#include "layout.hpp"
#include "metadata_write.hpp"
#include "written_file.hpp"

namespace sluice::decrypt {
namespace {

constexpr std::size_t kDataKeySize = 32;

bool same_key(const MasterKey& a, const MasterKey& b) {
  return a.type == b.type && master_key_text(a) == master_key_text(b);
}

const MasterKey* find_key(const std::vector<MasterKey>& group, const MasterKey& key) {
  const auto found = std::find_if(group.begin(), group.end(),
                                  [&key](const MasterKey& other) { return same_key(key, other); });
  return found == group.end() ? nullptr : &*found;
}

Result<std::string> named(Result<std::string> text, const std::string& path) {
  if (!text) return fail(std::move(text).error().at({path, 0, 0}));
  return text;
}

}  // namespace

void restore_kinds(const Item& before, Item& encrypted) {
  for (std::size_t i = 0; i < before.items.size() && i < encrypted.items.size(); ++i) {
    const Item& from = before.items[i];
    Item& to = encrypted.items[i];
    restore_kinds(from, to);
    if (to.is_comment() && from.kind == ItemKind::kString) to.kind = ItemKind::kString;
  }
}

Result<OpenedFile> open_to_rewrite(std::string_view bytes, const RewriteOptions& options,
                                   const KeyServices& services, const CancelToken& cancel) {
  OpenedFile file;
  SLUICE_TRY(SopsFile sops, read_sops_file(bytes, options.format));
  file.before = clone_tree(sops.tree);
  SLUICE_TRY(file.data_key,
             recover_data_key(sops.metadata, services, options.decryption_order, cancel));
  file.known = std::make_unique<KnownValues>(file.data_key.clone());
  SLUICE_CHECK(open_tree_knowing(sops, file.data_key, options.ignore_mac, file.known.get()));
  file.opened = std::move(sops.tree);
  file.metadata = std::move(sops.metadata);
  return file;
}

Result<std::string> rotate_file(std::string_view bytes, const std::string& path,
                                const RewriteOptions& options, const std::vector<MasterKey>& add,
                                const std::vector<MasterKey>& remove, const KeyServices& services,
                                const CancelToken& cancel) {
  const auto rotate = [&]() -> Result<std::string> {
    SLUICE_TRY(OpenedFile file, open_to_rewrite(bytes, options, services, cancel));
    auto& groups = file.metadata.groups;
    groups.front().insert(groups.front().end(), add.begin(), add.end());
    for (auto& group : groups) {
      std::erase_if(group,
                    [&remove](const MasterKey& key) { return find_key(remove, key) != nullptr; });
      for (MasterKey& key : group)
        key.wrapped_key.clear();
    }
    const crypto::SecretBytes data_key = crypto::random_bytes(kDataKeySize);
    SLUICE_CHECK(wrap_data_key(file.metadata, data_key, services, options.now, cancel));
    Tree encrypted = clone_tree(file.opened);
    SLUICE_TRY(const auto mac, encrypt_tree(encrypted, file.metadata, data_key, ListComments::kStay,
                                            /*known=*/nullptr));
    seal_mac(file.metadata, mac, data_key, options.now);
    for (std::size_t i = 0; i < encrypted.size(); ++i)
      restore_kinds(file.before[i], encrypted[i]);
    const PrintOptions style{options.yaml_indent, options.json_indent};
    auto text = changed_layout(bytes, options.format, file.before, encrypted, file.metadata, style,
                               data_key);
    if (text) return std::move(*text);
    return print_encrypted(std::move(file.opened), file.metadata, options.format, style, data_key,
                           /*known=*/nullptr, options.now);
  };
  return named(rotate(), path);
}

bool KeyChanges::any() const {
  return old_threshold != new_threshold ||
         std::any_of(groups.begin(), groups.end(), [](const Group& group) {
           return !group.added.empty() || !group.removed.empty();
         });
}

namespace {

std::int64_t threshold_of(const Metadata& metadata, const EncryptSettings& settings) {
  return std::min<std::int64_t>(metadata.shamir_threshold,
                                static_cast<std::int64_t>(settings.groups.size()));
}

}  // namespace

Result<KeyChanges> compare_keys(std::string_view bytes, const std::string& path, Format format,
                                const EncryptSettings& settings) {
  auto file = read_sops_file(bytes, format);
  if (!file) return fail(std::move(file).error().at({path, 0, 0}));
  KeyChanges changes;
  changes.old_threshold = file->metadata.shamir_threshold;
  changes.new_threshold = threshold_of(file->metadata, settings);
  const auto& ours = file->metadata.groups;
  const auto& theirs = settings.groups;
  for (std::size_t i = 0; i < std::max(ours.size(), theirs.size()); ++i) {
    static const std::vector<MasterKey> none;
    const auto& old_group = i < ours.size() ? ours[i] : none;
    const auto& new_group = i < theirs.size() ? theirs[i] : none;
    KeyChanges::Group group;
    for (const MasterKey& key : new_group) {
      auto& list = find_key(old_group, key) != nullptr ? group.common : group.added;
      list.push_back(master_key_text(key));
    }
    for (const MasterKey& key : old_group) {
      if (find_key(new_group, key) == nullptr) group.removed.push_back(master_key_text(key));
    }
    changes.groups.push_back(std::move(group));
  }
  return changes;
}

Result<std::string> update_keys(std::string_view bytes, const std::string& path,
                                const RewriteOptions& options, const EncryptSettings& settings,
                                const KeyServices& services, const CancelToken& cancel) {
  const auto update = [&]() -> Result<std::string> {
    SLUICE_TRY(SopsFile file, read_sops_file(bytes, options.format));
    SLUICE_TRY(const auto data_key,
               recover_data_key(file.metadata, services, options.decryption_order, cancel));
    SLUICE_CHECK(open_tree(file, data_key, Keep::kNothing, options.ignore_mac));
    const auto old_groups = std::move(file.metadata.groups);
    file.metadata.groups = settings.groups;
    file.metadata.shamir_threshold = threshold_of(file.metadata, settings);
    if (old_groups.size() == 1 && settings.groups.size() == 1) {
      for (MasterKey& key : file.metadata.groups.front()) {
        const MasterKey* const same = find_key(old_groups.front(), key);
        if (same != nullptr) key = *same;
      }
    }
    SLUICE_CHECK(wrap_data_key(file.metadata, data_key, services, options.now, cancel));
    const PrintOptions style{options.yaml_indent, options.json_indent};
    auto text =
        changed_layout(bytes, options.format, file.tree, file.tree, file.metadata, style, data_key);
    if (text) return std::move(*text);
    SLUICE_CHECK(add_metadata(file.tree, file.metadata, options.format));
    std::string printed;
    StringSink sink(printed);
    SLUICE_CHECK(print_tree(file.tree,
                            options.format == Format::kBinary ? Format::kJson : options.format,
                            style, sink));
    return printed;
  };
  return named(update(), path);
}

}  // namespace sluice::decrypt
