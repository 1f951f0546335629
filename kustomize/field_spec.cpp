#include "kustomize/field_spec.hpp"

#include <algorithm>
#include <utility>

#include "sluice/base/encoding.hpp"
#include "sluice/yaml/scalar.hpp"

#include "kustomize/growth.hpp"
#include "kustomize/gvk.hpp"
#include "kustomize/res_map.hpp"
#include "kustomize/structured_text.hpp"

namespace sluice::kustomize {
namespace {

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::string_view node_kind_name(yaml::Node node) {
  if (node.is_mapping()) return "MappingNode";
  if (node.is_sequence()) return "SequenceNode";
  return "ScalarNode";
}

/// True for a name that kyaml's PathGetter takes for an index into a sequence.
bool is_index(std::string_view name) {
  return is_digits(name) || name == "-" || (name.front() == '[' && name.back() == ']');
}

}  // namespace

Result<void> merge_field_specs(std::vector<FieldSpec>& specs, std::span<const FieldSpec> incoming) {
  for (const FieldSpec& spec : incoming) {
    const auto known = std::find_if(specs.begin(), specs.end(), [&](const FieldSpec& old) {
      return is_selected(old.gvk, spec.gvk) && old.path == spec.path;
    });
    if (known == specs.end()) {
      specs.push_back(spec);
    } else if (known->create != spec.create) {
      return fail(Code::kInvalid, "conflicting fieldspecs");
    }
  }
  return {};
}

std::vector<std::string> split_path(std::string_view path, char delimiter) {
  std::vector<std::string> parts;
  bool first = true;
  while (true) {
    const std::size_t at = path.find(delimiter);
    const std::string_view part = path.substr(0, at);
    const bool leading = first && part.empty() && at != std::string_view::npos;
    if (!leading) {
      if (!parts.empty() && !parts.back().empty() && parts.back().back() == '\\') {
        parts.back().back() = delimiter;
        parts.back() += part;
      } else {
        parts.emplace_back(part);
      }
    }
    first = false;
    if (at == std::string_view::npos) return parts;
    path.remove_prefix(at + 1);
  }
}

std::vector<std::string> split_smart_path(std::string_view path, char delimiter) {
  const std::vector<std::string> parts = split_path(path, delimiter);
  std::vector<std::string> joined;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].empty() || parts[i].front() != '[' || parts[i].back() == ']') {
      joined.push_back(parts[i]);
      continue;
    }
    std::string bracketed = parts[i];
    while (i + 1 < parts.size()) {
      bracketed += delimiter;
      bracketed += parts[++i];
      if (!parts[i].empty() && parts[i].back() == ']') break;
    }
    if (bracketed.find('=') == std::string::npos) {
      const std::size_t begin = bracketed.find_first_not_of("[]");
      const std::size_t end = bracketed.find_last_not_of("[]");
      bracketed = begin == std::string::npos ? "" : bracketed.substr(begin, end - begin + 1);
    }
    joined.push_back(std::move(bracketed));
  }
  return joined;
}

Error wrong_kind(std::string_view expected, yaml::Node node) {
  std::string message = "wrong node kind: expected " + std::string(expected) + " but got " +
                        std::string(node_kind_name(node));
  message += ": node contents:\n" + yaml_v3_text(node) + "\n";
  return Error(Code::kInvalid, std::move(message))
      .reason(std::string(is_leaf(node) ? kWrongKindOfScalar : kWrongKindOfCollection));
}

// --- FieldSpecs ----------------------------------------------------------------------------------

struct FieldSpecs::Walk {
  const std::vector<Step>& steps;
  bool create;  // the spec says so and the transformer can
  Creates creates;
  const Setter& set;
};

FieldSpecs::FieldSpecs(std::span<const FieldSpec> specs) {
  specs_.reserve(specs.size());
  for (const FieldSpec& spec : specs) {
    Compiled& compiled = specs_.emplace_back();
    compiled.spec = &spec;
    for (const std::string& part : split_path(spec.path, '/')) {
      std::string_view name = part;
      const bool is_sequence = name.size() >= 2 && name.substr(name.size() - 2) == "[]";
      if (is_sequence) name.remove_suffix(2);
      compiled.steps.push_back({std::string(go_trim_space(name)), is_sequence});
    }
  }
}

bool FieldSpecs::selects(std::size_t index, const Gvk& gvk) const {
  return is_selected(gvk, specs_[index].spec->gvk);
}

bool FieldSpecs::sees_annotations(Creates creates) const {
  return std::any_of(specs_.begin(), specs_.end(), [&](const Compiled& one) {
    return one.steps.size() == 2 && one.steps[0].name == "metadata" &&
           one.steps[1].name == "annotations" &&
           !(one.spec->create && creates == Creates::kMapping);
  });
}

Result<void> FieldSpecs::apply(yaml::Ref root, const Gvk& gvk, Creates creates, const Setter& set) {
  auto [entry, is_new] = by_kind_.try_emplace(gvk);
  if (is_new) {
    for (std::size_t i = 0; i < specs_.size(); ++i) {
      if (selects(i, gvk)) entry->second.push_back(static_cast<std::uint32_t>(i));
    }
  }
  for (const std::uint32_t index : entry->second) {
    SLUICE_CHECK(apply_one(index, root, gvk, creates, set));
  }
  return {};
}

Result<void> FieldSpecs::apply_one(std::size_t index, yaml::Ref root, const Gvk& gvk,
                                   Creates creates, const Setter& set) {
  if (!selects(index, gvk)) return {};
  const Compiled& compiled = specs_[index];
  SLUICE_CHECK(check_path_parts(compiled.steps.size(), compiled.spec->path));
  const bool create = compiled.spec->create && creates != Creates::kNothing;
  auto done = walk({compiled.steps, create, creates, set}, root, 0);
  if (done) return {};
  const yaml::Node metadata = field(yaml::Node(root), "metadata");
  const ObjectId id{gvk_of(root), std::string(metadata.get("namespace").text()),
                    std::string(metadata.get("name").text())};
  return fail(std::move(done).error().prefix("considering field '" + compiled.spec->path +
                                             "' of object " + id_text(id) + ": "));
}

Result<void> FieldSpecs::walk(const Walk& walk, yaml::Ref node, std::size_t depth) {
  if (depth == walk.steps.size()) return walk.set(node);
  if (is_tagged_null(node)) return {};

  if (node.is_sequence()) {
    for (std::size_t i = 0; i < node.size(); ++i) {
      auto done = FieldSpecs::walk(walk, node.at(i), depth);
      if (done) continue;
      std::string path;
      for (std::size_t s = depth; s < walk.steps.size(); ++s) {
        if (s != depth) path += ' ';
        path += walk.steps[s].name + (walk.steps[s].is_sequence ? "[]" : "");
      }
      return fail(std::move(done).error().prefix("visit traversal on path: [" + path + "]: "));
    }
    return {};
  }
  if (!node.is_mapping()) return fail(Code::kInvalid, "expected sequence or mapping node");

  const Step& step = walk.steps[depth];
  if (step.name.empty()) {
    return fail(Code::kInvalid, "cannot set or create an empty field name");
  }
  const auto in_field = [&](Error error) {
    return fail(std::move(error).prefix("fieldName: " + step.name + ": "));
  };
  if (step.name == "*") {
    return in_field({Code::kInvalid, "wildcard is not supported in PathGetter"});
  }
  if (is_index(step.name)) return in_field(wrong_kind("SequenceNode", node));

  const bool create = walk.create && !step.is_sequence;
  const bool last = depth + 1 == walk.steps.size();
  yaml::Ref found = field(node, step.name);
  if (!found.exists() && !create) return {};
  if (!found.exists()) {
    yaml::Document& document = node.document();
    found = {document, document.new_scalar(yaml::Kind::kNull, "null")};
    document.append_entry(node.id(), new_key(document, step.name), found.id());
  }
  if (found.is_null()) {
    if (step.is_sequence) {
      found.set_sequence();
    } else if (create && (!last || walk.creates == Creates::kMapping)) {
      found.set_mapping();
    } else if (create) {
      found.set_scalar(walk.creates == Creates::kInt ? yaml::Kind::kInt : yaml::Kind::kString, "");
    }
  }
  return FieldSpecs::walk(walk, found, depth + 1);
}

// --- setters -------------------------------------------------------------------------------------

Result<void> set_scalar_text(yaml::Ref scalar, std::string_view text) {
  if (scalar.is_encrypted()) {
    return fail(Code::kUnsupported,
                "cannot change a part of an encrypted value: it is opened only when applied",
                Where{}, "leave this field unencrypted");
  }
  if (!is_leaf(scalar)) return fail(wrong_kind("ScalarNode", scalar));
  const yaml::Style style = scalar.style();
  const yaml::Kind kind = style == yaml::Style::kPlain
                              ? yaml::resolve_plain(text, yaml::Schema::kV3)
                              : yaml::Kind::kString;
  scalar.set_scalar(kind, text, style);
  scalar.set_tag(kUntyped);
  return {};
}

Result<void> set_scalar_string(yaml::Ref scalar, std::string_view text) {
  if (!is_leaf(scalar)) return fail(wrong_kind("ScalarNode", scalar));
  scalar.set_scalar(yaml::Kind::kString, text, scalar.style());
  return {};
}

yaml::Style string_style(std::string_view text) {
  if (text.empty() || text.find('\n') != std::string_view::npos) return yaml::Style::kPlain;
  const yaml::Kind kind = yaml::resolve_plain(text, yaml::Schema::kV2);
  const bool scalar = kind == yaml::Kind::kString || kind == yaml::Kind::kTimestamp;
  const bool collection = text.front() == '[' || text.front() == '{' || text.substr(0, 2) == "- " ||
                          text.back() == ':' || text.find(": ") != std::string_view::npos;
  return scalar && !collection ? yaml::Style::kPlain : yaml::Style::kDoubleQuoted;
}

yaml::NodeId new_key(yaml::Document& document, std::string_view name) {
  return document.new_scalar(yaml::resolve_plain(name, yaml::Schema::kV3), name);
}

void remake_keys(yaml::Ref mapping) {
  for (std::size_t i = 0; i < mapping.size(); ++i) {
    const yaml::Ref key = mapping.key(i);
    if (!key.is_scalar()) continue;
    const yaml::Kind kind = yaml::resolve_plain(key.text(), yaml::Schema::kV3);
    if (kind != key.kind()) key.set_scalar(kind, std::string(key.text()));
  }
}

Result<void> set_entry_string(yaml::Ref mapping, std::string_view name, std::string_view text) {
  if (mapping.is_null()) return {};
  if (!mapping.is_mapping()) return fail(wrong_kind("MappingNode", mapping));
  if (const yaml::Ref known = field(mapping, name)) {
    known.set_scalar(yaml::Kind::kString, text, known.style());
  } else {
    yaml::Document& document = mapping.document();
    document.append_entry(mapping.id(), new_key(document, name),
                          document.new_scalar(yaml::Kind::kString, text, string_style(text)));
  }
  return {};
}

}  // namespace sluice::kustomize
