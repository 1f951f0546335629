#pragma once
/// What an object in a cluster is called: group, version, kind, namespace, name.

#include <compare>
#include <functional>
#include <string>
#include <string_view>

namespace sluice {

struct Gvk {
  std::string group;  ///< "" for core
  std::string version;
  std::string kind;
  /// Splits "apps/v1" or "v1".
  static Gvk from(std::string_view api_version, std::string_view kind);
  /// "apps/v1" or "v1".
  std::string api_version() const;
  friend bool operator==(const Gvk&, const Gvk&) = default;
  friend auto operator<=>(const Gvk&, const Gvk&) = default;
};

struct ObjectId {
  Gvk gvk;
  std::string ns;  ///< "" for cluster-scoped objects
  std::string name;
  /// "Kind/namespace/name" or "Kind/name": the form Flux uses in messages.
  std::string text() const;
  friend bool operator==(const ObjectId&, const ObjectId&) = default;
  friend auto operator<=>(const ObjectId&, const ObjectId&) = default;
};

std::size_t hash_combine(std::size_t seed, std::string_view text);

}  // namespace sluice

template <>
struct std::hash<sluice::Gvk> {
  std::size_t operator()(const sluice::Gvk& gvk) const noexcept {
    return sluice::hash_combine(
        sluice::hash_combine(sluice::hash_combine(0, gvk.group), gvk.version), gvk.kind);
  }
};
template <>
struct std::hash<sluice::ObjectId> {
  std::size_t operator()(const sluice::ObjectId& id) const noexcept {
    return sluice::hash_combine(sluice::hash_combine(std::hash<sluice::Gvk>{}(id.gvk), id.ns),
                                id.name);
  }
};
