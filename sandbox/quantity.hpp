#pragma once
/// Quantities ("500m", "1Gi") as apimachinery's resource.Quantity prints them.

#include <string>
#include <string_view>

namespace sluice::sandbox {

/// The canonical form: "1000m" is "1", "1000" is "1k", "1024Mi" is "1Gi", "0.5" is "500m". What is
/// no quantity, or larger than 63 bits, comes back as it is.
std::string canonical_quantity(std::string_view text);

}  // namespace sluice::sandbox
