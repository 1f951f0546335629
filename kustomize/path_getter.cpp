#include "kustomize/path_getter.hpp"

#include <charconv>
#include <optional>

#include "sluice/base/encoding.hpp"

#include "kustomize/field_spec.hpp"
#include "kustomize/growth.hpp"
#include "kustomize/gvk.hpp"

namespace sluice::kustomize {
namespace {

std::optional<std::int64_t> parse_int(std::string_view text) {
  std::int64_t value = 0;
  const char* begin = text.data();
  const char* const end = begin + text.size();
  if (text.size() > 1 && *begin == '+' && begin[1] != '-') ++begin;
  const auto [at, error] = std::from_chars(begin, end, value);
  if (error != std::errc() || at != end || begin == end) return std::nullopt;
  return value;
}

/// A node without value yet is a null with text "".
bool is_mapping_or_null(yaml::Node node) {
  return node.is_mapping() || node.is_null();
}

Result<yaml::Ref> get_item(yaml::Ref node, std::string_view part, Create create) {
  SLUICE_TRY(const auto wanted, split_list_index(part));
  const auto& [name, value] = wanted;
  if (node.is_null()) return yaml::Ref();
  if (!node.is_sequence()) return fail(wrong_kind("SequenceNode", node));
  for (std::size_t i = 0; i < node.size(); ++i) {
    const yaml::Ref item = node.at(i);
    if (name.empty()) {
      if (is_leaf(item) && item.text() == value) return item;
      continue;
    }
    const yaml::Node found = field(yaml::Node(item), name);
    if (found.exists() && !found.is_encrypted() && found.text() == value) return item;
  }
  if (create == Create::kNothing) return yaml::Ref();
  if (name.empty()) {
    const yaml::Ref item = node.append_string("");
    SLUICE_CHECK(set_scalar_text(item, value));
    return item;
  }
  const yaml::Ref item = node.append_mapping();
  SLUICE_CHECK(set_scalar_text(item.put_string(name, ""), value));
  remake_keys(item);
  return item;
}

}  // namespace

bool is_list_index(std::string_view part) {
  return part.size() >= 2 && part.front() == '[' && part.back() == ']';
}

bool is_index_number(std::string_view part) {
  const auto value = parse_int(part);
  return value && *value >= 0;
}

Result<std::pair<std::string, std::string>> split_list_index(std::string_view part) {
  if (!part.empty() && part.back() == ']') part.remove_suffix(1);
  if (!part.empty() && part.front() == '[') part.remove_prefix(1);
  const std::size_t equals = part.find('=');
  if (equals == std::string_view::npos) {
    return fail(Code::kInvalid,
                "list path element must contain fieldName=fieldValue for element to match");
  }
  return std::pair(std::string(part.substr(0, equals)), std::string(part.substr(equals + 1)));
}

Create kind_for(std::string_view next, Create last) {
  if (is_list_index(next) || is_index_number(next)) return Create::kSequence;
  return next.empty() ? last : Create::kMapping;
}

yaml::NodeId new_node(yaml::Document& document, Create kind) {
  switch (kind) {
    case Create::kMapping:
      return document.new_collection(yaml::Kind::kMapping);
    case Create::kSequence:
      return document.new_collection(yaml::Kind::kSequence);
    default: {
      const yaml::NodeId made = document.new_scalar(yaml::Kind::kNull, "");
      yaml::Ref(document, made).set_tag(kUntyped);
      return made;
    }
  }
}

Result<yaml::Ref> get_path(yaml::Ref root, std::span<const std::string> parts, Create create) {
  std::vector<std::string_view> path;
  path.reserve(parts.size());
  for (const std::string& part : parts) {
    if (const std::string_view clean = go_trim_space(part); !clean.empty()) path.push_back(clean);
  }
  if (create != Create::kNothing) {
    SLUICE_CHECK(check_path_parts(path.size(), path.empty() ? std::string_view() : path[0]));
  }
  yaml::Ref node = root;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const std::string_view part = path[i];
    const std::string_view next = i + 1 < path.size() ? path[i + 1] : std::string_view();
    const auto number = parse_int(part);
    if (number && *number < 0) {
      return fail(Code::kInvalid, "array index " + std::to_string(*number) + " cannot be negative");
    }
    if (number || part == "-") {
      if (!node.is_null() && !node.is_sequence()) return fail(wrong_kind("SequenceNode", node));
      if (node.size() == 0 && !number) {
        return fail(Code::kInvalid, "the path part '-' needs a sequence that is not empty");
      }
      node = node.at(number ? static_cast<std::size_t>(*number) : node.size() - 1);
    } else if (part == "*") {
      return fail(Code::kInvalid, "wildcard is not supported in PathGetter");
    } else if (is_list_index(part)) {
      SLUICE_TRY(node, get_item(node, part, create));
    } else {
      if (!is_mapping_or_null(node)) return fail(wrong_kind("MappingNode", node));
      yaml::Ref found = field(node, part);
      if (!found.exists() && create != Create::kNothing && node.is_mapping()) {
        yaml::Document& document = node.document();
        const yaml::NodeId made = new_node(document, kind_for(next, create));
        document.append_entry(node.id(), new_key(document, part), made);
        found = yaml::Ref(document, made);
      }
      node = found;
    }
    if (!node.exists()) return yaml::Ref();
  }
  return node;
}

}  // namespace sluice::kustomize
