#include "sluice/decrypt/decryptor.hpp"

#include <algorithm>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "sluice/decrypt/encryptor.hpp"

#include "audit_tell.hpp"
#include "data_key.hpp"
#include "enc_value.hpp"
#include "godotenv.hpp"
#include "open_tree.hpp"
#include "selector.hpp"

namespace sluice::decrypt {
namespace {

// A selector without the merge keys in it: a reader that expands them finds their entries one level
// higher. "" when there are none.
std::string without_merge_keys(std::string_view selector) {
  constexpr std::string_view kMerge = "<<";
  std::string out;
  bool changed = false;
  while (!selector.empty()) {
    std::size_t end = 0;
    while (end < selector.size() && selector[end] != ':')
      end += selector[end] == '\\' ? 2 : 1;
    end = std::min(end, selector.size());
    const std::string_view part = selector.substr(0, end);
    if (part == kMerge || part.starts_with("<<[")) {
      changed = true;
    } else {
      if (!out.empty()) out += ':';
      out += part;
    }
    selector.remove_prefix(std::min(selector.size(), end + 1));
  }
  return changed ? out : std::string();
}

struct Value {
  std::string ciphertext;
  std::string path;
};

// What is kept of a file once its MAC was found right.
struct OpenFile {
  std::mutex mutex;  // guards everything below
  bool ready = false;
  std::optional<Error> broken;  // kInvalid and kIntegrity stay; other failures are tried again
  crypto::SecretBytes data_key;
  std::unordered_map<std::string, Value> values;  // by selector
  // Variables of an env file by name, each kept until it is asked for: the file is decrypted once
  // however many it has, and nothing stays when all were given out.
  std::unordered_map<std::string, crypto::SecretBytes> variables;
};

}  // namespace

namespace {

// sops.go, Truncate. Comments count as items of a list, as upstream keeps them there.
Result<Item*> find_value(Tree& tree, const ValuePath& path) {
  if (tree.empty()) return fail(Code::kNotFound, "the file is empty");
  Item* item = &tree.front();
  ValuePath done;
  for (const PathPart& part : path) {
    done.push_back(part);
    const auto missing = [&done](const std::string& what) {
      return fail(Code::kNotFound, value_path_text(done) + ": " + what);
    };
    if (const auto* const key = std::get_if<std::string>(&part)) {
      if (item->kind != ItemKind::kMapping) return missing("there is no mapping to look in");
      const auto found =
          std::find_if(item->items.begin(), item->items.end(), [key](const Item& child) {
            return !child.is_comment() && child.key_is_string && child.key == *key;
          });
      if (found == item->items.end()) return missing("no such key");
      item = &*found;
      continue;
    }
    const std::int64_t index = std::get<std::int64_t>(part);
    if (item->kind != ItemKind::kSequence) return missing("there is no list to look in");
    if (index < 0 || static_cast<std::uint64_t>(index) >= item->items.size()) {
      return missing("the list has " + std::to_string(item->items.size()) + " items");
    }
    item = &item->items[static_cast<std::size_t>(index)];
  }
  return item;
}

void put_comments_above(Item& item) {
  item.inline_comment = false;
  for (Item& child : item.items)
    put_comments_above(child);
}

Result<void> open_all(SopsFile& file, const crypto::SecretBytes& data_key,
                      const DecryptFileOptions& options) {
  SLUICE_CHECK(open_tree(file, data_key, Keep::kPlaintext, options.ignore_mac));
  if (options.inline_comments) return {};
  for (Item& document : file.tree)
    put_comments_above(document);
  return {};
}

Result<crypto::SecretBytes> print(SopsFile& file, const crypto::SecretBytes& data_key,
                                  std::size_t size, const DecryptFileOptions& options) {
  SLUICE_CHECK(open_all(file, data_key, options));
  crypto::SecretBuffer out(size);
  const PrintOptions style{options.yaml_indent, options.json_indent};
  const auto cannot_print = [](Error error) {
    return fail(std::move(error).reason(std::string(kReasonPrint)));
  };
  if (!options.extract.empty()) {
    SLUICE_TRY(Item* const item, find_value(file.tree, options.extract));
    if (item->kind == ItemKind::kString) {
      out.append(item->bytes());
      return std::move(out).take();
    }
    if (item->kind != ItemKind::kMapping) {
      auto printed = print_value(*item, options.output, style, out);
      if (!printed) return cannot_print(std::move(printed).error());
      return std::move(out).take();
    }
    // Upstream prints the other documents of the file, too, where the format has several.
    Item found = std::move(*item);
    found.key.clear();
    file.tree.front() = std::move(found);
    if (options.output != Format::kYaml) file.tree.resize(1);
  }
  auto printed = print_tree(file.tree, options.output, style, out);
  if (!printed) return cannot_print(std::move(printed).error());
  return std::move(out).take();
}

Result<crypto::SecretBytes> print_file(std::string_view bytes, const crypto::SecretBytes& data_key,
                                       const DecryptFileOptions& options) {
  SLUICE_TRY(SopsFile file, read_sops_file(bytes, options.input));
  return print(file, data_key, bytes.size(), options);
}

/// The value as `sops -d` prints it into a dotenv file, where whoever reads that file finds it: a
/// line break is a backslash and an n, which no reader of env files turns back.
crypto::SecretBytes as_dotenv_value(crypto::SecretBytes value) {
  if (value.reveal_text().find('\n') == std::string_view::npos) return value;
  crypto::SecretBuffer escaped(value.size() + 16);
  for (std::string_view rest = value.reveal_text(); !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    escaped.append(rest.substr(0, end));
    rest.remove_prefix(end);
    if (rest.empty()) break;
    escaped.append("\\n");
    rest.remove_prefix(1);
  }
  return std::move(escaped).take();
}

Result<crypto::SecretBytes> take_variable(OpenFile& slot, const SopsFiles::File& file,
                                          const std::string& name) {
  if (!slot.variables.contains(name)) {
    SLUICE_TRY(const auto plaintext,
               print_file(*file.bytes, slot.data_key, {file.format, file.format}));
    SLUICE_TRY(auto entries, godotenv_values(*file.bytes, file.format, plaintext));
    slot.variables.clear();
    for (GodotenvEntry& entry : entries)
      slot.variables.emplace(std::move(entry.key), std::move(entry.value));
  }
  auto found = slot.variables.extract(name);
  if (found.empty()) return fail(Code::kInternal, "no variable \"" + name + "\" in it");
  return std::move(found.mapped());
}

}  // namespace

struct SopsDecryptor::State {
  std::shared_ptr<SopsFiles> files;
  KeyServices services;
  std::vector<std::string> order;
  Audit audit;
  std::mutex mutex;  // guards `open`
  std::unordered_map<Digest, std::shared_ptr<OpenFile>> open;

  std::shared_ptr<OpenFile> slot(const Digest& digest) {
    const std::lock_guard lock(mutex);
    auto& entry = open[digest];
    if (!entry) entry = std::make_shared<OpenFile>();
    return entry;
  }

  Result<void> prepare(OpenFile& slot, const SopsFiles::File& file, const CancelToken& cancel) {
    if (slot.ready) return {};
    if (slot.broken) return fail(*slot.broken);
    AuditRecord record;
    auto done = read_and_verify(slot, file, cancel, record.keys);
    tell(audit, std::move(record), file.path, done);
    if (done) {
      slot.ready = true;
      return {};
    }
    Error error = std::move(done).error().at({file.path, 0, 0});
    if (error.code() == Code::kInvalid || error.code() == Code::kIntegrity) slot.broken = error;
    slot.values.clear();
    slot.data_key = {};
    return fail(std::move(error));
  }

  Result<void> read_and_verify(OpenFile& slot, const SopsFiles::File& file,
                               const CancelToken& cancel, std::vector<std::string>& opened_by) {
    SLUICE_TRY(SopsFile sops, read_sops_file(*file.bytes, file.format));
    SLUICE_TRY(slot.data_key, recover_data_key(sops.metadata, services, order, cancel, &opened_by));
    std::vector<std::pair<std::string, Value>> merged;
    SLUICE_CHECK(open_tree(sops, slot.data_key, Keep::kNothing, /*ignore_mac=*/false,
                           [&](const Visit& visit) {
                             Value value{visit.item.text, std::string(visit.path)};
                             std::string alias = without_merge_keys(visit.selector);
                             if (!alias.empty()) merged.emplace_back(std::move(alias), value);
                             slot.values.emplace(visit.selector, std::move(value));
                           }));
    // An entry of its own goes before a merged one, the first merged one before others.
    for (auto& [selector, value] : merged)
      slot.values.emplace(selector, std::move(value));
    return {};
  }
};

SopsDecryptor::SopsDecryptor(std::shared_ptr<SopsFiles> files, KeyServices services,
                             std::vector<std::string> decryption_order, Audit audit)
    : state_(std::make_unique<State>()) {
  state_->files = std::move(files);
  state_->services = std::move(services);
  state_->order = std::move(decryption_order);
  state_->audit = std::move(audit);
}

SopsDecryptor::~SopsDecryptor() = default;

Result<crypto::SecretBytes> SopsDecryptor::open(const yaml::EncryptedLeaf& leaf,
                                                const CancelToken& cancel) {
  const auto file = state_->files->find(leaf.file);
  if (!file) {
    return fail(Code::kInternal, "an encrypted value of an unknown file " + leaf.file.text());
  }
  const auto slot = state_->slot(leaf.file);
  const std::lock_guard lock(slot->mutex);
  SLUICE_CHECK(state_->prepare(*slot, *file, cancel));
  if (const auto output = whole_format(leaf.selector, file->format)) {
    auto printed = print_file(*file->bytes, slot->data_key, {file->format, *output});
    if (!printed) return fail(std::move(printed).error().at({file->path, 0, 0}));
    return printed;
  }
  if (const auto name = godotenv_name(leaf.selector)) {
    auto value = take_variable(*slot, *file, std::string(*name));
    if (!value) return fail(std::move(value).error().at({file->path, 0, 0}));
    return value;
  }
  const auto found = slot->values.find(leaf.selector);
  if (found == slot->values.end()) {
    return fail(Code::kInternal, "no encrypted value \"" + leaf.selector + "\" in it",
                Where{file->path, 0, 0});
  }
  if (found->second.ciphertext.empty()) return crypto::SecretBytes();
  auto opened = open_enc(found->second.ciphertext, slot->data_key, found->second.path);
  if (!opened) return fail(std::move(opened).error().at({file->path, 0, 0}));
  if (file->format == Format::kDotenv) return as_dotenv_value(std::move(opened->text));
  return std::move(opened->text);
}

DecryptingLeafReader::DecryptingLeafReader(LeafDecryptor& decryptor, CancelToken cancel)
    : decryptor_(decryptor), cancel_(std::move(cancel)) {}

Result<yaml::LeafReader::Value> DecryptingLeafReader::read(const yaml::EncryptedLeaf& leaf) {
  SLUICE_TRY(current_, decryptor_.open(leaf, cancel_));
  if (leaf.encoding == yaml::LeafEncoding::kBase64) {
    current_ = crypto::base64_encode_secret(current_.reveal());
    return Value{yaml::Kind::kString, current_.reveal_text()};
  }
  return Value{leaf.kind, current_.reveal_text()};
}

namespace {

/// What `give` makes of the file and its data key; the audit is told of it.
template <class Given, class Give>
Result<Given> with_data_key(std::string_view bytes, const std::string& path,
                            const DecryptFileOptions& options, const KeyServices& services,
                            const CancelToken& cancel, const Give& give) {
  AuditRecord record;
  const auto decrypt = [&]() -> Result<Given> {
    SLUICE_TRY(SopsFile file, read_sops_file(bytes, options.input));
    SLUICE_TRY(
        const auto data_key,
        recover_data_key(file.metadata, services, options.decryption_order, cancel, &record.keys));
    return give(file, data_key);
  };
  auto given = decrypt();
  tell(options.audit, std::move(record), path, given);
  if (!given) return fail(std::move(given).error().at({path, 0, 0}));
  return given;
}

}  // namespace

Result<crypto::SecretBytes> decrypt_file(std::string_view bytes, const std::string& path,
                                         const DecryptFileOptions& options,
                                         const KeyServices& services, const CancelToken& cancel) {
  return with_data_key<crypto::SecretBytes>(
      bytes, path, options, services, cancel,
      [&](SopsFile& file, const crypto::SecretBytes& data_key) {
        return print(file, data_key, bytes.size(), options);
      });
}

Result<std::vector<crypto::SecretBytes>> decrypt_for_kustomize(std::string_view bytes,
                                                               const std::string& path,
                                                               const DecryptFileOptions& options,
                                                               const KeyServices& services,
                                                               const CancelToken& cancel) {
  using Documents = std::vector<crypto::SecretBytes>;
  return with_data_key<Documents>(
      bytes, path, options, services, cancel,
      [&](SopsFile& file, const crypto::SecretBytes& data_key) -> Result<Documents> {
        SLUICE_CHECK(open_all(file, data_key, options));
        return reprint_yaml_tree(file.tree);
      });
}

Result<std::vector<std::string>> parse_decryption_order(std::string_view text) {
  if (text.empty()) return kDefaultDecryptionOrder;
  std::vector<std::string> order;
  for (;;) {
    const std::size_t end = text.find(',');
    std::string type(text.substr(0, end));
    if (std::find(order.begin(), order.end(), type) != order.end()) {
      return fail(
          Error(Code::kInvalid, "the key type \"" + type + "\" is twice in the decryption order")
              .reason(std::string(kReasonOrder)));
    }
    order.push_back(std::move(type));
    if (end == std::string_view::npos) return order;
    text.remove_prefix(end + 1);
  }
}

int sops_exit_code(const Error& error) {
  static constexpr std::pair<std::string_view, int> kCodes[] = {
      {kReasonNoDataKey, 128}, {kReasonMac, 51},     {kReasonValue, 25}, {kReasonPrint, 4},
      {kReasonPath, 91},       {kReasonOrder, 112},  {kReasonInput, 2},  {kReasonSet, 7},
      {kReasonRules, 8},       {kReasonEncrypt, 23}, {kReasonEmpty, 92}, {kReasonEncrypted, 203},
      {kReasonContext, 6}};
  for (const auto& [reason, code] : kCodes) {
    if (error.reason() == reason) return code;
  }
  return 1;
}

}  // namespace sluice::decrypt
