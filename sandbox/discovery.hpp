#pragma once
/// What a client asks first: versions, groups, resources (plain and aggregated), OpenAPI v3.

#include <string>

#include "sandbox/registry.hpp"

namespace sluice::sandbox {

std::string version_json();
std::string core_versions_json();                 ///< /api
std::string groups_json(const Catalog& catalog);  ///< /apis
/// /apis/GROUP; "" when no version of it is served.
std::string group_json(const Catalog& catalog, const std::string& group);
/// /api/v1, /apis/GROUP/VERSION; "" when it is not served.
std::string resources_json(const Catalog& catalog, const std::string& group,
                           const std::string& version);
/// apidiscovery.k8s.io/v2 of the core group (/api) or of all others (/apis).
std::string aggregated_json(const Catalog& catalog, bool core);

std::string openapi_index_json(const Catalog& catalog);  ///< /openapi/v3
/// /openapi/v3/api/v1, /openapi/v3/apis/GROUP/VERSION; "" when it is not served. Says which patch
/// types and fieldValidation are supported, which is what kubectl apply looks for.
std::string openapi_json(const Catalog& catalog, const std::string& group,
                         const std::string& version);

}  // namespace sluice::sandbox
