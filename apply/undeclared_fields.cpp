#include "apply/undeclared_fields.hpp"

#include <optional>
#include <string>
#include <vector>

#include "sluice/yaml/read.hpp"

#include "apply/desired.hpp"

namespace sluice::apply {
namespace {

using yaml::Node;
using yaml::Ref;

constexpr std::string_view kMarker = ": field not declared in schema";

/// `path` as structured-merge-diff prints it: .spec.containers[name="main"].ports[0].foo
class PathWalk {
 public:
  explicit PathWalk(std::string_view path) : rest_(path) {}

  /// Removes the last field of the path below `root`.
  bool remove_from(Ref root) {
    Ref parent = root;
    std::string name;
    for (;;) {
      if (rest_.starts_with('.')) {
        if (!name.empty()) parent = parent.get(name);
        name = field();
        if (name.empty() || !parent.exists()) return false;
      } else if (rest_.starts_with('[')) {
        const std::size_t end = rest_.find(']');
        if (end == std::string_view::npos || name.empty()) return false;
        parent = item(parent.get(name), rest_.substr(1, end - 1));
        rest_.remove_prefix(end + 1);
        name.clear();
        if (!parent.exists()) return false;
      } else {
        break;
      }
    }
    return rest_.empty() && !name.empty() && parent.is_mapping() && parent.erase(name);
  }

 private:
  std::string field() {
    rest_.remove_prefix(1);
    const std::size_t end = std::min(rest_.find_first_of(".["), rest_.size());
    std::string name(rest_.substr(0, end));
    rest_.remove_prefix(end);
    return name;
  }
  /// `key`: 3, or name="main", or containerPort=80,protocol="TCP".
  static Ref item(Ref sequence, std::string_view key) {
    if (key.find('=') == std::string_view::npos) {
      std::size_t index = 0;
      for (const char c : key) {
        if (c < '0' || c > '9') return {};
        index = index * 10 + static_cast<std::size_t>(c - '0');
      }
      return sequence.at(index);
    }
    for (std::size_t i = 0; i < sequence.size(); ++i) {
      if (matches(sequence.at(i), key)) return sequence.at(i);
    }
    return {};
  }
  static bool matches(Node item, std::string_view key) {
    while (!key.empty()) {
      const std::size_t comma = std::min(key.find(','), key.size());
      const std::string_view pair = key.substr(0, comma);
      const std::size_t equals = pair.find('=');
      if (equals == std::string_view::npos) return false;
      std::string_view value = pair.substr(equals + 1);
      if (value.size() >= 2 && value.front() == '"') value = value.substr(1, value.size() - 2);
      if (item.get(pair.substr(0, equals)).text() != value) return false;
      key.remove_prefix(std::min(comma + 1, key.size()));
    }
    return true;
  }

  std::string_view rest_;
};

}  // namespace

bool drop_undeclared(Ref body, const Gvk& gvk, std::string_view message) {
  if (!is_built_in(gvk)) return false;
  bool is_changed = false;
  for (std::size_t at; (at = message.find(kMarker)) != std::string_view::npos;
       message.remove_prefix(at + kMarker.size())) {
    const std::string_view before = message.substr(0, at);
    const std::size_t start = before.find_last_of(" \n");
    const std::string_view path =
        start == std::string_view::npos ? before : before.substr(start + 1);
    is_changed = PathWalk(path).remove_from(body) || is_changed;
  }
  return is_changed;
}

}  // namespace sluice::apply
