#include "tree.hpp"

#include <algorithm>

#include "numbers.hpp"

namespace sluice::decrypt {

void format_for_people(const Item& item, ShortText& out) {
  if (item.kind == ItemKind::kTime) {
    const std::string_view text = item.bytes();
    const std::size_t point = std::min(text.find('.'), text.size());
    out.append(text.substr(0, point));
    const std::size_t zone = text.find_first_not_of(".0123456789", point);
    if (zone != std::string_view::npos) out.append(text.substr(zone));
    return;
  }
  format_float(parse_float(item.bytes()).value_or(0), 'G', out);
  const bool is_number = out.view().find_first_of("IN") == std::string_view::npos;
  if (is_number && out.view().find_first_of(".E") == std::string_view::npos) out.append(".0");
}

Result<Tree> read_tree(std::string_view text, Format format) {
  if (text.size() > kMaxSopsFileBytes) {
    return fail(Code::kUnsupported,
                "a SOPS file larger than " + std::to_string(kMaxSopsFileBytes >> 20) + " MiB");
  }
  switch (format) {
    case Format::kYaml:
      return read_yaml_tree(text);
    case Format::kJson:
    case Format::kBinary:  // a JSON file with one string, "data"
      return read_json_tree(text);
    case Format::kDotenv:
      return read_dotenv_tree(text);
    case Format::kIni:
      return read_ini_tree(text);
  }
  return fail(Code::kInternal, "unknown format");
}

Result<void> print_tree(const Tree& tree, Format format, const PrintOptions& options,
                        ByteSink& out) {
  if (format != Format::kYaml && tree.size() != 1) {
    return fail(Code::kInvalid,
                "the file holds " + std::to_string(tree.size()) +
                    " YAML documents, and the output format holds one",
                Where{}, "print it as YAML");
  }
  switch (format) {
    case Format::kYaml:
      return print_yaml_tree(tree, options.yaml_indent, out);
    case Format::kJson:
      return print_json_tree(tree, options.json_indent, out);
    case Format::kDotenv:
      return print_dotenv_tree(tree, out);
    case Format::kIni:
      return print_ini_tree(tree, out);
    case Format::kBinary:
      return print_binary_tree(tree, out);
  }
  return fail(Code::kInternal, "unknown format");
}

namespace {

// A comment of a list as Go's encoders print its struct.
Item comment_fields(const Item& comment, bool lower_case) {
  Item fields;
  fields.kind = ItemKind::kMapping;
  Item value;
  value.kind = ItemKind::kString;
  value.key = lower_case ? "value" : "Value";
  value.secret = crypto::SecretBytes::copy_of(comment.bytes());
  value.is_secret = true;
  Item is_inline;
  is_inline.kind = ItemKind::kBool;
  is_inline.key = lower_case ? "inline" : "Inline";
  is_inline.text = comment.inline_comment ? "true" : "false";
  fields.items.push_back(std::move(value));
  fields.items.push_back(std::move(is_inline));
  return fields;
}

}  // namespace

Result<void> print_value(const Item& item, Format format, const PrintOptions& options,
                         ByteSink& out) {
  if (item.is_comment() && (format == Format::kYaml || format == Format::kJson)) {
    return print_value(comment_fields(item, /*lower_case=*/format == Format::kYaml), format,
                       options, out);
  }
  switch (format) {
    case Format::kYaml:
      return print_yaml_value(item, out);
    case Format::kJson:
      return print_json_value(item, options.json_indent, out);
    case Format::kIni:
      return print_go_json_value(item, out);
    case Format::kDotenv:
      return fail(Code::kInvalid, "dotenv: only strings can be printed alone", Where{},
                  "name the format, for example --output-type json");
    case Format::kBinary:
      return fail(Code::kInvalid, "a binary file has no values that could be printed alone",
                  Where{}, "name the format, for example --output-type json");
  }
  return fail(Code::kInternal, "unknown format");
}

Result<void> print_binary_tree(const Tree& tree, ByteSink& out) {
  for (const Item& item : tree.front().items) {
    if (item.is_comment() || item.key != "data") continue;
    if (item.kind != ItemKind::kString) break;
    out.append(item.bytes());
    return {};
  }
  return fail(Code::kInvalid, "no \"data\" string in it: not an encrypted binary file", Where{},
              "name the format, for example --output-type json");
}

}  // namespace sluice::decrypt
