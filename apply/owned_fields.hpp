#pragma once
/// Knowing without asking that applying would change nothing: the fields that we own, as the server
/// keeps them in metadata.managedFields, are exactly those of the object to apply, and each has the
/// same value. Then server-side apply of the same version is a no-op, and no dry-run is needed.

#include <string>
#include <string_view>

#include "sluice/yaml/document.hpp"

namespace sluice::apply {

/// Careful rather than clever: false whenever it cannot be told (encrypted or masked values, values
/// that the server writes differently, keys that it fills in).
bool is_already_applied(yaml::Node body, yaml::Node live, const std::string& field_manager);

/// True when each pair of `key`, the JSON after "k:" in FieldsV1, is in the list item.
bool has_item_key(yaml::Node item, std::string_view key);

}  // namespace sluice::apply
