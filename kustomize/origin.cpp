#include "origin.hpp"

#include <utility>

#include "sluice/yaml/document.hpp"
#include "sluice/yaml/write.hpp"

#include "build_annotations.hpp"
#include "gvk.hpp"
#include "repo_url.hpp"
#include "transformers.hpp"

namespace sluice::kustomize {

namespace {

// `text` as a YAML scalar.
std::string scalar(const std::string& text) {
  yaml::Document document;
  document.root().set_string(text);
  std::string out;
  if (!yaml::write_yaml(std::as_const(document).root(), out)) return text;
  while (out.ends_with('\n'))
    out.pop_back();
  return out;
}

void add_line(std::string& out, std::string_view indent, std::string_view key,
              const std::string& value) {
  if (value.empty()) return;
  out.append(indent).append(key).append(": ").append(scalar(value)).append("\n");
}

std::string indented_origin(const Origin& origin, std::string_view indent) {
  std::string out;
  add_line(out, indent, "path", origin.path);
  add_line(out, indent, "repo", origin.repo);
  add_line(out, indent, "ref", origin.ref);
  add_line(out, indent, "configuredIn", origin.configured_in);
  const std::string inner = std::string(indent) + "  ";
  std::string by;
  add_line(by, inner, "apiVersion", origin.by_api_version);
  add_line(by, inner, "kind", origin.by_kind);
  add_line(by, inner, "name", origin.by_name);
  add_line(by, inner, "namespace", origin.by_namespace);
  if (!by.empty()) out.append(indent).append("configuredBy:\n").append(by);
  return out;
}

/// metadata.annotations as Resource.SetAnnotations leaves it: strings, in nodes of its own.
yaml::Ref own_annotations(BuildResource& resource) {
  const yaml::Ref metadata = resource.root().put_mapping("metadata");
  const yaml::Ref annotations = metadata.put_mapping("annotations");
  if (field(annotations, "").exists()) return annotations;  // the last step of a build refuses it
  // Of a mapping, this cannot fail.
  static_cast<void>(rewrite_metadata(metadata, "annotations", resource.shares_nodes));
  return metadata.put_mapping("annotations");
}

}  // namespace

std::string join_paths(std::string_view base, std::string_view path) {
  std::vector<std::string_view> parts;
  const bool absolute = base.empty() ? path.starts_with('/') : base.starts_with('/');
  for (std::string_view rest : {base, path}) {
    while (!rest.empty()) {
      const std::size_t end = rest.find('/');
      const std::string_view part = rest.substr(0, end);
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
      if (part.empty() || part == ".") continue;
      if (part == ".." && !parts.empty() && parts.back() != "..") {
        parts.pop_back();
      } else if (part != ".." || !absolute) {
        parts.push_back(part);
      }
    }
  }
  std::string joined = absolute ? "/" : "";
  for (const std::string_view part : parts) {
    if (!joined.empty() && joined.back() != '/') joined += '/';
    joined += part;
  }
  if (joined.empty() && !(base.empty() && path.empty())) return ".";
  return joined;
}

Origin append_origin(const Origin& origin, std::string_view path) {
  Origin result = origin;
  if (const auto repo = parse_repo_url(path)) {
    result.repo = repo->clone_url();
    result.ref = repo->ref;
    result.path = join_paths("", repo->path);
    // kustomize takes the path apart by its slashes and, where the repository's root is meant, is
    // left with the name that it gives repositories before they are cloned.
    if (result.path.empty() || result.path == ".") result.path = "notCloned";
    return result;
  }
  result.path = join_paths(origin.path, path);
  return result;
}

Result<void> annotate_origins(ResMap& resources, const Origin& origin) {
  const FieldSpec annotations{{}, "metadata/annotations", true};
  const StringMap entries{{std::string(kOriginKey), indented_origin(origin, "")}};
  SLUICE_CHECK(set_annotations(resources, entries, {&annotations, 1}));
  for (const auto& resource : resources.items())
    resource->origin = origin;
  return {};
}

void annotate_origin(BuildResource& resource, const Origin& origin) {
  resource.origin = origin;
  own_annotations(resource).put_string(kOriginKey, indented_origin(origin, ""));
}

bool annotate_transformation(BuildResource& resource, const Origin& origin) {
  if (!resource.root().get("metadata").get("annotations").get(kOriginKey).exists()) return false;
  const yaml::Ref annotations = own_annotations(resource);
  std::string item = indented_origin(origin, "  ");
  if (item.empty()) item = "  {}\n";
  item[0] = '-';
  const std::string before(annotations.get(kTransformationsKey).text());
  annotations.put_string(kTransformationsKey, before + item);
  return true;
}

}  // namespace sluice::kustomize
