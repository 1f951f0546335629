// Changing values of files that are encrypted: edit, set, unset.
#include <algorithm>

#include "sluice/base/ascii.hpp"

#include "data_key.hpp"
#include "layout.hpp"
#include "metadata_write.hpp"
#include "rewrite.hpp"
#include "splice.hpp"
#include "written_file.hpp"

namespace sluice::decrypt {
namespace {

Error cannot_set(std::string what) {
  return Error(Code::kInvalid, std::move(what)).reason(std::string(kReasonSet));
}

Result<Item> value_of_json(const crypto::SecretBytes& json) {
  crypto::SecretBuffer wrapped(json.size() + 8);
  wrapped.append("{\"v\":");
  wrapped.append(json.reveal_text());
  wrapped.append("\n}");
  const crypto::SecretBytes text = std::move(wrapped).take();
  auto tree = read_json_tree(text.reveal_text());
  if (!tree || tree->front().items.size() != 1) {
    return fail(cannot_set("the value is not JSON").hint("strings need quotes: '\"text\"'"));
  }
  Item value = std::move(tree->front().items.front());
  value.key.clear();
  return value;
}

Item made_of(const ValuePath& path, std::size_t from, Item leaf) {
  if (from == path.size()) return leaf;
  Item outer;
  Item inner = made_of(path, from + 1, std::move(leaf));
  const auto* const key = std::get_if<std::string>(&path[from]);
  outer.kind = key == nullptr ? ItemKind::kSequence : ItemKind::kMapping;
  if (key != nullptr) inner.key = *key;
  outer.items.push_back(std::move(inner));
  return outer;
}

Item* child_of(Item& item, const PathPart& part) {
  if (const auto* const key = std::get_if<std::string>(&part)) {
    if (item.kind != ItemKind::kMapping) return nullptr;
    const auto found = std::find_if(item.items.begin(), item.items.end(), [key](const Item& child) {
      return !child.is_comment() && child.key == *key;
    });
    return found == item.items.end() ? nullptr : &*found;
  }
  const std::int64_t index = std::get<std::int64_t>(part);
  if (item.kind != ItemKind::kSequence || index < 0 ||
      static_cast<std::uint64_t>(index) >= item.items.size()) {
    return nullptr;
  }
  return &item.items[static_cast<std::size_t>(index)];
}

// sops.go, set.
Result<void> set_at(Item& item, const ValuePath& path, std::size_t from, Item value) {
  if (from == path.size()) {
    value.key = std::move(item.key);
    item = std::move(value);
    return {};
  }
  if (Item* const child = child_of(item, path[from])) {
    return set_at(*child, path, from + 1, std::move(value));
  }
  const auto* const key = std::get_if<std::string>(&path[from]);
  if (!item.is_collection()) {  // a value in the way is replaced
    Item made = made_of(path, from, std::move(value));
    made.key = std::move(item.key);
    item = std::move(made);
    return {};
  }
  if ((item.kind == ItemKind::kMapping) != (key != nullptr) ||
      (key == nullptr && std::get<std::int64_t>(path[from]) < 0)) {
    return fail(cannot_set(value_path_text(path) + ": a key in a list, or an index in a mapping"));
  }
  Item made = made_of(path, from + 1, std::move(value));
  if (key != nullptr) made.key = *key;
  item.items.push_back(std::move(made));
  return {};
}

bool is_newer(std::string_view a, std::string_view b) {  // versions of three numbers
  for (int i = 0; i < 3; ++i) {
    const auto number = [](std::string_view& text) {
      long value = 0;
      while (!text.empty() && is_digit(text[0])) {
        value = std::min(value * 10 + (text[0] - '0'), 1'000'000L);
        text.remove_prefix(1);
      }
      if (!text.empty()) text.remove_prefix(1);
      return value;
    };
    const long x = number(a);
    const long y = number(b);
    if (x != y) return x > y;
  }
  return false;
}

}  // namespace

struct Edit::State {
  std::string bytes, path;
  RewriteOptions options;
  OpenedFile file;
  RawValues raw;
  crypto::SecretBytes text;
  Result<void> shown;  // why there is no text
  // Of a file that is to be made.
  bool is_new = false;
  EncryptFileOptions encrypt = {};
  KeyServices services;
  CancelToken cancel;

  PrintOptions style() const { return {options.yaml_indent, options.json_indent}; }

  // `text`, with the layout of the file where that can be; else as SOPS prints it, where that says
  // what the file says.
  Result<void> show() {
    if (options.format != Format::kBinary) {
      for (std::size_t i = 0; i < file.opened.size(); ++i)
        note_raw_values(bytes, file.before[i], file.opened[i], raw);
      if (auto plain = plain_layout(bytes, options.format, file.before, file.opened)) {
        text = std::move(*plain);
        return {};
      }
    }
    SLUICE_TRY(crypto::SecretBytes anew, printed(file.opened));
    if (const Item* const lost = lost_in(anew)) {
      return fail(Error(Code::kUnsupported,
                        "the layout of this file cannot be kept, and printed anew this would be "
                        "read as something else",
                        {path, lost->line, lost->column},
                        "\"sluice set\" and \"sluice unset\" change values without an editor")
                      .reason(std::string(kReasonPrint)));
    }
    text = std::move(anew);
    return {};
  }

  Result<crypto::SecretBytes> printed(const Tree& tree) const {
    crypto::SecretBuffer out(bytes.size());
    auto done = print_tree(tree, options.format, style(), out);
    if (!done) return fail(std::move(done).error().reason(std::string(kReasonPrint)));
    return std::move(out).take();
  }

  // The first of the file that `anew`, the file printed, does not say; nullptr when it says all.
  const Item* lost_in(const crypto::SecretBytes& anew) const {
    if (const auto again = read_plain_tree(anew, options.format)) {
      return first_difference(file.opened, *again, options.format);
    }
    Tree copy = clone_tree(file.opened);  // which entry cannot be read when it stands alone
    for (std::size_t i = 0; i < copy.size(); ++i) {
      for (std::size_t j = 0; j < copy[i].items.size(); ++j) {
        Tree alone(1);
        alone.front().kind = ItemKind::kMapping;
        alone.front().items.push_back(std::move(copy[i].items[j]));
        const auto text_alone = printed(alone);
        if (!text_alone || !read_plain_tree(*text_alone, options.format)) {
          return &file.opened[i].items[j];
        }
      }
    }
    return &file.opened.front();
  }

  Metadata next_metadata() const {
    Metadata metadata = file.metadata;
    if (is_newer(kSopsVersion, metadata.version)) metadata.version = kSopsVersion;
    return metadata;
  }

  // With the layout of the file, where values have changed and nothing else; else printed anew.
  Result<std::string> write_tree(const Tree& tree) const {
    Metadata metadata = next_metadata();
    Tree encrypted = clone_tree(tree);
    SLUICE_TRY(const auto mac, encrypt_tree(encrypted, metadata, file.data_key, ListComments::kStay,
                                            file.known.get()));
    seal_mac(metadata, mac, file.data_key, options.now);
    for (std::size_t i = 0; i < encrypted.size() && i < file.before.size(); ++i)
      restore_kinds(file.before[i], encrypted[i]);
    auto text_now = changed_layout(bytes, options.format, file.before, encrypted, metadata, style(),
                                   file.data_key);
    if (text_now) return std::move(*text_now);
    return print_encrypted(clone_tree(tree), next_metadata(), options.format, style(),
                           file.data_key, file.known.get(), options.now);
  }

  Result<void> check_metadata_key(const Tree& tree) const {
    if (!has_metadata_key(tree, options.format)) return {};
    return fail(Error(Code::kInvalid, "a top-level \"sops\" cannot be in the text")
                    .reason(std::string(kReasonEncrypted)));
  }

  Result<std::string> write_text(const crypto::SecretBytes& edited) const {
    auto tree = read_plain_tree(edited, options.format);
    if (!tree) return fail(std::move(tree).error().reason(std::string(kReasonInput)));
    if (tree->empty()) {
      return fail(Error(Code::kInvalid, "the file is empty; SOPS needs one document at least")
                      .reason(std::string(kReasonEmpty)));
    }
    SLUICE_CHECK(check_metadata_key(*tree));
    if (options.format == Format::kBinary) return write_tree(*tree);
    Metadata metadata = next_metadata();
    Tree encrypted = clone_tree(*tree);
    SLUICE_TRY(const auto mac, encrypt_tree(encrypted, metadata, file.data_key, ListComments::kStay,
                                            file.known.get()));
    seal_mac(metadata, mac, file.data_key, options.now);
    const auto texts = updated_metadata(bytes, options.format, metadata, style());
    auto kept = encrypted_layout(edited.reveal_text(), options.format, *tree, std::move(encrypted),
                                 metadata, texts, raw, bytes, style(), file.data_key);
    if (kept) return std::move(*kept);
    return print_encrypted(std::move(*tree), next_metadata(), options.format, style(),
                           file.data_key, file.known.get(), options.now);
  }

  // The shown text without the lines of an entry; nullopt when lines hold more than it.
  std::optional<crypto::SecretBytes> without(const ValuePath& value_path,
                                             const Tree& expected) const {
    auto tree = read_plain_tree(text, options.format);
    if (!tree || tree->empty()) return std::nullopt;
    Item* item = &tree->front();
    for (const PathPart& part : value_path) {
      item = child_of(*item, part);
      if (item == nullptr) return std::nullopt;
    }
    const std::string_view all = text.reveal_text();
    const std::size_t begin = line_start(all, item->key_begin != 0 ? item->key_begin : item->begin);
    if (item->end == 0) return std::nullopt;
    const std::size_t next = all.find('\n', item->end);
    Splicer splicer(all);
    splicer.replace(begin, next == std::string_view::npos ? all.size() : next + 1, "");
    auto shorter = splicer.apply();
    if (!shorter) return std::nullopt;
    const auto again = read_plain_tree(*shorter, options.format);
    if (!again || !same_tree(*again, expected)) return std::nullopt;
    return shorter;
  }

  template <class T>
  Result<T> named(Result<T> result) const {
    if (!result) return fail(std::move(result).error().at({path, 0, 0}));
    return result;
  }
};

Edit::Edit(std::unique_ptr<State> state) : state_(std::move(state)) {}
Edit::Edit(Edit&&) noexcept = default;
Edit& Edit::operator=(Edit&&) noexcept = default;
Edit::~Edit() = default;

Result<Edit> Edit::open(std::string bytes, std::string path, RewriteOptions options,
                        const KeyServices& services, const CancelToken& cancel) {
  auto state = std::make_unique<State>();
  state->bytes = std::move(bytes);
  state->path = std::move(path);
  state->options = std::move(options);
  auto opened = open_to_rewrite(state->bytes, state->path, state->options, services, cancel);
  if (!opened) return fail(std::move(opened).error().at({state->path, 0, 0}));
  state->file = std::move(*opened);
  state->options.audit = {};  // it is told; its log may end before the edit does
  state->shown = state->named(state->show());
  return Edit(std::move(state));
}

Result<Edit> Edit::create(crypto::SecretBytes text, std::string path,
                          const EncryptFileOptions& options, const KeyServices& services,
                          const CancelToken& cancel) {
  auto state = std::make_unique<State>();
  state->text = std::move(text);
  state->path = std::move(path);
  state->is_new = true;
  state->encrypt = options;
  state->services = services;
  state->cancel = cancel;
  // Whether the keys can be used is found out before anything is typed.
  auto tried = encrypt_file(state->text, state->path, options, services, cancel);
  if (!tried) {
    Error error = std::move(tried).error();
    if (!error.reason().empty()) return fail(std::move(error));
    return fail(std::move(error).reason(std::string(kReasonNoDataKey)));
  }
  return Edit(std::move(state));
}

Result<void> Edit::editable() const {
  return state_->shown;
}

const crypto::SecretBytes& Edit::text() const {
  return state_->text;
}

Result<std::string> Edit::finish(const crypto::SecretBytes& edited) const {
  if (state_->is_new) {
    return encrypt_file(edited, state_->path, state_->encrypt, state_->services, state_->cancel);
  }
  return state_->named(state_->write_text(edited));
}

Result<std::optional<std::string>> Edit::set(const ValuePath& path,
                                             const crypto::SecretBytes& json) const {
  const auto set = [&]() -> Result<std::optional<std::string>> {
    if (path.empty()) return fail(cannot_set("the path is empty"));
    SLUICE_TRY(Item value, value_of_json(json));
    Tree tree = clone_tree(state_->file.opened);
    if (tree.empty()) return fail(cannot_set("the file is empty"));
    SLUICE_CHECK(set_at(tree.front(), path, 0, std::move(value)));
    if (same_tree(tree, state_->file.opened)) return std::optional<std::string>();
    SLUICE_CHECK(state_->check_metadata_key(tree));
    SLUICE_TRY(std::string text, state_->write_tree(tree));
    return std::optional(std::move(text));
  };
  return state_->named(set());
}

Result<std::string> Edit::unset(const ValuePath& path) const {
  const auto unset = [&]() -> Result<std::string> {
    Tree tree = clone_tree(state_->file.opened);
    if (path.empty() || tree.empty()) return fail(cannot_set("the path is empty"));
    Item* parent = &tree.front();
    Item* item = parent;
    for (std::size_t i = 0; i < path.size(); ++i) {
      parent = item;
      item = child_of(*parent, path[i]);
      if (item == nullptr) {
        return fail(Code::kNotFound, value_path_text(path) + ": there is nothing");
      }
    }
    parent->items.erase(parent->items.begin() + (item - parent->items.data()));
    const bool has_lines =
        state_->options.format == Format::kYaml || state_->options.format == Format::kDotenv;
    if (has_lines) {
      if (const auto shorter = state_->without(path, tree)) return state_->write_text(*shorter);
    }
    return state_->write_tree(tree);
  };
  return state_->named(unset());
}

}  // namespace sluice::decrypt
