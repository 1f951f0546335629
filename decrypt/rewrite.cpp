// Changing files that are encrypted: rotate, updatekeys.
#include "rewrite.hpp"

#include <algorithm>

#include "sluice/crypto/aead.hpp"

#include "audit_tell.hpp"
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

Result<OpenedFile> open_to_rewrite(std::string_view bytes, const std::string& path,
                                   const RewriteOptions& options, const KeyServices& services,
                                   const CancelToken& cancel) {
  AuditRecord record;
  const auto open = [&]() -> Result<OpenedFile> {
    OpenedFile file;
    SLUICE_TRY(SopsFile sops, read_sops_file(bytes, options.format));
    file.before = clone_tree(sops.tree);
    SLUICE_TRY(file.data_key, recover_data_key(sops.metadata, services, options.decryption_order,
                                               cancel, &record.keys));
    file.known = std::make_unique<KnownValues>(file.data_key.clone());
    SLUICE_CHECK(open_tree_knowing(sops, file.data_key, options.ignore_mac, file.known.get()));
    file.opened = std::move(sops.tree);
    file.metadata = std::move(sops.metadata);
    return file;
  };
  auto file = open();
  tell(options.audit, std::move(record), path, file);
  return file;
}

Result<std::string> rotate_file(std::string_view bytes, const std::string& path,
                                const RewriteOptions& options, const std::vector<MasterKey>& add,
                                const std::vector<MasterKey>& remove, const KeyServices& services,
                                const CancelToken& cancel) {
  const auto rotate = [&]() -> Result<std::string> {
    SLUICE_TRY(OpenedFile file, open_to_rewrite(bytes, path, options, services, cancel));
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
    const Format output = options.output.value_or(options.format);
    if (output == options.format) {
      auto text = changed_layout(bytes, options.format, file.before, encrypted, file.metadata,
                                 style, data_key);
      if (text) return std::move(*text);
    }
    return print_encrypted(std::move(file.opened), file.metadata, output, style, data_key,
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

namespace {

/// The file with the keys that `change` gives its metadata; values and MAC stay as they are.
template <class Change>
Result<std::string> with_keys(std::string_view bytes, const std::string& path,
                              const RewriteOptions& options, const KeyServices& services,
                              const CancelToken& cancel, const Change& change) {
  SLUICE_TRY(SopsFile file, read_sops_file(bytes, options.format));
  AuditRecord record;
  crypto::SecretBytes data_key;
  const auto open = [&]() -> Result<void> {
    SLUICE_TRY(data_key, recover_data_key(file.metadata, services, options.decryption_order, cancel,
                                          &record.keys));
    return open_tree(file, data_key, Keep::kNothing, options.ignore_mac);
  };
  const auto opened = open();
  tell(options.audit, std::move(record), path, opened);
  SLUICE_CHECK(opened);
  SLUICE_CHECK(change(file.metadata));
  SLUICE_CHECK(wrap_data_key(file.metadata, data_key, services, options.now, cancel));
  const PrintOptions style{options.yaml_indent, options.json_indent};
  auto text =
      changed_layout(bytes, options.format, file.tree, file.tree, file.metadata, style, data_key);
  if (text) return std::move(*text);
  SLUICE_CHECK(add_metadata(file.tree, file.metadata, options.format));
  std::string printed;
  StringSink sink(printed);
  SLUICE_CHECK(print_tree(
      file.tree, options.format == Format::kBinary ? Format::kJson : options.format, style, sink));
  return printed;
}

}  // namespace

Result<std::string> update_keys(std::string_view bytes, const std::string& path,
                                const RewriteOptions& options, const EncryptSettings& settings,
                                const KeyServices& services, const CancelToken& cancel) {
  const auto change = [&settings](Metadata& metadata) -> Result<void> {
    const auto old_groups = std::move(metadata.groups);
    metadata.groups = settings.groups;
    metadata.shamir_threshold = threshold_of(metadata, settings);
    if (old_groups.size() == 1 && settings.groups.size() == 1) {
      for (MasterKey& key : metadata.groups.front()) {
        const MasterKey* const same = find_key(old_groups.front(), key);
        if (same != nullptr) key = *same;
      }
    }
    return {};
  };
  return named(with_keys(bytes, path, options, services, cancel, change), path);
}

Result<std::string> change_groups(std::string_view bytes, const std::string& path,
                                  const RewriteOptions& options, const GroupChange& change,
                                  const KeyServices& services, const CancelToken& cancel) {
  const auto regroup = [&change](Metadata& metadata) -> Result<void> {
    auto& groups = metadata.groups;
    const std::size_t before = groups.size();
    if (!change.add.empty()) groups.push_back(change.add);
    if (change.remove) {
      if (*change.remove >= before) {
        return fail(Code::kInvalid, "there is no key group " + std::to_string(*change.remove) +
                                        ": the file has " + std::to_string(before) +
                                        ", counted from 0");
      }
      groups.erase(groups.begin() + static_cast<std::ptrdiff_t>(*change.remove));
    }
    if (change.threshold != 0) metadata.shamir_threshold = change.threshold;
    if (metadata.shamir_threshold > static_cast<std::int64_t>(groups.size())) {
      return fail(Code::kInvalid,
                  "removing this key group will make the Shamir threshold impossible to satisfy: "
                  "Shamir threshold is " +
                      std::to_string(metadata.shamir_threshold) + ", but we only have " +
                      std::to_string(groups.size()) + " key groups",
                  Where{}, "give --shamir-secret-sharing-threshold");
    }
    // Parts of a split key are made anew; so is the whole key where it was split before.
    for (auto& group : groups) {
      for (MasterKey& key : group)
        key.wrapped_key.clear();
    }
    if (groups.size() == 1) metadata.shamir_threshold = 0;
    return {};
  };
  return named(with_keys(bytes, path, options, services, cancel, regroup), path);
}

Result<bool> is_encrypted_file(std::string_view bytes, Format format) {
  const auto file = read_sops_file(bytes, format);
  if (!file) {
    if (file.error().reason() == kReasonNoMetadata) return false;
    return fail(file.error());
  }
  return !file->metadata.version.empty() && !file->metadata.mac.empty();
}

}  // namespace sluice::decrypt
