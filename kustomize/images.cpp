#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/base/ascii.hpp"

#include "kustomize/build_annotations.hpp"
#include "kustomize/gvk.hpp"
#include "kustomize/regex.hpp"
#include "kustomize/transformers.hpp"

namespace sluice::kustomize {
namespace {

constexpr std::string_view kCustomResourceDefinition = "CustomResourceDefinition";

constexpr bool is_tag_character(char c) {
  return is_letter_or_digit(c) || c == '_' || c == '.' || c == '{' || c == '}' || c == '-';
}

/// The names of rules that need no expression: nothing in them means more than itself but the '.'
/// of "ghcr.io", which is any one character.
bool is_plain_name(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte < 0x7F &&
           std::string_view("\\+*?()|[]{}^$").find(c) == std::string_view::npos;
  });
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// Whether an ASCII `image` is one of a plain name's: nullopt when that takes the expression.
std::optional<bool> matches_plainly(std::string_view image, std::string_view name) {
  if (image.size() < name.size()) return false;
  const std::string_view rest = image.substr(name.size());
  if (!rest.empty() && rest[0] != ':' && rest[0] != '@') return false;  // what most differ in
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (image[i] != name[i] && (name[i] != '.' || image[i] == '\n')) return false;
  }
  if (rest.empty()) return true;
  if (rest[0] == ':' && std::all_of(rest.begin() + 1, rest.end(), is_tag_character)) return true;
  return std::nullopt;
}

/// A rule with its expression. One that does not compile matches nothing.
class CompiledImage {
 public:
  explicit CompiledImage(const ImageRule& image)
      : rule(image), is_plain_(is_plain_name(image.name)) {}

  /// Most rules are plain names and most images not theirs: what needs no expression gets none.
  bool matches(std::string_view image) const {
    if (is_plain_ && is_ascii(image)) {  // '.' takes all bytes of a character
      if (const auto plainly = matches_plainly(image, rule.name)) return *plainly;
    }
    if (!compiled_) {
      compiled_ = true;
      auto compiled = Regex::compile("^" + rule.name +
                                     "(:[a-zA-Z0-9_.{}-]*)?(@[a-zA-Z0-9]+([.+_-][a-zA-Z0-9]+)*:"
                                     "[a-zA-Z0-9_.{}-]*)?$");
      if (compiled) regex_ = std::move(*compiled);
    }
    return regex_ && regex_->matches(image);
  }

  const ImageRule& rule;

 private:
  bool is_plain_;
  mutable bool compiled_ = false;
  mutable std::optional<Regex> regex_;
};

Result<void> update(yaml::Ref node, const CompiledImage& image) {
  if (node.is_encrypted()) {
    return fail(Code::kUnsupported, "cannot match an encrypted image name", Where{},
                "leave the image field unencrypted");
  }
  if (!is_leaf(node)) return fail(wrong_kind("ScalarNode", node));
  if (!image.matches(node.text())) return {};
  const ImageRule& rule = image.rule;
  const ImageParts parts = split_image(node.text());
  std::string text(rule.new_name.empty() ? parts.name : rule.new_name);
  std::string tag(parts.tag);
  std::string_view digest = parts.digest;
  if (!rule.new_tag.empty()) {
    tag = rule.new_tag;
    digest = rule.digest;
  } else if (!rule.digest.empty()) {
    tag.clear();
    digest = rule.digest;
  } else if (!rule.tag_suffix.empty()) {
    tag += rule.tag_suffix;
    digest = {};
  }
  if (!tag.empty()) text += ":" + tag;
  if (!digest.empty()) {
    text += '@';
    text += digest;
  }
  return set_scalar_text(node, text);
}

/// The `image` of every item of every list called containers or initContainers, at any depth.
Result<void> collect(yaml::Ref node, std::vector<yaml::Ref>& images) {
  if (node.is_sequence()) {
    for (std::size_t i = 0; i < node.size(); ++i)
      SLUICE_CHECK(collect(node.at(i), images));
    return {};
  }
  for (std::size_t i = 0; i < node.size(); ++i) {
    const yaml::Ref value = node.value(i);
    if (is_leaf(value)) continue;
    SLUICE_CHECK(collect(value, images));
    const std::string_view key = node.key(i).text();
    if (!value.is_sequence() || (key != "containers" && key != "initContainers")) continue;
    for (std::size_t k = 0; k < value.size(); ++k) {
      const yaml::Ref item = value.at(k);
      if (item.is_null()) continue;
      if (!item.is_mapping()) return fail(wrong_kind("MappingNode", item));
      if (const yaml::Ref image = field(item, "image")) images.push_back(image);
    }
  }
  return {};
}

}  // namespace

ImageParts split_image(std::string_view image) {
  // The part up to the first slash may be a host with a port.
  std::size_t start = image.find('/');
  if (start == std::string_view::npos) start = 0;
  const std::size_t at = image.find('@', start);
  const std::size_t colon = image.find(':', start);
  constexpr std::size_t kNone = std::string_view::npos;
  if (at == kNone && colon == kNone) return {image, {}, {}};
  if (colon == kNone || (at != kNone && at < colon)) {
    return {image.substr(0, at), {}, image.substr(at + 1)};
  }
  const std::string_view name = image.substr(0, colon);
  if (at == kNone) return {name, image.substr(colon + 1), {}};
  return {name, image.substr(colon + 1, at - colon - 1), image.substr(at + 1)};
}

Result<void> set_images(ResMap& resources, std::span<const ImageRule> rules,
                        std::span<const FieldSpec> specs) {
  if (rules.empty()) return {};
  std::vector<CompiledImage> images;
  images.reserve(rules.size());
  for (const ImageRule& rule : rules)
    images.emplace_back(rule);
  FieldSpecs compiled(specs);

  // Which fields hold images does not depend on the rules: find them once.
  std::vector<yaml::Ref> in_lists, in_specs;
  const FieldSpecs::Setter note = [&](yaml::Ref node) -> Result<void> {
    in_specs.push_back(node);
    return {};
  };
  for (const auto& item : resources.items()) {
    const yaml::Ref root = item->root();
    if (item->id.gvk.kind == kCustomResourceDefinition || item->is_empty()) continue;
    in_lists.clear();
    in_specs.clear();
    SLUICE_CHECK(collect(root, in_lists));
    std::optional<BuildAnnotationsShown> shown;
    if (compiled.sees_annotations(Creates::kNothing)) shown.emplace(*item);
    SLUICE_CHECK(compiled.apply(root, item->id.gvk, Creates::kNothing, note));
    for (const CompiledImage& image : images) {
      for (const yaml::Ref node : in_lists)
        SLUICE_CHECK(update(node, image));
      for (const yaml::Ref node : in_specs) {
        if (update(node, image)) continue;
        // Once more, for an error that names the field.
        SLUICE_CHECK(compiled.apply(root, item->id.gvk, Creates::kNothing,
                                    [&](yaml::Ref one) { return update(one, image); }));
      }
    }
  }
  return {};
}

}  // namespace sluice::kustomize
