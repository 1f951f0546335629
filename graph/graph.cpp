#include "sluice/graph/graph.hpp"

#include <algorithm>
#include <deque>
#include <limits>

namespace sluice::graph {
namespace {

constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

/// Tarjan's strongly connected components with an explicit stack: a chain of any length must not
/// exhaust the thread's. component[node] is the number of its component.
std::vector<std::size_t> components(const FleetGraph& graph) {
  const std::size_t n = graph.size();
  std::vector<std::size_t> order(n, kNone), low(n, 0), component(n, kNone), stack;
  std::vector<bool> on_stack(n, false);
  struct Frame {
    std::size_t node, next_edge;
  };
  std::vector<Frame> frames;
  std::size_t counter = 0, count = 0;
  const auto enter = [&](std::size_t node) {
    order[node] = low[node] = counter++;
    stack.push_back(node);
    on_stack[node] = true;
    frames.push_back({node, 0});
  };
  for (std::size_t root = 0; root < n; ++root) {
    if (order[root] != kNone) continue;
    enter(root);
    while (!frames.empty()) {
      auto& [node, next_edge] = frames.back();
      if (next_edge < graph.edges(node).size()) {
        const std::size_t to = graph.edges(node)[next_edge++].to;
        if (order[to] == kNone) {
          enter(to);
        } else if (on_stack[to]) {
          low[node] = std::min(low[node], order[to]);
        }
        continue;
      }
      if (low[node] == order[node]) {
        std::size_t member = kNone;
        do {
          member = stack.back();
          stack.pop_back();
          on_stack[member] = false;
          component[member] = count;
        } while (member != node);
        ++count;
      }
      const std::size_t done = node;
      frames.pop_back();
      if (!frames.empty()) low[frames.back().node] = std::min(low[frames.back().node], low[done]);
    }
  }
  return component;
}

/// Nodes of the shortest loop through `start` inside its component, from `start` on; empty when
/// longer than `limit` nodes.
std::vector<std::size_t> shortest_loop(const FleetGraph& graph, std::size_t start,
                                       const std::vector<std::size_t>& component,
                                       std::size_t limit) {
  std::map<std::size_t, std::size_t> parent;  // node -> the one before it
  std::deque<std::pair<std::size_t, std::size_t>> queue{{start, 1}};
  while (!queue.empty()) {
    const auto [node, length] = queue.front();
    queue.pop_front();
    if (length > limit) return {};
    for (const auto& edge : graph.edges(node)) {
      if (edge.to == start) {
        std::vector<std::size_t> loop;
        for (std::size_t at = node; at != start; at = parent[at])
          loop.push_back(at);
        loop.push_back(start);
        std::reverse(loop.begin(), loop.end());
        return loop;
      }
      if (component[edge.to] != component[start] || parent.contains(edge.to)) continue;
      parent.emplace(edge.to, node);
      queue.emplace_back(edge.to, length + 1);
    }
  }
  return {};
}

}  // namespace

std::size_t FleetGraph::index(const KustomizationName& name) {
  const auto [entry, added] = indexes_.emplace(name, names_.size());
  if (added) {
    names_.push_back(name);
    edges_.emplace_back();
  }
  return entry->second;
}

void FleetGraph::add(const KustomizationName& kustomization) {
  index(kustomization);
}

void FleetGraph::add_dependency(const KustomizationName& from, const KustomizationName& to,
                                Where where) {
  const std::size_t source = index(from);
  const std::size_t target = index(to);
  edges_[source].push_back({target, std::move(where)});
}

std::string Cycle::text() const {
  std::string out;
  for (const Step& step : steps) {
    out += step.kustomization.text();
    if (!step.where.empty()) out += " (" + step.where.text() + ")";
    out += " -> ";
  }
  return steps.empty() ? out : out + steps.front().kustomization.text();
}

std::vector<Cycle> find_cycles(const FleetGraph& graph) {
  const auto component = components(graph);
  std::map<std::size_t, std::vector<std::size_t>> members;  // of each component, by name
  for (std::size_t node = 0; node < graph.size(); ++node)
    members[component[node]].push_back(node);
  std::vector<Cycle> cycles;
  for (auto& [number, nodes] : members) {
    std::sort(nodes.begin(), nodes.end(),
              [&](std::size_t a, std::size_t b) { return graph.name(a) < graph.name(b); });
    std::vector<std::size_t> best;
    for (const std::size_t node : nodes) {
      // Only a strictly shorter loop replaces the first one found, so ties go to the smallest name.
      auto loop =
          shortest_loop(graph, node, component, best.empty() ? nodes.size() : best.size() - 1);
      if (!loop.empty()) best = std::move(loop);
      if (best.size() == 1) break;
    }
    if (best.empty()) continue;
    Cycle cycle;
    for (std::size_t i = 0; i < best.size(); ++i) {
      const std::size_t next = best[(i + 1) % best.size()];
      const auto& edges = graph.edges(best[i]);
      const auto edge =
          std::find_if(edges.begin(), edges.end(), [next](const auto& e) { return e.to == next; });
      cycle.steps.push_back({graph.name(best[i]), edge->where});
    }
    for (const std::size_t node : nodes)
      cycle.members.push_back(graph.name(node));
    cycles.push_back(std::move(cycle));
  }
  std::sort(cycles.begin(), cycles.end(), [](const Cycle& a, const Cycle& b) {
    return a.steps.front().kustomization < b.steps.front().kustomization;
  });
  return cycles;
}

}  // namespace sluice::graph
