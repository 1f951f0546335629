#pragma once
/// `Result<T>`: a value or an Error. Exceptions never cross a module boundary.
/// An alias of tl::expected (docs/adr/0004), whose names are std::expected's.

#include <utility>

#include <tl/expected.hpp>

#include "sluice/base/error.hpp"

namespace sluice {

template <class T>
using Result = tl::expected<T, Error>;

/// `return fail(Code::kInvalid, "…");` from any function that returns a Result.
template <class... Args>
tl::unexpected<Error> fail(Code code, Args&&... args) {
  return tl::unexpected<Error>(Error(code, std::forward<Args>(args)...));
}
inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace sluice

#define SLUICE_CONCAT_(a, b) a##b
#define SLUICE_CONCAT(a, b) SLUICE_CONCAT_(a, b)

/// SLUICE_TRY(auto value, expression); binds the value or returns the error.
#define SLUICE_TRY(declaration, ...) \
  SLUICE_TRY_(SLUICE_CONCAT(sluice_try_, __COUNTER__), declaration, __VA_ARGS__)
#define SLUICE_TRY_(name, declaration, ...)                                     \
  auto name = (__VA_ARGS__);                                                    \
  if (!name) return ::tl::unexpected<::sluice::Error>(std::move(name).error()); \
  declaration = *std::move(name)

/// SLUICE_CHECK(expression); returns the error of a Result<void> (or of any Result, dropping the
/// value).
#define SLUICE_CHECK(...) SLUICE_CHECK_(SLUICE_CONCAT(sluice_check_, __COUNTER__), __VA_ARGS__)
#define SLUICE_CHECK_(name, ...)        \
  if (auto name = (__VA_ARGS__); !name) \
  return ::tl::unexpected<::sluice::Error>(std::move(name).error())
