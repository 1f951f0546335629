#include <algorithm>
#include <optional>

#include "sluice/base/ascii.hpp"
#include "sluice/kustomize/build.hpp"
#include "sluice/kustomize/provenance.hpp"

#include "trace.hpp"

namespace sluice::kustomize {
namespace {

struct Query {
  std::string_view kind, ns, name, path;
};

constexpr std::string_view kHint =
    "write --explain KIND/NAME, KIND/NAMESPACE/NAME or KIND/NAME:path";

/// A name may hold colons ("system:node"): `colon` says at which one the path begins.
Query split(std::string_view query, std::size_t colon) {
  Query parts;
  const std::string_view object = query.substr(0, colon);
  if (colon != std::string_view::npos) parts.path = query.substr(colon + 1);
  const std::size_t slash = object.find('/');
  parts.kind = object.substr(0, slash);
  parts.name = slash == std::string_view::npos ? std::string_view() : object.substr(slash + 1);
  if (const std::size_t second = parts.name.find('/'); second != std::string_view::npos) {
    parts.ns = parts.name.substr(0, second);
    parts.name.remove_prefix(second + 1);
  }
  return parts;
}

bool matches(const Resource& resource, const Query& query) {
  const ObjectId& id = resource.id;
  if (!equals_ignoring_case(id.gvk.kind, query.kind)) return false;
  if (!query.ns.empty() && (id.ns.empty() ? "default" : id.ns) != query.ns) return false;
  return id.name == query.name ||
         std::find(resource.former_names.begin(), resource.former_names.end(), query.name) !=
             resource.former_names.end();
}

std::vector<std::size_t> find(const BuildResult& result, const Query& query) {
  std::vector<std::size_t> found;
  const auto& all = result.resources.resources;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (matches(all[i], query)) found.push_back(i);
  }
  return found;
}

/// One of both lies in the other, or they are the same.
bool concerns(std::string_view a, std::string_view b) {
  const auto is_below = [](std::string_view path, std::string_view top) {
    return path.starts_with(top) && (path.size() == top.size() || path[top.size()] == '.');
  };
  return is_below(a, b) || is_below(b, a);
}

class Printer {
 public:
  Printer(const BuildResult& result, std::string& out) : result_(result), out_(out) {}

  /// False when the object has no such field and never had.
  bool print(std::size_t index, std::string_view wanted) {
    const Resource& resource = result_.resources.resources[index];
    const yaml::Node root = resource.document.root();
    std::string path = wanted.empty() ? std::string() : canonical_path(root, wanted);
    if (!wanted.empty() && path.empty()) path = wanted;  // it may have been removed
    const History& history = result_.histories[index];

    std::string text = resource.id.text() + "\n";
    bool any = wanted.empty();
    for (std::size_t i = 0; i < history.size(); ++i) {
      const Touch& touch = history[i];
      std::string lines;
      add_paths(touch.added, "adds", path, lines);
      add_paths(touch.changed, "changes", path, lines);
      add_paths(touch.removed, "removes", path, lines);
      any |= !lines.empty();
      if (!wanted.empty() && lines.empty() && i != 0) continue;
      text += "  " + (touch.where.empty() ? std::string() : touch.where.text() + "  ") +
              touch.step + "\n" + lines;
    }
    std::string fields;
    for (const auto& [field, node] : list_fields(root)) {
      if (!path.empty() && !concerns(field, path)) continue;
      fields += "    " + field + "  " + written(node, field, history) + "\n";
    }
    if (!fields.empty()) text += "  written at\n" + fields;
    if (!any && fields.empty()) return false;
    if (!out_.empty()) out_ += "\n";
    out_ += text;
    return true;
  }

 private:
  static void add_paths(const std::vector<std::string>& paths, std::string_view verb,
                        const std::string& wanted, std::string& lines) {
    for (const std::string& path : paths) {
      if (!wanted.empty() && !concerns(path, wanted)) continue;
      lines.append("    ").append(verb).append(" ").append(path).append("\n");
    }
  }

  /// A value that no file holds as it is was written by the last step that touched it.
  std::string written(yaml::Node node, const std::string& field, const History& history) const {
    if (node.file() != FileId::kNone) {
      return result_.resources.files->where(node.file(), node.position()).text();
    }
    for (auto touch = history.rbegin(); touch != history.rend(); ++touch) {
      const auto covers = [&](const std::vector<std::string>& paths) {
        return std::any_of(paths.begin(), paths.end(),
                           [&](const std::string& path) { return concerns(field, path); });
      };
      if (!covers(touch->added) && !covers(touch->changed)) continue;
      return touch->where.empty() ? touch->step : touch->where.text();
    }
    return history.empty() ? "" : history.front().where.text();
  }

  const BuildResult& result_;
  std::string& out_;
};

}  // namespace

Result<std::string> explain(const BuildResult& result, std::string_view query) {
  std::optional<Query> parts;
  std::vector<std::size_t> found;
  for (std::size_t colon = std::string_view::npos; found.empty();) {
    const Query next = split(query, colon);
    if (next.kind.empty() || next.name.empty()) break;
    found = find(result, next);
    parts = next;
    if (colon == 0) break;
    colon = query.rfind(':', colon == std::string_view::npos ? colon : colon - 1);
    if (colon == std::string_view::npos) break;
  }
  if (!parts) {
    return fail(Code::kInvalid, "\"" + std::string(query) + "\" names no object", Where{},
                std::string(kHint));
  }
  if (found.empty()) {
    return fail(Code::kNotFound, "the build has no object \"" + std::string(query) + "\"", Where{},
                std::string(kHint));
  }
  std::string text;
  Printer printer(result, text);
  for (const std::size_t index : found)
    printer.print(index, parts->path);
  if (text.empty()) {
    return fail(Code::kNotFound, "\"" + std::string(query.substr(0, query.size())) +
                                     "\": the object has no such field, and no layer removed one");
  }
  return text;
}

}  // namespace sluice::kustomize
