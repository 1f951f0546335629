#include "kustomize/replacements.hpp"

#include <algorithm>
#include <utility>

#include "sluice/base/encoding.hpp"
#include "sluice/yaml/scalar.hpp"

#include "kustomize/build_annotations.hpp"
#include "kustomize/field_spec.hpp"
#include "kustomize/go_decode.hpp"
#include "kustomize/growth.hpp"
#include "kustomize/gvk.hpp"
#include "kustomize/kustomization_fields.hpp"
#include "kustomize/path_getter.hpp"
#include "kustomize/path_matcher.hpp"
#include "kustomize/structured_text.hpp"

namespace sluice::kustomize {
namespace {

constexpr std::string_view kDefaultPath = "metadata.name";

// --- printing for messages -----------------------------------------------------------------------

std::string options_text(const std::optional<FieldOptions>& options) {
  if (!options || (options->delimiter.empty() && !options->create)) return {};
  return options->delimiter + "(" + std::to_string(options->index) +
         "), create=" + (options->create ? "true" : "false");
}

std::string source_text(const ReplacementSource& source) {
  std::string text = id_text(source.id);
  if (!source.field_path.empty()) text += ":" + source.field_path;
  if (const std::string options = options_text(source.options); !options.empty()) {
    text += ":" + options;
  }
  return text;
}

// --- ids as replacements see them: the written namespace, not the effective one ------------------

/// Calls `test(gvk, name, ns)` with the current and each previous id until it says yes.
template <class Test>
bool any_id(const BuildResource& resource, Test test) {
  const ObjectId& id = resource.id;
  if (test(id.gvk, id.name, id.ns)) return true;
  return std::any_of(resource.previous.begin(), resource.previous.end(),
                     [&](const PreviousId& old) {
                       return test(Gvk{id.gvk.group, id.gvk.version, old.kind}, old.name, old.ns);
                     });
}

std::string_view or_default(std::string_view ns) {
  return ns.empty() ? std::string_view("default") : ns;
}

Result<BuildResource*> select_source(const ResMap& resources, const ReplacementSource& source) {
  std::vector<BuildResource*> candidates;
  if (!source.id.name.empty()) {
    candidates = resources.by_any_name(source.id.name);
  } else {
    for (const auto& item : resources.items())
      candidates.push_back(item.get());
  }
  BuildResource* found = nullptr;
  for (BuildResource* resource : candidates) {
    const bool selected =
        any_id(*resource, [&](const Gvk& gvk, std::string_view name, std::string_view ns) {
          return (source.id.name.empty() || source.id.name == name) &&
                 (source.id.ns.empty() || or_default(source.id.ns) == or_default(ns)) &&
                 is_selected(gvk, source.id.gvk);
        });
    if (!selected) continue;
    if (found != nullptr) {
      return fail(Code::kInvalid, "multiple matches for selector " + source_text(source));
    }
    found = resource;
  }
  if (found == nullptr) {
    return fail(Code::kInvalid, "nothing selected by " + source_text(source));
  }
  return found;
}

std::vector<std::string> split(std::string_view text, std::string_view delimiter) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t at = text.find(delimiter);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + delimiter.size());
  }
}

/// What a replacement copies. `node` may lie in the source itself: kustomize reads it anew for each
/// target.
struct Value {
  yaml::Document own;                          // holds `node` unless it is the source's
  std::optional<BuildAnnotationsShown> shown;  // in the source: kustomize copies its own along
  yaml::Node node;
};

/// True for metadata and metadata.annotations, and for what lies in the latter.
bool reaches_annotations(const std::vector<std::string>& path) {
  return !path.empty() && path[0] == "metadata" && (path.size() == 1 || path[1] == "annotations");
}

Result<void> find_value(const ResMap& resources, const Replacement& replacement, Value& value) {
  if (replacement.source_value && replacement.source) {
    return fail(Code::kInvalid, "value and resource selectors are mutually exclusive");
  }
  if (replacement.source_value) {
    const std::string& text = *replacement.source_value;
    value.own.root().set_scalar(yaml::resolve_plain(text, yaml::Schema::kV3), text);
    value.own.root().set_tag(kUntyped);
    value.node = std::as_const(value.own).root();
    return {};
  }
  const ReplacementSource& source = *replacement.source;
  SLUICE_TRY(BuildResource * resource, select_source(resources, source));
  const std::string_view path = source.field_path.empty() ? kDefaultPath : source.field_path;
  const std::vector<std::string> parts = split_smart_path(path, '.');
  if (reaches_annotations(parts)) value.shown.emplace(*resource);
  auto found = get_path(resource->root(), parts);
  if (!found) {
    return fail(std::move(found).error().prefix("error looking up replacement source: "));
  }
  const yaml::Node node = *found;
  const bool empty_collection = (node.is_mapping() || node.is_sequence()) && node.size() == 0;
  if (!node.exists() || is_tagged_null(node) || empty_collection) {
    return fail(Code::kInvalid, "fieldPath `" + std::string(path) +
                                    "` is missing for replacement source " + id_text(source.id));
  }
  value.node = node;
  if (!source.options || source.options->delimiter.empty()) return {};
  if (node.is_encrypted()) return refuse_splice();
  if (!is_leaf(node)) {
    return fail(Code::kInvalid, "delimiter option can only be used with scalar nodes");
  }
  const std::vector<std::string> words = split(node.text(), source.options->delimiter);
  const std::int64_t index = source.options->index;
  if (index < 0 || index >= static_cast<std::int64_t>(words.size())) {
    return fail(Code::kInvalid, "options.index " + std::to_string(index) +
                                    " is out of bounds for value " + std::string(node.text()));
  }
  const std::string& text = words[static_cast<std::size_t>(index)];
  yaml::Document word;
  word.root().set_scalar(node.kind(), text, node.style());
  if (is_untyped(node)) SLUICE_CHECK(set_scalar_text(word.root(), text));
  value.own = std::move(word);
  value.node = std::as_const(value.own).root();
  return {};
}

// --- setting -------------------------------------------------------------------------------------

bool is_quoted(yaml::Style style) {
  return style == yaml::Style::kSingleQuoted || style == yaml::Style::kDoubleQuoted ||
         style == yaml::Style::kLiteral || style == yaml::Style::kFolded;
}

/// The target keeps its type, if it has one, only its text changes.
Result<void> set_text(yaml::Ref node, std::string_view text) {
  if (is_untyped(node)) return set_scalar_text(node, text);
  const yaml::Kind kind = node.is_encrypted() ? node.leaf().kind : node.kind();
  const yaml::Style style = node.is_encrypted() ? yaml::Style::kPlain : node.style();
  if (kind == yaml::Kind::kString || kind == yaml::Kind::kBinary || is_quoted(style)) {
    node.set_scalar(is_quoted(style) ? yaml::Kind::kString : kind, text, style);
    return {};
  }
  // kustomize notices a text that does not fit only when it prints the resource: check_types().
  node.set_scalar(kind, text, style);
  return {};
}

Result<void> set_leaf(yaml::Ref node, const yaml::EncryptedLeaf& source) {
  yaml::EncryptedLeaf leaf = source;
  const yaml::Kind kind = node.is_encrypted() ? node.leaf().kind : node.kind();
  const bool is_text = (kind == yaml::Kind::kString && !is_untyped(node)) ||
                       (is_leaf(node) && is_quoted(node.style()));
  if (is_text) leaf.kind = yaml::Kind::kString;
  node.set_leaf(std::move(leaf));
  return {};
}

Result<void> set_value(const std::optional<FieldOptions>& options, yaml::Ref node,
                       yaml::Node value) {
  const bool to_leaf = is_leaf(node);
  if (options && !options->delimiter.empty()) {
    if (!to_leaf) {
      return fail(Code::kInvalid, "delimiter option can only be used with scalar nodes");
    }
    if (node.is_encrypted() || value.is_encrypted()) return refuse_splice();
    std::vector<std::string> parts = split(node.text(), options->delimiter);
    const std::string text(value.text());
    const auto size = static_cast<std::int64_t>(parts.size());
    if (options->index < 0) {
      parts.insert(parts.begin(), text);
    } else if (options->index >= size) {
      parts.push_back(text);
    } else {
      parts[static_cast<std::size_t>(options->index)] = text;
    }
    std::string joined;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      joined += (i == 0 ? "" : options->delimiter) + parts[i];
    }
    if (joined.size() > kMaxGrownBytes) {
      return fail(Code::kUnsupported, "a replacement makes a text longer than " +
                                          std::to_string(kMaxGrownBytes) + " bytes");
    }
    return set_text(node, joined);
  }
  if (!to_leaf) {
    node.assign(value);
    return {};
  }
  if (value.is_encrypted()) return set_leaf(node, value.leaf());
  return set_text(node, value.text());  // "" when the value is a collection
}

Create create_kind(const std::optional<FieldOptions>& options, yaml::Node value) {
  if (!options || !options->create) return Create::kNothing;
  if (value.is_mapping()) return Create::kMapping;
  return value.is_sequence() ? Create::kSequence : Create::kScalar;
}

/// Tries `path` as one that goes on inside the text of a string field. True when that was so and
/// the value is set. Only a refusal is an error.
Result<bool> set_in_text(yaml::Ref root, const std::vector<std::string>& path, yaml::Node value,
                         const std::optional<FieldOptions>& options) {
  for (std::size_t length = 1; length < path.size(); ++length) {
    const auto found = get_path(root, std::span(path).first(length));
    if (!found) continue;
    if (!found->exists()) return false;  // nothing further in exists either
    if (!is_leaf(*found)) continue;
    if (found->is_encrypted()) return refuse_splice();
    const std::string original(found->text());
    auto read = read_structured_text(original);
    if (!read) continue;
    std::optional<yaml::Document>& document = *read;
    if (!document) return false;
    PathMatcher matcher({path.begin() + static_cast<std::ptrdiff_t>(length), path.end()},
                        create_kind(options, value));
    auto targets = matcher.run(document->root());
    if (!targets || targets->empty()) return false;
    if (value.is_encrypted()) return refuse_splice();
    for (const yaml::Ref target : *targets) {
      if (!set_value(options, target, value)) return false;
    }
    if (is_json_text(original) && !std::all_of(targets->begin(), targets->end(), fits_its_type))
      return false;
    const auto text = write_structured_text(*document, original);
    if (!text) return false;
    SLUICE_CHECK(check_growth(text->size(), 0, {}));
    found->set_text(*text);
    return true;
  }
  return false;
}

Result<void> copy_value(yaml::Ref root, yaml::Node value, const ReplacementTarget& target) {
  const std::vector<std::string> defaults{std::string(kDefaultPath)};
  for (const std::string& text : target.field_paths.empty() ? defaults : target.field_paths) {
    const std::vector<std::string> path = split_smart_path(text, '.');
    SLUICE_CHECK(check_path_parts(path.size(), text));
    SLUICE_TRY(const bool done, set_in_text(root, path, value, target.options));
    if (done) continue;

    const Create create = create_kind(target.options, value);
    const auto missing = [&] {
      return std::string(create == Create::kNothing ? "unable to find field "
                                                    : "unable to find or create field ") +
             go_quote(text) + " in replacement target";
    };
    PathMatcher matcher(path, create);
    auto targets = matcher.run(root);
    if (!targets) {
      if (targets.error().code() == Code::kUnsupported) return fail(std::move(targets).error());
      return fail(std::move(targets).error().prefix(missing() + ": "));
    }
    if (targets->empty()) return fail(Code::kInvalid, missing());
    if (value.is_mapping() || value.is_sequence()) {
      Extent copied = extent(value);
      copied.bytes *= targets->size();
      SLUICE_CHECK(check_growth(extent(root).bytes, path.size(), copied));
    }
    for (const yaml::Ref one : *targets) {
      SLUICE_CHECK(set_value(target.options, one, value));
    }
  }
  return {};
}

// --- choosing targets ----------------------------------------------------------------------------

struct TargetSelector {
  CompiledSelector select;
  struct Reject {
    CompiledSelector selector;
    bool has_labels;
  };
  std::vector<Reject> rejects;

  static bool matches_id(const CompiledSelector& selector, const BuildResource& resource) {
    return any_id(resource, [&](const Gvk& gvk, std::string_view name, std::string_view ns) {
      return selector.matches_gvk(gvk) && selector.matches_name(name) &&
             selector.matches_namespace(ns);
    });
  }

  Result<bool> chooses(const BuildResource& resource) const {
    SLUICE_TRY(const bool labelled, select.matches_labels(resource.root()));
    if (!labelled) return false;
    for (const Reject& reject : rejects) {
      if (!reject.has_labels) continue;
      SLUICE_TRY(const bool rejected, reject.selector.matches_labels(resource.root()));
      if (rejected) return false;
    }
    for (const Reject& reject : rejects) {
      if (!reject.selector.has_no_id() && matches_id(reject.selector, resource)) return false;
    }
    return matches_id(select, resource);
  }
};

Result<TargetSelector> compile(const ReplacementTarget& target) {
  if (!target.select) return fail(Code::kInvalid, "target must specify resources to select");
  const auto creating = [](Error error) {
    return fail(std::move(error).prefix("error creating target selector: "));
  };
  TargetSelector compiled;
  auto select = CompiledSelector::compile(*target.select);
  if (!select) return creating(std::move(select).error());
  compiled.select = std::move(*select);
  for (const Selector& reject : target.reject) {
    auto selector = CompiledSelector::compile(reject);
    if (!selector) return creating(std::move(selector).error());
    const bool has_labels = !reject.label_selector.empty() || !reject.annotation_selector.empty();
    compiled.rejects.push_back({std::move(*selector), has_labels});
  }
  return compiled;
}

Result<void> apply_to(ResMap& resources, const ReplacementTarget& target, yaml::Node value) {
  SLUICE_TRY(const TargetSelector selector, compile(target));
  // What is written over them, or copied from another resource, is not kept.
  const bool into_annotations = std::any_of(
      target.field_paths.begin(), target.field_paths.end(),
      [](const std::string& path) { return path == "metadata" || path == "metadata.annotations"; });
  std::vector<BuildResource*> candidates;
  if (!selector.select.only_name().empty()) {
    candidates = resources.by_any_name(selector.select.only_name());
  } else {
    for (const auto& item : resources.items())
      candidates.push_back(item.get());
  }
  for (BuildResource* resource : candidates) {
    SLUICE_TRY(const bool chosen, selector.chooses(*resource));
    if (!chosen) continue;
    std::optional<BuildAnnotationsShown> shown;
    if (into_annotations) shown.emplace(*resource);
    SLUICE_CHECK(copy_value(resource->root(), value, target));
    shown.reset();
    resource->check_types = true;
    resources.changed(*resource);
  }
  return {};
}

}  // namespace

Result<void> check_types(yaml::Node node) {
  if (node.is_mapping() || node.is_sequence()) {
    for (std::size_t i = 0; i < node.size(); ++i) {
      SLUICE_CHECK(check_types(node.is_mapping() ? node.value(i) : node.at(i)));
    }
    return {};
  }
  if (fits_its_type(node)) return {};
  const yaml::Kind written = yaml::resolve_plain(node.text(), yaml::Schema::kV3);
  return fail(Code::kInvalid, "yaml: cannot decode " + std::string(type_tag(written)) + " `" +
                                  std::string(node.text()) + "` as a " +
                                  std::string(type_tag(node.kind())));
}

Result<void> apply_replacements(ResMap& resources, const std::vector<Replacement>& replacements) {
  const bool has_odd_history =
      std::any_of(resources.items().begin(), resources.items().end(),
                  [](const auto& item) { return item->has_odd_history(); });
  for (const Replacement& replacement : replacements) {
    if ((!replacement.source_value && !replacement.source) || !replacement.targets) {
      return fail(Code::kInvalid, "replacements must specify a source and at least one target");
    }
    if (has_odd_history) {
      return fail(Code::kInvalid,
                  std::string(replacement.source ? "error getting node IDs: " : "") +
                      "number of previous names, number of previous namespaces, "
                      "number of previous kinds not equal");
    }
    Value value;
    SLUICE_CHECK(find_value(resources, replacement, value));
    for (const ReplacementTarget& target : *replacement.targets) {
      SLUICE_CHECK(apply_to(resources, target, value.node));
    }
  }
  resources.drop_empty();
  return {};
}

Result<std::vector<Replacement>> read_replacements_file(yaml::Node node) {
  std::vector<Replacement> replacements;
  GoDecoder decoder(GoDecoder::Mode::kLenient);
  if (node.is_sequence()) {
    decoder.objects(node, "[]types.Replacement", "types.Replacement", plain_replacement_fields(),
                    replacements);
  } else if (node.is_mapping()) {
    decoder.object(node, "types.Replacement", plain_replacement_fields(),
                   replacements.emplace_back());
  } else {
    const std::string_view kind = !node.exists() || node.is_null()   ? "invalid"
                                  : node.is_string()                 ? "string"
                                  : node.kind() == yaml::Kind::kBool ? "bool"
                                                                     : "float64";
    return fail(
        Code::kInvalid,
        "unsupported replacement type encountered within replacement path: " + std::string(kind));
  }
  if (decoder.failed()) {
    return fail(Code::kInvalid, "error unmarshaling JSON: while decoding JSON: " + decoder.error());
  }
  return replacements;
}

}  // namespace sluice::kustomize
