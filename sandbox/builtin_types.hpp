#pragma once
/// The kinds that the sandbox serves from the start, and the shape of each.
///
/// Read from builtin_types.inc, one definition a line:
///
///     type GROUP/VERSION KIND PLURAL SINGULAR SCOPE SHORTNAMES CATEGORIES SUBRESOURCES DEFINITION
///
///     def NAME[*] FIELD@[NUMBER][!][+|*|-][~MERGEKEY][^]:TYPE …
///
/// After a NAME, `*` is a struct that merges as a whole. After a FIELD: its protobuf number, `!`
/// required, `+` printed even when empty, `*` the same but a pointer (null), `-` not printed when
/// zero, `~` patchStrategy merge (with its key), `^` retainKeys. A TYPE is s string,
/// s(A|B) one of these words, y bytes, t time, b bool, i int32, l int64, n number, x int-or-string,
/// q quantity, any, the NAME of a definition, [T] an atomic list, [set_T], [map_KEY,KEY=DEFAULT_T],
/// {T} a map, {atomic_T}.

#include <string>
#include <string_view>
#include <vector>

#include "sandbox/types.hpp"

namespace sluice::sandbox {

struct BuiltinResource {
  std::string group, version, kind, plural, singular;
  bool namespaced = false;
  std::vector<std::string> short_names, categories;
  bool has_status = false, has_scale = false;
  const Type* type = nullptr;
};

/// Parsed once per process, then immutable.
const std::vector<BuiltinResource>& builtin_resources();
/// A definition by its name ("meta.v1.ObjectMeta"); null when there is none.
const Type* builtin_type(std::string_view name);
/// Names of all definitions, sorted.
std::vector<std::string_view> builtin_type_names();

std::vector<std::string> split(std::string_view text, char separator);

}  // namespace sluice::sandbox
