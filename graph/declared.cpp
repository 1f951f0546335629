#include "sluice/graph/graph.hpp"
#include "sluice/yaml/read.hpp"

namespace sluice::graph {
namespace {

constexpr std::string_view kGroup = "kustomize.toolkit.fluxcd.io/";

void read_file(const sources::Tree& tree, const TreePath& path,
               std::vector<DeclaredDependency>& out) {
  const auto blob = tree.read(path);
  if (!blob || blob->bytes->find(kGroup) == std::string::npos ||
      blob->bytes->find("dependsOn") == std::string::npos) {
    return;
  }
  const auto documents = yaml::read_yaml(blob->bytes, FileId::kNone);
  if (!documents) return;
  for (const yaml::Document& document : *documents) {
    const yaml::Node root = document.root();
    if (root.get("kind").string_or("") != "Kustomization" ||
        !root.get("apiVersion").string_or("").starts_with(kGroup)) {
      continue;
    }
    const yaml::Node metadata = root.get("metadata");
    const KustomizationName from{std::string(metadata.get("namespace").string_or("")),
                                 std::string(metadata.get("name").string_or(""))};
    const yaml::Node depends_on = root.find("spec", "dependsOn");
    for (std::size_t i = 0; i < depends_on.size(); ++i) {
      const yaml::Node entry = depends_on.at(i);
      const Position at = entry.position();
      out.push_back({from,
                     {std::string(entry.get("namespace").string_or(from.ns)),
                      std::string(entry.get("name").string_or(""))},
                     {tree.display(path), at.line(), at.column()}});
    }
  }
}

void read_directory(const sources::Tree& tree, const TreePath& directory,
                    std::vector<DeclaredDependency>& out) {
  const auto entries = tree.list(directory);
  if (!entries) return;
  for (const sources::Entry& entry : *entries) {
    const auto path = directory.join(entry.name);
    if (!path) continue;
    if (entry.kind == sources::EntryKind::kDirectory) {
      // A link to a directory above would loop for ever: only what is really here is read.
      const auto stat = tree.stat(*path);
      if (stat && stat->real_path == *path) read_directory(tree, *path, out);
    } else if (entry.name.ends_with(".yaml") || entry.name.ends_with(".yml")) {
      read_file(tree, *path, out);
    }
  }
}

}  // namespace

std::vector<DeclaredDependency> declared_dependencies(const sources::Tree& tree) {
  std::vector<DeclaredDependency> out;
  read_directory(tree, TreePath(), out);
  return out;
}

}  // namespace sluice::graph
