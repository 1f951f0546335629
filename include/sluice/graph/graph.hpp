#pragma once
/// Who waits for whom among Kustomizations: declared `dependsOn` edges by (namespace, name), and
/// the loops in them. Static and pure: never asks a cluster, never reads plaintext.

#include <compare>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "sluice/base/result.hpp"
#include "sluice/sources/tree.hpp"

namespace sluice::graph {

/// A Flux Kustomization.
struct KustomizationName {
  std::string ns;
  std::string name;
  std::string text() const { return ns + "/" + name; }
  friend bool operator==(const KustomizationName&, const KustomizationName&) = default;
  friend auto operator<=>(const KustomizationName&, const KustomizationName&) = default;
};

/// Edges may point to Kustomizations that were not added: those wait for nobody.
class FleetGraph {
 public:
  void add(const KustomizationName& kustomization);
  /// `from` has `to` in its dependsOn; `where` is that entry's place, when known.
  void add_dependency(const KustomizationName& from, const KustomizationName& to, Where where = {});

  struct Edge {
    std::size_t to;
    Where where;
  };
  std::size_t size() const { return names_.size(); }
  const KustomizationName& name(std::size_t node) const { return names_[node]; }
  const std::vector<Edge>& edges(std::size_t node) const { return edges_[node]; }

 private:
  std::size_t index(const KustomizationName& name);
  std::map<KustomizationName, std::size_t> indexes_;
  std::vector<KustomizationName> names_;
  std::vector<std::vector<Edge>> edges_;
};

/// One loop: each member depends on the next, the last on the first.
struct Cycle {
  struct Step {
    KustomizationName kustomization;
    Where where;  ///< of its dependsOn entry that names the next member
  };
  std::vector<Step> steps;
  /// Every Kustomization that can never become ready because of this loop's strongly connected
  /// component, the loop included. Sorted.
  std::vector<KustomizationName> members;
  /// "apps/a -> apps/b -> apps/a", with " (file:line:column)" after a member whose entry's place is
  /// known.
  std::string text() const;
};

/// One Cycle for each strongly connected component that has a loop: its shortest one, starting at
/// the member that sorts first. Sorted by that member. O(nodes + edges), and for a component of k
/// nodes and e edges O(k * e) more.
std::vector<Cycle> find_cycles(const FleetGraph& graph);

/// Where the Kustomizations of a source are written, and where each dependsOn entry is: reads the
/// YAML files of `tree` that mention Flux's group. Files that do not parse are passed over: this
/// serves messages only.
struct DeclaredDependency {
  KustomizationName from, to;  ///< ns "" when the file does not say
  Where where;
};
std::vector<DeclaredDependency> declared_dependencies(const sources::Tree& tree);

}  // namespace sluice::graph
