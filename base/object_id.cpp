#include "sluice/base/object_id.hpp"

namespace sluice {

Gvk Gvk::from(std::string_view api_version, std::string_view kind) {
  const std::size_t slash = api_version.find('/');
  if (slash == std::string_view::npos) return {"", std::string(api_version), std::string(kind)};
  return {std::string(api_version.substr(0, slash)), std::string(api_version.substr(slash + 1)),
          std::string(kind)};
}

std::string Gvk::api_version() const {
  return group.empty() ? version : group + "/" + version;
}

std::string ObjectId::text() const {
  return ns.empty() ? gvk.kind + "/" + name : gvk.kind + "/" + ns + "/" + name;
}

std::size_t hash_combine(std::size_t seed, std::string_view text) {
  return seed ^
         (std::hash<std::string_view>{}(text) + 0x9e3779b97f4a7c15ULL + (seed << 6) + (seed >> 2));
}

}  // namespace sluice
