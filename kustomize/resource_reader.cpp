#include "resource_reader.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "sluice/base/encoding.hpp"
#include "sluice/decrypt/sops_file.hpp"
#include "sluice/yaml/read.hpp"

#include "comment_lines.hpp"
#include "gvk.hpp"
#include "json_round_trip.hpp"
#include "merge_comments.hpp"
#include "odd_keys.hpp"
#include "schema.hpp"

namespace sluice::kustomize {

namespace {

constexpr std::string_view kMalformed = "MalformedYAMLError: ";
constexpr std::string_view kInternalDomain = "internal.config.kubernetes.io/";

// How the text is cut at lines that start with "---". Both engines agree on that but for two
// oddities, for which `pieces` is filled and each piece is read on its own.
struct Split {
  std::size_t count = 1;
  bool is_odd = false;
  std::vector<std::string_view> pieces;
};

Result<Split> split_documents(std::string_view text) {
  Split split;
  std::size_t begin = 0;
  std::size_t at = 0;
  while ((at = text.find("\n---", at)) != std::string_view::npos) {
    const std::size_t end = text.find('\n', at + 4);
    const std::string_view tail =
        text.substr(at + 4, end == std::string_view::npos ? std::string_view::npos : end - at - 4);
    const std::string_view content = go_trim_space(tail);
    if (end == std::string_view::npos) {
      // Go's pattern wants the line break: to kustomize this is still the document before.
      split.is_odd |= !content.empty();
      break;
    }
    if (!content.empty() && content[0] != '#') {
      return fail(Code::kInvalid, "invalid document separator: " +
                                      std::string(go_trim_space(text.substr(at, end - at))));
    }
    split.pieces.push_back(text.substr(begin, at + 1 - begin));
    ++split.count;
    begin = end + 1;
    at = end;
    // A "---" right after a separator is not one: its line break is used up.
    if (text.substr(end + 1).starts_with("---")) at = end + 1;
  }
  split.pieces.push_back(text.substr(begin));
  // "..." ends a document; kustomize drops what follows it in the same piece.
  split.is_odd |= text.find("\n...") != std::string_view::npos;
  return split;
}

/// Whether a document that has a key twice must not: a SOPS file, whose MAC is over every value, or
/// a list of such.
bool must_not_repeat(const yaml::Document& document) {
  if (!document.has_odd_keys()) return false;
  const yaml::Node root = document.root();
  if (field(root, "sops").exists()) return true;
  const yaml::Node items = field(root, "items");
  for (std::size_t i = 0; items.is_sequence() && i < items.size(); ++i) {
    if (field(items.at(i), "sops").exists()) return true;
  }
  return false;
}

yaml::ReadOptions read_options(const BuildContext& context, bool keep_repeated = true) {
  yaml::ReadOptions options;
  options.engine = context.options().yaml_engine;
  options.keep_repeated = keep_repeated;
  options.share_anchors = false;  // kustomize reads one document after the other
  options.merge_as_written = true;
  return options;
}

Result<std::vector<yaml::Document>> read_documents(const std::shared_ptr<const std::string>& text,
                                                   const Split& split, FileId id,
                                                   const BuildContext& context,
                                                   bool keep_repeated = true) {
  const yaml::ReadOptions options = read_options(context, keep_repeated);
  const auto checked = [&](Result<std::vector<yaml::Document>> documents) {
    const bool again = keep_repeated && documents &&
                       std::any_of(documents->begin(), documents->end(), must_not_repeat);
    return again ? read_documents(text, split, id, context, false) : std::move(documents);
  };
  if (!split.is_odd) {
    auto documents = yaml::read_yaml(text, id, options);
    if (documents || split.count == 1) return checked(std::move(documents));
    // kustomize counts lines from the start of the piece: read them one by one for the message.
    const Where place = documents.error().where();
    for (const std::string_view piece : split.pieces) {
      auto part = yaml::read_yaml(piece, id, options);
      if (!part) {
        Error error = std::move(part).error();
        return fail(Error(error.code(), error.message(), place, error.hint()));
      }
    }
    return documents;
  }
  std::vector<yaml::Document> all;
  for (const std::string_view piece : split.pieces) {
    SLUICE_TRY(auto documents, yaml::read_yaml(piece, id, options));
    if (!documents.empty()) all.push_back(std::move(documents.front()));
  }
  return checked(std::move(all));
}

// types.go IsYNodeNilOrEmpty, for a field of a mapping.
bool nil_or_empty(yaml::Node node) {
  if (!node.exists() || node.is_null()) return true;
  return (node.is_mapping() || node.is_sequence()) && node.size() == 0;
}

std::string_view text_of(yaml::Node node) {
  return nil_or_empty(node) || !is_leaf(node) ? std::string_view() : node.text();
}

// Go's %v of a map[string]string.
std::string go_map(yaml::Node node) {
  std::map<std::string_view, std::string_view> sorted;
  if (node.is_mapping()) {
    for (std::size_t i = 0; i < node.size(); ++i) {
      sorted.emplace(node.key(i).text(), text_of(node.value(i)));
    }
  }
  std::string text = "map[";
  for (const auto& [key, value] : sorted) {
    if (text.size() > 4) text += ' ';
    text += key;
    text += ':';
    text += value;
  }
  return text + "]";
}

yaml::Document part_of(yaml::Node node) {
  yaml::Document part;
  part.set_root(part.import(node));
  return part;
}

// Comma-separated lists that a user wrote into kustomize's own annotations.
std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> words;
  for (;;) {
    const std::size_t comma = text.find(',');
    words.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return words;
    text.remove_prefix(comma + 1);
  }
}

// An input may carry kustomize's own annotations (a plugin's output does): they count. The last
// step of a build removes them, so they are taken out now.
void take_annotations(BuildResource& resource) {
  const yaml::Ref metadata = resource.root().get("metadata");
  const yaml::Ref annotations = metadata.get("annotations");
  if (!annotations.is_mapping()) return;
  std::vector<std::string> names, spaces, kinds;
  for (std::size_t i = 0; i < annotations.size();) {
    const std::string_view key = annotations.key(i).text();
    if (!key.starts_with(kInternalDomain)) {
      ++i;
      continue;
    }
    const std::string_view name = key.substr(kInternalDomain.size());
    const std::string_view value = annotations.value(i).text();
    if (name == "needsHashSuffix") {
      resource.needs_hash = value == "enabled";
    } else if (name == "generatorBehavior") {
      resource.behavior = parse_behavior(value);
      resource.generated = true;
    } else if (name == "helm-generated") {
      resource.helm_generated = value == "true";
    } else if (name == "allowNameChange") {
      resource.allow_name_change = value == "enabled";
    } else if (name == "allowKindChange") {
      resource.allow_kind_change = value == "enabled";
    } else if (name == "prefixes") {
      resource.prefixes = split_list(value);
    } else if (name == "suffixes") {
      resource.suffixes = split_list(value);
    } else if (name == "previousNames") {
      names = split_list(value);
    } else if (name == "previousNamespaces") {
      spaces = split_list(value);
    } else if (name == "previousKinds") {
      kinds = split_list(value);
    } else if (name != "refBy" && name != "path" && name != "index" && name != "seqindent" &&
               name != "id" && name != "annotations-migration-resource-id") {
      ++i;
      continue;
    }
    resource.had_build_annotation = true;
    annotations.erase_entry(i);
  }
  if (names.size() == spaces.size() && names.size() == kinds.size()) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      resource.previous.push_back({names[i], spaces[i], kinds[i]});
    }
  }
}

// The documents of one file after ByteReader: lists in a single document are unwrapped.
std::vector<yaml::Document> unwrap_single_list(std::vector<yaml::Document> documents) {
  if (documents.size() != 1) return documents;
  const yaml::Node root = std::as_const(documents.front()).root();
  const std::string_view kind = text_of(field(root, "kind"));
  if (kind != "List" && kind != "ResourceList") return documents;
  const yaml::Node items = field(root, "items");
  if (!items.exists() && !field(root, "functionConfig").exists()) return documents;
  std::vector<yaml::Document> unwrapped;
  unwrapped.reserve(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    unwrapped.push_back(part_of(items.at(i)));
  }
  return unwrapped;
}

Result<void> check(const yaml::Document& document, const BuildContext& context) {
  auto done = check_metadata(document.root());
  if (!done) return fail(std::move(done).error().at(context.where(document.root())));
  return {};
}

// Factory.inlineAnyEmbeddedLists: the items of a FooList come after all other documents.
Result<std::vector<yaml::Document>> inline_lists(std::vector<yaml::Document> documents,
                                                 const BuildContext& context) {
  std::vector<yaml::Document> result;
  result.reserve(documents.size());
  for (std::size_t next = 0; next < documents.size(); ++next) {
    const yaml::Node root = std::as_const(documents[next]).root();
    const std::string kind(text_of(field(root, "kind")));
    const yaml::Node items = field(root, "items");
    if (!kind.ends_with("List") || !items.exists()) {
      result.push_back(std::move(documents[next]));
      continue;
    }
    if (documents[next].has_odd_keys()) {  // kustomize decodes the whole list
      if (auto single = refuse_odd_keys(root, context); !single) {
        return fail(std::move(single).error().prefix("trouble expanding list of " + kind +
                                                     "; received error "));
      }
    }
    if (items.is_null()) continue;
    if (!items.is_sequence()) {
      return fail(Error(Code::kInvalid,
                        "expected array in " + kind + "/items, but found " +
                            (items.is_mapping() ? "map[string]interface {}" : "string"),
                        context.where(items)));
    }
    const yaml::Document list = std::move(documents[next]);  // `documents` grows below
    const yaml::Node inner = list.root().get("items");
    for (std::size_t i = 0; i < inner.size(); ++i) {
      yaml::Document item = part_of(inner.at(i));
      SLUICE_CHECK(read_as_json(item.root()));
      if (nil_or_empty(std::as_const(item).root())) continue;
      SLUICE_CHECK(check(item, context));
      documents.push_back(std::move(item));
    }
  }
  return result;
}

Result<Resources> checked_resources(std::vector<yaml::Document> documents,
                                    const BuildContext& context) {
  std::erase_if(documents,
                [](const yaml::Document& document) { return nil_or_empty(document.root()); });
  for (const yaml::Document& document : documents)
    SLUICE_CHECK(check(document, context));
  SLUICE_TRY(documents, inline_lists(std::move(documents), context));

  Resources resources;
  resources.reserve(documents.size());
  for (yaml::Document& document : documents) {
    auto resource = std::make_unique<BuildResource>();
    resource->doc = std::move(document);
    if (resource->doc.has_odd_keys()) join_repeated_annotations(resource->root());
    take_annotations(*resource);
    read_id(*resource, std::as_const(context).schema());
    resources.push_back(std::move(resource));
  }
  return resources;
}

}  // namespace

Result<void> check_metadata(yaml::Node root) {
  const std::string_view api_version = text_of(field(root, "apiVersion"));
  const std::string_view kind = text_of(field(root, "kind"));
  const yaml::Node metadata = field(root, "metadata");
  const bool has_metadata = !nil_or_empty(metadata);
  const auto has = [&](std::string_view name) { return !nil_or_empty(field(metadata, name)); };
  if (api_version.empty() && kind.empty() && nil_or_empty(field(root, "apiVersion")) &&
      nil_or_empty(field(root, "kind")) &&
      !(has_metadata && (has("name") || has("namespace") || has("labels") || has("annotations")))) {
    return fail(Code::kInvalid, "missing Resource metadata");
  }
  const std::string_view name = text_of(field(metadata, "name"));
  const bool is_list = kind.ends_with("List");
  if (!kind.empty() && (is_list || !name.empty())) return {};
  std::string shown = "{{";
  shown.append(api_version).append(" ").append(kind).append("} {{").append(name).append(" ");
  shown.append(text_of(field(metadata, "namespace"))).append("} ");
  shown += go_map(field(metadata, "labels")) + " " + go_map(field(metadata, "annotations")) + "}}";
  return fail(Code::kInvalid, std::string(kind.empty() ? "missing kind in object "
                                                       : "missing metadata.name in object ") +
                                  shown);
}

bool is_malformed_yaml(const Error& error) {
  return error.message().find("MalformedYAMLError") != std::string::npos;
}

Error name_file(Error error, std::string_view path) {
  if (!is_malformed_yaml(error)) return error;
  return Error(error.code(), error.message() + " in File: " + std::string(path), error.where(),
               error.hint());
}

Result<Resources> read_resources(std::shared_ptr<const std::string> text, FileId id,
                                 std::string_view path, BuildContext& context) {
  const std::shared_ptr<const std::string> original = text;
  if (text->find("\r\n") != std::string::npos) {
    std::string unix_text;
    unix_text.reserve(text->size());
    for (std::size_t i = 0; i < text->size(); ++i) {
      if ((*text)[i] == '\r' && i + 1 < text->size() && (*text)[i + 1] == '\n') continue;
      unix_text += (*text)[i];
    }
    text = std::make_shared<const std::string>(std::move(unix_text));
  }
  SLUICE_TRY(const Split split, split_documents(*text));
  auto read = read_documents(text, split, id, context);
  if (!read) {
    Error error = std::move(read).error();
    if (error.message().starts_with("yaml: ")) error = std::move(error).prefix(kMalformed);
    Where place = error.where();
    if (place.file.empty()) place.file = context.files().name(id);
    return fail(Error(error.code(), error.message(), std::move(place), error.hint()));
  }
  std::vector<yaml::Document> documents = *std::move(read);
  SLUICE_CHECK(move_comment_lines(split.pieces, read_options(context), documents));
  if (!split.is_odd) {
    SLUICE_CHECK(tag_merge_rules(*text, documents, std::as_const(context).schema()));
  }
  context.count_parsed(documents.size());
  if (context.options().lift_encrypted && !documents.empty()) {
    const std::string_view name = context.files().name(id);
    auto lifted = decrypt::lift_leaves(documents, original, std::string(name.empty() ? path : name),
                                       context.sops());
    if (!lifted) return fail(std::move(lifted).error());
  }
  if (split.count == 1) documents = unwrap_single_list(std::move(documents));
  return checked_resources(std::move(documents), context);
}

Result<Resources> to_resources(std::vector<yaml::Document> documents, BuildContext& context) {
  return checked_resources(unwrap_single_list(std::move(documents)), context);
}

Result<ResMap> to_res_map(Resources resources, const Schema& schema) {
  ResMap map(schema);
  for (auto& resource : resources)
    SLUICE_CHECK(map.append(std::move(resource)));
  return map;
}

}  // namespace sluice::kustomize
