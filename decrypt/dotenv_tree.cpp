// dotenv to a SOPS tree and back (stores/dotenv/store.go): no quotes, no export, no interpolation;
// a comment has its '#' in the first column; "\n" in a value stands for a line break.
#include "numbers.hpp"
#include "tree.hpp"

namespace sluice::decrypt {
namespace {

// Replaces the two characters \n by a line feed.
std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i, 2) == "\\n") {
      out += '\n';
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

// stores.go, ValToString; line breaks are written as \n.
void print_dotenv_value(const Item& item, ByteSink& out) {
  if (item.kind == ItemKind::kNull) {
    out.append("<nil>");
  } else if (item.kind == ItemKind::kFloat || item.kind == ItemKind::kTime) {
    ShortText text;
    format_for_people(item, text);
    out.append(text.view());
  } else {
    std::string_view rest = item.bytes();
    for (std::size_t end = 0; (end = rest.find('\n')) != std::string_view::npos;) {
      out.append(rest.substr(0, end));
      out.append("\\n");
      rest.remove_prefix(end + 1);
    }
    out.append(rest);
  }
}

Result<Tree> read_dotenv_tree(std::string_view text) {
  Item root;
  root.kind = ItemKind::kMapping;
  root.end = text.size();
  const char* const start = text.data();
  for (std::uint32_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty()) continue;
    Item item;
    item.line = number;
    item.begin = item.key_begin = static_cast<std::size_t>(line.data() - start);
    item.end = item.begin + line.size();
    if (line[0] == '#') {
      item.kind = ItemKind::kComment;
      item.text = line.substr(1);
    } else {
      const std::size_t equals = line.find('=');
      if (equals == std::string_view::npos) {
        return fail(Code::kInvalid, "dotenv: a line without \"=\"", Where{"", number, 1},
                    "SOPS reads KEY=VALUE lines; comments start with # in the first column");
      }
      item.kind = ItemKind::kString;
      item.key = line.substr(0, equals);
      item.text = unescape(line.substr(equals + 1));
      item.column = static_cast<std::uint32_t>(equals + 2);
      item.begin += equals + 1;
    }
    root.items.push_back(std::move(item));
  }
  Tree tree;
  tree.push_back(std::move(root));
  return tree;
}

Result<void> print_dotenv_tree(const Tree& tree, ByteSink& out) {
  for (const Item& item : tree.front().items) {
    if (item.is_comment()) {
      out.append("#");
      out.append(item.bytes());
    } else {
      if (item.is_collection()) {
        return fail(Code::kInvalid, "dotenv: the value of \"" + item.key +
                                        "\" is a mapping or list, which dotenv cannot hold");
      }
      out.append(item.key);
      out.append("=");
      print_dotenv_value(item, out);
    }
    out.append("\n");
  }
  return {};
}

}  // namespace sluice::decrypt
