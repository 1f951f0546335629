#pragma once
/// In which order objects are applied (fluxcd/pkg/ssa/sort.go, manager_apply.go).

#include <compare>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "sluice/base/object_id.hpp"

namespace sluice::apply {

/// What must be established before the next stage begins.
enum class Stage : std::uint8_t { kDefinitions, kClasses, kCustom, kRest };

Stage stage_of(const Gvk& gvk, const std::set<std::pair<std::string, std::string>>& custom_kinds);

/// Place of a kind within a stage: kinds that others refer to first, webhooks last, all others 0.
int kind_rank(std::string_view kind);

/// Rank, group, kind, namespace, name.
std::strong_ordering apply_order(const ObjectId& a, const ObjectId& b);

}  // namespace sluice::apply
