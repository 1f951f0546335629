#pragma once
/// What every test includes: doctest, Result helpers, and skipping that is said and counted.

#include <string>

#include <doctest/doctest.h>

#include "sluice/base/result.hpp"

namespace sluice::test {

/// Prints and counts a skip.
void record_skip(const std::string& reason);

/// The text of a failed Result, "" of a good one: for INFO and comparisons.
template <class T>
std::string error_text(const Result<T>& result) {
  return result ? std::string() : result.error().text();
}

}  // namespace sluice::test

/// SLUICE_SKIP("kustomize is not on PATH (scripts/deps --tests installs it)"); ends the test case.
#define SLUICE_SKIP(reason)              \
  do {                                   \
    ::sluice::test::record_skip(reason); \
    return;                              \
  } while (false)

/// Requires a Result to hold a value and shows its error otherwise.
#define REQUIRE_OK(result) REQUIRE_MESSAGE((result).has_value(), ::sluice::test::error_text(result))
#define CHECK_OK(result) CHECK_MESSAGE((result).has_value(), ::sluice::test::error_text(result))
