#include "kustomize/path_matcher.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "sluice/base/ascii.hpp"
#include "sluice/yaml/scalar.hpp"

#include "kustomize/field_spec.hpp"
#include "kustomize/gvk.hpp"
#include "kustomize/regex.hpp"
#include "kustomize/structured_text.hpp"

namespace sluice::kustomize {
namespace {

/// A plain word that no schema takes for anything but a string: printed as it is.
bool is_word(yaml::Node node) {
  const std::string_view text = node.text();
  return node.is_string() && node.style() == yaml::Style::kPlain && !text.empty() &&
         is_letter(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) {
                       return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.' || c == '/';
                     }) &&
         yaml::resolve_plain(text, yaml::Schema::kV2) == yaml::Kind::kString &&
         yaml::resolve_plain(text, yaml::Schema::kV3) == yaml::Kind::kString;
}

/// A node as text for the regular expressions of `[field=regex]`.
std::string printed(yaml::Node node) {
  return is_word(node) ? std::string(node.text()) : yaml_v3_text(node);
}

}  // namespace

Result<void> PathMatcher::match(yaml::Ref node, std::size_t depth) {
  if (depth == path_.size()) {
    targets_.push_back(node);
    return {};
  }
  const std::string& part = path_[depth];
  if (is_index_number(part)) return match_index(node, depth);
  if (is_list_index(part)) return match_items(node, depth);
  if (part == "*") {
    if (node.is_null()) return {};
    if (!node.is_sequence()) return fail(wrong_kind("SequenceNode", node));
    for (std::size_t i = 0; i < node.size(); ++i) {
      SLUICE_CHECK(match(node.at(i), depth + 1));
    }
    return {};
  }
  return match_field(node, depth);
}

Result<void> PathMatcher::match_field(yaml::Ref node, std::size_t depth) {
  if (node.is_null()) {
    if (create_ == Create::kNothing) return {};
    return match_lost(node, depth);
  }
  // To kyaml's FieldMatcher a field without a name is the node itself.
  if (path_[depth].empty() && !is_leaf(node)) return fail(wrong_kind("ScalarNode", node));
  if (!node.is_mapping()) return fail(wrong_kind("MappingNode", node));
  yaml::Ref found = field(node, path_[depth]);
  if (!found.exists()) {
    if (create_ == Create::kNothing) return {};
    yaml::Document& document = node.document();
    const yaml::NodeId made = new_node(document, kind_for(next_part(depth), create_));
    document.append_entry(node.id(), new_key(document, path_[depth]), made);
    found = yaml::Ref(document, made);
  }
  if (is_leaf(found) && depth + 1 < path_.size()) return match_in_text(found, depth);
  return match(found, depth + 1);
}

Result<void> PathMatcher::match_lost(yaml::Ref null, std::size_t depth) {
  yaml::Document& document = null.document();
  const yaml::Ref lost(document, new_node(document, kind_for(next_part(depth), create_)));
  return match(lost, depth + 1);
}

Result<void> PathMatcher::match_in_text(yaml::Ref scalar, std::size_t depth) {
  if (scalar.is_encrypted()) return refuse_splice();
  SLUICE_TRY(std::optional<yaml::Document> document, read_structured_text(scalar.text()));
  if (!document) {
    const std::string_view part = next_part(depth);
    if (is_list_index(part)) SLUICE_CHECK(split_list_index(part));
    const bool into_list = is_index_number(part) || is_list_index(part) || part == "*";
    return fail(Code::kInvalid, std::string("wrong node kind: expected ") +
                                    (into_list      ? "SequenceNode"
                                     : part.empty() ? "ScalarNode"
                                                    : "MappingNode") +
                                    " but got : node contents:\nnull\n");
  }
  texts_.push_back(std::make_unique<yaml::Document>(*std::move(document)));
  return match(texts_.back()->root(), depth + 1);
}

Result<void> PathMatcher::match_index(yaml::Ref node, std::size_t depth) {
  const std::string_view part = path_[depth];
  std::size_t index = 0;
  std::from_chars(part.data() + (part.front() == '+' ? 1 : 0), part.data() + part.size(), index);
  if (!node.is_null() && !node.is_sequence()) return fail(wrong_kind("SequenceNode", node));
  if (node.size() == index && create_ != Create::kNothing) {
    if (node.is_null()) return match_lost(node, depth);
    node.document().append_item(node.id(),
                                new_node(node.document(), kind_for(next_part(depth), create_)));
  }
  if (index >= node.size()) {
    return fail(Code::kInvalid, "index " + std::to_string(index) + " specified but only " +
                                    std::to_string(node.size()) + " elements found");
  }
  return match(node.at(index), depth + 1);
}

Result<void> PathMatcher::match_items(yaml::Ref node, std::size_t depth) {
  SLUICE_TRY(const auto wanted, split_list_index(path_[depth]));
  const auto& [name, pattern] = wanted;
  if (node.is_null() && create_ != Create::kNothing) {  // as match_lost()
    node = {node.document(), new_node(node.document(), Create::kSequence)};
  }
  if (!node.is_null() && !node.is_sequence()) return fail(wrong_kind("SequenceNode", node));
  const std::size_t before = targets_.size();
  SLUICE_CHECK(visit_items(node, depth, name, pattern));
  if (targets_.size() != before || create_ == Create::kNothing) return {};

  if (name.empty()) {
    const yaml::Ref item = node.append_string("");
    SLUICE_CHECK(set_scalar_text(item, pattern));
  } else {
    const yaml::Ref item = node.append_mapping();
    SLUICE_CHECK(set_scalar_text(item.put_string(name, ""), pattern));
    remake_keys(item);
  }
  return visit_items(node, depth, name, pattern);
}

Result<void> PathMatcher::visit_items(yaml::Ref node, std::size_t depth, const std::string& name,
                                      const std::string& pattern) {
  if (node.size() == 0) return {};
  SLUICE_TRY(const Regex regex, Regex::compile(pattern));
  for (std::size_t i = 0; i < node.size(); ++i) {
    const yaml::Ref item = node.at(i);
    const yaml::Node key = name.empty() ? yaml::Node(item) : field(yaml::Node(item), name);
    if (!key.exists() || key.is_encrypted() || !regex.matches(printed(key))) continue;
    if (name.empty()) {
      targets_.push_back(item);  // the rest of the path does not count
    } else {
      SLUICE_CHECK(match(item, depth + 1));
    }
  }
  return {};
}

tl::unexpected<Error> refuse_splice() {
  return fail(Code::kUnsupported,
              "a replacement cannot splice into or out of an encrypted value (delimiter, "
              "structured data)",
              Where{}, "copy the whole value, or leave the field unencrypted");
}

}  // namespace sluice::kustomize
