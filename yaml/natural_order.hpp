#pragma once
/// The order in which go-yaml prints the keys of a map (v2 sorter.go): digits by value, letters
/// after everything else. Private to the module.

#include <cstdint>
#include <span>
#include <string_view>

namespace sluice::yaml {

/// True when `a` is printed before `b`. Not transitive when digits and letters mix ("a10" < "a1b" <
/// "a9" < "a10"): sort with sort_keys_naturally(), never with std::sort.
bool naturally_less(std::string_view a, std::string_view b);

struct SortKey {
  std::string_view text;
  std::uint32_t index;  // of the entry
};

/// Sorts by naturally_less. The result depends on the set of keys only, even where the order is not
/// transitive and Go's own output differs from run to run.
void sort_keys_naturally(std::span<SortKey> keys);

}  // namespace sluice::yaml
