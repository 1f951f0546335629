#include "splice.hpp"

#include <algorithm>

namespace sluice::decrypt {
namespace {

Tree one_document(Item value) {
  Item root;
  root.kind = ItemKind::kMapping;
  value.key = "k";
  root.items.push_back(std::move(value));
  Tree tree;
  tree.push_back(std::move(root));
  return tree;
}

Item copy_of(const Item& value) {
  Item copy;
  copy.kind = value.kind;
  copy.secret = crypto::SecretBytes::copy_of(value.bytes());
  copy.is_secret = true;
  return copy;
}

// A ciphertext needs no quotes in block style, and quotes that are there can stay.
bool render_ciphertext(std::string_view original, const Item& place, std::string_view text,
                       ByteSink& out) {
  const char first = place.begin < original.size() ? original[place.begin] : '\0';
  std::string_view quote;
  if (first == '"' || first == '\'') {
    quote = original.substr(place.begin, 1);
  } else if (place.in_flow) {
    quote = "\"";
  }
  out.append(quote);
  out.append(text);
  out.append(quote);
  return true;
}

// The column of the collection that the value is in: lines of a block are relative to it.
std::optional<std::size_t> parent_column(std::string_view original, const Item& place,
                                         bool in_list) {
  if (!in_list) return place.key_begin - line_start(original, place.key_begin);
  std::size_t at = place.begin;
  const std::size_t start = line_start(original, at);
  while (at > start && (original[at - 1] == ' ' || original[at - 1] == '\t'))
    --at;
  if (at == start || original[at - 1] != '-') return std::nullopt;
  return at - 1 - start;
}

// A text of one line in the quotes that are there.
bool render_quoted(std::string_view original, const Item& place, std::string_view text,
                   ByteSink& out) {
  const char quote = place.begin < original.size() ? original[place.begin] : '\0';
  if (quote != '"' && quote != '\'') return false;
  const bool simple = std::all_of(text.begin(), text.end(),
                                  [](char c) { return c >= ' ' && c != '\\' && c != '\x7f'; });
  if (!simple || text.find(quote) != std::string_view::npos) return false;
  out.append({&quote, 1});
  out.append(text);
  out.append({&quote, 1});
  return true;
}

bool has_more_on_line(std::string_view original, const Item& place) {
  const std::size_t next = original.find_first_not_of(" \t", place.end);
  return next != std::string_view::npos && original[next] != '\n' && original[next] != '\r';
}

// Empty lines behind a block that ends in empty lines of its own would be more of them.
bool would_take_empty_lines(std::string_view original, const Item& place, std::string_view text) {
  if (!text.ends_with("\n\n") && text != "\n") return false;
  const std::size_t end = original.find('\n', place.end);
  if (end == std::string_view::npos) return false;
  const std::size_t next = original.find_first_not_of(" \t\r", end + 1);
  return next != std::string_view::npos && original[next] == '\n';
}

bool render_yaml(std::string_view original, const Item& place, bool in_list, const Item& value,
                 ByteSink& out) {
  if (value.kind == ItemKind::kString && value.bytes().starts_with("ENC[AES256_GCM,")) {
    return render_ciphertext(original, place, value.bytes(), out);
  }
  if (value.kind == ItemKind::kString && render_quoted(original, place, value.bytes(), out)) {
    return true;
  }
  if (place.in_flow) {  // what JSON writes is YAML, and safe between brackets
    if (value.kind != ItemKind::kTime) return print_go_json_value(value, out).has_value();
    out.append(value.bytes());
    return true;
  }
  if (value.bytes().find('\n') != std::string_view::npos &&
      (has_more_on_line(original, place) ||  // a comment follows on the line
       would_take_empty_lines(original, place, value.bytes()))) {
    return print_go_json_value(value, out).has_value();
  }
  // Printed as the value of `k: `, then moved to where it belongs.
  crypto::SecretBuffer printed;
  constexpr int kIndent = 4;
  if (!print_yaml_tree(one_document(copy_of(value)), kIndent, printed)) return false;
  const crypto::SecretBytes text = std::move(printed).take();
  std::string_view rest = text.reveal_text();
  if (!rest.starts_with("k: ") || !rest.ends_with('\n')) return false;
  rest = rest.substr(3, rest.size() - 4);
  const auto column = parent_column(original, place, in_list);
  if (!column) return false;
  const std::string indent(*column, ' ');
  for (bool first = true;; first = false) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    if (!first && !line.empty()) out.append(indent);
    out.append(line);
    if (end == std::string_view::npos) return true;
    out.append("\n");
    rest.remove_prefix(end + 1);
  }
}

// A float that prints as an integer would be read as one. SOPS writes it as 'f' does: past 10^20
// the printers use an exponent.
bool is_whole(std::string_view number) {
  return number.size() < 20 && number.find_first_not_of("-0123456789") == std::string_view::npos;
}

bool render_comment(Format format, std::string_view text, ByteSink& out) {
  switch (format) {
    case Format::kYaml:
    case Format::kDotenv:
      if (text.find_first_of("\r\n") != std::string_view::npos) return false;
      out.append("#");
      out.append(text);
      return true;
    case Format::kIni:
      if (text.empty()) return false;
      if (text[0] != ';' && text[0] != '#') out.append("; ");
      out.append(text);
      return true;
    default:
      return false;
  }
}

// A comment behind the "|" of a block stands inside of the block's place.
const Item* comment_inside(const Item& parent, std::size_t index) {
  const Item& value = parent.items[index];
  while (index-- > 0 && parent.items[index].is_comment()) {
    const Item& comment = parent.items[index];
    if (value.begin < comment.begin && comment.end <= value.end) return &comment;
  }
  return nullptr;
}

}  // namespace

std::size_t line_start(std::string_view text, std::size_t at) {
  if (at == 0) return 0;
  const std::size_t before = text.rfind('\n', at - 1);
  return before == std::string_view::npos ? 0 : before + 1;
}

void Splicer::replace(std::size_t begin, std::size_t end, std::string_view text) {
  edits_.push_back({begin, end, texts_.size(), text.size()});
  texts_.append(text);
}

std::optional<crypto::SecretBytes> Splicer::apply() {
  std::stable_sort(edits_.begin(), edits_.end(),
                   [](const Edit& a, const Edit& b) { return a.begin < b.begin; });
  const crypto::SecretBytes texts = std::move(texts_).take();
  crypto::SecretBuffer out(original_.size() + texts.size() + 1);
  std::size_t done = 0;
  for (const Edit& edit : edits_) {
    if (edit.begin < done || edit.end < edit.begin || edit.end > original_.size()) {
      return std::nullopt;
    }
    out.append(original_.substr(done, edit.begin - done));
    out.append(texts.reveal_text().substr(edit.text, edit.size));
    done = edit.end;
  }
  out.append(original_.substr(done));
  return std::move(out).take();
}

bool render(Format format, std::string_view original, const Item& place, bool in_list,
            const Item& value, ByteSink& out) {
  if (value.is_comment()) return render_comment(format, value.bytes(), out);
  const bool has_numbers = format == Format::kYaml || format == Format::kJson;
  if (has_numbers && value.kind == ItemKind::kFloat && is_whole(value.bytes())) {
    out.append(value.bytes());
    out.append(".0");
    return true;
  }
  switch (format) {
    case Format::kYaml:
      return render_yaml(original, place, in_list, value, out);
    case Format::kJson:
    case Format::kBinary:
      return print_json_value(value, -1, out).has_value();
    case Format::kDotenv:
      print_dotenv_value(value, out);
      return true;
    case Format::kIni:
      print_ini_value(value, out);
      return true;
  }
  return false;
}

bool splice_values(Format format, std::string_view original, const Item& old_item,
                   const Item& new_item, Splicer& splicer, const RawValues* raw) {
  if (old_item.items.size() != new_item.items.size()) return false;
  const bool in_list = old_item.kind == ItemKind::kSequence;
  for (std::size_t i = 0; i < old_item.items.size(); ++i) {
    const Item& from = old_item.items[i];
    const Item& to = new_item.items[i];
    if (from.key != to.key || from.is_collection() != to.is_collection()) return false;
    if (from.is_collection()) {
      if (from.kind != to.kind || !splice_values(format, original, from, to, splicer, raw)) {
        return false;
      }
      continue;
    }
    if (from.kind == to.kind && from.bytes() == to.bytes()) continue;
    if (from.end == 0) return false;
    const auto replace = [&](std::size_t begin, std::string_view text) {
      const Item* const inside = from.is_comment() ? nullptr : comment_inside(old_item, i);
      if (inside == nullptr) return splicer.replace(begin, from.end, text);
      splicer.replace(begin, inside->begin - 1, text);  // up to the space in front of it
      splicer.replace(inside->end, from.end, "");
    };
    if (raw != nullptr && !to.is_secret) {
      const auto written = raw->find(to.text);
      const bool fits = written != raw->end() &&
                        (written->second[0] == '-' ? from.is_comment() : !from.is_comment());
      if (fits) {
        replace(from.begin, written->second);
        continue;
      }
    }
    std::size_t begin = from.begin;
    if (to.is_comment() && !from.is_comment()) {
      // An encrypted comment that stands as an item of a list, where it came from.
      const auto column = parent_column(original, from, in_list);
      if (!in_list || !column) return false;
      begin = line_start(original, begin) + *column;
    } else if (from.is_comment() != to.is_comment()) {
      return false;
    }
    crypto::SecretBuffer text;
    if (!render(format, original, from, in_list, to, text)) return false;
    replace(begin, std::move(text).take().reveal_text());
  }
  return true;
}

void note_raw_values(std::string_view text, const Item& ciphertext, const Item& opened,
                     RawValues& raw) {
  for (std::size_t i = 0; i < ciphertext.items.size() && i < opened.items.size(); ++i) {
    const Item& from = ciphertext.items[i];
    if (from.is_collection()) {
      note_raw_values(text, from, opened.items[i], raw);
      continue;
    }
    if (from.end == 0 || from.is_comment() || !opened.items[i].is_secret) continue;
    std::size_t begin = from.begin;
    if (opened.items[i].is_comment()) {
      const auto column = parent_column(text, from, /*in_list=*/true);
      if (!column) continue;
      begin = line_start(text, begin) + *column;
    }
    std::string written(text.substr(begin, from.end - begin));
    raw.emplace(from.text, std::move(written));
  }
}

void restore_list_comments(Item& encrypted, const RawValues& raw) {
  for (Item& item : encrypted.items) {
    restore_list_comments(item, raw);
    if (encrypted.kind != ItemKind::kSequence || !item.is_comment()) continue;
    const auto written = raw.find(item.text);
    if (written != raw.end() && written->second[0] == '-') item.kind = ItemKind::kString;
  }
}

}  // namespace sluice::decrypt
