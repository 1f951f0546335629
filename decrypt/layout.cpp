#include "layout.hpp"

#include <algorithm>
#include <set>

#include "loose_comments.hpp"
#include "metadata_write.hpp"
#include "open_tree.hpp"
#include "written_file.hpp"

namespace sluice::decrypt {
namespace {

constexpr std::string_view kBlock = "sops";
constexpr std::string_view kPrefix = "sops_";

bool is_json(Format format) {
  return format == Format::kJson || format == Format::kBinary;
}

std::size_t line_end(std::string_view text, std::size_t at) {  // past its line break
  const std::size_t end = text.find('\n', at);
  return end == std::string_view::npos ? text.size() : end + 1;
}

// --- metadata as text

std::string printed_block(const Metadata& metadata, Format format, const PrintOptions& style,
                          std::string_view json_indent) {
  std::string text;
  StringSink sink(text);
  Item root;
  root.kind = ItemKind::kMapping;
  Tree tree;
  switch (format) {
    case Format::kYaml:
      root.items.push_back(metadata_block(metadata));
      tree.push_back(std::move(root));
      if (!print_yaml_tree(tree, style.yaml_indent, sink)) return {};
      break;
    case Format::kJson:
    case Format::kBinary: {
      const bool compact = json_indent.empty();
      if (!print_json_member(metadata_block(metadata), compact ? "\t" : json_indent, sink))
        return {};
      // Strings have no line breaks and tabs of their own: they are escaped.
      if (compact) std::erase_if(text, [](char c) { return c == '\n' || c == '\t'; });
      break;
    }
    case Format::kDotenv:
      root.items = flat_metadata(metadata, kPrefix, /*escape_newlines=*/false);
      tree.push_back(std::move(root));
      if (!print_dotenv_tree(tree, sink)) return {};
      break;
    case Format::kIni: {
      Item section;
      section.kind = ItemKind::kMapping;
      section.key = kBlock;
      section.items = flat_metadata(metadata, "", /*escape_newlines=*/true);
      root.items.push_back(std::move(section));
      tree.push_back(std::move(root));
      if (!print_ini_tree(tree, sink)) return {};
      break;
    }
  }
  return text;
}

const Item* entry_of(const std::vector<Item>& entries, std::string_view key) {
  const auto found = std::find_if(entries.begin(), entries.end(), [key](const Item& item) {
    return !item.is_comment() && item.key == key;
  });
  return found == entries.end() ? nullptr : &*found;
}

bool is_nothing(const Item& item) {
  return item.kind == ItemKind::kNull || (item.is_collection() && item.items.empty()) ||
         (!item.is_collection() && item.bytes().empty());
}

// Whether the values of `entries` can become those of `wanted` where they stand.
bool splice_metadata(Format format, std::string_view text, const std::vector<Item>& entries,
                     bool in_list, const std::vector<Item>& wanted, Splicer& splicer) {
  const auto splice = [&](const Item& from, const Item& to) {
    if (is_nothing(from) && is_nothing(to)) return true;
    if (from.is_collection() || to.is_collection()) {
      return from.kind == to.kind &&
             splice_metadata(format, text, from.items, from.kind == ItemKind::kSequence, to.items,
                             splicer);
    }
    if (from.bytes() == to.bytes()) return true;
    crypto::SecretBuffer out;
    if (from.end == 0 || !render(format, text, from, in_list, to, out)) return false;
    splicer.replace(from.begin, from.end, std::move(out).take().reveal_text());
    return true;
  };
  if (in_list) {
    if (entries.size() != wanted.size()) return false;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (!splice(entries[i], wanted[i])) return false;
    }
    return true;
  }
  for (const Item& to : wanted) {
    const Item* const from = entry_of(entries, to.key);
    if (from == nullptr ? !is_nothing(to) : !splice(*from, to)) return false;
  }
  return std::all_of(entries.begin(), entries.end(), [&wanted](const Item& from) {
    return from.is_comment() || is_nothing(from) || entry_of(wanted, from.key) != nullptr;
  });
}

std::vector<Item> wanted_entries(const Metadata& metadata, Format format) {
  if (format == Format::kDotenv) return flat_metadata(metadata, kPrefix, false);
  if (format == Format::kIni) return flat_metadata(metadata, "", true);
  return std::move(metadata_block(metadata).items);
}

// White space between "{" and the first key of a JSON object, if it starts a line.
std::string json_indent(std::string_view text, const Item& root) {
  const auto first = std::find_if(root.items.begin(), root.items.end(),
                                  [](const Item& item) { return item.key_begin != 0; });
  if (first == root.items.end()) return "\t";
  const std::string_view gap = text.substr(root.begin + 1, first->key_begin - root.begin - 1);
  const std::size_t line = gap.rfind('\n');
  return line == std::string_view::npos ? std::string() : std::string(gap.substr(line + 1));
}

void insert_json(std::string_view text, const Item& root, const std::string& member,
                 Splicer& splicer) {
  const std::string indent = json_indent(text, root);
  std::size_t at = root.begin + 1;
  for (const Item& item : root.items)
    at = std::max(at, item.end);
  std::string piece = root.items.empty() ? "" : ",";
  piece += indent.empty() ? (root.items.empty() ? "" : " ") : "\n" + indent;
  piece += member;
  if (root.items.empty()) piece += "\n";
  splicer.replace(at, root.items.empty() ? root.end - 1 : at, piece);
}

bool insert_metadata(std::string_view text, Format format, const Tree& plain,
                     const Metadata& metadata, const MetadataTexts& texts,
                     const PrintOptions& style, Splicer& splicer) {
  for (std::size_t i = 0; i < plain.size(); ++i) {
    const Item& root = plain[i];
    const std::string piece = !texts.empty()
                                  ? texts[std::min(i, texts.size() - 1)]
                                  : printed_block(metadata, format, style,
                                                  is_json(format) ? json_indent(text, root) : "");
    if (piece.empty() || root.end > text.size()) return false;
    if (is_json(format)) {
      insert_json(text, root, piece, splicer);
      continue;
    }
    if (root.in_flow || (format == Format::kYaml && root.column > 1)) return false;
    const bool line_open = root.end > 0 && text[root.end - 1] != '\n';
    std::string whole = line_open ? "\n" : "";
    if (format == Format::kIni && root.end > 0) whole += "\n";
    splicer.replace(root.end, root.end, whole + piece);
  }
  return true;
}

// Reads an encrypted text again: it must hold `expected`, and open.
bool is_right(const crypto::SecretBytes& text, Format format, const Tree& expected,
              const crypto::SecretBytes& data_key) {
  auto file = read_sops_file(text.reveal_text(), format);
  return file && same_tree(file->tree, expected) &&
         open_tree(*file, data_key, Keep::kNothing, /*ignore_mac=*/false).has_value();
}

// Comments that belong to nothing would stay readable: SOPS loses them, and so do we where the rule
// encrypts comments. Those that were in the encrypted file are public already.
bool drop_loose_comments(std::string_view plaintext, std::string_view before, const Tree& plain,
                         const Rule& rule, Splicer& splicer) {
  const auto loose = loose_comments(plaintext, plain, rule);
  if (!loose) return false;
  std::optional<std::set<std::string_view>> is_public;
  for (const LooseComment& comment : *loose) {
    if (!comment.selected) continue;
    if (!is_public) {
      is_public.emplace();
      const auto tree = before.empty() ? Tree() : read_tree(before, Format::kYaml);
      const auto old = tree ? loose_comments(before, *tree, rule)
                            : Result<std::vector<LooseComment>>(fail(Code::kInvalid, ""));
      for (std::size_t i = 0; old && i < old->size(); ++i)
        is_public->insert(before.substr((*old)[i].begin, (*old)[i].end - (*old)[i].begin));
    }
    if (is_public->contains(plaintext.substr(comment.begin, comment.end - comment.begin))) continue;
    const std::size_t line = line_start(plaintext, comment.begin);
    std::size_t begin = comment.begin;
    while (begin > line && (plaintext[begin - 1] == ' ' || plaintext[begin - 1] == '\t'))
      --begin;
    const bool own_line = begin == line;
    splicer.replace(begin, own_line ? line_end(plaintext, comment.end) : comment.end, "");
  }
  return true;
}

}  // namespace

std::vector<MetadataPlace> find_metadata(std::string_view text, Format format) {
  auto tree = read_tree(text, format);
  std::vector<MetadataPlace> places;
  if (!tree) return places;
  for (std::size_t i = 0; i < tree->size(); ++i) {
    MetadataPlace place;
    place.document = i;
    bool found = false;
    for (Item& item : (*tree)[i].items) {
      if (item.is_comment()) continue;
      if (format == Format::kDotenv) {
        if (!item.key.starts_with(kPrefix)) continue;
        // One run of lines only.
        if (found && item.key_begin != place.end) return {};
        if (!found) place.begin = item.key_begin;
        place.end = line_end(text, item.end);
        found = true;
        place.entries.push_back(std::move(item));
        continue;
      }
      if (item.key != kBlock || item.end == 0 || item.kind != ItemKind::kMapping) continue;
      if (std::exchange(found, true)) return {};
      place.begin = item.key_begin;
      place.end = is_json(format) ? item.end : line_end(text, item.end);
      if (format == Format::kYaml && place.begin != line_start(text, place.begin)) return {};
      place.entries = std::move(item.items);
    }
    if (found) places.push_back(std::move(place));
  }
  return places;
}

MetadataTexts updated_metadata(std::string_view text, Format format, const Metadata& metadata,
                               const PrintOptions& style) {
  MetadataTexts texts;
  const auto wanted = wanted_entries(metadata, format);
  for (const MetadataPlace& place : find_metadata(text, format)) {
    // Only the piece of the text matters; places count from the start of all of it.
    const std::string_view until = text.substr(0, place.end);
    Splicer splicer(until);
    splicer.replace(0, place.begin, "");
    if (splice_metadata(format, until, place.entries, /*in_list=*/false, wanted, splicer)) {
      if (const auto piece = splicer.apply()) {
        texts.emplace_back(piece->reveal_text());
        continue;
      }
    }
    const std::size_t start = line_start(text, place.begin);
    const std::string_view before = text.substr(start, place.begin - start);
    const bool own_line = before.find_first_not_of(" \t") == std::string_view::npos;
    texts.push_back(printed_block(metadata, format, style, own_line ? before : ""));
  }
  return texts;
}

std::optional<crypto::SecretBytes> plain_layout(std::string_view text, Format format,
                                                const Tree& ciphertext, const Tree& opened) {
  const auto places = find_metadata(text, format);
  if (places.empty() || ciphertext.size() != opened.size()) return std::nullopt;
  Splicer splicer(text);
  for (std::size_t i = 0; i < opened.size(); ++i) {
    if (!splice_values(format, text, ciphertext[i], opened[i], splicer)) return std::nullopt;
  }
  for (const MetadataPlace& place : places) {
    std::size_t begin = place.begin;
    std::size_t end = place.end;
    if (is_json(format)) {
      // With the comma before it; a first member with the one behind.
      const std::size_t comma = text.find_last_not_of(" \t\r\n", begin - 1);
      if (comma != std::string_view::npos && text[comma] == ',') {
        begin = comma;
      } else {
        const std::size_t next = text.find_first_not_of(" \t\r\n", end);
        if (next != std::string_view::npos && text[next] == ',') {
          end = text.find_first_not_of(" \t\r\n", next + 1);
        }
      }
    }
    // The empty line that parts the section from others.
    if (format == Format::kIni && begin >= 2 && text.substr(begin - 2, 2) == "\n\n") --begin;
    splicer.replace(begin, end, "");
  }
  auto plain = splicer.apply();
  if (!plain) return std::nullopt;
  const auto again = read_plain_tree(*plain, format);
  if (!again || !same_tree(*again, opened)) return std::nullopt;
  return plain;
}

std::optional<std::string> encrypted_layout(std::string_view plaintext, Format format,
                                            const Tree& plain, Tree encrypted,
                                            const Metadata& metadata, const MetadataTexts& texts,
                                            const RawValues& raw, std::string_view before,
                                            const PrintOptions& style,
                                            const crypto::SecretBytes& data_key) {
  if (plain.size() != encrypted.size()) return std::nullopt;
  Splicer splicer(plaintext);
  if (format == Format::kYaml &&
      !drop_loose_comments(plaintext, before, plain, metadata.rule, splicer)) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < plain.size(); ++i) {
    restore_list_comments(encrypted[i], raw);
    if (!splice_values(format, plaintext, plain[i], encrypted[i], splicer, &raw)) {
      return std::nullopt;
    }
  }
  if (!insert_metadata(plaintext, format, plain, metadata, texts, style, splicer)) {
    return std::nullopt;
  }
  const auto text = splicer.apply();
  if (!text || !is_right(*text, format, encrypted, data_key)) return std::nullopt;
  return std::string(text->reveal_text());
}

std::optional<std::string> changed_layout(std::string_view text, Format format, const Tree& before,
                                          const Tree& after, const Metadata& metadata,
                                          const PrintOptions& style,
                                          const crypto::SecretBytes& data_key) {
  const auto places = find_metadata(text, format);
  const auto texts = updated_metadata(text, format, metadata, style);
  if (places.empty() || places.size() != texts.size() || before.size() != after.size()) {
    return std::nullopt;
  }
  Splicer splicer(text);
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (!splice_values(format, text, before[i], after[i], splicer)) return std::nullopt;
  }
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (texts[i].empty()) return std::nullopt;
    splicer.replace(places[i].begin, places[i].end, texts[i]);
  }
  const auto changed = splicer.apply();
  if (!changed || !is_right(*changed, format, after, data_key)) return std::nullopt;
  return std::string(changed->reveal_text());
}

}  // namespace sluice::decrypt
