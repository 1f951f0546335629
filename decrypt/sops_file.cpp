#include "sluice/decrypt/sops_file.hpp"

#include <optional>
#include <unordered_set>

#include "sluice/crypto/hash.hpp"

#include "enc_value.hpp"
#include "godotenv.hpp"
#include "metadata.hpp"
#include "open_tree.hpp"
#include "selector.hpp"
#include "walk.hpp"

namespace sluice::decrypt {
namespace {

yaml::Kind leaf_kind(ItemKind kind) {
  switch (kind) {
    case ItemKind::kInt:
      return yaml::Kind::kInt;
    case ItemKind::kFloat:
      return yaml::Kind::kFloat;
    case ItemKind::kBool:
      return yaml::Kind::kBool;
    case ItemKind::kTime:
      return yaml::Kind::kTimestamp;
    default:
      return yaml::Kind::kString;
  }
}

Where where(yaml::Node node, const std::string& path) {
  return {path, node.position().line(), node.position().column()};
}

// The `sops` block as an Item, which parse_metadata reads.
Item item_of(yaml::Node node, std::size_t depth) {
  Item item;
  item.line = node.position().line();
  item.column = node.position().column();
  if (depth > 16) return item;  // real ones have five levels
  switch (node.kind()) {
    case yaml::Kind::kMapping:
      item.kind = ItemKind::kMapping;
      for (std::size_t i = 0; i < node.size(); ++i) {
        Item child = item_of(node.value(i), depth + 1);
        child.key = node.key(i).text();
        item.items.push_back(std::move(child));
      }
      break;
    case yaml::Kind::kSequence:
      item.kind = ItemKind::kSequence;
      for (std::size_t i = 0; i < node.size(); ++i) {
        item.items.push_back(item_of(node.at(i), depth + 1));
      }
      break;
    case yaml::Kind::kNull:
      break;
    case yaml::Kind::kBool:
      item.kind = ItemKind::kBool;
      item.text = node.text();
      break;
    case yaml::Kind::kInt:
      item.kind = ItemKind::kInt;
      item.text = node.text();
      break;
    default:
      item.kind = ItemKind::kString;
      item.text = node.text();
  }
  return item;
}

// Selectors that a rule about comments selects, since a yaml::Document has no comments.
Result<std::unordered_set<std::string>> selected_by_comments(std::string_view bytes,
                                                             Format format) {
  SLUICE_TRY(SopsFile file, read_sops_file(bytes, format));
  SLUICE_TRY(const Selection selection, Selection::make(file.metadata.rule));
  std::unordered_set<std::string> selected;
  SLUICE_CHECK(walk(file.tree, selection, [&](const Visit& visit) -> Result<void> {
    if (visit.selected && !visit.item.is_comment()) selected.emplace(visit.selector);
    return {};
  }));
  return selected;
}

class Lifter {
 public:
  Lifter(const Digest& file, const std::string& path, const Selection& selection,
         std::optional<std::unordered_set<std::string>> by_comments)
      : file_(file), path_(path), selection_(selection), by_comments_(std::move(by_comments)) {}

  Result<void> document(yaml::Ref root, std::size_t number) {
    selector_ = document_selector(number);
    base_ = selector_.size();
    return mapping(root, false);
  }

 private:
  bool is_selected(bool key_matches) const {
    switch (selection_.rule().kind) {
      case Rule::Kind::kUnencryptedSuffix:
      case Rule::Kind::kUnencryptedRegex:
        return !key_matches;
      case Rule::Kind::kEncryptedSuffix:
      case Rule::Kind::kEncryptedRegex:
        return key_matches;
      default:
        return by_comments_ && by_comments_->count(selector_) != 0;
    }
  }

  Result<void> mapping(yaml::Ref node, bool key_matches) {
    const std::size_t size = selector_.size();
    for (std::size_t i = 0; i < node.size(); ++i) {
      const yaml::Node key = node.key(i);
      if (!key.is_string()) {
        return fail(Code::kInvalid,
                    "the key \"" + std::string(key.text()) +
                        "\" is not a string; SOPS supports only strings",
                    where(key, path_), "put it in quotes");
      }
      append_key(selector_, base_, key.text());
      SLUICE_CHECK(
          value(node.value(i), key_matches || selection_.matches_key(key.text())).map([](bool) {}));
      selector_.resize(size);
    }
    return {};
  }

  Result<void> sequence(yaml::Ref node, bool key_matches) {
    const std::size_t size = selector_.size();
    std::vector<yaml::NodeId> kept;
    for (std::size_t i = 0; i < node.size(); ++i) {
      append_index(selector_, i);
      SLUICE_TRY(const bool is_comment, value(node.at(i), key_matches));
      if (!is_comment) kept.push_back(node.at(i).id());
      selector_.resize(size);
    }
    if (kept.size() != node.size()) node.set_items(kept);
    return {};
  }

  // True for an item of a list that is an encrypted comment, which the plaintext has not.
  Result<bool> value(yaml::Ref node, bool key_matches) {
    if (node.is_mapping()) {
      SLUICE_CHECK(mapping(node, key_matches));
      return false;
    }
    if (node.is_sequence()) {
      SLUICE_CHECK(sequence(node, key_matches));
      return false;
    }
    if (node.kind() == yaml::Kind::kNull || node.is_encrypted()) return false;
    if (!is_selected(key_matches)) return false;
    if (node.is_string() && node.text().empty()) return false;
    const auto refuse = [&](const std::string& why) {
      return fail(Code::kInvalid,
                  "the value of \"" + selector_ + "\" should be encrypted (" +
                      selection_.rule().name() + "): " + why,
                  where(node, path_), "encrypt the file again with sops");
    };
    if (!node.is_string()) return refuse("it is a plain number, boolean or time");
    const auto enc = parse_enc(node.text());
    if (!enc) return refuse(enc.error().message());
    if (enc->kind == ItemKind::kComment) return true;
    yaml::EncryptedLeaf leaf;
    leaf.file = file_;
    leaf.selector = selector_;
    leaf.kind = leaf_kind(enc->kind);
    node.set_leaf(std::move(leaf));
    return false;
  }

  const Digest& file_;
  const std::string& path_;
  const Selection& selection_;
  std::optional<std::unordered_set<std::string>> by_comments_;
  std::string selector_;
  std::size_t base_ = 0;
};

// All documents of a file are encrypted together and carry the same block.
Result<void> check_same_block(yaml::Node first, yaml::Node other, const std::string& path) {
  if (!other.exists() || equal(first.get("mac"), other.get("mac"))) return {};
  return fail(Code::kUnsupported,
              "the documents of this file were encrypted separately and then joined",
              where(other, path), "give each its own file; the MAC covers a whole file");
}

}  // namespace

Format format_for_path(std::string_view path) {
  if (path.ends_with(".yaml") || path.ends_with(".yml")) return Format::kYaml;
  if (path.ends_with(".json")) return Format::kJson;
  if (path.ends_with(".env")) return Format::kDotenv;
  if (path.ends_with(".ini")) return Format::kIni;
  return Format::kBinary;
}

bool looks_encrypted(std::string_view text, Format format) {
  const auto has = [text](std::string_view marker) {
    return text.find(marker) != std::string_view::npos;
  };
  switch (format) {
    case Format::kYaml:
      return has("mac: ENC[");
    case Format::kJson:
    case Format::kBinary:
      return has("\"mac\": \"ENC[");
    case Format::kDotenv:
      return has("sops_mac=ENC[");
    case Format::kIni:
      return has("[sops]");
  }
  return false;
}

Digest SopsFiles::add(std::shared_ptr<const std::string> bytes, Format format, std::string path) {
  // The same bytes may be read as two formats (a file and a generator's key name decide).
  crypto::Hash hash(crypto::HashAlgorithm::kSha256);
  hash.append(std::string_view("sops\0", 5));
  hash.append(std::to_string(static_cast<int>(format)));
  hash.append(*bytes);
  const auto value = hash.finish();
  const Digest digest(DigestAlgorithm::kSha256, std::span(value).first(hash.size()));
  const std::lock_guard lock(mutex_);
  auto& entry = files_[digest];
  if (!entry) {
    entry = std::make_shared<const File>(File{std::move(bytes), format, std::move(path)});
  }
  return digest;
}

std::shared_ptr<const SopsFiles::File> SopsFiles::find(const Digest& digest) const {
  const std::lock_guard lock(mutex_);
  const auto found = files_.find(digest);
  return found == files_.end() ? nullptr : found->second;
}

std::size_t SopsFiles::size() const {
  const std::lock_guard lock(mutex_);
  return files_.size();
}

Result<bool> lift_leaves(std::span<yaml::Document> documents,
                         std::shared_ptr<const std::string> bytes, std::string path,
                         SopsFiles& files) {
  if (documents.empty()) return false;
  const yaml::Node block = documents[0].root().get("sops");
  if (!block.exists()) return false;
  if (!block.is_mapping()) {
    return fail(Code::kInvalid, "sops metadata: \"sops\" is not a mapping", where(block, path));
  }
  auto metadata = parse_metadata(item_of(block, 0));
  if (!metadata) return fail(std::move(metadata).error().at({path, 0, 0}));
  auto selection = Selection::make(metadata->rule);
  if (!selection) return fail(std::move(selection).error().at({path, 0, 0}));
  for (const yaml::Document& document : documents.subspan(1)) {
    SLUICE_CHECK(check_same_block(block, document.root().get("sops"), path));
  }
  const Format format = format_for_path(path) == Format::kJson ? Format::kJson : Format::kYaml;
  std::optional<std::unordered_set<std::string>> by_comments;
  if (metadata->rule.by_comments()) {
    auto selected = selected_by_comments(*bytes, format);
    if (!selected) return fail(std::move(selected).error().at({path, 0, 0}));
    by_comments = std::move(*selected);
  }
  const Digest digest = files.add(std::move(bytes), format, path);
  Lifter lifter(digest, path, *selection, std::move(by_comments));
  std::size_t number = 0;
  for (yaml::Document& document : documents) {
    document.root().erase("sops");
    if (!document.root().is_mapping() || document.root().size() == 0) continue;
    SLUICE_CHECK(lifter.document(document.root(), number));
    ++number;
  }
  return true;
}

Result<std::vector<EnvEntry>> lift_env(std::shared_ptr<const std::string> bytes, std::string path,
                                       SopsFiles& files) {
  const auto lift = [&]() -> Result<std::vector<EnvEntry>> {
    SLUICE_TRY(SopsFile file, read_sops_file(*bytes, Format::kDotenv));
    SLUICE_TRY(const Selection selection, Selection::make(file.metadata.rule));
    const Digest digest = files.add(bytes, Format::kDotenv, path);
    std::vector<EnvEntry> entries;
    SLUICE_CHECK(walk(file.tree, selection, [&](const Visit& visit) -> Result<void> {
      if (visit.item.is_comment()) return {};
      EnvEntry entry;
      entry.key = visit.item.key;
      if (visit.selected && !visit.item.text.empty()) {
        auto enc = parse_enc(visit.item.text);
        if (!enc) {
          return fail(std::move(enc)
                          .error()
                          .prefix("the value of \"" + entry.key + "\": ")
                          .at({path, visit.item.line, visit.item.column}));
        }
        entry.encrypted = true;
        entry.leaf.file = digest;
        entry.leaf.selector = visit.selector;
        entry.leaf.kind = leaf_kind(enc->kind);
      } else {
        entry.plain = visit.item.text;
      }
      entries.push_back(std::move(entry));
      return {};
    }));
    return entries;
  };
  auto entries = lift();
  if (!entries) return fail(std::move(entries).error().at({path, 0, 0}));
  return entries;
}

Result<std::vector<GodotenvLeaf>> lift_godotenv(std::shared_ptr<const std::string> bytes,
                                                Format format, std::string path, SopsFiles& files) {
  auto names = godotenv_names(*bytes, format);
  if (!names) return fail(std::move(names).error().at({path, 0, 0}));
  const Digest digest = files.add(std::move(bytes), format, std::move(path));
  std::vector<GodotenvLeaf> leaves;
  for (std::string& name : *names) {
    yaml::EncryptedLeaf leaf;
    leaf.file = digest;
    leaf.selector = godotenv_selector(name);
    leaves.push_back({std::move(name), std::move(leaf)});
  }
  return leaves;
}

Result<yaml::EncryptedLeaf> lift_whole(std::shared_ptr<const std::string> bytes, Format input,
                                       Format output, std::string path, SopsFiles& files) {
  auto file = read_sops_file(*bytes, input);
  if (!file) return fail(std::move(file).error().at({path, 0, 0}));
  yaml::EncryptedLeaf leaf;
  leaf.file = files.add(std::move(bytes), input, std::move(path));
  leaf.selector = whole_selector(input, output);
  return leaf;
}

}  // namespace sluice::decrypt
